# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""From a path to wheel speeds: pure pursuit (Coulter 1992) that learns how much the rover slips."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.perception.slip import SlipModel
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.rover.model import Rover

Array = NDArray[np.float64]
Speeds = tuple[float, float]
"""m/s and rad/s."""
Steering = tuple[Speeds | None, str, str]
"""Wanted motion (`None`: there), state, reason."""

STOP: Speeds = (0.0, 0.0)
SHARPEST = 4.0
"""Curvature that is asked for at most, 1/m."""
_INNER_LAG = 0.4
"""Share of the rover's speed by which the inner wheels may be slower on an arc."""
_GAIN_RANGE = (0.35, 1.1)
_LEARNING_S = 4.0
_WINDOW_S = 1.0
"""Of one measurement of slip: long against the noise of a pose."""


class SlipCompensation:
    """Learns what share of a command becomes motion, and asks for that much more.

    Ahead, slip is learned over the slope along the way (perception's `SlipModel`), so the share is
    that to be expected where the rover stands now, before it has slipped there; the cost of ground
    is made of the same model. Skid steering drags the wheels sideways in every turn, so the share
    of a turn is far below one, and is a mere running mean.
    """

    def __init__(self) -> None:
        self.model = SlipModel()
        self.turning = 0.7
        self._slope = 0.0
        self._window = np.zeros(4)
        """Seconds, metres asked, metres moved, slope along the way times metres asked."""
        self._last: tuple[float, Array] | None = None

    @property
    def forward(self) -> float:
        """Share of a commanded speed that is expected on the present slope."""
        slip = float(self.model.predict(np.array([self._slope]))[0][0])
        return float(np.clip(1.0 - slip, *_GAIN_RANGE))

    def learn(self, time_s: float, odom_T_base: Array, sent: Speeds) -> None:
        """Compare what was sent since the last call with what the pose did."""
        last, self._last = self._last, (time_s, odom_T_base)
        speed, rate = sent
        uphill = math.asin(float(np.clip(odom_T_base[2, 0], -1.0, 1.0)))
        self._slope = math.copysign(1.0, speed) * uphill
        if last is None or not 0.02 < time_s - last[0] < 2.0:
            return
        dt = time_s - last[0]
        moved = frames.inverse(last[1]) @ odom_T_base
        if abs(speed) > 0.02:
            asked = abs(speed) * dt
            forward = moved[0, 3] * math.copysign(1.0, speed)
            self._window += (dt, asked, forward, self._slope * asked)
            self._close_window()
        if abs(rate) > 0.06:
            share = float(np.clip(frames.yaw(moved) / (rate * dt), *_GAIN_RANGE))
            self.turning += min(dt / _LEARNING_S, 1.0) * (share - self.turning)

    def _close_window(self) -> None:
        seconds, asked, moved, slope = self._window
        if seconds < _WINDOW_S:
            return
        self.model.drove(asked)
        self.model.learn(slope / asked, float(np.clip(1.0 - moved / asked, -0.2, 0.95)))
        self._window = np.zeros(4)

    def command(self, wanted: Speeds, rover: Rover) -> Speeds:
        """Speeds to send for the `wanted` motion, inside the rover's limits, curvature kept."""
        speed, rate = wanted[0] / self.forward, wanted[1] / self.turning
        if speed:
            # Between an arc and a turn in place the inner wheels brake what the outer ones pull.
            tightest = 2.0 * _INNER_LAG / rover.track_m
            rate = math.copysign(min(abs(rate), tightest * abs(speed)), rate)
        limits = rover.limits
        over = max(abs(speed) / limits.speed_mps, abs(rate) / limits.turn_rate_radps, 1.0)
        # Rounding must not carry it beyond a limit either.
        speed = math.copysign(min(abs(speed) / over, limits.speed_mps), speed)
        return speed, math.copysign(min(abs(rate) / over, limits.turn_rate_radps), rate)


def heading(odom_T_base: Array, yaw: float, rate: float) -> Speeds:
    """Turn in place towards `yaw` in odom, slower near it."""
    error = frames.wrapped(yaw - frames.yaw(odom_T_base))
    return 0.0, math.copysign(min(rate, 0.04 + 1.2 * abs(error)), error)


def pursue(
    odom_T_base: Array,
    path: Array,
    speed: float,
    config: NavigationConfig,
    sharpest: float = SHARPEST,
    lookahead_m: float | None = None,
) -> Speeds:
    """Aim at the point of `path` (n, 2 or more) in odom one lookahead away; backwards if negative.

    The point is found from the nearest one onwards, so that a path may cross itself. `sharpest`:
    curvature that is not exceeded, 1/m. `lookahead_m`: that of the configuration by default.
    """
    away = config.lookahead_m if lookahead_m is None else lookahead_m
    inside = frames.points(
        frames.inverse(odom_T_base),
        np.column_stack([path[:, :2], np.full(len(path), odom_T_base[2, 3])]),
    )[:, :2]
    far = np.hypot(inside[:, 0], inside[:, 1])
    begin = int(far.argmin())
    ahead = np.flatnonzero(far[begin:] >= away)
    target = inside[begin + ahead[0]] if len(ahead) else inside[-1]
    length = max(float(np.hypot(*target)), 0.05)
    curvature = float(np.clip(2.0 * target[1] / length**2, -sharpest, sharpest))
    rate = speed * curvature
    # Slow down in sharp bends rather than ask for a rate that slip would eat.
    allowed = config.turn_rate_radps
    if abs(rate) > allowed:
        speed, rate = speed * allowed / abs(rate), math.copysign(allowed, rate)
    return speed, rate


def stopping_speed(seen_m: float, speed: float, config: NavigationConfig) -> float:
    """At most `speed`; less when only `seen_m` of the path ahead is seen to be safe.

    The rover stops within a wheel's turn, so what counts is the time to think again: it must not
    reach the end of the seen stretch within one replanning interval.
    """
    margin = 0.1
    return float(np.clip((seen_m - margin) / config.replan_s, 0.0, speed))
