# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a place sees the sun, past terrain, rocks, lander and the rover itself."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np
from numba import njit

from tenacious_rover.rover import frames
from tenacious_rover.simulator.wheel_ground import bilinear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.dynamics import Dynamics
    from tenacious_rover.simulator.ground import World

    Array = NDArray[np.float64]
    Heights = NDArray[np.float32]


@njit(cache=True)
def terrain_shades(
    heights: Heights, origin: Array, resolution: float, top: float, point: Array, sun: Array
) -> bool:
    """Whether the ground, nowhere above `top`, stands between a point (3,) and the sun (3,)."""
    if sun[2] <= 0.0:
        return True
    flat = sqrt(sun[0] ** 2 + sun[1] ** 2)
    if flat < 1e-9:
        return False
    rows, columns = heights.shape
    share = 0.5 * resolution / flat
    x, y, z = point
    while z < top:
        x, y, z = x + share * sun[0], y + share * sun[1], z + share * sun[2]
        u, v = (x - origin[0]) / resolution, (y - origin[1]) / resolution
        if u < 0.0 or v < 0.0 or u > columns - 1 or v > rows - 1:
            return False
        if bilinear(heights, origin[0], origin[1], resolution, x, y) > z:
            return True
    return False


class SunLight:
    """Answers for one world; the rover's own parts as they stand."""

    def __init__(self, world: World) -> None:
        self._top = float(world.heights.max())
        rocks = world.rocks
        self._center = np.asarray(rocks.center, np.float64).reshape(-1, 3)
        axes = np.asarray(rocks.semi_axes, np.float64).reshape(-1, 3)
        rotation = np.asarray(rocks.rotation, np.float64).reshape(-1, 3, 3)
        self._unit = np.swapaxes(rotation, 1, 2) / axes[:, :, None]
        self._boxes: list[tuple[Array, Array]] = [
            (frames.inverse(block.map_T_block), np.asarray(block.size, np.float64) / 2.0)
            for block in world.lander
        ]

    def lit(self, dynamics: Dynamics, point: Array, sun: Array) -> bool:
        """Whether a point (3,) of map sees the sun, a unit vector (3,) in map."""
        if sun[2] <= 0.0:
            return False
        step = dynamics.world.resolution_m
        if terrain_shades(dynamics.heights, dynamics.origin, step, self._top, point, sun):
            return False
        if self._rock_shades(point, sun) or any(_box_shades(b, point, sun) for b in self._boxes):
            return False
        return not self._rover_shades(dynamics, point, sun)

    def _rock_shades(self, point: Array, sun: Array) -> bool:
        if not len(self._center):
            return False
        start = np.einsum("nij,nj->ni", self._unit, point - self._center)
        along = self._unit @ sun
        a = np.einsum("ni,ni->n", along, along)
        b = np.einsum("ni,ni->n", start, along)
        c = np.einsum("ni,ni->n", start, start) - 1.0
        root = b * b - a * c
        return bool(np.any((root >= 0.0) & (np.sqrt(np.maximum(root, 0.0)) > b)))

    def _rover_shades(self, dynamics: Dynamics, point: Array, sun: Array) -> bool:
        model: Any = dynamics.model
        for geom in np.flatnonzero(model.body_rootid[model.geom_bodyid] == dynamics.base):
            far = mujoco.mju_rayGeom(
                dynamics.data.geom_xpos[geom],
                dynamics.data.geom_xmat[geom],
                model.geom_size[geom],
                point,
                sun,
                int(model.geom_type[geom]),
            )
            if (far[0] if isinstance(far, tuple) else far) >= 0.0:
                return True
        return False


def _box_shades(box: tuple[Array, Array], point: Array, sun: Array) -> bool:
    block_T_map, half = box
    start = block_T_map[:3, :3] @ point + block_T_map[:3, 3]
    along = block_T_map[:3, :3] @ sun
    along = np.where(np.abs(along) < 1e-12, 1e-12, along)
    near, far = (-half - start) / along, (half - start) / along
    enter, leave = np.minimum(near, far).max(), np.maximum(near, far).min()
    return bool(enter <= leave and leave > 0.0)
