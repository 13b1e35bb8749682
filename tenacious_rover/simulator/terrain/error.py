# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What worlds and terrain raise."""


class WorldError(ValueError):
    """The world cannot be made; the message names file, field, value and what is allowed."""
