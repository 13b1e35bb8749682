# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Light of what each ray has hit: sun, hard shadows, photometry, texture, a little bounce."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit, prange

from tenacious_rover.simulator.camera.bins import Bins
from tenacious_rover.simulator.camera.ground import Ground, bilinear, smooth_gradient
from tenacious_rover.simulator.camera.materials import crag, paint
from tenacious_rover.simulator.camera.photometry import radiance_factor
from tenacious_rover.simulator.camera.solids import Solids, blocks, local, outward
from tenacious_rover.simulator.camera.texture import Layers, sample
from tenacious_rover.simulator.camera.visibility import View, ray

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALL, ONLY_SUN = 0, 1


class Light(NamedTuple):
    """`sun` (3,) unit; `table` of the phase function; `tint` (3,) colour of regolith; `groups`
    (g, 4) balls about runs of parts; `runs` (g + 1,) int64 their first parts; `w`
    single-scattering albedo; `bounce` share of sunlight that lit ground sends into shadows.
    """

    sun: NDArray[np.float64]
    table: NDArray[np.float32]
    tint: NDArray[np.float64]
    groups: NDArray[np.float64]
    runs: NDArray[np.int64]
    w: float
    bounce: float


class Scene(NamedTuple):
    """All that light meets."""

    near: Ground
    far: Ground
    rocks: Solids
    bins: Bins
    parts: Solids
    layers: Layers
    light: Light


@njit(cache=True)
def sunlit(scene: Scene, x: float, y: float, z: float, own: int, far: bool, soft: float) -> float:
    """Share 0..1 of the sun that reaches a point past ground, rocks and parts.

    Args:
        scene: the world and its sun.
        x: in map, m; `y`, `z` too.
        own: what the point lies on, as in `what`: it does not shade itself.
        far: whether it lies in the land around.
        soft: m, over how much of height ground's shadow fades (a pixel's footprint).
    """
    sx, sy, sz = scene.light.sun
    if sz <= 0.0:
        return 0.0
    if far:
        ground = scene.far
    else:
        ground = scene.near
    top = bilinear(ground.shadow, (x - ground.x0) / ground.step, (y - ground.y0) / ground.step)
    share = min(max(0.5 + (z - top) / soft, 0.0), 1.0)
    if share <= 0.0:
        return 0.0
    for g in range(scene.light.groups.shape[0]):
        ball = scene.light.groups[g]
        wx, wy, wz = ball[0] - x, ball[1] - y, ball[2] - z
        along = wx * sx + wy * sy + wz * sz
        square = ball[3] * ball[3]
        if along < -ball[3] or wx * wx + wy * wy + wz * wz - along * along > square:
            continue
        for i in range(scene.light.runs[g], scene.light.runs[g + 1]):
            if -10 - i != own and blocks(scene.parts, i, x, y, z, sx, sy, sz):
                return 0.0
    bins = scene.bins
    r, c = int((y - bins.y0) / bins.cell), int((x - bins.x0) / bins.cell)
    if not far and 0 <= r < bins.rows and 0 <= c < bins.columns:
        k = r * bins.columns + c
        for n in range(bins.first[k], bins.first[k + 1]):
            i = bins.items[n]
            if i != own and blocks(scene.rocks, i, x, y, z, sx, sy, sz):
                return 0.0
    return share


@njit(cache=True)
def _soil(
    scene: Scene,
    ground: Ground,
    x: float,
    y: float,
    footprint: float,
    vx: float,
    vy: float,
    vz: float,
) -> tuple[float, float, float, float, float]:
    """Normal (3,) of textured ground, its tone, and how much of it tiny relief leaves in the sun."""
    column, row = (x - ground.x0) / ground.step, (y - ground.y0) / ground.step
    gx, gy = smooth_gradient(ground, column, row)
    length = math.sqrt(gx * gx + gy * gy + 1.0)
    sx, sy, sz = scene.light.sun
    rise = (sz - gx * sx - gy * sy) / length
    rise = min(max(rise, -0.999), 0.999)
    tangent = rise / math.sqrt(1.0 - rise * rise)
    mu = max((vz - gx * vx - gy * vy) / length, 0.06)
    tone = bilinear_tone(ground, column, row)
    # The footprint is longer along the view: so many taps of the shorter size.
    flat = math.sqrt(vx * vx + vy * vy) + 1e-9
    stretch = min(1.0 / mu, 9.0)
    taps = 1 if stretch < 2.0 else (2 if stretch < 5.0 else 3)
    size = footprint * stretch / taps if stretch > 2.0 else footprint * 1.2
    nx = ny = lit = light = 0.0
    for k in range(taps):
        shift = footprint * stretch * ((k + 0.5) / taps - 0.5)
        px, py = x + shift * vx / flat, y + shift * vy / flat
        share = 1.0
        for layer in range(3):
            mx, my, m, horizon, spread = sample(scene.layers, layer, px, py, 0.6 * size)
            nx += mx
            ny += my
            light += m
            share *= min(max(0.5 + (tangent - horizon) / (2.5 * spread), 0.0), 1.0)
        lit += share
    gx, gy = gx + nx / taps, gy + ny / taps
    length = math.sqrt(gx * gx + gy * gy + 1.0)
    tone *= light / taps - 2.0
    return -gx / length, -gy / length, 1.0 / length, tone, lit / taps


