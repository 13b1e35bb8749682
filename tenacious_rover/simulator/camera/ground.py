# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The ground as the camera casts rays at it: bilinear heights under a pyramid of maxima.

The surface is exactly `World.height`: bilinear between nodes. A ray descends the pyramid only where
it comes below a block's highest point, so it skips empty space in long steps and still finds the
first root of the quadratic that a bilinear patch makes of a ray (Tevs, Ihrke, Seidel 2008, "Maximum
mipmaps for fast, accurate, and scalable dynamic height field rendering").
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

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


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def first_root(
    heights: NDArray[np.float32],
    row: int,
    column: int,
    u: float,
    v: float,
    z: float,
    du: float,
    dv: float,
    dz: float,
    length: float,
) -> float:
    """Where a ray first comes to a bilinear patch, or -1.

    The ray is at (column + u, row + v, z) for s = 0; s runs to `length`. In the patch
    h = a + b u + c v + e u v, so z(s) - h(s) = A s^2 + B s + C.
    """
    a = float(heights[row, column])
    b = float(heights[row, column + 1]) - a
    c = float(heights[row + 1, column]) - a
    e = float(heights[row + 1, column + 1]) - a - b - c
    C = z - (a + b * u + c * v + e * u * v)
    if C <= 0.0:
        return 0.0
    A = -e * du * dv
    B = dz - b * du - c * dv - e * (u * dv + v * du)
    square = B * B - 4.0 * A * C
    if square < 0.0:
        return -1.0
    q = -0.5 * (B + math.copysign(math.sqrt(square), B))
    best = math.inf
    if A != 0.0:
        s = q / A
        if 0.0 <= s < best:
            best = s
    if q != 0.0:
        s = C / q
        if 0.0 <= s < best:
            best = s
    return best if best <= length else -1.0


@njit(cache=True, error_model="numpy")
def cast(  # noqa: C901, PLR0912 (one compiled loop)
    heights: NDArray[np.float32],
    maxima: NDArray[np.float32],
    levels: NDArray[np.int64],
    x0: float,
    y0: float,
    step: float,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    start: float,
    end: float,
) -> float:
    """Ray parameter t of the first ground at or below o + t d for start <= t <= end, or inf.

    The first six arguments are of a `Ground`.
    """
    x, y = (ox - x0) / step, (oy - y0) / step
    dx, dy = dx / step, dy / step
    rows, columns = levels[0, 1], levels[0, 2]
    top = levels.shape[0] - 1
    t = start
    # Clip to the grid and to its highest point.
    if dx != 0.0:
        a, b = -x / dx, (columns - x) / dx
        t, end = max(t, min(a, b)), min(end, max(a, b))
    elif x < 0.0 or x > columns:
        return math.inf
    if dy != 0.0:
        a, b = -y / dy, (rows - y) / dy
        t, end = max(t, min(a, b)), min(end, max(a, b))
    elif y < 0.0 or y > rows:
        return math.inf
    highest = float(maxima[levels[top, 0]])
    if oz + t * dz > highest:
        if dz >= 0.0:
            return math.inf
        t = max(t, (highest - oz) / dz)
    across = max(abs(dx), abs(dy))
    tiny = 1e-9 / across if across > 0.0 else 0.0
    level = min(3, top)
    while t <= end:
        inside = t + tiny
        column = min(max(math.floor(x + inside * dx), 0), columns - 1) >> level
        row = min(max(math.floor(y + inside * dy), 0), rows - 1) >> level
        # Where the ray leaves the block.
        leave = end
        if dx > 0.0:
            leave = min(leave, (((column + 1) << level) - x) / dx)
        elif dx < 0.0:
            leave = min(leave, ((column << level) - x) / dx)
        if dy > 0.0:
            leave = min(leave, (((row + 1) << level) - y) / dy)
        elif dy < 0.0:
            leave = min(leave, ((row << level) - y) / dy)
        leave = max(leave, t)
        lowest = oz + (leave if dz < 0.0 else t) * dz
        if lowest > maxima[levels[level, 0] + row * levels[level, 2] + column]:
            t = leave + tiny
            if level < top:
                level += 1
            if leave >= end:
                return math.inf
        elif level > 0:
            level -= 1
        else:
            s = first_root(
                heights,
                row,
                column,
                x + t * dx - column,
                y + t * dy - row,
                oz + t * dz,
                dx,
                dy,
                dz,
                leave - t,
            )
            if s >= 0.0:
                return t + s
            if leave >= end:
                return math.inf
            t = leave + tiny
    return math.inf


@njit(cache=True, error_model="numpy")
def bilinear(grid: NDArray[np.float32], x: float, y: float) -> float:
    """Of `grid` (rows, columns) at column x, row y, clamped to the border."""
    c = min(max(math.floor(x), 0), grid.shape[1] - 2)
    r = min(max(math.floor(y), 0), grid.shape[0] - 2)
    u, v = min(max(x - c, 0.0), 1.0), min(max(y - r, 0.0), 1.0)
    low = grid[r, c] * (1.0 - u) + grid[r, c + 1] * u
    high = grid[r + 1, c] * (1.0 - u) + grid[r + 1, c + 1] * u
    return low * (1.0 - v) + high * v


@njit(cache=True, error_model="numpy")
def slope(h: NDArray[np.float32], x: float, y: float) -> tuple[float, float]:
    """Rise per node along x and y at column x, row y: central differences, bilinear between.

    Continuous where the bilinear patches have creases, so the light shows no grid.
    """
    rows, columns = h.shape
    c = min(max(int(x), 0), columns - 2)
    r = min(max(int(y), 0), rows - 2)
    u, v = min(max(x - c, 0.0), 1.0), min(max(y - r, 0.0), 1.0)
    gx = gy = 0.0
    if 0 < c < columns - 2 and 0 < r < rows - 2:
        a, b, d, e = (1.0 - u) * (1.0 - v), u * (1.0 - v), (1.0 - u) * v, u * v
        gx = a * (h[r, c + 1] - h[r, c - 1]) + b * (h[r, c + 2] - h[r, c])
        gx += d * (h[r + 1, c + 1] - h[r + 1, c - 1]) + e * (h[r + 1, c + 2] - h[r + 1, c])
        gy = a * (h[r + 1, c] - h[r - 1, c]) + b * (h[r + 1, c + 1] - h[r - 1, c + 1])
        gy += d * (h[r + 2, c] - h[r, c]) + e * (h[r + 2, c + 1] - h[r, c + 1])
        return 0.5 * gx, 0.5 * gy
    for i in range(2):
        for j in range(2):
            weight = (v if i == 1 else 1.0 - v) * (u if j == 1 else 1.0 - u)
            west, east = max(c + j - 1, 0), min(c + j + 1, columns - 1)
            south, north = max(r + i - 1, 0), min(r + i + 1, rows - 1)
            gx += weight * (h[r + i, east] - h[r + i, west]) / (east - west)
            gy += weight * (h[north, c + j] - h[south, c + j]) / (north - south)
    return gx, gy
