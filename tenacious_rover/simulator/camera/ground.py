# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The ground as the camera knows it: heights, shadows and tones under a pyramid of maxima."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from tenacious_rover.simulator.camera.fast import FAST

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Ground(NamedTuple):
    """A height field ready for rays; arrays are shared, not copied, and change by digging.

    `heights` (rows, columns) float32 m; `shadow` (rows, columns) float32, the height up to which
    the ground is shadowed by other ground; `tone` (rows, columns) uint8, brightness in 1/200 of
    average; `maxima` (n,) float32, all levels one after the other; `levels` (k, 3) int64 of
    offset, rows, columns; node (r, c) is at (x0 + c * step, y0 + r * step).
    """

    heights: NDArray[np.float32]
    shadow: NDArray[np.float32]
    tone: NDArray[np.uint8]
    maxima: NDArray[np.float32]
    levels: NDArray[np.int64]
    x0: float
    y0: float
    step: float


def make_ground(
    heights: NDArray[np.float32],
    origin: tuple[float, float],
    step: float,
    tone: NDArray[np.uint8] | None = None,
) -> Ground:
    """A ground without shadow from heights (rows, columns), which it keeps."""
    rows, columns = heights.shape[0] - 1, heights.shape[1] - 1
    levels, offset = [], 0
    while True:
        levels.append((offset, rows, columns))
        offset += rows * columns
        if rows == 1 and columns == 1:
            break
        rows, columns = (rows + 1) // 2, (columns + 1) // 2
    if tone is None:
        tone = np.full(heights.shape, 200, np.uint8)
    ground = Ground(
        heights,
        np.full(heights.shape, -1e9, np.float32),
        tone,
        np.zeros(offset, np.float32),
        np.array(levels, np.int64),
        float(origin[0]),
        float(origin[1]),
        float(step),
    )
    raise_pyramid(
        ground.heights,
        ground.maxima,
        ground.levels,
        0,
        0,
        heights.shape[0] - 2,
        heights.shape[1] - 2,
    )
    return ground


@njit(cache=True, error_model="numpy", fastmath=FAST)
def raise_pyramid(
    heights: NDArray[np.float32],
    maxima: NDArray[np.float32],
    levels: NDArray[np.int64],
    row0: int,
    column0: int,
    row1: int,
    column1: int,
) -> None:
    """Recompute the maxima over cells row0..row1, column0..column1 (inclusive), all levels."""
    width = levels[0, 2]
    for r in range(row0, row1 + 1):
        for c in range(column0, column1 + 1):
            maxima[r * width + c] = max(
                heights[r, c], heights[r, c + 1], heights[r + 1, c], heights[r + 1, c + 1]
            )
    for k in range(1, levels.shape[0]):
        row0, column0, row1, column1 = row0 // 2, column0 // 2, row1 // 2, column1 // 2
        below, high, wide = levels[k - 1, 0], levels[k - 1, 1], levels[k - 1, 2]
        offset, width = levels[k, 0], levels[k, 2]
        for r in range(row0, row1 + 1):
            for c in range(column0, column1 + 1):
                top = np.float32(-np.inf)
                for i in range(2 * r, min(2 * r + 2, high)):
                    for j in range(2 * c, min(2 * c + 2, wide)):
                        top = max(top, maxima[below + i * wide + j])
                maxima[offset + r * width + c] = top


@njit(cache=True, error_model="numpy", fastmath=FAST)
def bilinear(grid: NDArray[np.float32], x: float, y: float) -> float:
    """Of `grid` (rows, columns) at column x, row y, clamped to the border."""
    c = min(max(math.floor(x), 0), grid.shape[1] - 2)
    r = min(max(math.floor(y), 0), grid.shape[0] - 2)
    u, v = min(max(x - c, 0.0), 1.0), min(max(y - r, 0.0), 1.0)
    low = grid[r, c] * (1.0 - u) + grid[r, c + 1] * u
    high = grid[r + 1, c] * (1.0 - u) + grid[r + 1, c + 1] * u
    return low * (1.0 - v) + high * v
