# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""No way on: look around, back the way the rover came, straight out of a pit; give up at last."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.navigation import arcs, follow
from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.navigation.recovery import Lasting
from tenacious_rover.navigation.retrace import DUG_IN, Retrace, straight
from tenacious_rover.navigation.rocking import Rocking
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.navigation.local import PoseCheck
    from tenacious_rover.navigation.recovery import Trail
    from tenacious_rover.navigation.state import Pose

Array = NDArray[np.float64]
_ELSEWHERE_M = _NEARER_M = 1.0
_LOOK_S = 1.5
_LOOK_RAD = math.radians(50.0)
_LOOK_BACK_M = 0.5
_LONGEST_S = 90.0
"""Of a way out: its 0.6 m, turns, and the wheels rocked 40 times."""
_SAME_PLACE_M = 0.15
_OVER_M = 0.3
"""Where nothing else has helped it goes over bad ground to good ground no farther than that."""


class WayOut:
    """Out of trouble, of one drive.

    Attributes:
        recoveries: how often it was in trouble.
    """

    def __init__(self, config: NavigationConfig) -> None:
        self._config = config
        self.recoveries = 0
        self._in_vain, self._nearest_m = 0, math.inf
        self._way: Retrace | None = None
        self._rocking: Rocking | None = None
        self._held: tuple[float, Array] | None = None
        self._began_s: float | None = None
        self._standing = Lasting()
        self._blocked = 0
        self._blocked_at: Array | None = None
        self._begun_at: Array | None = None

    @property
    def going(self) -> bool:
        """Whether the rover is on its way out."""
        return self._way is not None

    @property
    def backwards(self) -> bool:
        """Whether that way leads backwards."""
        return self._way is not None and not self._way.ahead

    def found(self) -> None:
        """There is a way on."""
        self._standing = Lasting()

    def look(self, time_s: float, pose: Pose, guard: PoseCheck, trail: Trail) -> float | None:
        """No way is seen: a turn to look around, rad, or `None`: look again, or be on the way out.

        Raises:
            NavigationError: it has looked around often enough.
        """
        if self._standing.for_s(time_s, True) < _LOOK_S:
            return None
        self._standing = Lasting()
        here = pose.odom_T_base[:2, 3]
        if self._blocked_at is None or np.hypot(*(here - self._blocked_at)) > _ELSEWHERE_M:
            self._blocked, self._blocked_at = 0, here.copy()
        self._blocked += 1
        if self._blocked > self._config.max_blocked:
            words = f"no safe way after {self._blocked - 1} looks around"
            raise NavigationError(words, Code.NO_PATH)
        turn = 0.0 if self._blocked % 2 else self._free_turn(pose, guard)
        if turn:
            return turn
        self._way = Retrace(trail.back(pose.odom_T_base, _LOOK_BACK_M), self._config)
        return None

    def _free_turn(self, pose: Pose, guard: PoseCheck) -> float:
        """A turn to look around that the guard will not object to, rad; 0: there is none."""
        here = frames.flat(pose.odom_T_base)
        side = 1.0 if (self._blocked // 2) % 2 else -1.0
        turns = side * _LOOK_RAD * np.array([1.0, -1.0, 0.5, -0.5])
        if not guard(here[None]).safe[0]:
            return float(turns[0])
        for turn in turns:
            if guard(arcs.placed(arcs.sweep(turn), *map(float, here))).safe.all():
                return float(turn)
        return 0.0

    def begin(
        self,
        pose: Pose,
        guard: PoseCheck,
        trail: Trail,
        code: Code,
        words: str,
        remaining_m: float = 0.0,
    ) -> None:
        """Trouble: out the way the rover came; where wheels dig, straight, if that is free.

        Args:
            pose: where it is.
            guard: whether poses are safe.
            trail: its own track.
            code: what the trouble is.
            words: the same for a person.
            remaining_m: distance to the goal; trouble nearer to it than ever is counted anew.

        Raises:
            NavigationError: this happened too often.
        """
        config = self._config
        self.recoveries += 1
        self._in_vain += 1
        if remaining_m < self._nearest_m - _NEARER_M:
            self._nearest_m, self._in_vain = remaining_m, 1
        if self._in_vain > config.max_recoveries:
            raise NavigationError(f"{words}; gave up after {self._in_vain - 1} recoveries", code)
        # Who was on the way out already has no other track to go back on.
        track = None if self.going else trail.back(pose.odom_T_base, config.back_out_m)
        tried, self._rocking, self._held, self._began_s = self._way, None, None, None
        self._way = None if track is None else Retrace(track, config)
        here, last = frames.flat(pose.odom_T_base), self._begun_at
        again = last is not None and np.hypot(*(here - last)[:2]) < _SAME_PLACE_M
        self._begun_at = here
        if code is Code.STUCK:
            first = tried is not None and not tried.ahead and not tried.turning
            over_m = _OVER_M if again else 0.0
            self._way = self._straight_out(here, guard, first, over_m) or self._way

    def _straight_out(
        self, here: Array, guard: PoseCheck, first: bool, over_m: float
    ) -> Retrace | None:
        """Over ground that is known and, beyond `over_m`, safe: ahead `first`, or behind."""
        config = self._config
        for reach_m in dict.fromkeys((0.0, over_m)):
            for ahead in (first, not first):
                track = straight(here, config.back_out_m if ahead else -config.back_out_m)
                seen, far = guard(track), np.hypot(*(track - here)[:, :2].T)
                # Just before its wheels the rover never sees the ground, and drives on it.
                known = seen.known | ((far <= config.blind_m) & ahead)
                if ((seen.safe | (far <= reach_m)) & known).all():
                    return Retrace(track, config, ahead=ahead, sharpest=DUG_IN)
        return None

    def steer(
        self, time_s: float, pose: Pose, speed_mps: float
    ) -> tuple[follow.Speeds, str, str] | None:
        """Along the way out; `None` at its end.

        The guard is not asked again: a map may be wrong about ground that was driven on.
        """
        here = pose.odom_T_base
        self._began_s = time_s if self._began_s is None else self._began_s
        if time_s - self._began_s > _LONGEST_S:
            self._way = self._rocking = None
        if self._rocking is not None:
            stroke = self._rocking.steer(time_s, here)
            if stroke is not None:
                return stroke, "backing_out", "rocking the wheels free"
            if not self._rocking.free:
                self._way = None
            self._rocking = self._held = None
        way = None if self._way is None else self._way.steer(here, speed_mps)
        if self._way is None or way is None:
            self._way = self._held = self._began_s = None
            return None
        self._watch(time_s, here, way)
        words = "back along the own track" if self.backwards else "straight out, ahead"
        return way, "backing_out", words

    def _watch(self, time_s: float, here: Array, way: follow.Speeds) -> None:
        """Rock where the wheels turn and nothing moves."""
        held = self._held
        moving = held is not None and np.hypot(*(here - held[1])[:2, 3]) > self._config.rock_free_m
        if held is None or moving or way[0] == 0.0:
            self._held = time_s, here
        elif time_s - held[0] > self._config.hold_s:
            self._rocking = Rocking(self._config, ahead=not self.backwards)