@njit(cache=True)
def bilinear_tone(ground: Ground, x: float, y: float) -> float:
    """Brightness of the soil at column x, row y; 1 on average."""
    c = min(max(int(x), 0), ground.tone.shape[1] - 2)
    r = min(max(int(y), 0), ground.tone.shape[0] - 2)
    u, v = min(max(x - c, 0.0), 1.0), min(max(y - r, 0.0), 1.0)
    t = ground.tone
    low = t[r, c] * (1.0 - u) + t[r, c + 1] * u
    high = t[r + 1, c] * (1.0 - u) + t[r + 1, c + 1] * u
    return (low * (1.0 - v) + high * v) / 200.0


@njit(cache=True)
def _light_of(
    scene: Scene, view: View, u: float, v: float, t: float, seen: int, mode: int
) -> tuple[float, float, float]:
    """Radiance factor of the ray through (u, v) that met `seen` at depth t."""
    sx, sy, sz = scene.light.sun
    if seen == -1:
        return 0.0, 0.0, 0.0
    dx, dy, dz = ray(view, u, v)
    x, y, z = view.eye[0] + t * dx, view.eye[1] + t * dy, view.eye[2] + t * dz
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    vx, vy, vz = -dx / length, -dy / length, -dz / length
    footprint = t / view.fx
    red, green, blue = scene.light.tint
    tone, lit, w = 1.0, 1.0, scene.light.w
    matte = False
    if seen == -2:
        nx, ny, nz, tone, lit = _soil(scene, scene.near, x, y, footprint, vx, vy, vz)
    elif seen == -3:
        nx, ny, nz, tone, lit = _soil(scene, scene.far, x, y, footprint, vx, vy, vz)
    elif seen >= 0:
        px, py, pz = local(scene.rocks, seen, x, y, z)
        ax, ay, az = outward(scene.rocks, seen, px, py, pz)
        half = scene.rocks.half[seen]
        seed = scene.rocks.seed[seen]
        nx, ny, nz, tone = crag(px, py, pz, half, ax, ay, az, x, y, z, footprint, seed)
        red, green, blue = scene.rocks.colour[seen]
        if ax * sx + ay * sy + az * sz <= 0.0:
            lit = 0.0
    else:
        i = -10 - seen
        px, py, pz = local(scene.parts, i, x, y, z)
        nx, ny, nz = outward(scene.parts, i, px, py, pz)
        red, green, blue, tone = paint(
            scene.parts.material[i],
            scene.parts.colour[i],
            px,
            py,
            pz,
            scene.parts.half[i],
            scene.parts.seed[i],
            footprint,
        )
        matte = True
    mu0 = nx * sx + ny * sy + nz * sz
    if mu0 > 0.0 and lit > 0.0:
        soft = 1e-4 + (0.7 * footprint * sz / max(vz, 0.1) if seen in (-2, -3) else 0.0)
        lit *= sunlit(scene, x, y, z, seen, seen == -3, soft)
    else:
        lit = 0.0
    if mode == 1:
        return lit, lit, lit
    # Light scattered by sunlit ground, seen by what does not face the sky alone.
    fill = scene.light.bounce * max(sz, 0.0) * (0.06 + 0.5 * (1.0 - nz))
    mu = nx * vx + ny * vy + nz * vz
    if matte:
        value = tone * ((mu0 * lit if lit > 0.0 else 0.0) + fill)
    else:
        value = fill * scene.light.w * tone
        if lit > 0.0:
            cosine = sx * vx + sy * vy + sz * vz
            value += lit * radiance_factor(mu0, mu, cosine, min(w * tone, 0.95), scene.light.table)
    return value * red, value * green, value * blue


@njit(parallel=True, cache=True)
def shade(
    near: Ground,
    far: Ground,
    rocks: Solids,
    bins: Bins,
    parts: Solids,
    layers: Layers,
    light: Light,
    view: View,
    pixels: NDArray[np.float32],
    depth: NDArray[np.float64],
    what: NDArray[np.int32],
    radiance: NDArray[np.float32],
    mode: int,
) -> None:
    """Radiance factor (n, 3) of rays through `pixels` (n, 2) u, v that met `what` (n,) at `depth`.

    `mode` ONLY_SUN writes the share of direct sun instead (for tests of shadows).
    """
    for n in prange(len(pixels)):
        # Parallel loops take flat tuples only: the scene is put together inside.
        radiance[n, 0], radiance[n, 1], radiance[n, 2] = _light_of(
            Scene(near, far, rocks, bins, parts, layers, light),
            view,
            pixels[n, 0],
            pixels[n, 1],
            depth[n],
            what[n],
            mode,
        )
