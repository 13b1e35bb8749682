# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Convex solids and rays: ellipsoids (rocks), boxes, cylinders and gabled roofs.

A solid is brought to its own frame, where it is the unit of its kind:
ELLIPSOID |p| <= 1; BOX |x|, |y|, |z| <= 1; CYLINDER x^2 + y^2 <= 1, |z| <= 1;
GABLE 0 <= z, |x| <= 1, |y| + z <= 1 (ridge along x).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from tenacious_rover.simulator.camera.fast import FAST

if TYPE_CHECKING:
    from numpy.typing import NDArray

ELLIPSOID, BOX, CYLINDER, GABLE = 0, 1, 2, 3

# Columns of a table of solids, (n, WIDTH) float64: one row holds all of a solid, so that rays read
# few cache lines and kernels take one argument.
CENTER = 0  # 3: m in map
UNIT = 3  # 9: row-major matrix from map offsets to the unit frame
HALF = 12  # 3: lengths of the unit frame's axes, m
RADIUS = 15  # of a ball about the center that holds the solid, m
KIND = 16
MATERIAL = 17
COLOUR = 18  # 3: reflectance
SEED = 21
LABEL = 22
WIDTH = 24


@njit(cache=True, error_model="numpy", fastmath=FAST)
def enter_exit(  # noqa: C901, PLR0912, PLR0915 (one compiled loop)
    kind: int, px: float, py: float, pz: float, dx: float, dy: float, dz: float
) -> tuple[float, float]:
    """Ray parameters where p + t d enters and leaves the unit solid; enter > exit: it misses."""
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


@njit(cache=True, error_model="numpy", fastmath=FAST)
def local(
    solids: NDArray[np.float64], i: int, x: float, y: float, z: float
) -> tuple[float, float, float]:
    """A point in map, in the unit frame of solid i."""
    return turned(solids, i, x - solids[i, 0], y - solids[i, 1], z - solids[i, 2])


@njit(cache=True, error_model="numpy", fastmath=FAST)
def turned(
    solids: NDArray[np.float64], i: int, x: float, y: float, z: float
) -> tuple[float, float, float]:
    """A direction in map, in the unit frame of solid i."""
    return (
        solids[i, 3] * x + solids[i, 4] * y + solids[i, 5] * z,
        solids[i, 6] * x + solids[i, 7] * y + solids[i, 8] * z,
        solids[i, 9] * x + solids[i, 10] * y + solids[i, 11] * z,
    )


@njit(cache=True, error_model="numpy", fastmath=FAST)
def hit(
    solids: NDArray[np.float64],
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
    enter, leave = enter_exit(int(solids[i, 16]), px, py, pz, rx, ry, rz)
    return enter if 0.0 < enter <= leave else math.inf


@njit(cache=True, error_model="numpy", fastmath=FAST)
def blocks(
    solids: NDArray[np.float64],
    i: int,
    x: float,
    y: float,
    z: float,
    sx: float,
    sy: float,
    sz: float,
) -> bool:
    """Whether solid i stands between a point and the sun."""
    wx, wy, wz = solids[i, 0] - x, solids[i, 1] - y, solids[i, 2] - z
    along = wx * sx + wy * sy + wz * sz
    radius = solids[i, 15]
    if along < -radius or wx * wx + wy * wy + wz * wz - along * along > radius * radius:
        return False
    px, py, pz = turned(solids, i, -wx, -wy, -wz)
    rx, ry, rz = turned(solids, i, sx, sy, sz)
    enter, leave = enter_exit(int(solids[i, 16]), px, py, pz, rx, ry, rz)
    return enter <= leave and leave > 0.0


@njit(cache=True, error_model="numpy", fastmath=FAST)
def outward(
    solids: NDArray[np.float64], i: int, px: float, py: float, pz: float
) -> tuple[float, float, float]:
    """Unit normal in map at a point on the surface of solid i, given in its unit frame."""
    kind = int(solids[i, 16])
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
    x = solids[i, 3] * nx + solids[i, 6] * ny + solids[i, 9] * nz
    y = solids[i, 4] * nx + solids[i, 7] * ny + solids[i, 10] * nz
    z = solids[i, 5] * nx + solids[i, 8] * ny + solids[i, 11] * nz
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
) -> NDArray[np.float64]:
    """Table of n solids from centers (n, 3), rotations map_R_solid (n, 3, 3), half sizes (n, 3).

    A gable's center is the middle of its floor; its half height is its whole height.
    """
    n = len(center)
    table = np.zeros((n, WIDTH))
    if not n:
        return table
    half = np.asarray(half, np.float64)
    unit = np.swapaxes(rotation, 1, 2) / half[:, :, None]
    table[:, CENTER : CENTER + 3] = center
    table[:, UNIT : UNIT + 9] = unit.reshape(n, 9)
    table[:, HALF : HALF + 3] = half
    table[:, RADIUS] = np.where(kind == ELLIPSOID, half.max(axis=1), np.linalg.norm(half, axis=1))
    table[:, KIND], table[:, MATERIAL] = kind, material
    table[:, COLOUR : COLOUR + 3] = colour
    table[:, SEED] = np.arange(n, dtype=np.uint64) * 2654435761 % 2**31
    table[:, LABEL] = label
    return table
