# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Light of what each ray has hit, in three passes: surface, sun, reflection.

The passes hand on plain tables, a row per ray: small kernels with few arguments, because every
array of a call costs in a compiled loop.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit, prange

from tenacious_rover.simulator.camera.ground import Ground, bilinear, slope
from tenacious_rover.simulator.camera.materials import crag, paint
from tenacious_rover.simulator.camera.photometry import radiance_factor
from tenacious_rover.simulator.camera.solids import blocks, local, outward
from tenacious_rover.simulator.camera.texture import sample
from tenacious_rover.simulator.camera.visibility import View, ray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.camera.bins import Bins

_ROCK_MATTE = 0.55
"""Share of Lambert's law in bare rock, which has less of the soil's fairy castles (assumed)."""
_ROCK_ALBEDO = 0.16
SURFACE = 16
"""Columns of the table of surfaces: 0 normal (3), 3 colour (3), 6 tone, 7 light left by the surface
itself, 8 matte, 9 place in map (3), 12 direction to the eye (3), 15 softness of shadow."""


class Scene(NamedTuple):
    """All that light meets.

    `rocks`, `parts`: tables of solids; `groups` (g, 4) balls about runs of parts; `runs` (g + 1,)
    their first parts; `texels`, `layers`: of `texture.Micro`; `sun` (3,) unit; `phase` table;
    `tint` (3,) colour of regolith; `w` single-scattering albedo; `bounce` share of sunlight that
    lit ground sends into shadows.
    """

    near: Ground
    far: Ground
    rocks: NDArray[np.float64]
    bins: Bins
    parts: NDArray[np.float64]
    groups: NDArray[np.float64]
    runs: NDArray[np.int64]
    texels: NDArray[np.float32]
    layers: NDArray[np.float64]
    sun: NDArray[np.float64]
    phase: NDArray[np.float32]
    tint: NDArray[np.float64]
    w: float
    bounce: float


def shaded(
    scene: Scene,
    view: View,
    pixels: NDArray[np.float32],
    depth: NDArray[np.float64],
    what: NDArray[np.int32],
) -> NDArray[np.float32]:
    """Radiance factor (n, 3) of rays through `pixels` (n, 2) that met `what` (n,) at `depth`."""
    surface, sun = lit(scene, view, pixels, depth, what)
    radiance = np.empty((len(pixels), 3), np.float32)
    reflect(surface, sun, what, scene.sun, scene.phase, scene.w, scene.bounce, radiance)
    return radiance


