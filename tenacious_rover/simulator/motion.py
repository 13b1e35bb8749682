# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""From commands to what motors are told: wheel rates of a twist, angles of the scoop on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover.kinematics import wheel_speeds
from tenacious_rover.rover.urdf import Urdf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Rover


class SkidSteer:
    """Wheel rates of a twist; the platform knows its geometry and a usual skid, not the ground."""

    def __init__(self, rover: Rover, track_factor: float) -> None:
        self._linear = wheel_speeds(rover, 1.0, 0.0, track_factor)
        self._angular = wheel_speeds(rover, 0.0, 1.0, track_factor)

    def rates(self, linear_mps: float, angular_radps: float) -> NDArray[np.float64]:
        """(n,) rad/s."""
        return linear_mps * self._linear + angular_radps * self._angular


class Trajectory:
    """Straight way of the scoop's joints from where they were sent to where they are sent."""

    def __init__(self, rover: Rover) -> None:
        self._scoop = rover.scoop
        self._from = self._to = np.zeros(2)
        self._begin_s = self._end_s = 0.0
        self._fastest = np.array([0.6, 0.6])
        if self._scoop is not None:
            urdf = Urdf(rover.urdf)
            joints = (self._scoop.lift_joint, self._scoop.tilt_joint)
            self._fastest = np.array([urdf.joint(name).velocity or 0.6 for name in joints])
            limits = (self._scoop.lift_limits, self._scoop.tilt_limits)
            self._low, self._high = np.array(limits).T
            self._from = self._to = np.clip(np.array(self._scoop.stow), self._low, self._high)

    def aim(self, time_s: float, angles: tuple[float, float], duration_s: float) -> None:
        """Go to angles (lift, tilt), rad, clamped, from where the way has come to by now."""
        here = self.at(time_s)
        self._from = self._to if here is None else np.array(here)
        self._to = np.clip(np.array(angles), self._low, self._high)
        shortest = float(np.max(np.abs(self._to - self._from) / self._fastest))
        self._begin_s, self._end_s = time_s, time_s + max(duration_s, shortest, 1e-6)

    def at(self, time_s: float) -> tuple[float, float] | None:
        """Lift and tilt to hold now; `None` without a scoop."""
        if self._scoop is None:
            return None
        if time_s >= self._end_s:
            return float(self._to[0]), float(self._to[1])
        share = (time_s - self._begin_s) / (self._end_s - self._begin_s)
        now = self._from + min(max(share, 0.0), 1.0) * (self._to - self._from)
        return float(now[0]), float(now[1])
