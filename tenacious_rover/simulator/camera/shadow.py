# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The sun's horizon baked into the ground: up to which height every place is in shadow.

At a point p the shadow's height is S(p) = max over d > 0 of h(p + d a) - d tan(elevation), with a
the level direction to the sun. Anything at p, ground or not, is lit where it is higher than S. One
sweep from the sun's side finds S everywhere: along lines parallel to a that cross the grid lines,
on which a bilinear surface is exactly linear between nodes. Linear interpolation between two
such lines is the only approximation; it does not add up along the way.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.camera.ground import Ground

_NONE = np.float32(-1e9)


def bake(ground: Ground, sun: NDArray[np.float64]) -> None:
    """Write the ground's `shadow` for the unit vector (3,) to the sun; all is dark below 0 deg."""
    if sun[2] <= 0.0:
        ground.shadow[:] = 1e9
        return
    flat = math.hypot(sun[0], sun[1])
    if flat < 1e-6:
        ground.shadow[:] = _NONE
        return
    ax, ay, fall = sun[0] / flat, sun[1] / flat, sun[2] / flat * ground.step
    if abs(ax) >= abs(ay):
        # The sweep runs over rows: let rows be what the sun's direction mostly crosses.
        swept = np.empty(ground.heights.shape[::-1], np.float32)
        sweep(np.ascontiguousarray(ground.heights.T), swept, ax, ay, fall)
        ground.shadow[:] = swept.T
    else:
        sweep(ground.heights, ground.shadow, ay, ax, fall)


@njit(cache=True, error_model="numpy")
def sweep(
    heights: NDArray[np.float32],
    shadow: NDArray[np.float32],
    along: float,
    across: float,
    fall: float,
) -> None:
    """Shadow heights (rows, columns) by marching over rows away from the sun.

    Args:
        heights: (rows, columns) m.
        shadow: (rows, columns), written.
        along: component of the level direction to the sun over rows; |along| >= |across|.
        across: component over columns.
        fall: how far the sun's ray falls over one grid step of level way, m.
    """
    rows, columns = heights.shape
    slope = across / abs(along)  # columns per row on the way to the sun
    drop = np.float32(fall / abs(along))
    shift = slope * (rows - 1)
    first = math.floor(min(0.0, shift)) - 1
    count = columns + math.ceil(abs(shift)) + 3
    line = np.full(count, _NONE, np.float32)
    for k in range(rows):
        row = rows - 1 - k if along > 0.0 else k
        # Line j crosses the k-th row from the sun at column first + j - k * slope.
        whole = math.floor(-k * slope)
        part = np.float32(-k * slope - whole)
        # Shadow at nodes, from the lines left and right of each.
        for c in range(columns):
            j = c - whole - first
            low, high = _NONE, _NONE
            if 1 <= j < count + 1:
                low = line[j - 1]
            if 0 <= j < count:
                high = line[j]
            # Node c lies between line j - 1 (at c - 1 + part) and line j (at c + part).
            if low <= _NONE * np.float32(0.5):
                shadow[row, c] = high
            elif high <= _NONE * np.float32(0.5):
                shadow[row, c] = low
            else:
                shadow[row, c] = part * low + (np.float32(1.0) - part) * high
        # The ground under each line joins its shadow; then go one row on.
        for j in range(count):
            c = first + j + whole
            if 0 <= c < columns - 1:
                under = heights[row, c] * (np.float32(1.0) - part) + heights[row, c + 1] * part
                line[j] = max(line[j], under)
            elif c == columns - 1 and part < np.float32(1e-6):
                line[j] = max(line[j], heights[row, c])
            line[j] -= drop
