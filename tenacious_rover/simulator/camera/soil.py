# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What textured ground looks like at many places at once: normal, tone, and its own tiny shadows.

Places go through in runs of up to RUN. Every step is a short loop over a run, between rows of one
scratch table with a fixed stride: that is what lets the compiler compute eight places at a time.
Only the loops that fetch from tables (heights, texels) go place by place.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from tenacious_rover.simulator.camera.fast import FAST, RUN

if TYPE_CHECKING:
    from numpy.typing import NDArray


# Rows of the scratch table: what comes in, then what goes out, then what is in between.
U, V, T = 0, 1, 2  # the ray's pixel and its depth
X, Y, Z = 3, 4, 5  # place in map, m
VX, VY, VZ = 6, 7, 8  # unit direction to the eye
NX, NY, NZ = 9, 10, 11  # normal
TONE, LEFT, SOFT = 12, 13, 14
"""Brightness (1 on average), share of sun left by tiny relief, softness of shadows (m)."""
FOOT, FU, FV = 15, 16, 17  # size of the pixel on the ground, m; place in its cell, 0..1
GX, GY, TANGENT, SIZE, SHIFT, SECOND, SHARE = 18, 19, 20, 21, 22, 23, 24
WA, WB, WC, WD, SX, SY, SM, SH, SPREAD, WIDE = 25, 26, 27, 28, 29, 30, 31, 32, 33, 34
ROWS = 35
# Rows of the scratch table of places in tables.
CELL, A, B, C, D, LEVEL = 0, 1, 2, 3, 4, 5
PLACES = 6


