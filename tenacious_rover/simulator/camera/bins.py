# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Which rocks may shade a place: a grid of cells, each with the rocks whose shadow reaches it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.camera.ground import Ground

CELL_M = 0.25


class Bins(NamedTuple):
    """Rocks of cell (r, c): `items[first[r * columns + c] : first[r * columns + c + 1]]`.

    `balls` (items, 4) float32 stands beside them: a ball that holds the rock, center and squared
    radius, so that a ray passes most of them without a look at the rock itself.
    """

    first: NDArray[np.int64]
    items: NDArray[np.int32]
    balls: NDArray[np.float32]
    columns: int
    cell: float


def make_bins(
    rocks: NDArray[np.float64], ground: Ground, sun: NDArray[np.float64], margin: float
) -> Bins:
    """Bins for the unit vector (3,) to the sun; good until the ground is `margin` m lower."""
    rows = math.ceil((ground.heights.shape[0] - 1) * ground.step / CELL_M)
    columns = math.ceil((ground.heights.shape[1] - 1) * ground.step / CELL_M)
    lowest = np.full((rows, columns), np.inf, np.float32)
    _lowest(ground.heights, ground.step / CELL_M, lowest)
    lowest -= np.float32(margin)
    first = np.zeros(rows * columns + 1, np.int64)
    args = (rocks, lowest, ground.x0, ground.y0, CELL_M, np.asarray(sun, np.float64))
    _fill(*args, first, np.zeros(0, np.int32), True)
    first = np.cumsum(first)
    items = np.zeros(int(first[-1]), np.int32)
    place = first.copy()
    _fill(*args, place, items, False)
    balls = np.empty((len(items), 4), np.float32)
    balls[:, :3] = rocks[items, :3]
    balls[:, 3] = (rocks[items, 15] + margin) ** 2
    return Bins(first, items, balls, columns, CELL_M)


@njit(cache=True, error_model="numpy")
def _lowest(heights: NDArray[np.float32], scale: float, lowest: NDArray[np.float32]) -> None:
    """Least height over each cell, its border included."""
    rows, columns = lowest.shape
    for r in range(heights.shape[0]):
        y = r * scale
        i = min(int(y), rows - 1)
        for c in range(heights.shape[1]):
            x = c * scale
            j = min(int(x), columns - 1)
            h = heights[r, c]
            # A node also bounds the patches that reach into the cells beside it.
            for a in range(max(int(y - scale), 0), min(int(y + scale), rows - 1) + 1):
                for b in range(max(int(x - scale), 0), min(int(x + scale), columns - 1) + 1):
                    lowest[a, b] = min(lowest[a, b], h)
            lowest[i, j] = min(lowest[i, j], h)


@njit(cache=True, error_model="numpy")
def _fill(  # noqa: C901, PLR0912 (one compiled loop)
    rocks: NDArray[np.float64],
    lowest: NDArray[np.float32],
    x0: float,
    y0: float,
    cell: float,
    sun: NDArray[np.float64],
    place: NDArray[np.int64],
    items: NDArray[np.int32],
    counting: bool,
) -> None:
    """Count (`place[k + 1]` per cell k) or write (`items`, from `place[k]` on) the entries."""
    rows, columns = lowest.shape
    flat = math.sqrt(sun[0] * sun[0] + sun[1] * sun[1])
    if sun[2] <= 0.0:
        return
    ax, ay, fall = 0.0, 0.0, 1e9
    if flat > 1e-9:
        ax, ay, fall = -sun[0] / flat, -sun[1] / flat, sun[2] / flat
    for i in range(len(rocks)):
        radius = rocks[i, 15]
        # The highest ray over the rock's ball, at way w from its center, is at top - fall * w.
        top = rocks[i, 2] + radius * math.sqrt(1.0 + min(fall * fall, 1e6))
        wide = radius + 0.7072 * cell
        way = -radius - cell
        while way < 300.0:
            cx, cy = rocks[i, 0] + way * ax, rocks[i, 1] + way * ay
            reached = way < radius
            r0 = max(int((cy - wide - cell - y0) / cell), 0)
            r1 = min(int((cy + wide + cell - y0) / cell), rows - 1)
            c0 = max(int((cx - wide - cell - x0) / cell), 0)
            c1 = min(int((cx + wide + cell - x0) / cell), columns - 1)
            for r in range(r0, r1 + 1):
                for c in range(c0, c1 + 1):
                    px = x0 + (c + 0.5) * cell - rocks[i, 0]
                    py = y0 + (r + 0.5) * cell - rocks[i, 1]
                    along, aside = px * ax + py * ay, py * ax - px * ay
                    if flat <= 1e-9:
                        if way + cell < radius or px * px + py * py > wide * wide:
                            continue
                    elif not (way <= along < way + cell) or abs(aside) > wide:
                        continue
                    ray = top - fall * (along - 0.7072 * cell) if flat > 1e-9 else 1e9
                    if ray > lowest[r, c]:
                        reached = True
                        k = r * columns + c
                        if counting:
                            place[k + 1] += 1
                        else:
                            items[place[k]] = i
                            place[k] += 1
            if not reached:
                break
            way += cell
