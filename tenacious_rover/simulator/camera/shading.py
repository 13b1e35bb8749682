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

from tenacious_rover.simulator.camera import soil
from tenacious_rover.simulator.camera.fast import FAST, RUN, turn, turns
from tenacious_rover.simulator.camera.materials import broken_faces, crag, paint
from tenacious_rover.simulator.camera.photometry import radiance_factor
from tenacious_rover.simulator.camera.solids import local, outward
from tenacious_rover.simulator.camera.sunlight import shade_cells, sunlit
from tenacious_rover.simulator.camera.visibility import View, ray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.camera.bins import Bins
    from tenacious_rover.simulator.camera.ground import Ground

_FACES = broken_faces()
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
        _FACES,
        scene.parts,
        scene.texels,
        scene.layers,
        scene.sun,
        scene.tint,
        surface,
    )
    part_first, part_items = shade_cells(scene.parts, scene.groups, scene.runs, scene.sun)
    sun = np.empty(len(pixels), np.float32)
    geometry = np.array([[near.x0, near.y0, near.step], [far.x0, far.y0, far.step]])
    sunlit(
        surface,
        what,
        near.shadow,
        far.shadow,
        geometry,
        scene.groups,
        part_first,
        part_items,
        scene.parts,
        scene.rocks,
        bins.first,
        bins.items,
        bins.balls,
        bins.columns,
        bins.cell,
        scene.sun,
        sun,
    )
    return surface, sun


@njit(parallel=True, cache=True, error_model="numpy", fastmath=FAST)
def describe(
    view: View,
    pixels: NDArray[np.float32],
    depth: NDArray[np.float64],
    what: NDArray[np.int32],
    near: Ground,
    far: Ground,
    rocks: NDArray[np.float64],
    faces: NDArray[np.float64],
    parts: NDArray[np.float64],
    texels: NDArray[np.float32],
    layers: NDArray[np.float64],
    sun: NDArray[np.float64],
    tint: NDArray[np.float64],
    surface: NDArray[np.float32],
) -> None:
    """Write the table of surfaces, (n, SURFACE)."""
    lens = np.empty(16)
    lens[:9], lens[9:12] = view.rotation.ravel(), view.eye
    lens[12], lens[13], lens[14], lens[15] = view.fx, view.fy, view.cx, view.cy
    near_grid = np.array([near.x0, near.y0, near.step])
    far_grid = np.array([far.x0, far.y0, far.step])
    near_h, near_tone = near.heights.reshape(-1), near.tone.reshape(-1)
    far_h, far_tone = far.heights.reshape(-1), far.tone.reshape(-1)
    near_wide, far_wide = near.heights.shape[1], far.heights.shape[1]
    for run in prange(turns(len(pixels))):
        w, k = np.zeros(soil.ROWS * RUN), np.empty(soil.PLACES * RUN, np.int64)
        chosen = np.empty(RUN, np.int64)
        first, last = turn(run, len(pixels))
        for kind in (-2, -3):
            count = 0
            for n in range(first, last):
                if what[n] == kind:
                    chosen[count] = n
                    w[soil.U * RUN + count] = pixels[n, 0]
                    w[soil.V * RUN + count] = pixels[n, 1]
                    w[soil.T * RUN + count] = depth[n]
                    count += 1
            if count == 0:
                continue
            if kind == -2:
                soil.appear(
                    count, w, k, lens, near_h, near_tone, near_wide, near_grid, texels, layers, sun
                )
            else:
                soil.appear(
                    count, w, k, lens, far_h, far_tone, far_wide, far_grid, texels, layers, sun
                )
            for m in range(count):
                n = chosen[m]
                surface[n, 0] = w[soil.NX * RUN + m]
                surface[n, 1] = w[soil.NY * RUN + m]
                surface[n, 2] = w[soil.NZ * RUN + m]
                surface[n, 3], surface[n, 4], surface[n, 5] = tint[0], tint[1], tint[2]
                surface[n, 6] = w[soil.TONE * RUN + m]
                surface[n, 7] = w[soil.LEFT * RUN + m]
                surface[n, 8] = 0.0
                surface[n, 9] = w[soil.X * RUN + m]
                surface[n, 10] = w[soil.Y * RUN + m]
                surface[n, 11] = w[soil.Z * RUN + m]
                surface[n, 12] = w[soil.VX * RUN + m]
                surface[n, 13] = w[soil.VY * RUN + m]
                surface[n, 14] = w[soil.VZ * RUN + m]
                surface[n, 15] = w[soil.SOFT * RUN + m]
        for n in range(first, last):
            if what[n] >= 0 or what[n] <= -10:
                _solid(
                    view,
                    pixels[n, 0],
                    pixels[n, 1],
                    depth[n],
                    what[n],
                    rocks,
                    faces,
                    parts,
                    sun,
                    surface[n],
                )


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _solid(
    view: View,
    u: float,
    v: float,
    t: float,
    seen: int,
    rocks: NDArray[np.float64],
    faces: NDArray[np.float64],
    parts: NDArray[np.float64],
    sun: NDArray[np.float64],
    row: NDArray[np.float32],
) -> None:
    """Write the row of the table of surfaces of a rock or a part."""
    dx, dy, dz = ray(view, u, v)
    x, y, z = view.eye[0] + t * dx, view.eye[1] + t * dy, view.eye[2] + t * dz
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    footprint = t / view.fx
    left, matte = 1.0, 1.0
    if seen >= 0:
        px, py, pz = local(rocks, seen, x, y, z)
        ax, ay, az = outward(rocks, seen, px, py, pz)
        nx, ny, nz, tone = crag(rocks, faces, seen, px, py, pz, x, y, z, footprint)
        red, green, blue = rocks[seen, 18], rocks[seen, 19], rocks[seen, 20]
        if ax * sun[0] + ay * sun[1] + az * sun[2] <= 0.0:
            left = 0.0
        matte = _ROCK_MATTE
    else:
        i = -10 - seen
        px, py, pz = local(parts, i, x, y, z)
        nx, ny, nz = outward(parts, i, px, py, pz)
        red, green, blue, tone = paint(parts, i, px, py, pz, footprint)
    row[0], row[1], row[2] = nx, ny, nz
    row[3], row[4], row[5] = red, green, blue
    row[6], row[7], row[8] = tone, left, matte
    row[9], row[10], row[11] = x, y, z
    row[12], row[13], row[14] = -dx / length, -dy / length, -dz / length
    row[15] = 1e-4


@njit(parallel=True, cache=True, error_model="numpy", fastmath=FAST)
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
    for run in prange(turns(len(what))):
        first, last = turn(run, len(what))
        for n in range(first, last):
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
