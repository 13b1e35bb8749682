# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Soft ground: where the wheels slipped far more than on firm soil, remembered by place.

No camera sees it. Wheels still cross it straight on; but a turn in place of a skid steer shears the
soil under every wheel, and where that is weak they dig themselves in within seconds. So one who has
felt it does not turn there, nor stops there to work.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.rover.config import bounded

if TYPE_CHECKING:
    from collections.abc import Iterable

Array = NDArray[np.float64]

_APART_M = 0.03


@dataclass(frozen=True)
class SoftConfig:
    """What counts as soft, and how far that is believed to reach."""

    slip: float = bounded(0.35, 0.05, 1.0, "mean slip of the wheels that means soft, its median")
    stretch_s: float = bounded(1.0, 0.1, 30.0, "over this long, straight on")
    reach_m: float = bounded(0.6, 0.1, 5.0, "ground this near to soft ground is taken to be soft")
    straight_radps: float = bounded(0.1, 0.01, 1.0, "turning faster, wheels slip on any soil")
    slowest_mps: float = bounded(0.015, 0.001, 0.5, "slower, the slip of wheels says nothing")
    remembered: int = bounded(300, 10, 100_000, "places, the oldest is forgotten")


def mean_slip(slip: Iterable[float]) -> float:
    """Over the wheels that turn (finite values), NaN when none does."""
    turning = [float(value) for value in slip if math.isfinite(value)]
    return sum(turning) / len(turning) if turning else math.nan


class SoftGround:
    """Places in odom; they drift with it, so only near ones mean much."""

    def __init__(self, config: SoftConfig | None = None) -> None:
        self.config = config or SoftConfig()
        self._places: deque[Array] = deque(maxlen=self.config.remembered)
        self._began_s: float | None = None
        self._last_s = 0.0
        self._slips: list[float] = []

    @property
    def places(self) -> Array:
        """(n, 2) x, y in odom, m."""
        return np.array(self._places).reshape(-1, 2)

    def observe(
        self,
        time_s: float,
        xy: Array,
        slip: float,
        asked_mps: float,
        turn_radps: float,
        *,
        immobile: bool = False,
    ) -> None:
        """Take in how the wheels do, at 1 Hz or faster.

        Args:
            time_s: now.
            xy: (2,) where the rover is, in odom.
            slip: 1 - ground / wheel, NaN when not known.
            asked_mps: the speed that was asked for, negative backwards.
            turn_radps: rate of turning.
            immobile: the wheels turn and do not bring it on. Straight on that may be a rock.
        """
        config = self.config
        moving = abs(asked_mps) > config.slowest_mps
        if immobile and not moving:
            self.add(xy)
        straight = moving and abs(turn_radps) <= config.straight_radps
        gap = time_s - self._last_s > config.stretch_s
        self._last_s = time_s
        if not straight or not math.isfinite(slip) or gap or self._began_s is None:
            self._slips = []
            self._began_s = time_s if straight else None
            return
        self._slips.append(slip)
        if time_s - self._began_s >= config.stretch_s:
            if np.median(self._slips) > config.slip:
                self.add(xy)
            self._slips, self._began_s = [], time_s

    def add(self, xy: Array) -> None:
        """This place (2,) in odom is soft."""
        if not len(self._places) or np.hypot(*(self._places[-1] - xy)) > _APART_M:
            self._places.append(np.array(xy, float))

    def near(self, xy: Array) -> NDArray[np.bool_]:
        """Whether points (n, 2) in odom are within reach of soft ground."""
        points, soft = np.asarray(xy, float).reshape(-1, 2), self.places
        if not len(soft):
            return np.zeros(len(points), bool)
        far = np.hypot(points[:, None, 0] - soft[:, 0], points[:, None, 1] - soft[:, 1])
        return np.asarray(far.min(axis=1) <= self.config.reach_m)
