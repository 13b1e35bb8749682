# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What the simulator refuses."""

from __future__ import annotations


class SimulatorError(ValueError):
    """Something that cannot be simulated; the message names it, the value and what is allowed."""
