# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""How much of the sun reaches what the camera sees: past ground, parts and rocks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit, prange

from tenacious_rover.simulator.camera.fast import FAST, RUN, turn, turns
from tenacious_rover.simulator.camera.ground import bilinear
from tenacious_rover.simulator.camera.solids import blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELLS = 32
"""Across the ball of a group, on the plane that faces the sun."""
HALF = CELLS / 2.0


@njit(cache=True, error_model="numpy")
def facing_plane(sun: NDArray[np.float64]) -> tuple[float, float, float, float, float]:
    """Two unit vectors that with the unit vector `sun` (3,) are square: (x, y) and (x, y, z)."""
    flat = math.sqrt(sun[0] * sun[0] + sun[1] * sun[1])
    if flat < 1e-9:
        return 1.0, 0.0, 0.0, 1.0, 0.0
    ax, ay = -sun[1] / flat, sun[0] / flat
    return ax, ay, -sun[2] * ay, sun[2] * ax, sun[0] * ay - sun[1] * ax


@njit(cache=True, error_model="numpy")
def shade_cells(
    parts: NDArray[np.float64],
    groups: NDArray[np.float64],
    runs: NDArray[np.int64],
    sun: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Which parts stand before each cell of the plane that faces the sun.

    Args:
        parts: table of solids.
        groups: (g, 4) balls about runs of parts.
        runs: (g + 1,) their first parts.
        sun: (3,) unit.

    Returns:
        `first` and `items`: cell (r, c) of group g has the parts
        `items[first[m] : first[m + 1]]`, m = (g * CELLS + r) * CELLS + c.
    """
    ax, ay, bx, by, bz = facing_plane(sun)
    count = len(groups) * CELLS * CELLS
    first = np.zeros(count + 1, np.int64)
    items = np.zeros(0, np.int32)
    place = np.zeros(count, np.int64)
    for fill in (False, True):
        for g in range(len(groups)):
            scale = HALF / groups[g, 3]
            for i in range(runs[g], runs[g + 1]):
                x, y = parts[i, 0] - groups[g, 0], parts[i, 1] - groups[g, 1]
                z = parts[i, 2] - groups[g, 2]
                a, b = (ax * x + ay * y) * scale + HALF, (bx * x + by * y + bz * z) * scale + HALF
                wide = high = 1e-6
                for k in range(3):  # half axes: rows of the matrix times half sizes squared
                    square = parts[i, 12 + k] ** 2 * scale
                    ux, uy, uz = parts[i, 3 + 3 * k], parts[i, 4 + 3 * k], parts[i, 5 + 3 * k]
                    wide += square * abs(ax * ux + ay * uy)
                    high += square * abs(bx * ux + by * uy + bz * uz)
                for r in range(max(int(b - high), 0), min(int(b + high), CELLS - 1) + 1):
                    for c in range(max(int(a - wide), 0), min(int(a + wide), CELLS - 1) + 1):
                        m = (g * CELLS + r) * CELLS + c
                        if fill:
                            items[place[m]] = i
                            place[m] += 1
                        else:
                            first[m + 1] += 1
        if not fill:
            first = np.cumsum(first)
            place[:] = first[:-1]
            items = np.zeros(first[-1], np.int32)
    return first, items


@njit(parallel=True, cache=True, error_model="numpy", fastmath=FAST)
def sunlit(
    surface: NDArray[np.float32],
    what: NDArray[np.int32],
    near: NDArray[np.float32],
    far: NDArray[np.float32],
    geometry: NDArray[np.float64],
    groups: NDArray[np.float64],
    part_first: NDArray[np.int64],
    part_items: NDArray[np.int32],
    parts: NDArray[np.float64],
    rocks: NDArray[np.float64],
    first: NDArray[np.int64],
    items: NDArray[np.int32],
    balls: NDArray[np.float32],
    columns: int,
    cell: float,
    sun: NDArray[np.float64],
    share: NDArray[np.float32],
) -> None:
    """Write the share (n,) of the sun that reaches a surface past ground, parts and rocks.

    `near`, `far`: shadow heights of both grounds; `geometry` (2, 3) their x0, y0, step;
    `groups` (g, 4) balls about parts; `part_first`, `part_items`: of `shade_cells`; `first`,
    `items`, `balls`, `columns`, `cell`: rocks of `bins.Bins`.
    """
    for run in prange(turns(len(what))):
        begin, end = turn(run, len(what))
        reached = np.empty(RUN, np.bool_)
        _past_ground(begin, end, surface, what, near, far, geometry, sun, share)
        for g in range(len(groups)):
            if _beside(begin, end, surface, groups[g], sun, reached):
                _past_parts(
                    begin,
                    end,
                    surface,
                    what,
                    groups,
                    g,
                    part_first,
                    part_items,
                    parts,
                    sun,
                    reached,
                    share,
                )
        _past_rocks(
            begin,
            end,
            surface,
            what,
            geometry,
            rocks,
            first,
            items,
            balls,
            columns,
            cell,
            sun,
            share,
        )


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _past_ground(
    begin: int,
    end: int,
    surface: NDArray[np.float32],
    what: NDArray[np.int32],
    near: NDArray[np.float32],
    far: NDArray[np.float32],
    geometry: NDArray[np.float64],
    sun: NDArray[np.float64],
    share: NDArray[np.float32],
) -> None:
    """Of a run of surfaces, the share that their own lean and the ground leave."""
    sx, sy, sz = sun[0], sun[1], sun[2]
    x0, y0, per = geometry[0, 0], geometry[0, 1], 1.0 / geometry[0, 2]
    far_x0, far_y0, far_per = geometry[1, 0], geometry[1, 1], 1.0 / geometry[1, 2]
    for n in range(begin, end):
        share[n] = 0.0
        if what[n] == -1 or sz <= 0.0:
            continue
        facing = surface[n, 0] * sx + surface[n, 1] * sy + surface[n, 2] * sz
        if facing <= 0.0 or surface[n, 7] <= 0.0:
            continue
        x, y, z = surface[n, 9], surface[n, 10], surface[n, 11]
        if what[n] == -3:
            top = bilinear(far, (x - far_x0) * far_per, (y - far_y0) * far_per)
        else:
            top = bilinear(near, (x - x0) * per, (y - y0) * per)
        share[n] = surface[n, 7] * min(max(0.5 + (z - top) / surface[n, 15], 0.0), 1.0)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _beside(
    begin: int,
    end: int,
    surface: NDArray[np.float32],
    ball: NDArray[np.float64],
    sun: NDArray[np.float64],
    reached: NDArray[np.bool_],
) -> bool:
    """Mark the surfaces of a run whose ray to the sun passes a ball (4,); whether there are any.

    A short loop without branches: most of a picture is far from any part.
    """
    sx, sy, sz = sun[0], sun[1], sun[2]
    gx, gy, gz, radius = ball[0], ball[1], ball[2], ball[3]
    found = False
    for n in range(begin, end):
        wx, wy, wz = gx - surface[n, 9], gy - surface[n, 10], gz - surface[n, 11]
        along = wx * sx + wy * sy + wz * sz
        aside = wx * wx + wy * wy + wz * wz - along * along
        inside = (along >= -radius) & (aside <= radius * radius)
        reached[n - begin] = inside
        found |= inside
    return found


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _past_parts(
    begin: int,
    end: int,
    surface: NDArray[np.float32],
    what: NDArray[np.int32],
    groups: NDArray[np.float64],
    g: int,
    first: NDArray[np.int64],
    items: NDArray[np.int32],
    parts: NDArray[np.float64],
    sun: NDArray[np.float64],
    reached: NDArray[np.bool_],
    share: NDArray[np.float32],
) -> None:
    """Darken what the parts of group g shade."""
    ax, ay, bx, by, bz = facing_plane(sun)
    sx, sy, sz = sun[0], sun[1], sun[2]
    gx, gy, gz, scale = groups[g, 0], groups[g, 1], groups[g, 2], HALF / groups[g, 3]
    for n in range(begin, end):
        if not reached[n - begin] or share[n] <= 0.0:
            continue
        x, y, z = surface[n, 9], surface[n, 10], surface[n, 11]
        wx, wy, wz = x - gx, y - gy, z - gz
        i = min(max(int(HALF + (bx * wx + by * wy + bz * wz) * scale), 0), CELLS - 1)
        j = min(max(int(HALF + (ax * wx + ay * wy) * scale), 0), CELLS - 1)
        m = (g * CELLS + i) * CELLS + j
        for k in range(first[m], first[m + 1]):
            one = items[k]
            if -10 - one != what[n] and blocks(parts, one, x, y, z, sx, sy, sz):
                share[n] = 0.0
                break


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _past_rocks(
    begin: int,
    end: int,
    surface: NDArray[np.float32],
    what: NDArray[np.int32],
    geometry: NDArray[np.float64],
    rocks: NDArray[np.float64],
    first: NDArray[np.int64],
    items: NDArray[np.int32],
    balls: NDArray[np.float32],
    columns: int,
    cell: float,
    sun: NDArray[np.float64],
    share: NDArray[np.float32],
) -> None:
    """Darken what rocks shade."""
    sx, sy, sz = sun[0], sun[1], sun[2]
    x0, y0, per = geometry[0, 0], geometry[0, 1], 1.0 / cell
    rows = (len(first) - 1) // max(columns, 1)
    for n in range(begin, end):
        if share[n] <= 0.0 or what[n] == -3:
            continue
        x, y, z = surface[n, 9], surface[n, 10], surface[n, 11]
        i, j = int((y - y0) * per), int((x - x0) * per)
        if 0 <= i < rows and 0 <= j < columns:
            for k in range(first[i * columns + j], first[i * columns + j + 1]):
                wx, wy, wz = balls[k, 0] - x, balls[k, 1] - y, balls[k, 2] - z
                along = wx * sx + wy * sy + wz * sz
                if wx * wx + wy * wy + wz * wz - along * along > balls[k, 3]:
                    continue
                if items[k] != what[n] and blocks(rocks, items[k], x, y, z, sx, sy, sz):
                    share[n] = 0.0
                    break
