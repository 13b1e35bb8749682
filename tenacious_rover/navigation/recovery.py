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
_TRAIL_MAX = 4000


class Watch:
    """Compares what was asked with what happened."""

    def __init__(self, rover: Rover, config: NavigationConfig) -> None:
        self._rover, self._config = rover, config
        self._history: deque[tuple[float, float, float, float]] = deque()
        self._high_effort_since: float | None = None
        self._asked_m = self._asked_rad = 0.0
        self._last: tuple[float, Array] | None = None
        self._moved_m = self._moved_rad = 0.0

    def reset(self) -> None:
        """Begin anew, after the kind of motion changed."""
        self._history.clear()
        self._high_effort_since = None
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
    ) -> tuple[Code, str] | None:
        """What is wrong now, or `None`.

        Args:
            time_s: now.
            odom_T_base: where the rover is.
            sent: the speeds that were sent since the last call.
            slip: mean of the wheels' slip, NaN when not known.
            effort_nm: greatest torque of the wheels, NaN when not known.
            immobile: localization's own verdict.
        """
        config = self._config
        tilt = frames.tilt(odom_T_base)
        if tilt > math.radians(config.stop_tilt_deg):
            return Code.TILT_LIMIT, f"tilted by {math.degrees(tilt):.0f} deg"
        limit = config.effort_limit_share * self._rover.limits.wheel_torque_nm
        if effort_nm <= limit or math.isnan(effort_nm):
            self._high_effort_since = None
        elif self._high_effort_since is None:
            self._high_effort_since = time_s
        elif time_s - self._high_effort_since > config.effort_window_s:
            return Code.STUCK, f"a wheel needs {effort_nm:.2f} N m"
        return self._stuck(time_s, odom_T_base, sent, slip, immobile=immobile)

    def _stuck(
        self, time_s: float, odom_T_base: Array, sent: follow.Speeds, slip: float, *, immobile: bool
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
            also = ", the wheels do not bring it on" if immobile else ""
            return Code.STUCK, f"moved {moved:.2f} m of {asked:.2f} m asked{also}"
        if slipped > config.slip_limit * asked:
            return Code.STUCK, f"the wheels slip by {100 * slipped / asked:.0f} %"
        return None


class Trail:
    """The rover's own track in odom, to go back on."""

    def __init__(self) -> None:
        self.poses: deque[Array] = deque(maxlen=_TRAIL_MAX)

    def add(self, odom_T_base: Array) -> None:
        """Remember the pose if it is a step away from the last."""
        pose = np.array([*odom_T_base[:2, 3], frames.yaw(odom_T_base)])
        if not self.poses or np.hypot(*(pose - self.poses[-1])[:2]) >= _TRAIL_STEP_M:
            self.poses.append(pose)

    def back(self, odom_T_base: Array, distance_m: float) -> Array:
        """The last `distance_m` of the track, newest first (n, 3); the part that is left is cut.

        Ends where the track turned in place by much: a straight way back is not known there.
        """
        here = odom_T_base[:2, 3]
        poses = list(self.poses)[::-1]
        out: list[Array] = []
        length = 0.0
        for pose in poses:
            if out:
                length += float(np.hypot(*(pose - out[-1])[:2]))
                if abs(frames.wrapped(pose[2] - out[-1][2])) > math.radians(30.0):
                    break
            elif np.hypot(*(pose[:2] - here)) > 0.5:
                break
            out.append(pose)
            if length >= distance_m:
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
