# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The scoop's motion, told by its joints: to contact, in, curl, up; stop for rock and stall."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.sampling import reach
from tenacious_rover.sampling.error import SamplingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Rover
    from tenacious_rover.sampling.config import SamplingConfig

_AIR_M = 0.04
_SEARCH_BELOW_M = 0.05
_STEP = 0.02
_ARRIVED = 0.03
_AIR_SAMPLES = 25


class Phase(Enum):
    """What the scoop does."""

    READY = "ready above the ground"
    LOWER = "lowering to contact"
    DIG = "digging"
    CURL = "curling"
    LIFT = "lifting"
    DONE = "done"
    ROCK = "rock"
    STALL = "stalled"
    NO_GROUND = "no ground found"
    TIMEOUT = "out of time"


FAILED = (Phase.ROCK, Phase.STALL, Phase.NO_GROUND, Phase.TIMEOUT)


@dataclass(frozen=True)
class Joints:
    """The scoop's joints: rad, N·m; `pitch` of the chassis, nose up, rad."""

    time_s: float
    lift: float
    tilt: float
    lift_effort: float = 0.0
    tilt_effort: float = 0.0
    pitch: float = 0.0


@dataclass(frozen=True)
class Target:
    """Where the joints shall be, and in what time."""

    lift: float
    tilt: float
    duration_s: float