@njit(cache=True, error_model="numpy", fastmath=FAST)
def appear(
    count: int,
    w: NDArray[np.float64],
    k: NDArray[np.int64],
    lens: NDArray[np.float64],
    heights: NDArray[np.float32],
    tone: NDArray[np.uint8],
    wide: int,
    grid: NDArray[np.float64],
    texels: NDArray[np.float32],
    layers: NDArray[np.float64],
    sun: NDArray[np.float64],
) -> None:
    """Fill the rows X to SOFT of `count` places of which U, V and T are there.

    Args:
        count: up to RUN.
        w: (ROWS * RUN,), the scratch table.
        k: (PLACES * RUN,), scratch.
        lens: (16,) rotation (9), eye (3), fx, fy, cx, cy.
        heights: all nodes in one row, m.
        tone: likewise, in 1/200.
        wide: nodes in a row of the grid.
        grid: (3,) x0, y0, step.
        texels: of `texture.Micro`.
        layers: its table.
        sun: (3,) unit.
    """
    _place(count, w, k, lens, wide, len(heights) // wide, grid)
    _lean(count, w, k, heights, tone, wide)
    slanted = _light(count, w, grid[2], sun)
    # Lumps and dimples once; grains and clods at one or two places along the view.
    _address(count, w, k, layers, 2, 0.0)
    _fetch(count, w, k, texels, layers, 2)
    _add_lumps(count, w, layers[2, 0, 2], layers[2, 0, 3])
    for tap in range(2 if slanted else 1):
        _begin_tap(count, w)
        for layer in range(2):
            _address(count, w, k, layers, layer, tap - 0.5)
            _fetch(count, w, k, texels, layers, layer)
            _add_grains(count, w, layers[layer, 0, 2], layers[layer, 0, 3], float(tap))
        _end_tap(count, w, float(tap))
    _finish(count, w, sun)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _place(
    count: int,
    w: NDArray[np.float64],
    k: NDArray[np.int64],
    lens: NDArray[np.float64],
    wide: int,
    high: int,
    grid: NDArray[np.float64],
) -> None:
    """Places, directions, footprints; cells of the grid and where in them."""
    xx, xy, xz, yx, yy, yz, zx, zy, zz = (
        lens[0],
        lens[1],
        lens[2],
        lens[3],
        lens[4],
        lens[5],
        lens[6],
        lens[7],
        lens[8],
    )
    ex, ey, ez = lens[9], lens[10], lens[11]
    per_fx, per_fy, cx, cy = 1.0 / lens[12], 1.0 / lens[13], lens[14], lens[15]
    x0, y0, per = grid[0], grid[1], 1.0 / grid[2]
    for n in range(count):
        across, down = (w[U * RUN + n] - cx) * per_fx, (w[V * RUN + n] - cy) * per_fy
        dx = xx * across + xy * down + xz
        dy = yx * across + yy * down + yz
        dz = zx * across + zy * down + zz
        t = w[T * RUN + n]
        x, y = ex + t * dx, ey + t * dy
        w[X * RUN + n], w[Y * RUN + n], w[Z * RUN + n] = x, y, ez + t * dz
        back = -1.0 / math.sqrt(dx * dx + dy * dy + dz * dz)
        w[VX * RUN + n], w[VY * RUN + n], w[VZ * RUN + n] = back * dx, back * dy, back * dz
        w[FOOT * RUN + n] = t * per_fx
        column, row = (x - x0) * per, (y - y0) * per
        # Slopes need a node on either side: at the border the last such cell serves.
        c = min(max(int(column), 1), wide - 3)
        r = min(max(int(row), 1), high - 3)
        w[FU * RUN + n] = min(max(column - c, 0.0), 1.0)
        w[FV * RUN + n] = min(max(row - r, 0.0), 1.0)
        k[CELL * RUN + n] = r * wide + c


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _lean(
    count: int,
    w: NDArray[np.float64],
    k: NDArray[np.int64],
    heights: NDArray[np.float32],
    tone: NDArray[np.uint8],
    wide: int,
) -> None:
    """Rise per two nodes: central differences, bilinear between, so that light shows no grid."""
    h = heights
    for n in range(count):
        u, v, at = w[FU * RUN + n], w[FV * RUN + n], np.uint64(k[CELL * RUN + n])
        row = np.uint64(wide)
        one, two = np.uint64(1), np.uint64(2)
        above, below, over = at + row, at - row, at + row + row
        d = u * v
        b, c = u - d, v - d
        a = 1.0 - b - c - d
        w[GX * RUN + n] = (
            a * (h[at + one] - h[at - one])
            + b * (h[at + two] - h[at])
            + c * (h[above + one] - h[above - one])
            + d * (h[above + two] - h[above])
        )
        w[GY * RUN + n] = (
            a * (h[above] - h[below])
            + b * (h[above + one] - h[below + one])
            + c * (h[over] - h[at])
            + d * (h[over + one] - h[at + one])
        )
        w[TONE * RUN + n] = (
            a * tone[at] + b * tone[at + one] + c * tone[above] + d * tone[above + one]
        ) * 0.005


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _light(count: int, w: NDArray[np.float64], step: float, sun: NDArray[np.float64]) -> bool:
    """How the sun stands over the smooth ground, and over what size to average the texture.

    Returns:
        Whether any place is seen so slanted that it needs a second tap.
    """
    sx, sy, sz = sun[0], sun[1], sun[2]
    half = 0.5 / step
    for n in range(count):
        gx, gy = w[GX * RUN + n] * half, w[GY * RUN + n] * half
        vx, vy, vz = w[VX * RUN + n], w[VY * RUN + n], w[VZ * RUN + n]
        foot = w[FOOT * RUN + n]
        per = 1.0 / math.sqrt(gx * gx + gy * gy + 1.0)
        rise = min(max((sz - gx * sx - gy * sy) * per, -0.999), 0.999)
        w[TANGENT * RUN + n] = rise / math.sqrt(1.0 - rise * rise)
        mu = max((vz - gx * vx - gy * vy) * per, 0.06)
        # The footprint is longer along the view: two taps of a shorter size.
        stretch = min(1.0 / mu, 9.0)
        second = 1.0 if stretch >= 3.5 else 0.0
        w[SECOND * RUN + n] = second
        w[SIZE * RUN + n] = 0.6 * foot * (0.5 * stretch if stretch >= 3.5 else min(1.2, stretch))
        flat = math.sqrt(vx * vx + vy * vy) + 1e-9
        w[SHIFT * RUN + n] = second * 0.5 * foot * stretch / flat
        w[SOFT * RUN + n] = 1e-4 + 0.7 * foot * sz / max(vz, 0.1)
        w[GX * RUN + n], w[GY * RUN + n] = gx, gy
        w[LEFT * RUN + n] = 0.0
        w[NX * RUN + n], w[NY * RUN + n], w[NZ * RUN + n] = 0.0, 0.0, -2.0
    most = 0.0
    for n in range(count):
        most = max(most, w[SECOND * RUN + n])
    return most > 0.0


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _address(
    count: int,
    w: NDArray[np.float64],
    k: NDArray[np.int64],
    layers: NDArray[np.float64],
    layer: int,
    along: float,
) -> None:
    """The four texels about each place and their weights; `along` the view, in shifts."""
    co, si = layers[layer, 0, 2], layers[layer, 0, 3]
    per_texel = math.sqrt(2.0) * layers[layer, 0, 1]
    per_side = layers[layer, 9, 1]  # texels per m where the tile is one texel
    first = int(layers[layer, 0, 0])
    for n in range(count):
        # The level whose texels are nearest to the size: its logarithm is a float's exponent.
        near = max(w[SIZE * RUN + n] * per_texel, 1.0)
        level = min((int(np.float64(near).view(np.int64)) >> 52) - 1023, 9)
        side = 512 >> level
        shift = along * w[SHIFT * RUN + n]
        x = w[X * RUN + n] + shift * w[VX * RUN + n]
        y = w[Y * RUN + n] + shift * w[VY * RUN + n]
        # Far from the origin by whole tiles, so that truncation is floor.
        scale, far = per_side * side, side * 4096.0 - 0.5
        u = (co * x + si * y) * scale + far
        v = (co * y - si * x) * scale + far
        j, i = int(u), int(v)
        u, v = u - j, v - i
        mask = side - 1
        # All finer levels come before: a geometric sum of their squares.
        begin = first + (512 * 512 - side * side) // 3 * 4
        low, high = begin + (i & mask) * side, begin + ((i + 1) & mask) * side
        j0, j1 = j & mask, (j + 1) & mask
        k[A * RUN + n], k[B * RUN + n] = low + j0, low + j1
        k[C * RUN + n], k[D * RUN + n] = high + j0, high + j1
        k[LEVEL * RUN + n] = level
        wd = u * v
        w[WD * RUN + n], w[WB * RUN + n], w[WC * RUN + n] = wd, u - wd, v - wd
        w[WA * RUN + n] = 1.0 - u - v + wd


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _fetch(
    count: int,
    w: NDArray[np.float64],
    k: NDArray[np.int64],
    texels: NDArray[np.float32],
    layers: NDArray[np.float64],
    layer: int,
) -> None:
    """Weigh four texels: slopes, tone and horizon in one go; and the horizon's spread."""
    t = texels
    for n in range(count):
        wa, wb = np.float32(w[WA * RUN + n]), np.float32(w[WB * RUN + n])
        wc, wd = np.float32(w[WC * RUN + n]), np.float32(w[WD * RUN + n])
        a, b = np.uint64(k[A * RUN + n]), np.uint64(k[B * RUN + n])
        c, d = np.uint64(k[C * RUN + n]), np.uint64(k[D * RUN + n])
        w[SX * RUN + n] = wa * t[a, 0] + wb * t[b, 0] + wc * t[c, 0] + wd * t[d, 0]
        w[SY * RUN + n] = wa * t[a, 1] + wb * t[b, 1] + wc * t[c, 1] + wd * t[d, 1]
        w[SM * RUN + n] = wa * t[a, 2] + wb * t[b, 2] + wc * t[c, 2] + wd * t[d, 2]
        w[SH * RUN + n] = wa * t[a, 3] + wb * t[b, 3] + wc * t[c, 3] + wd * t[d, 3]
        w[SPREAD * RUN + n] = layers[layer, np.uint64(k[LEVEL * RUN + n]), 4]


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _add_lumps(count: int, w: NDArray[np.float64], co: float, si: float) -> None:
    """The coarse layer bends the ground itself; its share of sun is kept."""
    for n in range(count):
        gx, gy = w[SX * RUN + n], w[SY * RUN + n]
        w[GX * RUN + n] += co * gx - si * gy
        w[GY * RUN + n] += si * gx + co * gy
        w[NZ * RUN + n] += w[SM * RUN + n]
        over = (w[TANGENT * RUN + n] - w[SH * RUN + n]) / (2.5 * w[SPREAD * RUN + n])
        w[WIDE * RUN + n] = min(max(0.5 + over, 0.0), 1.0)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _begin_tap(count: int, w: NDArray[np.float64]) -> None:
    for n in range(count):
        w[SHARE * RUN + n] = w[WIDE * RUN + n]


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _add_grains(count: int, w: NDArray[np.float64], co: float, si: float, tap: float) -> None:
    """A fine layer at one of the taps: half its weight where there are two."""
    for n in range(count):
        second = w[SECOND * RUN + n]
        weight = tap * 0.5 * second + (1.0 - tap) * (1.0 - 0.5 * second)
        gx, gy = weight * w[SX * RUN + n], weight * w[SY * RUN + n]
        w[NX * RUN + n] += co * gx - si * gy
        w[NY * RUN + n] += si * gx + co * gy
        w[NZ * RUN + n] += weight * w[SM * RUN + n]
        over = (w[TANGENT * RUN + n] - w[SH * RUN + n]) / (2.5 * w[SPREAD * RUN + n])
        w[SHARE * RUN + n] *= min(max(0.5 + over, 0.0), 1.0)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _end_tap(count: int, w: NDArray[np.float64], tap: float) -> None:
    for n in range(count):
        second = w[SECOND * RUN + n]
        weight = tap * 0.5 * second + (1.0 - tap) * (1.0 - 0.5 * second)
        w[LEFT * RUN + n] += weight * w[SHARE * RUN + n]


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _finish(count: int, w: NDArray[np.float64], sun: NDArray[np.float64]) -> None:
    """Normal and what is left of the sun, as the eye sees them."""
    sx, sy, sz = sun[0], sun[1], sun[2]
    level = math.sqrt(sx * sx + sy * sy) + 1e-9
    slant, up = sz / level, 1.0 if sz > 0.0 else 0.0
    for n in range(count):
        vx, vy, vz = w[VX * RUN + n], w[VY * RUN + n], w[VZ * RUN + n]
        gx, gy = w[GX * RUN + n] + w[NX * RUN + n], w[GY * RUN + n] + w[NY * RUN + n]
        nz = 1.0 / math.sqrt(gx * gx + gy * gy + 1.0)
        nx, ny = -gx * nz, -gy * nz
        # What leans away from the eye is hidden behind what leans towards it.
        lack = max(0.1 - (nx * vx + ny * vy + nz * vz), 0.0)
        nx, ny, nz = nx + lack * vx, ny + lack * vy, nz + lack * vz
        per = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
        tone = w[NZ * RUN + n]
        w[NX * RUN + n], w[NY * RUN + n], w[NZ * RUN + n] = nx * per, ny * per, nz * per
        w[TONE * RUN + n] *= tone
        # With the sun behind the eye, grains hide their own shadows.
        flat = math.sqrt(vx * vx + vy * vy) + 1e-9
        behind = (sx * vx + sy * vy) / (level * flat)
        hidden = up * min(max((behind - 0.5) / 0.45, 0.0), 1.0)
        hidden *= min(slant * flat / max(vz, 1e-3), 1.0)
        left = w[LEFT * RUN + n]
        w[LEFT * RUN + n] = left + (1.0 - left) * hidden
