# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What the camera raises."""


class CameraError(ValueError):
    """A picture cannot be rendered or exposed; the message names the argument and its value."""
