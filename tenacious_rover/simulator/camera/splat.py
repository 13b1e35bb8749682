# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Solids drawn over the ground: where each can be in the picture, and what it hides there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit, prange

from tenacious_rover.simulator.camera.fast import FAST
from tenacious_rover.simulator.camera.solids import enter_exit, local, turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.camera.visibility import View


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _outside(across: float, depth: float, f: float, border: float, radius: float) -> bool:
    """Whether a ball lies beyond one side of the picture, `border` px from the axis."""
    return f * across + border * depth < -radius * math.sqrt(f * f + border * border)


@njit(cache=True, error_model="numpy", fastmath=FAST)
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


@njit(cache=True, error_model="numpy", fastmath=FAST)
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


@njit(parallel=True, cache=True, error_model="numpy", fastmath=FAST)
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
