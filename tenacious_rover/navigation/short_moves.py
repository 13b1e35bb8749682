# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Straight moves and turns without planning: for approaching, backing off and turning a camera."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.navigation.rocking import Rocking
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.navigation import follow
    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.navigation.state import ShortMove

_SLOWEST_MPS = 0.012
_LONGEST_M = 5.0
_WIDEST_RAD = 4.0 * math.pi


class ShortMoveDrive:
    """One short move, measured by the pose where it began."""

    def __init__(self, move: ShortMove, config: NavigationConfig) -> None:
        amounts = (move.straight, move.turn)
        if not all(map(math.isfinite, amounts)) or (move.straight != 0.0) == (move.turn != 0.0):
            words = f"amount: {move.straight or move.turn!r} is not a number other than 0"
            raise NavigationError(words, Code.INVALID_GOAL)
        if abs(move.straight) > _LONGEST_M or abs(move.turn) > _WIDEST_RAD:
            words = f"amount: {move.straight or move.turn:g} exceeds {_LONGEST_M:g} m or two turns"
            raise NavigationError(words, Code.INVALID_GOAL)
        self._move, self._config = move, config
        self._start: NDArray[np.float64] | None = None
        self._turned = self._last_yaw = 0.0
        self.remaining = abs(move.straight or move.turn)
        self._rocking: Rocking | None = None

    @property
    def time_limit_s(self) -> float:
        """Of the request, or from the amount."""
        config, move = self._config, self._move
        if move.time_limit_s > 0.0:
            return move.time_limit_s
        speed = move.speed_mps or config.short_speed_mps
        seconds = abs(move.straight) / speed + abs(move.turn) / config.turn_rate_radps
        return 30.0 + config.time_factor * seconds + config.rock_strokes * config.rock_stroke_s

    @property
    def rocking(self) -> bool:
        """Whether the wheels are being rocked free."""
        return self._rocking is not None

    def dug_in(self) -> bool:
        """The wheels spin on the spot: rock them free, if that may help."""
        ahead = self._move.straight > 0.0
        if self._move.turn or self.rocking:
            return False
        # What it moves away from may stand right before it.
        self._rocking = Rocking(self._config, ahead=ahead, against_m=self._config.rock_free_m)
        return True

    def speeds(self, time_s: float, odom_T_base: NDArray[np.float64]) -> follow.Speeds | None:
        """The wanted motion, or `None` when the amount is reached.

        Raises:
            NavigationError: rocking did not free the wheels.
        """
        if self._rocking is not None:
            stroke = self._rocking.steer(time_s, odom_T_base)
            if stroke is not None:
                return stroke
            free, self._rocking = self._rocking.free, None
            if not free:
                words = "the wheels turn and do not bring it on, rocked as well"
                raise NavigationError(words, Code.STUCK)
        if self._start is None:
            self._start, self._last_yaw = odom_T_base, frames.yaw(odom_T_base)
        yaw = frames.yaw(odom_T_base)
        self._turned += frames.wrapped(yaw - self._last_yaw)
        self._last_yaw = yaw
        return self._straight(odom_T_base) if self._move.straight else self._turn()

    def _straight(self, odom_T_base: NDArray[np.float64]) -> follow.Speeds | None:
        config, move = self._config, self._move
        assert self._start is not None
        done = frames.inverse(self._start) @ odom_T_base
        left = move.straight - done[0, 3]
        self.remaining = abs(left)
        tolerance = move.tolerance_m or config.short_tolerance_m
        # An overshoot is not driven back: what was asked for has been passed.
        if left * math.copysign(1.0, move.straight) <= tolerance:
            return None
        top = min(move.speed_mps or config.short_speed_mps, 1.0)
        speed = math.copysign(min(top, max(0.6 * abs(left), _SLOWEST_MPS)), left)
        aim = -2.0 * done[1, 3] * math.copysign(1.0, speed) - frames.yaw(done)
        return speed, float(np.clip(1.0 * aim, -0.15, 0.15))

    def _turn(self) -> follow.Speeds | None:
        config, move = self._config, self._move
        left = move.turn - self._turned
        self.remaining = abs(left)
        tolerance = move.heading_tolerance or math.radians(config.short_heading_deg)
        if abs(left) <= tolerance:
            return None
        rate = min(config.turn_rate_radps, 0.04 + 1.0 * abs(left))
        return 0.0, math.copysign(rate, left)