class Scooping:
    """One scoop; call `step` with each reading, send what it returns."""

    def __init__(self, rover: Rover, config: SamplingConfig, ground_m: float | None = None) -> None:
        assert rover.scoop is not None
        self._scoop, self.config = rover.scoop, config
        self._ground = reach.ground_height(rover) if ground_m is None else ground_m
        self.phase = Phase.READY
        self.contact: NDArray[np.float64] | None = None
        """(3,) of the edge in base_link where it met the ground."""
        self.deepest: NDArray[np.float64] | None = None
        self.peak_effort = 0.0
        self.front_rise_m = 0.0
        """Greatest way that the blade has lifted the rover's front instead of going in."""
        self._level = 0.0
        self._rear = min(wheel.position[0] for wheel in rover.wheels)
        self._start: float | None = None
        self._stuck_since: float | None = None
        self._air: list[float] = []
        self._target: Target | None = None
        self._due = 0.0

    @property
    def finished(self) -> bool:
        """Whether the motion has come to an end, good or bad."""
        return self.phase is Phase.DONE or self.phase in FAILED

    def step(self, joints: Joints) -> Target | None:
        """A new target, or `None` while the joints are on their way (or when finished)."""
        if self.finished:
            return None
        if self._start is None:
            self._start = joints.time_s
        if joints.time_s - self._start > self.config.scoop_timeout_s:
            return self._end(Phase.TIMEOUT)
        if self._target is None:
            lift = self._lift_at(self._ground + _AIR_M)
            return self._go(lift, float(reach.DIG_ANGLE), joints)
        trouble = self._trouble(joints)
        if trouble is not None:
            return self._end(trouble)
        if not self._arrived(joints):
            return self._feel(joints)
        return self._next(joints)

    # -- phases -------------------------------------------------------------------------------

    def _next(self, joints: Joints) -> Target | None:
        """The joints are where they were sent."""
        if self.phase is Phase.READY:
            self.phase, self._level = Phase.LOWER, joints.pitch
        if self.phase is Phase.LOWER:
            touched = self._feel(joints)
            if touched is not None:
                return touched
            at = reach.edge(self._scoop, joints.lift, joints.tilt)
            if at[2] < self._ground - _SEARCH_BELOW_M:
                return self._end(Phase.NO_GROUND)
            lift = min(joints.lift + _STEP, self._scoop.lift_limits[1])
            if lift <= joints.lift + 1e-3:
                return self._end(Phase.NO_GROUND)
            return self._go(lift, float(reach.DIG_ANGLE), joints)
        if self.phase is Phase.DIG:
            self.deepest = reach.edge(self._scoop, joints.lift, joints.tilt)
            self.phase = Phase.CURL
            return self._go(joints.lift, 0.0, joints)
        if self.phase is Phase.CURL:
            self.phase = Phase.LIFT
            lift = self._lift_at(self._ground + _AIR_M)
            return self._go(lift, float(reach.HOLD_ANGLE), joints)
        self.phase = Phase.DONE
        return None

    def _feel(self, joints: Joints) -> Target | None:
        """Ground met while lowering: dig from here."""
        if self.phase is not Phase.LOWER:
            return None
        # What the arm weighs is learned once: in soft ground the effort grows that slowly.
        if len(self._air) < _AIR_SAMPLES:
            self._air.append(joints.lift_effort)
        rise = abs(joints.lift_effort - float(np.median(self._air)))
        if rise < self.config.contact_effort_nm:
            return None
        self.contact = reach.edge(self._scoop, joints.lift, joints.tilt)
        self.phase = Phase.DIG
        wanted = float(self.contact[2]) - self.config.dig_depth_m
        return self._go(self._lift_at(wanted), float(reach.DIG_ANGLE), joints)

    def _lift_at(self, z: float) -> float:
        lifts = self._scoop.lift_limits
        try:
            return reach.lift_for(self._scoop, z)
        except SamplingError:
            return lifts[1]

    def _go(self, lift: float, angle: float, joints: Joints) -> Target:
        tilt = reach.tilt_for(self._scoop, lift, angle)
        way = max(abs(lift - joints.lift), abs(tilt - joints.tilt))
        slow = 0.5 if self.phase in (Phase.LOWER, Phase.DIG, Phase.CURL) else 1.0
        duration = max(way / (slow * self.config.joint_speed_radps), 0.1)
        self._target = Target(lift, tilt, duration)
        self._due = joints.time_s + duration
        return self._target

    def _arrived(self, joints: Joints) -> bool:
        assert self._target is not None
        near = abs(joints.lift - self._target.lift) < _ARRIVED
        near = near and abs(joints.tilt - self._target.tilt) < _ARRIVED
        soft = self.phase in (Phase.DIG, Phase.CURL) and joints.time_s > self._due + 1.5
        return joints.time_s >= self._due and (near or soft)

    # -- trouble ------------------------------------------------------------------------------

    def _trouble(self, joints: Joints) -> Phase | None:
        assert self._target is not None
        config = self.config
        effort = max(abs(joints.lift_effort), abs(joints.tilt_effort))
        if self.phase is not Phase.READY:
            self.peak_effort = max(self.peak_effort, effort)
        if self.phase in (Phase.LOWER, Phase.DIG) and effort > config.rock_effort_nm:
            return Phase.ROCK
        if self.phase is Phase.DIG:
            self.front_rise_m = max(self.front_rise_m, self._risen(joints))
            if self.front_rise_m > config.rock_rise_m:
                return Phase.ROCK
        lag = max(abs(joints.lift - self._target.lift), abs(joints.tilt - self._target.tilt))
        if joints.time_s < self._due or lag < config.stall_error_rad:
            self._stuck_since = None
            return None
        if self._stuck_since is None:
            self._stuck_since = joints.time_s
        stuck = joints.time_s - self._stuck_since > config.stall_time_s
        if not stuck:
            return None
        return Phase.ROCK if self.phase in (Phase.DIG, Phase.CURL) else Phase.STALL

    def _risen(self, joints: Joints) -> float:
        """How much higher the edge stands, m, than it would with the chassis as it was before.

        On the Moon a blade on rock shows no lag and little effort: it lifts the light rover, which
        turns about its rear axle.
        """
        ahead = float(reach.edge(self._scoop, joints.lift, joints.tilt)[0]) - self._rear
        return float(np.sin(joints.pitch - self._level)) * ahead

    def _end(self, phase: Phase) -> Target:
        """Raise the scoop out of harm's way; the caller reports the phase."""
        self.phase = phase
        lift = self._lift_at(self._ground + _AIR_M)
        tilt = reach.tilt_for(self._scoop, lift, float(reach.HOLD_ANGLE))
        return Target(lift, tilt, 2.0)
