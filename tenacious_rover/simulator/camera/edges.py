# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Outlines: which pixels hold one, and more rays through those."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit, prange

from tenacious_rover.simulator.camera.fast import FAST
from tenacious_rover.simulator.camera.raycast import meet
from tenacious_rover.simulator.camera.solids import hit
from tenacious_rover.simulator.camera.visibility import View, ray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.camera.ground import Ground


@njit(cache=True, error_model="numpy", fastmath=FAST)
def find_edges(
    depth: NDArray[np.float64], what: NDArray[np.int32], edge: NDArray[np.bool_]
) -> None:
    """Mark (h, w) pixels at outlines: another thing beside it, or a bend in inverse depth.

    Over a plane inverse depth is linear in the picture.
    """
    height, width = depth.shape
    for v in range(height):
        for u in range(width):
            here = what[v, u]
            one = 1.0 / depth[v, u]
            found = False
            if u + 1 < width:
                found |= what[v, u + 1] != here
            if u > 0:
                found |= what[v, u - 1] != here
            if v + 1 < height:
                found |= what[v + 1, u] != here
            if v > 0:
                found |= what[v - 1, u] != here
            if not found and here != -1 and depth[v, u] < 12.0:
                if 0 < u < width - 1:
                    bend = 1.0 / depth[v, u - 1] + 1.0 / depth[v, u + 1] - 2.0 * one
                    found |= abs(bend) > 0.05 * one
                if 0 < v < height - 1:
                    bend = 1.0 / depth[v - 1, u] + 1.0 / depth[v + 1, u] - 2.0 * one
                    found |= abs(bend) > 0.08 * one
            edge[v, u] = found


@njit(parallel=True, cache=True, error_model="numpy", fastmath=FAST)
def cast_edges(  # noqa: C901, PLR0912 (one compiled loop)
    near: Ground,
    far: Ground,
    rocks: NDArray[np.float64],
    parts: NDArray[np.float64],
    view: View,
    pixels: NDArray[np.int64],
    offsets: NDArray[np.float64],
    depth: NDArray[np.float64],
    what: NDArray[np.int32],
    fine_depth: NDArray[np.float64],
    fine_what: NDArray[np.int32],
) -> None:
    """More rays through pixels at outlines, against what the pixels around them see.

    Args:
        near: the world's grid.
        far: the land around.
        rocks: as in `what`.
        parts: as in `what`.
        view: camera.
        pixels: (n, 2) row, column.
        offsets: (k, 2) of u, v inside a pixel.
        depth: (h, w) of the pixel centres.
        what: (h, w).
        fine_depth: (n, k), written.
        fine_what: (n, k), written.
    """
    h, top, levels = near.heights, near.maxima, near.levels
    x0, y0, step = near.x0, near.y0, near.step
    fh, ftop, flevels = far.heights, far.maxima, far.levels
    fx0, fy0, fstep = far.x0, far.y0, far.step
    ox, oy, oz = view.eye[0], view.eye[1], view.eye[2]
    for run in prange((len(pixels) + 63) // 64):
        around = np.empty(9, np.int32)
        for n in range(64 * run, min(64 * run + 64, len(pixels))):
            v0, u0 = pixels[n]
            count = 0
            least = math.inf  # of ground: what lies before it is met by other means
            for v in range(max(v0 - 1, 0), min(v0 + 2, view.height)):
                for u in range(max(u0 - 1, 0), min(u0 + 2, view.width)):
                    one = what[v, u]
                    if one in (-2, -3):
                        least = min(least, depth[v, u])
                    elif one != -1:
                        known = False
                        for k in range(count):
                            known |= around[k] == one
                        if not known:
                            around[count] = one
                            count += 1
            for k in range(offsets.shape[0]):
                u, v = u0 + offsets[k, 0], v0 + offsets[k, 1]
                dx, dy, dz = ray(view, u, v)
                t, seen = math.inf, -1
                for j in range(count):
                    one = around[j]
                    if one >= 0:
                        s = hit(rocks, one, ox, oy, oz, dx, dy, dz)
                    else:
                        s = hit(parts, -10 - one, ox, oy, oz, dx, dy, dz)
                    if s < t:
                        t, seen = s, one
                if least < math.inf or seen == -1:  # otherwise solids hide all ground here
                    s, ground = meet(
                        h,
                        top,
                        levels,
                        x0,
                        y0,
                        step,
                        fh,
                        ftop,
                        flevels,
                        fx0,
                        fy0,
                        fstep,
                        ox,
                        oy,
                        oz,
                        dx,
                        dy,
                        dz,
                        0.9 * least if least < math.inf else 0.0,
                    )
                    if s < t:
                        t, seen = s, ground
                fine_depth[n, k] = t
                fine_what[n, k] = seen
