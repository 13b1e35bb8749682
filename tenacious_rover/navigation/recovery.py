# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""When driving goes wrong: notice it, and get back out the way the rover came."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.navigation.error import Code
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.navigation import follow
    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.rover.model import Rover

Array = NDArray[np.float64]
_TRAIL_STEP_M = 0.05
_TRAIL_MAX = 400
_LOOP = 100
_MOVED_M = 0.5
_LEAN_ON_DEG = 3.0
_LEANT_AWAY_M = 0.15


class Leaning:
    """Tilted too far: said once, and again only when it leans more or still leans elsewhere."""

    def __init__(self) -> None:
        self._said: tuple[float, Array] | None = None

    def anew(self, odom_T_base: Array, limit: float, *, leaving: bool) -> bool:
        """Whether a tilt beyond `limit` rad is to be said now.

        On the way out (`leaving`) it may lean on, and lean more for a moment.
        """
        tilt, here = frames.tilt(odom_T_base), odom_T_base[:2, 3]
        more = math.radians(_LEAN_ON_DEG)
        if tilt <= limit:
            if tilt < limit - more:
                self._said = None
            return False
        if self._said is not None:
            before, at = self._said
            moved = not leaving and float(np.hypot(*(here - at))) > _LEANT_AWAY_M
            if tilt <= before + more and not moved:
                return False
        elif leaving and tilt <= limit + more:
            return False
        self._said = tilt, here.copy()
        return True


class Lasting:
    """For how long something has been so."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    def for_s(self, time_s: float, so: bool) -> float:
        """Seconds up to now, 0 when it is not so or has just begun."""
        if not so:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = time_s
        return 0.0 if self._since_s is None else time_s - self._since_s


class Watch:
    """Compares what was asked with what happened."""

    def __init__(self, rover: Rover, config: NavigationConfig) -> None:
        self._rover, self._config = rover, config
        self._history: deque[tuple[float, float, float, float]] = deque()
        self._high_effort, self._immobile = Lasting(), Lasting()
        self._last: tuple[float, Array] | None = None
        self._leaning = Leaning()

    def reset(self) -> None:
        """Begin anew, after the kind of motion changed; a tilt that was said stays said."""
        self._history.clear()
        self._high_effort, self._immobile = Lasting(), Lasting()
        self._last = None

    def trouble(
        self,
        time_s: float,
        odom_T_base: Array,
        sent: follow.Speeds,
        slip: float = math.nan,
        effort_nm: float = math.nan,
        *,
        immobile: bool = False,
        leaving: bool = False,
    ) -> tuple[Code, str] | None:
        """What is wrong now, or `None`.

        Args:
            time_s: now.
            odom_T_base: where the rover is.
            sent: the speeds that were sent since the last call.
            slip: mean of the wheels' slip, NaN when not known.
            effort_nm: greatest torque of the wheels, NaN when not known.
            immobile: localization's own verdict.
            leaving: the rover is on its way out of trouble: straight wheels may spin for a while,
                who looks after the way out sees to that; turning ones only dig.
        """
        config = self._config
        tilt = frames.tilt(odom_T_base)
        if self._leaning.anew(odom_T_base, math.radians(config.stop_tilt_deg), leaving=leaving):
            return Code.TILT_LIMIT, f"tilted by {math.degrees(tilt):.0f} deg"
        limit = config.effort_limit_share * self._rover.limits.wheel_torque_nm
        if self._high_effort.for_s(time_s, effort_nm > limit) > config.effort_window_s:
            return Code.STUCK, f"a wheel needs {effort_nm:.2f} N m"
        if leaving and sent[0] != 0.0:
            self._history.clear()
            self._immobile, self._last = Lasting(), None
            return None
        # Wheels that spin on the spot dig: a second later they may not come out any more.
        if self._immobile.for_s(time_s, immobile) > config.immobile_s:
            return Code.STUCK, "the wheels turn and do not bring it on"
        return self._stuck(time_s, odom_T_base, sent, slip)

    def _stuck(
        self, time_s: float, odom_T_base: Array, sent: follow.Speeds, slip: float
    ) -> tuple[Code, str] | None:
        config = self._config
        if self._last is not None:
            dt = max(time_s - self._last[0], 0.0)
            step = frames.inverse(self._last[1]) @ odom_T_base
            moved_m = step[0, 3] * math.copysign(1.0, sent[0]) if sent[0] else 0.0
            moved_rad = frames.yaw(step) * math.copysign(1.0, sent[1]) if sent[1] else 0.0
            lever = self._rover.track_m / 2.0
            asked = abs(sent[0]) * dt + abs(sent[1]) * lever * dt
            self._history.append((time_s, asked, moved_m + moved_rad * lever, slip * asked))
        self._last = (time_s, odom_T_base)
        while self._history and self._history[0][0] < time_s - config.stuck_window_s:
            self._history.popleft()
        if not self._history or time_s - self._history[0][0] < 0.8 * config.stuck_window_s:
            return None
        asked, moved, slipped = np.array(self._history)[:, 1:].sum(0)
        if asked < 0.5 * config.short_speed_mps * config.stuck_window_s * 0.5:
            return None
        if moved < config.stuck_share * asked:
            return Code.STUCK, f"moved {moved:.2f} m of {asked:.2f} m asked"
        if slipped > config.slip_limit * asked:
            return Code.STUCK, f"the wheels slip by {100 * slipped / asked:.0f} %"
        return None


class Trail:
    """The rover's own track in odom, to go back on."""

    def __init__(self) -> None:
        self.poses: deque[Array] = deque(maxlen=_TRAIL_MAX)

    def add(self, odom_T_base: Array) -> None:
        """Remember the pose if it is a step away from the last; loops are cut off."""
        pose = frames.flat(odom_T_base)
        if self.poses and np.hypot(*(pose - self.poses[-1])[:2]) < _TRAIL_STEP_M:
            return
        recent = np.array(list(self.poses)[-_LOOP:]).reshape(-1, 3)
        again = np.flatnonzero(np.hypot(*(recent - pose)[:, :2].T) < _TRAIL_STEP_M)
        if len(again):
            # Here the rover was before: what it did since need not be undone step by step.
            for _ in range(len(recent) - int(again[0])):
                self.poses.pop()
        self.poses.append(pose)

    def back(self, odom_T_base: Array, distance_m: float) -> Array:
        """The track back to where it is `distance_m` away, newest first (n, 3).

        Ends where the track begins or leads away: the rover has been moved.
        """
        here = odom_T_base[:2, 3]
        out: list[Array] = []
        for pose in list(self.poses)[::-1]:
            far = float(np.hypot(*(pose[:2] - here)))
            if not out and far > _MOVED_M:
                break
            out.append(pose)
            if far >= distance_m:
                break
        return np.array(out).reshape(-1, 3)

    def cut(self, odom_T_base: Array) -> None:
        """Drop what was gone back."""
        here = odom_T_base[:2, 3]
        while len(self.poses) > 1:
            last, before = self.poses[-1], self.poses[-2]
            if np.hypot(*(before[:2] - here)) > np.hypot(*(last[:2] - here)):
                break
            self.poses.pop()
