# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Soft ground: where wheels dug themselves in, remembered by place.

No camera sees it, and straight on the wheels hardly slip more there than on a slope. But in turns a
skid steer shears the soil under every wheel, and where that is weak they dig themselves in within
seconds. So one who has felt it does not turn there again, nor stops there to work.
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

    from tenacious_rover.perception.terrain_map import TerrainMap

Array = NDArray[np.float64]
_APART_M = 0.03
_MAY_HOLD = 0.5
"""Share of what is a hazard: half the step that a wheel climbs."""


@dataclass(frozen=True)
class SoftConfig:
    """How far soft ground is believed to reach."""

    reach_m: float = bounded(0.6, 0.1, 5.0, "ground this near to soft ground is taken to be soft")
    remembered: int = bounded(300, 10, 100_000, "places, the oldest is forgotten")


class SoftGround:
    """Places in odom; they drift with it, so only near ones mean much."""

    def __init__(self, config: SoftConfig | None = None) -> None:
        self.config = config or SoftConfig()
        self._places: deque[Array] = deque(maxlen=self.config.remembered)

    @property
    def places(self) -> Array:
        """(n, 2) x, y in odom, m."""
        return np.array(self._places).reshape(-1, 2)

    def add(self, xy: Array) -> None:
        """This place (2,) in odom is soft."""
        if not len(self._places) or np.hypot(*(self._places[-1] - xy)) > _APART_M:
            self._places.append(np.array(xy, float))

    def away_m(self, xy: Array) -> Array:
        """From points (n, 2) in odom to the nearest soft place (n,), inf when none is known."""
        points, soft = np.asarray(xy, float).reshape(-1, 2), self.places
        if not len(soft):
            return np.full(len(points), np.inf)
        far = np.hypot(points[:, None, 0] - soft[:, 0], points[:, None, 1] - soft[:, 1])
        return np.asarray(far.min(axis=1))

    def near(self, xy: Array) -> NDArray[np.bool_]:
        """Whether points (n, 2) in odom are within reach of soft ground."""
        return np.asarray(self.away_m(xy) <= self.config.reach_m)


def rocky(terrain: TerrainMap, xy: Array, reach_m: float) -> bool:
    """Whether anything is known within `reach_m` of `xy` (2,) in odom that may hold a wheel."""
    res, hazard = terrain.resolution_m, terrain.layers["hazard"]
    low = np.floor((xy - reach_m - terrain.origin) / res).astype(int).clip(0)
    high = np.ceil((xy + reach_m - terrain.origin) / res).astype(int).clip(0)
    near = hazard[low[1] : high[1], low[0] : high[0]]
    return bool((near > _MAY_HOLD).any())


def mean_slip(slip: Iterable[float]) -> float:
    """Over the wheels that turn (finite values), NaN when none does."""
    turning = [float(value) for value in slip if math.isfinite(value)]
    return sum(turning) / len(turning) if turning else math.nan
