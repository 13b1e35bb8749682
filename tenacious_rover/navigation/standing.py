# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the rover can stand: the exact check asked on the grid of the plan, some cells with a map.

A hazard widened by half the rover's width closes gaps that the rover fits through, and rocks that
it could drive over; and it leaves open what is too narrow. So near hazards the plan asks for the
rover's geometry instead, nearest first, and what was asked longest ago again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.navigation.local import PoseCheck

Array = NDArray[np.float64]
_HEADINGS = np.radians([0.0, 45.0, 90.0, 135.0])
"""Forwards and backwards are taken to be alike."""


class Standing:
    """On the grid of a plan.

    Attributes:
        share: (rows, columns) of headings in which the rover can stand, NaN where never asked.
    """

    def __init__(self, config: NavigationConfig) -> None:
        self._config = config
        self.share: NDArray[np.float32] = np.full((1, 1), np.nan, np.float32)
        self._asked_s: Array = np.full((1, 1), -np.inf)

    def grow(self, grown: Callable[[NDArray[Any], float], NDArray[Any]]) -> None:
        """The grid grew: `grown` gives an array of its new shape."""
        self.share, self._asked_s = grown(self.share, np.nan), grown(self._asked_s, -np.inf)

    def look(
        self, time_s: float, here: Array, origin: Array, dear: NDArray[np.bool_], check: PoseCheck
    ) -> None:
        """Ask for the cells near `here` (2,) that are `dear` (rows, columns) and were not asked.

        `origin` (2,) of the grid and `here` are in odom; what is not dear any more is forgotten.
        """
        config = self._config
        self.share[~dear] = np.nan
        self._asked_s[~dear] = -np.inf
        rows, columns = np.nonzero(dear)
        xy = origin + (np.column_stack([columns, rows]) + 0.5) * config.grid_m
        far = np.hypot(*(xy - here).T)
        near = np.flatnonzero(far < config.standing_m)
        order = np.lexsort((far[near], self._asked_s[rows[near], columns[near]]))
        due = near[order[: config.standing_cells]]
        if not len(due):
            return
        poses = np.empty((len(due), len(_HEADINGS), 3))
        poses[..., :2], poses[..., 2] = xy[due, None], _HEADINGS
        found = check(poses.reshape(-1, 3))
        safe, known = (a.reshape(poses.shape[:2]) for a in (found.safe, found.known))
        with np.errstate(invalid="ignore"):
            share = (safe & known).sum(1) / known.sum(1)
        self.share[rows[due], columns[due]] = share
        self._asked_s[rows[due], columns[due]] = time_s

    def cost(self, easy: NDArray[np.float32], otherwise: NDArray[np.float32]) -> Array:
        """Cost per metre (rows, columns): by how the rover stands, or `otherwise` if not asked."""
        config = self._config
        stood = easy + config.standing_weight * (1.0 - self.share)
        stood = np.where(self.share > 0.0, stood, np.maximum(stood, config.blocked_cost))
        return np.where(np.isnan(self.share), otherwise, stood)
