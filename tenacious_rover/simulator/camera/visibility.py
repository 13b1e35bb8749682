# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What each pixel sees of the ground, by coherent ray casting.

A ray is o + t d with d = map_R_optical ((u - cx) / fx, (v - cy) / fy, 1), not normalised, so t is
the z-depth. `what` of a pixel is SKY, NEAR (the world's grid), FAR (the land around it), a rock's
index >= 0, or PART - index of a part.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from numba import njit, prange

from tenacious_rover.simulator.camera.fast import FAST
from tenacious_rover.simulator.camera.raycast import meet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tenacious_rover.simulator.camera.ground import Ground

SKY, NEAR, FAR, PART = -1, -2, -3, -10
_STRIP = 40
_SLACK = 0.96
"""A ray starts at this share of the depth below it (measured: no miss in 40 poses)."""


class View(NamedTuple):
    """A camera: `rotation` (3, 3) map_R_optical, `eye` (3,) in map, intrinsics, size in px."""

    rotation: NDArray[np.float64]
    eye: NDArray[np.float64]
    fx: float
    fy: float
    cx: float
    cy: float
    height: int
    width: int


@njit(cache=True, error_model="numpy", fastmath=FAST)
def ray(view: View, u: float, v: float) -> tuple[float, float, float]:
    """Direction d in map of the ray through pixel (u, v)."""
    x, y = (u - view.cx) / view.fx, (v - view.cy) / view.fy
    m = view.rotation
    return (
        m[0, 0] * x + m[0, 1] * y + m[0, 2],
        m[1, 0] * x + m[1, 1] * y + m[1, 2],
        m[2, 0] * x + m[2, 1] * y + m[2, 2],
    )


@njit(parallel=True, cache=True, error_model="numpy", fastmath=FAST)
def cast_frame(
    near: Ground,
    far: Ground,
    view: View,
    coherent: bool,
    depth: NDArray[np.float64],
    what: NDArray[np.int32],
) -> None:
    """Ground seen by every pixel, into `depth` and `what` (h, w).

    `coherent`: the pixel below sees nearer ground, so rays start near what it saw.
    """
    strips = (view.width + 39) // 40
    for strip in prange(strips):
        # Arrays are taken out of their tuples once: each use inside costs in the loop.
        h, top, levels = near.heights, near.maxima, near.levels
        x0, y0, step = near.x0, near.y0, near.step
        fh, ftop, flevels = far.heights, far.maxima, far.levels
        fx0, fy0, fstep = far.x0, far.y0, far.step
        ox, oy, oz = view.eye[0], view.eye[1], view.eye[2]
        first, last = strip * 40, min(strip * 40 + 40, view.width)
        for row in range(view.height):
            v = view.height - 1 - row
            for u in range(first, last):
                start = 0.0
                if coherent and row > 0 and first < u < last - 1:
                    least = min(depth[v + 1, u - 1], depth[v + 1, u], depth[v + 1, u + 1])
                    if least == math.inf:
                        depth[v, u], what[v, u] = math.inf, -1
                        continue
                    start = 0.97 * least
                dx, dy, dz = ray(view, u, v)
                depth[v, u], what[v, u] = meet(
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
                    start,
                )
