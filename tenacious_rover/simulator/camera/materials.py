# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Surfaces of rocks and of made things, as functions of the place on them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from tenacious_rover.simulator.camera.fast import FAST

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROCK, PAINT, FOIL, WALL, ROOF, PANEL, TYRE = 0, 1, 2, 3, 4, 5, 6
_WHITE = 0.72


@njit(cache=True, error_model="numpy", fastmath=FAST)
def scatter(a: int, b: int, c: int, seed: int) -> float:
    """A random number in 0..1 for a lattice point."""
    h = np.uint32(a * 73856093) ^ np.uint32(b * 19349663) ^ np.uint32(c * 83492791)
    h = np.uint32(h ^ np.uint32(seed))
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(2246822519))
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(3266489917))
    h = np.uint32(h ^ (h >> np.uint32(16)))
    return h / 4294967295.0


def broken_faces() -> NDArray[np.float64]:
    """Planes about the unit ball that rocks may be broken along, (256, 4, 16).

    Each rock takes one of the 256 sets of 16; a plane is a unit normal (3) and how much it is
    pushed inwards, 0 to 0.25.
    """
    rng = np.random.default_rng(0xFACE5)
    out = np.empty((256, 4, 16))
    normals = rng.standard_normal((256, 16, 3))
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    out[:, :3] = np.swapaxes(normals, 1, 2)
    out[:, 3] = 0.25 * rng.random((256, 16))
    return out


@njit(cache=True, error_model="numpy", fastmath=FAST)
def noise(x: float, y: float, z: float, seed: int) -> tuple[float, float, float, float]:
    """Value noise in -1..1 with its gradient, one lattice unit."""
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    u, v, w = x - i, y - j, z - k
    du, dv, dw = 6.0 * u * (1.0 - u), 6.0 * v * (1.0 - v), 6.0 * w * (1.0 - w)
    u, v, w = u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v), w * w * (3.0 - 2.0 * w)
    a, b = scatter(i, j, k, seed), scatter(i + 1, j, k, seed)
    c, d = scatter(i, j + 1, k, seed), scatter(i + 1, j + 1, k, seed)
    e, f = scatter(i, j, k + 1, seed), scatter(i + 1, j, k + 1, seed)
    g, h = scatter(i, j + 1, k + 1, seed), scatter(i + 1, j + 1, k + 1, seed)
    k1, k2, k3 = b - a, c - a, e - a
    k4, k5, k6 = a - b - c + d, a - c - e + g, a - b - e + f
    k7 = -a + b + c - d + e - f - g + h
    value = a + k1 * u + k2 * v + k3 * w + k4 * u * v + k5 * v * w + k6 * w * u + k7 * u * v * w
    return (
        2.0 * value - 1.0,
        2.0 * du * (k1 + k4 * v + k6 * w + k7 * v * w),
        2.0 * dv * (k2 + k5 * w + k4 * u + k7 * w * u),
        2.0 * dw * (k3 + k6 * u + k5 * v + k7 * u * v),
    )


@njit(cache=True, error_model="numpy", fastmath=FAST)
def crag(
    rocks: NDArray[np.float64],
    faces: NDArray[np.float64],
    i: int,
    px: float,
    py: float,
    pz: float,
    x: float,
    y: float,
    z: float,
    footprint: float,
) -> tuple[float, float, float, float]:
    """Normal and tone of a rock: broken faces, then roughness down to the pixel.

    Args:
        rocks: table of solids.
        faces: of `broken_faces`.
        i: the rock.
        px: place on the unit ball.
        py: likewise.
        pz: likewise.
        x: place in map, m.
        y: likewise.
        z: likewise.
        footprint: of the pixel, m.
    """
    size = (rocks[i, 12] + rocks[i, 13] + rocks[i, 14]) / 3.0
    seed = int(rocks[i, 21])
    # Broken faces: of some random planes the one that cuts deepest here, softly.
    fx = fy = fz = total = 0.0
    planes = faces[seed & 255]
    for k in range(16):
        qx, qy, qz = planes[0, k], planes[1, k], planes[2, k]
        deep = max(qx * px + qy * py + qz * pz + planes[3, k], 0.0)
        deep *= deep
        weight = deep * deep
        weight *= weight
        weight *= weight * deep  # the 18th power of how deep
        fx, fy, fz, total = fx + weight * qx, fy + weight * qy, fz + weight * qz, total + weight
    share = 0.8 / (total + 1e-12)
    px, py, pz = 0.2 * px + share * fx, 0.2 * py + share * fy, 0.2 * pz + share * fz
    nx = rocks[i, 3] * px + rocks[i, 6] * py + rocks[i, 9] * pz
    ny = rocks[i, 4] * px + rocks[i, 7] * py + rocks[i, 10] * pz
    nz = rocks[i, 5] * px + rocks[i, 8] * py + rocks[i, 11] * pz
    length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
    nx, ny, nz = nx / length, ny / length, nz / length
    tone = 1.0
    scale = size * 0.8
    strength = 0.3
    for octave in range(5):
        if scale < 1.5 * footprint:
            break
        value, gx, gy, gz = noise(x / scale, y / scale, z / scale, seed + octave + 1)
        nx, ny, nz = nx - strength * gx, ny - strength * gy, nz - strength * gz
        tone += 0.06 * value
        scale *= 0.42
        strength *= 0.85
    length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
    return nx / length, ny / length, nz / length, tone


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _edge(distance: float, footprint: float) -> float:
    """1 inside (distance < 0), 0 outside, a ramp one pixel wide between."""
    return min(max(0.5 - distance / max(footprint, 1e-5), 0.0), 1.0)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _grain(px: float, py: float, pz: float, footprint: float, seed: int) -> float:
    """Blotches of mm to cm on paint (dust, wear), so that stereo has something to hold."""
    value = 0.0
    scale = 0.025
    for octave in range(3):
        if scale > 1.5 * footprint:
            n, _, _, _ = noise(px / scale, py / scale, pz / scale, seed + octave)
            value += n
        scale *= 0.37
    return 1.0 + 0.07 * value


