# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What payload raises."""


class PayloadError(RuntimeError):
    """The Moonhouse could not be set down or proven; the message says why."""
