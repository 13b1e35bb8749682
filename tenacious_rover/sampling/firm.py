# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Away from soft ground: no work where wheels were felt to sink while there is other ground."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.sampling.patch import patches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tenacious_rover.sampling.patch import Ground, Patch, Wish

    Where = Callable[[NDArray[np.float64]], NDArray[np.bool_]]
    Distance = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_BERTHS_M = (1.5, 0.6)
"""From where wheels have sunk, the wider the better: nobody knows how far soft ground reaches."""


def firm_first(
    terrain: Ground,
    here: NDArray[np.float64],
    wish: Wish,
    allowed: Where,
    soft_m: Distance,
    most: int = 10,
) -> list[Patch]:
    """`patches` far from soft ground; when there are none nearer to it, at last on any ground.

    Args:
        terrain: the map.
        here: odom_T_base (4, 4), in the map's frame.
        wish: what is asked.
        allowed: points (n, 2) to (n,): outside of keep-out zones and of earlier tries.
        soft_m: points (n, 2) to their distance (n,) from where wheels are known to sink.
        most: how many.
    """
    for berth_m in (*_BERTHS_M, -math.inf):
        away = partial(_away, soft_m, berth_m)
        firm = partial(_both, allowed, away)
        found = patches(terrain, here, wish, firm, most, away)
        if found:
            return found
    return []


def _away(soft_m: Distance, berth_m: float, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(soft_m(xy) > berth_m)


def _both(one: Where, other: Where, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(one(xy) & other(xy))


def stands(where: Sequence[float] | NDArray[np.float64], soft_m: Distance) -> bool:
    """Whether a rover at `where` (x, y, …) is out of reach of ground where wheels have sunk."""
    return bool(soft_m(np.array([where[:2]]))[0] > _BERTHS_M[-1])
