# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where a ray meets the ground: exactly, by a pyramid of maxima, or from cell to cell.

The surface is that of `World.height`: bilinear between nodes. A ray descends the pyramid only where
it comes below a block's highest point, so it skips empty space in long steps and still finds the
first root of the quadratic that a bilinear patch makes of a ray (Tevs, Ihrke, Seidel 2008, "Maximum
mipmaps for fast, accurate, and scalable dynamic height field rendering"). A ray that is known to be
near its end goes from cell to cell instead.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from numba import njit

from tenacious_rover.simulator.camera.fast import FAST

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@njit(cache=True, error_model="numpy", fastmath=FAST)
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


@njit(cache=True, error_model="numpy", fastmath=FAST)
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


@njit(cache=True, error_model="numpy", fastmath=FAST)
def follow(
    heights: NDArray[np.float32],
    maxima: NDArray[np.float32],
    x: float,
    y: float,
    z: float,
    dx: float,
    dy: float,
    dz: float,
    per_x: float,
    per_y: float,
    start: float,
    end: float,
    cells: int,
) -> float:
    """As `cast` from inside the grid, cell by cell: for a ray that is near its end.

    The ray is at column x + t dx, row y + t dy, height z + t dz; `per_x`, `per_y` are 1 / dx and
    1 / dy. After `cells` cells without an answer, or outside the grid: -t of how far it is free.
    """
    columns, rows = heights.shape[1] - 1, heights.shape[0] - 1
    t = start
    column, row = int(x + t * dx), int(y + t * dy)
    go_x, go_y = (1 if dx > 0.0 else -1), (1 if dy > 0.0 else -1)
    next_x = (column + (1 if dx > 0.0 else 0) - x) * per_x
    next_y = (row + (1 if dy > 0.0 else 0) - y) * per_y
    wide_x, wide_y = abs(per_x), abs(per_y)
    for _ in range(cells):
        if column < 0 or row < 0 or column >= columns or row >= rows:
            return -t
        leave = min(next_y, next_x)
        leave = min(leave, end)
        lowest = z + (leave if dz < 0.0 else t) * dz
        if lowest <= maxima[row * columns + column]:
            s = first_root(
                heights,
                row,
                column,
                x + t * dx - column,
                y + t * dy - row,
                z + t * dz,
                dx,
                dy,
                dz,
                leave - t,
            )
            if s >= 0.0:
                return t + s
        if leave >= end:
            return math.inf
        t = leave
        if next_x < next_y:
            column += go_x
            next_x += wide_x
        else:
            row += go_y
            next_y += wide_y
    return -t


@njit(cache=True, error_model="numpy", fastmath=FAST, forceinline=True)
def meet(
    h: NDArray[np.float32],
    top: NDArray[np.float32],
    levels: NDArray[np.int64],
    x0: float,
    y0: float,
    step: float,
    far_h: NDArray[np.float32],
    far_top: NDArray[np.float32],
    far_levels: NDArray[np.int64],
    far_x0: float,
    far_y0: float,
    far_step: float,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    start: float,
) -> tuple[float, int]:
    """Ray parameter >= start where a ray meets ground, and NEAR or FAR; inf and SKY if none.

    The first twelve arguments are of two `Ground`s. A start > 0 says: the end is near.
    """
    per = 1.0 / step
    x, y = (ox - x0) * per, (oy - y0) * per
    # Never zero, so that what is divided by it is only far away.
    gx = dx * per if dx != 0.0 else 1e-30
    gy = dy * per if dy != 0.0 else 1e-30
    per_x, per_y = 1.0 / gx, 1.0 / gy
    # Where the ray leaves the grid for the land around.
    out_x = ((h.shape[1] - 1.0 if gx > 0.0 else 0.0) - x) * per_x
    out_y = ((h.shape[0] - 1.0 if gy > 0.0 else 0.0) - y) * per_y
    out = max(min(out_y, out_x), 0.0)
    if start < out:
        t = -start
        if start > 0.0:
            t = follow(h, top, x, y, oz, gx, gy, dz, per_x, per_y, start, out, 16)
        if t <= 0.0:
            t = cast(h, top, levels, x0, y0, step, ox, oy, oz, dx, dy, dz, -t, out)
        if t == start and start > 0.0:  # began below ground: the guess was wrong
            t = cast(h, top, levels, x0, y0, step, ox, oy, oz, dx, dy, dz, 0.0, out)
        if t < math.inf:
            return t, -2
    if out == math.inf:
        return math.inf, -1
    begin = max(start, out)
    t = cast(
        far_h,
        far_top,
        far_levels,
        far_x0,
        far_y0,
        far_step,
        ox,
        oy,
        oz,
        dx,
        dy,
        dz,
        begin,
        math.inf,
    )
    return t, -3 if t < math.inf else -1
