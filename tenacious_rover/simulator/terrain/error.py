# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What worlds and terrain raise."""

from __future__ import annotations

from tenacious_rover.simulator.error import SimulatorError


class WorldError(SimulatorError):
    """The world cannot be made; the message names file, field, value and what is allowed."""
