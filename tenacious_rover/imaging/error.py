# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What imaging raises."""


class ImagingError(RuntimeError):
    """A picture could not be taken, made or stored; the message says why."""
