# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Ground, rocks and lander as one height field, as seen from above: for pictures and oracles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.ground import World


def surface(world: World, with_lander: bool = True) -> NDArray[np.float32]:
    """Heights (rows, columns), m, of the highest thing over every node."""
    heights = world.heights.copy()
    rocks = world.rocks
    x0, y0 = float(world.origin[0]), float(world.origin[1])
    raise_rocks(heights, x0, y0, world.resolution_m, rocks.center, rocks.semi_axes, rocks.rotation)
    for block in world.lander if with_lander else ():
        raise_box(heights, x0, y0, world.resolution_m, block.map_T_block, block.size)
    return heights


@njit(cache=True)
def raise_rocks(
    heights: NDArray[np.float32],
    x0: float,
    y0: float,
    step: float,
    center: NDArray[np.float64],
    semi_axes: NDArray[np.float64],
    rotation: NDArray[np.float64],
) -> None:
    """Raise heights to the upper side of ellipsoids, in place."""
    rows, columns = heights.shape
    # Quadratic form of an ellipsoid: with M = R diag(1/a^2) R^T, a point d from its centre is on it
    # where d M d = 1; solved for the z of d over the node.
    for i in range(len(center)):
        m = np.zeros((3, 3))
        for j in range(3):
            for k in range(3):
                for n in range(3):
                    m[j, k] += rotation[i, j, n] * rotation[i, k, n] / semi_axes[i, n] ** 2
        reach = max(semi_axes[i, 0], semi_axes[i, 1], semi_axes[i, 2])
        r0 = max(0, int(np.ceil((center[i, 1] - reach - y0) / step)))
        r1 = min(rows - 1, int(np.floor((center[i, 1] + reach - y0) / step)))
        c0 = max(0, int(np.ceil((center[i, 0] - reach - x0) / step)))
        c1 = min(columns - 1, int(np.floor((center[i, 0] + reach - x0) / step)))
        for r in range(r0, r1 + 1):
            dy = y0 + r * step - center[i, 1]
            for c in range(c0, c1 + 1):
                dx = x0 + c * step - center[i, 0]
                b = m[0, 2] * dx + m[1, 2] * dy
                rest = m[0, 0] * dx * dx + 2.0 * m[0, 1] * dx * dy + m[1, 1] * dy * dy - 1.0
                inside = b * b - m[2, 2] * rest
                if inside > 0.0:
                    top = center[i, 2] + (np.sqrt(inside) - b) / m[2, 2]
                    heights[r, c] = max(heights[r, c], np.float32(top))


def raise_box(
    heights: NDArray[np.float32],
    x0: float,
    y0: float,
    step: float,
    map_T_box: NDArray[np.float64],
    size: NDArray[np.float64],
) -> None:
    """Raise heights to the upper side of a box, in place, by casting each node's vertical."""
    rows, columns = heights.shape
    reach = float(np.linalg.norm(size)) / 2.0
    cx, cy = map_T_box[0, 3], map_T_box[1, 3]
    c0, c1 = max(0, int((cx - reach - x0) / step)), min(columns, int((cx + reach - x0) / step) + 2)
    r0, r1 = max(0, int((cy - reach - y0) / step)), min(rows, int((cy + reach - y0) / step) + 2)
    if c0 >= c1 or r0 >= r1:
        return
    x = x0 + step * np.arange(c0, c1)[None, :] - cx
    y = y0 + step * np.arange(r0, r1)[:, None] - cy
    rotation = map_T_box[:3, :3]
    leave = np.full((r1 - r0, c1 - c0), np.inf)
    enter = np.full((r1 - r0, c1 - c0), -np.inf)
    for axis in range(3):
        start = rotation[0, axis] * x + rotation[1, axis] * y
        speed, half = rotation[2, axis], size[axis] / 2.0
        if abs(speed) < 1e-9:
            miss = np.abs(start) > half
            leave[miss], enter[miss] = -np.inf, np.inf
            continue
        one, other = (-half - start) / speed, (half - start) / speed
        leave = np.minimum(leave, np.maximum(one, other))
        enter = np.maximum(enter, np.minimum(one, other))
    hit = leave >= enter
    part = heights[r0:r1, c0:c1]
    part[hit] = np.maximum(part[hit], (map_T_box[2, 3] + leave[hit]).astype(np.float32))