def lit(
    scene: Scene,
    view: View,
    pixels: NDArray[np.float32],
    depth: NDArray[np.float64],
    what: NDArray[np.int32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Table of surfaces (n, SURFACE) and the share (n,) of direct sun on them."""
    near, far, bins = scene.near, scene.far, scene.bins
    surface = np.empty((len(pixels), SURFACE), np.float32)
    describe(
        view,
        pixels,
        depth,
        what,
        near,
        far,
        scene.rocks,
        scene.parts,
        scene.texels,
        scene.layers,
        scene.sun,
        scene.tint,
        surface,
    )
    sun = np.empty(len(pixels), np.float32)
    geometry = np.array([[near.x0, near.y0, near.step], [far.x0, far.y0, far.step]])
    sunlit(
        surface,
        what,
        near.shadow,
        far.shadow,
        geometry,
        scene.groups,
        scene.runs,
        scene.parts,
        scene.rocks,
        bins.first,
        bins.items,
        bins.columns,
        bins.cell,
        scene.sun,
        sun,
    )
    return surface, sun


@njit(cache=True, error_model="numpy")
def _soil(
    heights: NDArray[np.float32],
    texels: NDArray[np.float32],
    layers: NDArray[np.float64],
    step: float,
    column: float,
    row: float,
    x: float,
    y: float,
    footprint: float,
    vx: float,
    vy: float,
    vz: float,
    sx: float,
    sy: float,
    sz: float,
) -> tuple[float, float, float, float, float]:
    """Normal (3,) of textured ground, its tone, and the share tiny relief leaves in the sun."""
    gx, gy = slope(heights, column, row)
    gx, gy = gx / step, gy / step
    length = math.sqrt(gx * gx + gy * gy + 1.0)
    rise = (sz - gx * sx - gy * sy) / length
    rise = min(max(rise, -0.999), 0.999)
    tangent = rise / math.sqrt(1.0 - rise * rise)
    mu = max((vz - gx * vx - gy * vy) / length, 0.06)
    # The footprint is longer along the view: several taps of a shorter size.
    flat = math.sqrt(vx * vx + vy * vy) + 1e-9
    stretch = min(1.0 / mu, 9.0)
    taps = 1 if stretch < 3.5 else 2
    size = math.log2(0.6 * footprint * (stretch / taps if taps > 1 else min(1.2, stretch)))
    # Lumps and dimples once, grains and clods per tap.
    ox, oy, light, far_off, blur = sample(texels, layers, 2, x, y, size)
    wide = min(max(0.5 + (tangent - far_off) / (2.5 * blur), 0.0), 1.0)
    gx, gy = gx + ox, gy + oy
    nx = ny = left = fine = 0.0
    for k in range(taps):
        shift = footprint * stretch * ((k + 0.5) / taps - 0.5) / flat
        px, py = x + shift * vx, y + shift * vy
        share = wide
        for layer in range(2):
            mx, my, m, horizon, spread = sample(texels, layers, layer, px, py, size)
            nx += mx
            ny += my
            fine += m
            share *= min(max(0.5 + (tangent - horizon) / (2.5 * spread), 0.0), 1.0)
        left += share
    light += fine / taps
    gx, gy = gx + nx / taps, gy + ny / taps
    length = math.sqrt(gx * gx + gy * gy + 1.0)
    nx, ny, nz = -gx / length, -gy / length, 1.0 / length
    # What leans away from the eye is hidden behind what leans towards it.
    lack = 0.1 - (nx * vx + ny * vy + nz * vz)
    if lack > 0.0:
        nx, ny, nz = nx + lack * vx, ny + lack * vy, nz + lack * vz
        length = math.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx / length, ny / length, nz / length
    # With the sun behind the eye, grains hide their own shadows.
    left /= taps
    level = math.sqrt(sx * sx + sy * sy) + 1e-9
    behind = (sx * vx + sy * vy) / (level * flat)
    if behind > 0.5 and sz > 0.0:
        hidden = min((behind - 0.5) / 0.45, 1.0) * min(sz / level * flat / max(vz, 1e-3), 1.0)
        left += (1.0 - left) * hidden
    return nx, ny, nz, light - 2.0, left


@njit(cache=True, error_model="numpy")
def tone_at(tone: NDArray[np.uint8], x: float, y: float) -> float:
    """Brightness of the soil at column x, row y; 1 on average."""
    c = min(max(int(x), 0), tone.shape[1] - 2)
    r = min(max(int(y), 0), tone.shape[0] - 2)
    u, v = min(max(x - c, 0.0), 1.0), min(max(y - r, 0.0), 1.0)
    low = tone[r, c] * (1.0 - u) + tone[r, c + 1] * u
    high = tone[r + 1, c] * (1.0 - u) + tone[r + 1, c + 1] * u
    return (low * (1.0 - v) + high * v) / 200.0


@njit(parallel=True, cache=True, error_model="numpy")
def describe(
    view: View,
    pixels: NDArray[np.float32],
    depth: NDArray[np.float64],
    what: NDArray[np.int32],
    near: Ground,
    far: Ground,
    rocks: NDArray[np.float64],
    parts: NDArray[np.float64],
    texels: NDArray[np.float32],
    layers: NDArray[np.float64],
    sun: NDArray[np.float64],
    tint: NDArray[np.float64],
    surface: NDArray[np.float32],
) -> None:
    """Write the table of surfaces, (n, SURFACE)."""
    run = 512
    for k in prange((len(pixels) + run - 1) // run):
        # Arrays are taken out of their tuples once: each use inside costs in the loop.
        near_h, near_tone, far_h = near.heights, near.tone, far.heights
        x0, y0, step = near.x0, near.y0, near.step
        far_x0, far_y0, far_step = far.x0, far.y0, far.step
        ex, ey, ez = view.eye[0], view.eye[1], view.eye[2]
        sx, sy, sz = sun[0], sun[1], sun[2]
        pixel = 1.0 / view.fx
        for n in range(k * run, min((k + 1) * run, len(pixels))):
            seen, t = what[n], depth[n]
            if seen == -1:
                continue
            dx, dy, dz = ray(view, pixels[n, 0], pixels[n, 1])
            x, y, z = ex + t * dx, ey + t * dy, ez + t * dz
            length = math.sqrt(dx * dx + dy * dy + dz * dz)
            vx, vy, vz = -dx / length, -dy / length, -dz / length
            footprint = t * pixel
            red, green, blue = tint[0], tint[1], tint[2]
            tone, left, matte, soft = 1.0, 1.0, 0.0, 1e-4
            if seen == -2:
                c, r = (x - x0) / step, (y - y0) / step
                nx, ny, nz, tone, left = _soil(
                    near_h, texels, layers, step, c, r, x, y, footprint, vx, vy, vz, sx, sy, sz
                )
                tone *= tone_at(near_tone, c, r)
                soft += 0.7 * footprint * sz / max(vz, 0.1)
            elif seen == -3:
                c, r = (x - far_x0) / far_step, (y - far_y0) / far_step
                nx, ny, nz, tone, left = _soil(
                    far_h, texels, layers, far_step, c, r, x, y, footprint, vx, vy, vz, sx, sy, sz
                )
                soft += 0.7 * footprint * sz / max(vz, 0.1)
            elif seen >= 0:
                px, py, pz = local(rocks, seen, x, y, z)
                ax, ay, az = outward(rocks, seen, px, py, pz)
                nx, ny, nz, tone = crag(rocks, seen, px, py, pz, x, y, z, footprint)
                red, green, blue = rocks[seen, 18], rocks[seen, 19], rocks[seen, 20]
                if ax * sx + ay * sy + az * sz <= 0.0:
                    left = 0.0
                matte = _ROCK_MATTE
            else:
                i = -10 - seen
                px, py, pz = local(parts, i, x, y, z)
                nx, ny, nz = outward(parts, i, px, py, pz)
                red, green, blue, tone = paint(parts, i, px, py, pz, footprint)
                matte = 1.0
            surface[n, 0], surface[n, 1], surface[n, 2] = nx, ny, nz
            surface[n, 3], surface[n, 4], surface[n, 5] = red, green, blue
            surface[n, 6], surface[n, 7], surface[n, 8] = tone, left, matte
            surface[n, 9], surface[n, 10], surface[n, 11] = x, y, z
            surface[n, 12], surface[n, 13], surface[n, 14] = vx, vy, vz
            surface[n, 15] = soft


@njit(parallel=True, cache=True, error_model="numpy")
def sunlit(  # noqa: C901, PLR0912 (one compiled loop)
    surface: NDArray[np.float32],
    what: NDArray[np.int32],
    near: NDArray[np.float32],
    far: NDArray[np.float32],
    geometry: NDArray[np.float64],
    groups: NDArray[np.float64],
    runs: NDArray[np.int64],
    parts: NDArray[np.float64],
    rocks: NDArray[np.float64],
    first: NDArray[np.int64],
    items: NDArray[np.int32],
    columns: int,
    cell: float,
    sun: NDArray[np.float64],
    share: NDArray[np.float32],
) -> None:
    """Write the share (n,) of the sun that reaches a surface past ground, parts and rocks.

    `near`, `far`: shadow heights of both grounds; `geometry` (2, 3) their x0, y0, step.
    """
    sx, sy, sz = sun[0], sun[1], sun[2]
    rows = (len(first) - 1) // max(columns, 1)
    for n in prange(len(what)):
        seen = what[n]
        share[n] = 0.0
        if seen == -1 or sz <= 0.0:
            continue
        facing = surface[n, 0] * sx + surface[n, 1] * sy + surface[n, 2] * sz
        value = surface[n, 7]
        if facing <= 0.0 or value <= 0.0:
            continue
        x, y, z = surface[n, 9], surface[n, 10], surface[n, 11]
        if seen == -3:
            top = bilinear(
                far, (x - geometry[1, 0]) / geometry[1, 2], (y - geometry[1, 1]) / geometry[1, 2]
            )
        else:
            top = bilinear(
                near, (x - geometry[0, 0]) / geometry[0, 2], (y - geometry[0, 1]) / geometry[0, 2]
            )
        value *= min(max(0.5 + (z - top) / surface[n, 15], 0.0), 1.0)
        for g in range(len(groups)):
            if value <= 0.0:
                break
            wx, wy, wz = groups[g, 0] - x, groups[g, 1] - y, groups[g, 2] - z
            radius = groups[g, 3]
            along = wx * sx + wy * sy + wz * sz
            aside = wx * wx + wy * wy + wz * wz - along * along
            if along >= -radius and aside <= radius * radius:
                for i in range(runs[g], runs[g + 1]):
                    if -10 - i != seen and blocks(parts, i, x, y, z, sx, sy, sz):
                        value = 0.0
                        break
        if value > 0.0 and seen != -3:
            r = int((y - geometry[0, 1]) / cell)
            c = int((x - geometry[0, 0]) / cell)
            if 0 <= r < rows and 0 <= c < columns:
                for k in range(first[r * columns + c], first[r * columns + c + 1]):
                    if items[k] != seen and blocks(rocks, items[k], x, y, z, sx, sy, sz):
                        value = 0.0
                        break
        share[n] = value


@njit(parallel=True, cache=True, error_model="numpy")
def reflect(
    surface: NDArray[np.float32],
    share: NDArray[np.float32],
    what: NDArray[np.int32],
    sun: NDArray[np.float64],
    phase: NDArray[np.float32],
    w: float,
    bounce: float,
    radiance: NDArray[np.float32],
) -> None:
    """Write the radiance factor (n, 3) of surfaces of which `share` (n,) of the sun is left."""
    sx, sy, sz = sun[0], sun[1], sun[2]
    for n in prange(len(what)):
        if what[n] == -1:
            radiance[n, 0] = radiance[n, 1] = radiance[n, 2] = 0.0
            continue
        nx, ny, nz = surface[n, 0], surface[n, 1], surface[n, 2]
        vx, vy, vz = surface[n, 12], surface[n, 13], surface[n, 14]
        tone, light = surface[n, 6], share[n]
        mu0 = nx * sx + ny * sy + nz * sz
        # Light scattered by sunlit ground, seen by what does not face the sky alone.
        fill = bounce * max(sz, 0.0) * (0.06 + 0.5 * (1.0 - nz))
        matte = surface[n, 8]
        albedo = 1.0 if matte >= 1.0 else _ROCK_ALBEDO
        value = matte * albedo * tone * (mu0 * light + fill if light > 0.0 else fill)
        if matte < 1.0:
            value += (1.0 - matte) * fill * w * tone
            if light > 0.0:
                cosine = sx * vx + sy * vy + sz * vz
                mu = nx * vx + ny * vy + nz * vz
                hapke = radiance_factor(mu0, mu, cosine, min(w * tone, 0.95), phase)
                value += (1.0 - matte) * light * hapke
        radiance[n, 0] = value * surface[n, 3]
        radiance[n, 1] = value * surface[n, 4]
        radiance[n, 2] = value * surface[n, 5]
