# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What each pixel sees: ground by coherent ray casting, solids splatted over it, edges refined.

A ray is o + t d with d = map_R_optical ((u - cx) / fx, (v - cy) / fy, 1), not normalised, so t is
the z-depth. `what` of a pixel is SKY, NEAR (the world's grid), FAR (the land around it), a rock's
index >= 0, or PART - index of a part.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit, prange

from tenacious_rover.simulator.camera.ground import Ground, cast
from tenacious_rover.simulator.camera.solids import enter_exit, hit, local, turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


@njit(cache=True, error_model="numpy")
def ray(view: View, u: float, v: float) -> tuple[float, float, float]:
    """Direction d in map of the ray through pixel (u, v)."""
    x, y = (u - view.cx) / view.fx, (v - view.cy) / view.fy
    m = view.rotation
    return (
        m[0, 0] * x + m[0, 1] * y + m[0, 2],
        m[1, 0] * x + m[1, 1] * y + m[1, 2],
        m[2, 0] * x + m[2, 1] * y + m[2, 2],
    )


@njit(cache=True, error_model="numpy")
def border(
    heights: NDArray[np.float32],
    x0: float,
    y0: float,
    step: float,
    ox: float,
    oy: float,
    dx: float,
    dy: float,
) -> float:
    """Ray parameter where a ray leaves the grid for the land around; inf when it never does."""
    leave = math.inf
    if dx != 0.0:
        edge = x0 + (step * (heights.shape[1] - 1) if dx > 0.0 else 0.0)
        leave = min(leave, (edge - ox) / dx)
    if dy != 0.0:
        edge = y0 + (step * (heights.shape[0] - 1) if dy > 0.0 else 0.0)
        leave = min(leave, (edge - oy) / dy)
    return max(leave, 0.0)


@njit(parallel=True, cache=True, error_model="numpy")
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
                    start = 0.96 * least
                dx, dy, dz = ray(view, u, v)
                t, seen = math.inf, -2
                out = border(h, x0, y0, step, ox, oy, dx, dy)
                if start < out:
                    t = cast(h, top, levels, x0, y0, step, ox, oy, oz, dx, dy, dz, start, out)
                    if t == start and start > 0.0:  # began below ground: the guess was wrong
                        t = cast(h, top, levels, x0, y0, step, ox, oy, oz, dx, dy, dz, 0.0, out)
                if t == math.inf and out < math.inf:
                    seen = -3
                    t = cast(
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
                        max(out, start),
                        math.inf,
                    )
                depth[v, u] = t
                what[v, u] = seen if t < math.inf else -1


@njit(cache=True, error_model="numpy")
def _outside(across: float, depth: float, f: float, border: float, radius: float) -> bool:
    """Whether a ball lies beyond one side of the picture, `border` px from the axis."""
    return f * across + border * depth < -radius * math.sqrt(f * f + border * border)


@njit(cache=True, error_model="numpy")
def _unseen(
    solids: NDArray[np.float64], i: int, view: View, cx: float, cy: float, cz: float
) -> bool:
    """Whether a solid about the eye, center (cx, cy, cz) in its frame, is behind or around it.

    It is when its bounding box lies beyond one side of the view, or when it holds the eye.
    """
    px, py, pz = local(solids, i, view.eye[0], view.eye[1], view.eye[2])
    if max(abs(px), abs(py), abs(pz)) < 1.0:
        enter, leave = enter_exit(int(solids[i, 16]), px, py, pz, 1.0, 0.0, 0.0)
        if enter < 0.0 < leave:
            return True
    m = view.rotation
    right, low = view.width - 1.0 - view.cx, view.height - 1.0 - view.cy
    beyond = np.zeros(5, np.int64)
    for corner in range(8):
        x, y, z = cx, cy, cz
        for k in range(3):
            side = 1.0 if corner >> k & 1 else -1.0
            if solids[i, 16] == 3.0 and k == 2 and side < 0.0:
                side = 0.0  # a gable stands on its center
            grow = side * solids[i, 12 + k] ** 2
            ax, ay, az = solids[i, 3 + 3 * k], solids[i, 4 + 3 * k], solids[i, 5 + 3 * k]
            x += grow * (m[0, 0] * ax + m[1, 0] * ay + m[2, 0] * az)
            y += grow * (m[0, 1] * ax + m[1, 1] * ay + m[2, 1] * az)
            z += grow * (m[0, 2] * ax + m[1, 2] * ay + m[2, 2] * az)
        beyond[0] += z <= 0.0
        beyond[1] += view.fx * x + view.cx * z < 0.0
        beyond[2] += right * z - view.fx * x < 0.0
        beyond[3] += view.fy * y + view.cy * z < 0.0
        beyond[4] += low * z - view.fy * y < 0.0
    return beyond.max() == 8


@njit(cache=True, error_model="numpy")
def project(
    solids: NDArray[np.float64],
    view: View,
    smallest: float,
    boxes: NDArray[np.int32],
    near: NDArray[np.float64],
) -> None:
    """Bounds of each solid on the picture, from an ellipsoid that holds it.

    An ellipsoid with center c and matrix S (camera frame) has the dual outline S - c c^T: a pixel
    line touches it where that form vanishes (Hartley, Zisserman 2004, eq. 8.6).

    Args:
        solids: n.
        view: camera.
        smallest: diameter in px below which a solid is not drawn.
        boxes: (n, 4) written: first column, first row, last column, last row; empty when unseen.
        near: (n,) written: least depth.
    """
    m = view.rotation
    for i in range(len(solids)):
        x = solids[i, 0] - view.eye[0]
        y = solids[i, 1] - view.eye[1]
        z = solids[i, 2] - view.eye[2]
        cz = m[0, 2] * x + m[1, 2] * y + m[2, 2] * z
        radius = solids[i, 15]
        boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = 0, 0, -1, -1
        if cz + radius <= 0.0 or 2.0 * radius * view.fx < smallest * cz:
            continue
        cx = m[0, 0] * x + m[1, 0] * y + m[2, 0] * z
        cy = m[0, 1] * x + m[1, 1] * y + m[2, 1] * z
        if (
            _outside(cx, cz, view.fx, view.cx, radius)
            or _outside(-cx, cz, view.fx, view.width - 1.0 - view.cx, radius)
            or _outside(cy, cz, view.fy, view.cy, radius)
            or _outside(-cy, cz, view.fy, view.height - 1.0 - view.cy, radius)
        ):
            continue
        near[i] = max(cz - radius, 0.0)
        if cz - radius < 1e-3 and _unseen(solids, i, view, cx, cy, cz):
            continue
        if cz - radius < 1e-3:
            boxes[i, 2], boxes[i, 3] = view.width - 1, view.height - 1
            continue
        # Half axes as columns in the camera frame: rows of `unit` are axes over half sizes.
        kind = int(solids[i, 16])
        swell = 1.0 if kind == 0 else (2.0 if kind == 2 else 3.0)
        sxx = syy = szz = sxz = syz = 0.0
        for k in range(3):
            half = solids[i, 12 + k]
            ax, ay, az = solids[i, 3 + 3 * k], solids[i, 4 + 3 * k], solids[i, 5 + 3 * k]
            grow = half * half
            px = (m[0, 0] * ax + m[1, 0] * ay + m[2, 0] * az) * grow
            py = (m[0, 1] * ax + m[1, 1] * ay + m[2, 1] * az) * grow
            pz = (m[0, 2] * ax + m[1, 2] * ay + m[2, 2] * az) * grow
            if kind == 3 and k == 2:  # a gable stands on its center
                cx, cy, cz = cx + 0.5 * px, cy + 0.5 * py, cz + 0.5 * pz
                px, py, pz = 0.5 * px, 0.5 * py, 0.5 * pz
            sxx, syy, szz = sxx + swell * px * px, syy + swell * py * py, szz + swell * pz * pz
            sxz, syz = sxz + swell * px * pz, syz + swell * py * pz
        g22 = szz - cz * cz
        if g22 > -1e-9:
            boxes[i, 2], boxes[i, 3] = view.width - 1, view.height - 1
            continue
        g02, g12 = sxz - cx * cz, syz - cy * cz
        wide = math.sqrt(max(g02 * g02 - (sxx - cx * cx) * g22, 0.0))
        tall = math.sqrt(max(g12 * g12 - (syy - cy * cy) * g22, 0.0))
        u0, u1 = (g02 + wide) / g22 * view.fx + view.cx, (g02 - wide) / g22 * view.fx + view.cx
        v0, v1 = (g12 + tall) / g22 * view.fy + view.cy, (g12 - tall) / g22 * view.fy + view.cy
        if u1 < 0.0 or v1 < 0.0 or u0 > view.width - 1 or v0 > view.height - 1:
            continue
        boxes[i, 0], boxes[i, 1] = max(math.ceil(u0 - 1e-6), 0), max(math.ceil(v0 - 1e-6), 0)
        boxes[i, 2] = min(math.floor(u1 + 1e-6), view.width - 1)
        boxes[i, 3] = min(math.floor(v1 + 1e-6), view.height - 1)


@njit(parallel=True, cache=True, error_model="numpy")
def splat(
    solids: NDArray[np.float64],
    seen: NDArray[np.int64],
    boxes: NDArray[np.int32],
    near: NDArray[np.float64],
    view: View,
    are_parts: bool,
    depth: NDArray[np.float64],
    what: NDArray[np.int32],
) -> None:
    """Draw the solids `seen` (k,) where they are nearer than `depth`."""
    bands = (view.height + 15) // 16
    m = view.rotation
    for band in prange(bands):
        first, last = band * 16, min(band * 16 + 15, view.height - 1)
        for k in range(len(seen)):
            i = seen[k]
            v0, v1 = max(first, boxes[i, 1]), min(last, boxes[i, 3])
            if v0 > v1:
                continue
            px, py, pz = local(solids, i, view.eye[0], view.eye[1], view.eye[2])
            # Columns of unit @ map_R_optical: directions in the unit frame are linear in u, v.
            ax, ay, az = turned(solids, i, m[0, 0], m[1, 0], m[2, 0])
            bx, by, bz = turned(solids, i, m[0, 1], m[1, 1], m[2, 1])
            cx, cy, cz = turned(solids, i, m[0, 2], m[1, 2], m[2, 2])
            kind, least = int(solids[i, 16]), near[i]
            for v in range(v0, v1 + 1):
                y = (v - view.cy) / view.fy
                rx, ry, rz = cx + y * bx, cy + y * by, cz + y * bz
                for u in range(boxes[i, 0], boxes[i, 2] + 1):
                    if depth[v, u] <= least:
                        continue
                    x = (u - view.cx) / view.fx
                    t, leave = enter_exit(kind, px, py, pz, rx + x * ax, ry + x * ay, rz + x * az)
                    if 0.0 < t <= leave and t < depth[v, u]:
                        depth[v, u] = t
                        what[v, u] = -10 - i if are_parts else i


@njit(parallel=True, cache=True, error_model="numpy")
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
    for n in prange(len(pixels)):
        v0, u0 = pixels[n]
        around = np.empty(9, np.int32)
        count = 0
        least = math.inf
        for v in range(max(v0 - 1, 0), min(v0 + 2, view.height)):
            for u in range(max(u0 - 1, 0), min(u0 + 2, view.width)):
                least = min(least, depth[v, u])
                one = what[v, u]
                if one >= 0 or one <= -10:
                    known = False
                    for k in range(count):
                        known |= around[k] == one
                    if not known:
                        around[count] = one
                        count += 1
        for k in range(offsets.shape[0]):
            u, v = u0 + offsets[k, 0], v0 + offsets[k, 1]
            dx, dy, dz = ray(view, u, v)
            out = border(h, x0, y0, step, ox, oy, dx, dy)
            t, seen = math.inf, -2
            if 0.9 * least < out:
                t = cast(h, top, levels, x0, y0, step, ox, oy, oz, dx, dy, dz, 0.9 * least, out)
            if t == math.inf and out < math.inf:
                seen = -3
                t = cast(
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
                    max(out, 0.9 * least),
                    math.inf,
                )
            if t == math.inf:
                seen = -1
            for j in range(count):
                one = around[j]
                if one >= 0:
                    s = hit(rocks, one, ox, oy, oz, dx, dy, dz)
                else:
                    s = hit(parts, -10 - one, ox, oy, oz, dx, dy, dz)
                if s < t:
                    t, seen = s, one
            fine_depth[n, k] = t
            fine_what[n, k] = seen


@njit(cache=True, error_model="numpy")
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
