# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Away from soft ground: no work where wheels were felt to sink while there is other ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.sampling.patch import patches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tenacious_rover.sampling.patch import Ground, Patch, Wish

_BERTHS_M = (1.5, 0.6)
"""From where wheels have sunk, the wider the better: nobody knows how far soft ground reaches."""


def firm_first(
    terrain: Ground,
    here: NDArray[np.float64],
    wish: Wish,
    allowed: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    soft_m: Callable[[NDArray[np.float64]], NDArray[np.float64]],
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
    for berth_m in _BERTHS_M:
        found = _beyond(terrain, here, wish, allowed, soft_m, most, berth_m)
        if found:
            return found
    return patches(terrain, here, wish, allowed, most)


def _beyond(
    terrain: Ground,
    here: NDArray[np.float64],
    wish: Wish,
    allowed: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    soft_m: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    most: int,
    berth_m: float,
) -> list[Patch]:
    """Patches, and places to stand before them, farther than `berth_m` from soft ground."""

    def away(xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(soft_m(xy) > berth_m)

    def firm(xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(allowed(xy) & away(xy))

    return patches(terrain, here, wish, firm, most, away)


def stands(
    where: Sequence[float] | NDArray[np.float64],
    soft_m: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> bool:
    """Whether a rover at `where` (x, y, …) is out of reach of ground where wheels have sunk."""
    return bool(soft_m(np.array([where[:2]]))[0] > _BERTHS_M[-1])
