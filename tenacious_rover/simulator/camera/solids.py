# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Convex solids and rays: ellipsoids (rocks), boxes, cylinders and gabled roofs.

A solid is brought to its own frame, where it is the unit of its kind:
ELLIPSOID |p| <= 1; BOX |x|, |y|, |z| <= 1; CYLINDER x^2 + y^2 <= 1, |z| <= 1;
GABLE 0 <= z, |x| <= 1, |y| + z <= 1 (ridge along x).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

ELLIPSOID, BOX, CYLINDER, GABLE = 0, 1, 2, 3


class Solids(NamedTuple):
    """n convex solids.

    `kind` (n,) uint8; `center` (n, 3) m in map; `unit` (n, 3, 3) takes map offsets from the center
    to the solid's unit frame; `half` (n, 3) m, lengths of the unit frame's axes; `radius` (n,) of a sphere about the center that holds it, m;
    `colour` (n, 3) reflectance; `material` (n,) uint8 index of `materials.py`; `label` (n,) uint8;
    `seed` (n,) uint32 of its texture.
    """

    kind: NDArray[np.uint8]
    center: NDArray[np.float64]
    unit: NDArray[np.float64]
    half: NDArray[np.float64]
    radius: NDArray[np.float64]
    colour: NDArray[np.float32]
    material: NDArray[np.uint8]
    label: NDArray[np.uint8]
    seed: NDArray[np.uint32]


@njit(cache=True)
def enter_exit(
    kind: int, px: float, py: float, pz: float, dx: float, dy: float, dz: float
) -> tuple[float, float]:
    """Ray parameters where p + t d enters and leaves the unit solid; enter > exit when it misses."""
    if kind == 0:
        a = dx * dx + dy * dy + dz * dz
        # Root about the nearest point, which stays exact far from the solid.
        middle = -(px * dx + py * dy + pz * dz) / a
        qx, qy, qz = px + middle * dx, py + middle * dy, pz + middle * dz
        rest = 1.0 - (qx * qx + qy * qy + qz * qz)
        if rest < 0.0:
            return 1.0, -1.0
        half = math.sqrt(rest / a)
        return middle - half, middle + half
    enter, leave = -math.inf, math.inf
    if kind == 2:
        a = dx * dx + dy * dy
        if a > 0.0:
            middle = -(px * dx + py * dy) / a
            qx, qy = px + middle * dx, py + middle * dy
            rest = 1.0 - (qx * qx + qy * qy)
            if rest < 0.0:
                return 1.0, -1.0
            half = math.sqrt(rest / a)
            enter, leave = middle - half, middle + half
        elif px * px + py * py > 1.0:
            return 1.0, -1.0
    for side in range(6):
        # Half space n . p <= w.
        nx, ny, nz, w = 0.0, 0.0, 0.0, 1.0
        if kind == 2:
            if side > 1:
                break
            nz = 1.0 - 2.0 * side
        elif side < 2:
            nx = 1.0 - 2.0 * side
        elif kind == 1:
            if side == 2:
                ny = 1.0
            elif side == 3:
                ny = -1.0
            elif side == 4:
                nz = 1.0
            else:
                nz = -1.0
        elif side == 2:
            ny, nz = 1.0, 1.0
        elif side == 3:
            ny, nz = -1.0, 1.0
        elif side == 4:
            nz, w = -1.0, 0.0
        else:
            break
        toward = nx * dx + ny * dy + nz * dz
        gap = w - (nx * px + ny * py + nz * pz)
        if toward == 0.0:
            if gap < 0.0:
                return 1.0, -1.0
        elif toward < 0.0:
            enter = max(enter, gap / toward)
        else:
            leave = min(leave, gap / toward)
    return enter, leave


