# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Targeted shots: where to stand, and how to turn, so that a place is seen well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_BEST_OFFSET = np.radians(40.0)
"""Between the sun's azimuth behind the camera and the view: shadows show relief, none hides it."""


@dataclass(frozen=True)
class Stand:
    """A standing place in map, m and rad; `cost` in m of driving."""

    x: float
    y: float
    yaw: float
    cost: float


def bearing(map_T_base: NDArray[np.float64], target: tuple[float, float]) -> float:
    """Turn in rad that points the rover's x axis at a place in map."""
    dx, dy = target[0] - map_T_base[0, 3], target[1] - map_T_base[1, 3]
    return frames.wrapped(float(np.arctan2(dy, dx)) - frames.yaw(map_T_base))


def standing_place(
    target: tuple[float, float],
    here: tuple[float, float],
    distance_m: float,
    sun_azimuth: float | None = None,
    free: Callable[[float, float], bool] = lambda x, y: True,
) -> Stand | None:
    """The cheapest place on a circle around the target: short way, sun behind a shoulder.

    Args:
        target: in map, m.
        here: the rover in map, m.
        distance_m: between both.
        sun_azimuth: rad in map, of the direction to the sun.
        free: whether the rover may stand at x, y.

    Returns:
        `None` when no place is free.
    """
    best = None
    for angle in np.arange(24) * (2.0 * np.pi / 24.0):
        x = target[0] + distance_m * float(np.cos(angle))
        y = target[1] + distance_m * float(np.sin(angle))
        if not free(x, y):
            continue
        cost = float(np.hypot(x - here[0], y - here[1]))
        if sun_azimuth is not None:
            offset = abs(frames.wrapped(float(angle) - sun_azimuth))
            cost += 2.0 * distance_m * abs(offset - float(_BEST_OFFSET)) / np.pi
        if best is None or cost < best.cost:
            best = Stand(x, y, frames.wrapped(float(angle) + np.pi), cost)
    return best