@njit(cache=True, error_model="numpy", fastmath=FAST)
def paint(
    parts: NDArray[np.float64], i: int, ux: float, uy: float, uz: float, footprint: float
) -> tuple[float, float, float, float]:
    """Reflectance red, green, blue and tone at (ux, uy, uz) of the unit frame of part i."""
    red, green, blue = parts[i, 18], parts[i, 19], parts[i, 20]
    hx, hy, hz = parts[i, 12], parts[i, 13], parts[i, 14]
    material, seed = int(parts[i, 17]), int(parts[i, 21])
    px, py, pz = ux * hx, uy * hy, uz * hz
    tone = _grain(px, py, pz, footprint, seed)
    if material == 3:
        return _wall(red, green, blue, tone, px, py, pz, hx, hy, hz, footprint)
    if material == 4:
        # Courses of tiles across the slope.
        course = (uz * 6.0) % 1.0
        tone *= 0.75 + 0.35 * course
    elif material == 2:
        # Crumpled foil: bright and dark crinkles.
        value, _, _, _ = noise(px / 0.06, py / 0.06, pz / 0.06, seed)
        second, _, _, _ = noise(px / 0.021, py / 0.021, pz / 0.021, seed + 7)
        tone *= 1.0 + 0.35 * value + 0.2 * second
    elif material == 5:
        # Solar cells: a light grid.
        a, b = abs((px / 0.04) % 1.0 - 0.5), abs((py / 0.04) % 1.0 - 0.5)
        line = max(_edge((0.47 - a) * 0.04, footprint), _edge((0.47 - b) * 0.04, footprint))
        red, green, blue = red + 0.25 * line, green + 0.25 * line, blue + 0.25 * line
    elif material == 6:
        angle = math.atan2(uy, ux) / (2.0 * math.pi) * 18.0
        tone *= 0.6 if angle % 1.0 < 0.22 else 1.0
    return red, green, blue, tone


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _wall(
    red: float,
    green: float,
    blue: float,
    tone: float,
    px: float,
    py: float,
    pz: float,
    hx: float,
    hy: float,
    hz: float,
    footprint: float,
) -> tuple[float, float, float, float]:
    """A cottage's wall: boards, white corners, windows with white frames, a door on +x."""
    on_end = abs(px) / hx > abs(py) / hy
    along, wide = (py, hy) if on_end else (px, hx)
    up, tall = pz + hz, 2.0 * hz
    board = (along / (0.055 * hx * 2.0)) % 1.0
    tone *= 1.0 - 0.25 * _edge((min(board, 1.0 - board) - 0.08) * 0.11 * hx, footprint)
    trim = 0.12 * hy
    white = _edge(wide - trim - abs(along), footprint)
    dark = 0.0
    door = on_end and px > 0.0
    if door:
        d = max(abs(along) - 0.22 * wide, up - 0.80 * tall)
        white = max(white, _edge(d - 0.35 * trim, footprint))
        dark = 0.0
        inner = _edge(d + 0.25 * trim, footprint)
        red, green, blue = (
            red * (1 - inner) + 0.30 * inner,
            green * (1 - inner) + 0.32 * inner,
            blue * (1 - inner) + 0.34 * inner,
        )
        white *= 1.0 - inner
    else:
        place = abs(abs(along) - 0.45 * wide) if not on_end else abs(along)
        d = max(place - 0.17 * wide, abs(up - 0.55 * tall) - 0.20 * tall)
        frame = _edge(d - 0.35 * trim, footprint)
        pane = _edge(d + 0.30 * trim, footprint)
        bar = max(
            _edge(abs(up - 0.55 * tall) - 0.15 * trim, footprint),
            _edge(place - 0.15 * trim, footprint),
        )
        white = max(white, frame * (1.0 - pane), pane * bar)
        dark = pane * (1.0 - bar)
    red = red * (1.0 - white - dark) + 0.72 * white + 0.03 * dark
    green = green * (1.0 - white - dark) + 0.72 * white + 0.035 * dark
    blue = blue * (1.0 - white - dark) + 0.70 * white + 0.05 * dark
    return red, green, blue, tone
