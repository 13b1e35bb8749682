# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What every platform owes the rover whatever autonomy says: the safety of the rover contract.

Times are of one steady clock in s, handed in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenacious_rover.rover.contract import ARM_TIMEOUT_S, COMMAND_TIMEOUT_S

if TYPE_CHECKING:
    from tenacious_rover.rover.model import Limits


class DriveGate:
    """Lets through the newest `cmd_vel` while it is fresh, finite and within limits."""

    def __init__(self, limits: Limits, timeout_s: float = COMMAND_TIMEOUT_S) -> None:
        self.limits, self.timeout_s = limits, timeout_s
        self._command = (0.0, 0.0)
        self._since_s = -math.inf

    def command(self, time_s: float, linear_mps: float, angular_radps: float) -> bool:
        """Take a command; one that is not finite stops the rover. Returns whether it was good."""
        good = math.isfinite(linear_mps) and math.isfinite(angular_radps)
        speed, turn = self.limits.speed_mps, self.limits.turn_rate_radps
        self._command = (
            (min(max(linear_mps, -speed), speed), min(max(angular_radps, -turn), turn))
            if good
            else (0.0, 0.0)
        )
        self._since_s = time_s
        return good

    def at(self, time_s: float) -> tuple[float, float]:
        """Linear m/s and angular rad/s that hold now; zero when the command has aged.

        A clock that jumps backwards makes a command old, too.
        """
        fresh = 0.0 <= time_s - self._since_s <= self.timeout_s
        return self._command if fresh else (0.0, 0.0)


@dataclass(frozen=True)
class Release:
    """Answer to a release command."""

    opens: bool
    why: str


class LatchGate:
    """Arming drops out by itself; a release while not armed is ignored and reported."""

    def __init__(self, timeout_s: float = ARM_TIMEOUT_S) -> None:
        self.timeout_s = timeout_s
        self._since_s: float | None = None

    def arm(self, time_s: float, on: bool) -> None:
        """Arm, or disarm; arming again begins the time anew."""
        self._since_s = time_s if on else None

    def armed(self, time_s: float) -> bool:
        """Whether the latch has power now."""
        if self._since_s is None:
            return False
        if not 0.0 <= time_s - self._since_s <= self.timeout_s:
            self._since_s = None
            return False
        return True

    def release(self, time_s: float) -> Release:
        """Whether a release command opens the latch."""
        if self.armed(time_s):
            return Release(True, "armed")
        return Release(False, "release ignored: the latch is not armed")