@njit(cache=True)
def local(solids: Solids, i: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """A point in map, in the unit frame of solid i."""
    m, c = solids.unit[i], solids.center[i]
    x, y, z = x - c[0], y - c[1], z - c[2]
    return (
        m[0, 0] * x + m[0, 1] * y + m[0, 2] * z,
        m[1, 0] * x + m[1, 1] * y + m[1, 2] * z,
        m[2, 0] * x + m[2, 1] * y + m[2, 2] * z,
    )


@njit(cache=True)
def turned(solids: Solids, i: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """A direction in map, in the unit frame of solid i."""
    m = solids.unit[i]
    return (
        m[0, 0] * x + m[0, 1] * y + m[0, 2] * z,
        m[1, 0] * x + m[1, 1] * y + m[1, 2] * z,
        m[2, 0] * x + m[2, 1] * y + m[2, 2] * z,
    )


@njit(cache=True)
def hit(
    solids: Solids,
    i: int,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
) -> float:
    """Ray parameter > 0 where the ray enters solid i from outside, or inf."""
    px, py, pz = local(solids, i, ox, oy, oz)
    rx, ry, rz = turned(solids, i, dx, dy, dz)
    enter, leave = enter_exit(solids.kind[i], px, py, pz, rx, ry, rz)
    return enter if 0.0 < enter <= leave else math.inf


@njit(cache=True)
def blocks(
    solids: Solids, i: int, x: float, y: float, z: float, sx: float, sy: float, sz: float
) -> bool:
    """Whether solid i stands between a point and the sun."""
    c = solids.center[i]
    wx, wy, wz = c[0] - x, c[1] - y, c[2] - z
    along = wx * sx + wy * sy + wz * sz
    radius = solids.radius[i]
    if along < -radius or wx * wx + wy * wy + wz * wz - along * along > radius * radius:
        return False
    px, py, pz = local(solids, i, x, y, z)
    rx, ry, rz = turned(solids, i, sx, sy, sz)
    enter, leave = enter_exit(solids.kind[i], px, py, pz, rx, ry, rz)
    return enter <= leave and leave > 0.0


@njit(cache=True)
def outward(solids: Solids, i: int, px: float, py: float, pz: float) -> tuple[float, float, float]:
    """Unit normal in map at a point on the surface of solid i, given in its unit frame."""
    kind = solids.kind[i]
    nx, ny, nz = 0.0, 0.0, 0.0
    if kind == 0:
        nx, ny, nz = px, py, pz
    elif kind == 1:
        if abs(px) >= abs(py) and abs(px) >= abs(pz):
            nx = math.copysign(1.0, px)
        elif abs(py) >= abs(pz):
            ny = math.copysign(1.0, py)
        else:
            nz = math.copysign(1.0, pz)
    elif kind == 2:
        if pz * pz > px * px + py * py:
            nz = math.copysign(1.0, pz)
        else:
            nx, ny = px, py
    else:
        # The gable's face whose plane is nearest.
        end, floor, roof = abs(px) - 1.0, -pz, (abs(py) + pz - 1.0) * math.sqrt(0.5)
        if end >= floor and end >= roof:
            nx = math.copysign(1.0, px)
        elif floor >= roof:
            nz = -1.0
        else:
            ny, nz = math.copysign(1.0, py), 1.0
    # A normal goes back with the transpose of the matrix that takes points in.
    m = solids.unit[i]
    x = m[0, 0] * nx + m[1, 0] * ny + m[2, 0] * nz
    y = m[0, 1] * nx + m[1, 1] * ny + m[2, 1] * nz
    z = m[0, 2] * nx + m[1, 2] * ny + m[2, 2] * nz
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


def make_solids(
    kind: NDArray[np.uint8],
    center: NDArray[np.float64],
    rotation: NDArray[np.float64],
    half: NDArray[np.float64],
    colour: NDArray[np.float64],
    material: NDArray[np.uint8],
    label: NDArray[np.uint8],
) -> Solids:
    """N solids from centers (n, 3), rotations map_R_solid (n, 3, 3) and half sizes (n, 3).

    A gable's center is the middle of its floor; its half height is its whole height.
    """
    n = len(center)
    half = np.ascontiguousarray(half, np.float64).reshape(n, 3)
    rotation = np.asarray(rotation, np.float64).reshape(n, 3, 3)
    unit = np.swapaxes(rotation, 1, 2) / half[:, :, None] if n else np.zeros((0, 3, 3))
    ball = kind == ELLIPSOID
    radius = np.where(ball, half.max(axis=1, initial=0.0), np.linalg.norm(half, axis=1))
    return Solids(
        np.ascontiguousarray(kind, np.uint8),
        np.ascontiguousarray(center, np.float64).reshape(n, 3),
        np.ascontiguousarray(unit),
        half,
        np.ascontiguousarray(radius, np.float64),
        np.ascontiguousarray(colour, np.float32).reshape(n, 3),
        np.ascontiguousarray(material, np.uint8),
        np.ascontiguousarray(label, np.uint8),
        (np.arange(n, dtype=np.uint64) * 2654435761 % 2**32).astype(np.uint32),
    )
