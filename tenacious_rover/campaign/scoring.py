# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a drive succeeded, from ground truth alone."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tenacious_rover.simulator.truth import Truth

GOAL_M = 0.3
TOUCH_N = 0.5
"""Weaker contacts are the resolution of the physics, not a bump: a rover of 8 N."""
STUCK_S = 60.0
"""Asked to move and not moving for this long is a stuck rover."""
_STUCK_M = 0.1
_STUCK_RAD = 0.1


@dataclass
class Scorer:
    """Fed with the truth as the drive goes on."""

    goal: tuple[float, float]
    tilt_limit: float
    limit_s: float
    driven_m: float = 0.0
    moving_s: float = 0.0
    turned_rad: float = 0.0
    max_tilt: float = 0.0
    stuck: bool = False
    slip: list[float] = field(default_factory=list)
    track: list[tuple[float, float, float, float]] = field(default_factory=list)
    _window: deque[tuple[float, float, float, float, float]] = field(default_factory=deque)
    _asked_s: float = 0.0

    def observe(self, truth: Truth, asked: tuple[float, float]) -> None:
        """One moment, and the speeds that were asked for."""
        x, y = map(float, truth.xy)
        yaw = math.atan2(truth.map_T_base[1, 0], truth.map_T_base[0, 0])
        if self.track:
            t0, x0, y0, yaw0 = self.track[-1]
            step = math.hypot(x - x0, y - y0)
            self.driven_m += step
            turned = abs((yaw - yaw0 + math.pi) % (2.0 * math.pi) - math.pi)
            self.turned_rad += turned
            if step > 0.01 * (truth.time_s - t0):
                self.moving_s += truth.time_s - t0
        self.track.append((truth.time_s, x, y, yaw))
        self.max_tilt = max(self.max_tilt, truth.tilt_rad)
        if abs(asked[0]) > 0.02:
            self.slip.append(float(np.mean(truth.slip)))
        self._look_stuck(truth.time_s, x, y, yaw, asked)

    def _look_stuck(
        self, now: float, x: float, y: float, yaw: float, asked: tuple[float, float]
    ) -> None:
        going = float(any(abs(value) > 0.01 for value in asked))
        self._window.append((now, x, y, yaw, going))
        while self._window[0][0] < now - STUCK_S:
            self._window.popleft()
        if now - self._window[0][0] < 0.95 * STUCK_S or len(self._window) < 2:
            return
        spots = np.array(self._window)
        still = np.hypot(*(spots[:, 1:3] - spots[0, 1:3]).T).max() < _STUCK_M
        yaws = np.unwrap(spots[:, 3])
        if still and np.ptp(yaws) < _STUCK_RAD and spots[:, 4].mean() > 0.5:
            self.stuck = True

    def verdict(self, truth: Truth) -> dict[str, Any]:
        """Success, the reasons against it, and what was measured on the way."""
        x, y = map(float, truth.xy)
        error = math.hypot(x - self.goal[0], y - self.goal[1])
        touched = {
            f"{part} on {other}": round(force, 2)
            for (part, other), force in truth.hits.items()
            if force >= TOUCH_N and not other.startswith(("ground", "terrain"))
        }
        against = []
        if error > GOAL_M:
            against.append(f"{error:.2f} m from the goal")
        against += [f"touched: {what}, {force} N" for what, force in touched.items()]
        if self.max_tilt > self.tilt_limit:
            against.append(f"tilted by {math.degrees(self.max_tilt):.1f} deg")
        if self.stuck:
            against.append(f"stuck for {STUCK_S:.0f} s")
        if truth.time_s > self.limit_s:
            against.append(f"over the time of {self.limit_s:.0f} s")
        return {
            "success": not against,
            "against": against,
            "goal_error_m": error,
            "lander_touched": any("lander" in what for what in touched),
            "touched": touched,
            "driven_m": self.driven_m,
            "moving_s": self.moving_s,
            "turned_rad": self.turned_rad,
            "max_tilt_deg": math.degrees(self.max_tilt),
            "mean_slip": float(np.mean(self.slip)) if self.slip else math.nan,
            "time_s": truth.time_s,
        }
