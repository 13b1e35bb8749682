# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The lunar camera's picture of a world: radiance, depth and labels.

    renderer = Renderer(world)
    frame = renderer.render(camera, map_T_optical, sun, parts)

Whole pixel numbers are pixel centres, as in OpenCV: pixel (u, v) sees along
((u - cx) / fx, (v - cy) / fy, 1). The picture depends on the arguments and the ground alone.
"""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.simulator.camera import edges, shading, shadow, splat, visibility
from tenacious_rover.simulator.camera.bins import make_bins
from tenacious_rover.simulator.camera.config import RenderConfig
from tenacious_rover.simulator.camera.error import CameraError
from tenacious_rover.simulator.camera.ground import make_ground, raise_pyramid
from tenacious_rover.simulator.camera.photometry import W, phase_table
from tenacious_rover.simulator.camera.solids import LABEL
from tenacious_rover.simulator.camera.surroundings import far_land, rock_solids
from tenacious_rover.simulator.camera.texture import Micro
from tenacious_rover.simulator.camera.things import part_solids
from tenacious_rover.simulator.camera.visibility import View
from tenacious_rover.simulator.parts import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Camera
    from tenacious_rover.simulator.ground import Block, World

# Read when numba starts its threads, at the first frame: idle threads sleep instead of spinning, so
# that other nodes get the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

TINT = (1.09, 1.0, 0.89)
"""Regolith is slightly red (relative to green)."""
_SUN_STEP = math.radians(0.1)
_AZIMUTH_STEP = math.radians(1.0)
_DUG_MARGIN_M = 0.05
_DUG_TONE = 0.8
_OFFSETS = np.array([[-0.2, -0.3], [0.3, 0.2]])
"""Of the rays that outlines get besides that through the pixel's centre."""
_ONE_AT_A_TIME = threading.Lock()
"""Numba's workqueue layer must not run from two threads at once."""


@dataclass(frozen=True)
class Frame:
    """A picture before the sensor.

    Attributes:
        radiance: (h, w, 3) float32 radiance factor RGB: 1 is white that faces the sun.
        depth: (h, w) float32 z in the optical frame at pixel centres, m; inf is sky.
        label: (h, w) uint8, place in `parts.LABELS`; for scoring only.
    """

    radiance: NDArray[np.float32]
    depth: NDArray[np.float32]
    label: NDArray[np.uint8]


class Renderer:
    """Draws one world. Holds its own copy of the heights, which digging changes."""

    def __init__(self, world: World, config: RenderConfig | None = None) -> None:
        self._config = config or RenderConfig()
        seed = int(world.digest[:12] or "0", 16)
        heights = np.array(world.heights, np.float32, order="C")
        origin = (float(world.origin[0]), float(world.origin[1]))
        self._near = make_ground(heights, origin, world.resolution_m, _tones(world))
        self._far = far_land(self._near, seed, self._config)
        self._rocks, self._pebbles = rock_solids(world, seed, self._config)
        self._pebble_y = self._rocks[self._pebbles :, 1].copy()
        self._micro = Micro(seed if self._config.micro_relief else None)
        self._lander = [_block_part(block) for block in world.lander]
        self._table = phase_table()
        self._sun = np.zeros(3)
        self._azimuth = math.nan
        self._dug = 0.0
        self._stale = True

    def render(
        self,
        camera: Camera,
        map_T_optical: NDArray[np.float64],
        sun: NDArray[np.float64],
        parts: Sequence[Part] = (),
    ) -> Frame:
        """What `camera` sees from a pose.

        Args:
            camera: intrinsics; its own pose on the rover is not used.
            map_T_optical: (4, 4), z forward, x right.
            sun: (3,) direction to the sun in map; rounded to 0.1 deg.
            parts: rover, payload and what else there is besides the world.

        Raises:
            CameraError: a pose or direction that is not finite or no rotation.
        """
        view = _view(camera, map_T_optical)
        with _ONE_AT_A_TIME:
            self._light(_checked_sun(sun))
            scene = self._scene(parts)
            return self._drawn(scene, view)

    def sunlight(
        self,
        camera: Camera,
        map_T_optical: NDArray[np.float64],
        sun: NDArray[np.float64],
        parts: Sequence[Part] = (),
    ) -> NDArray[np.float32]:
        """(h, w) share of direct sun at what each pixel centre sees; 0 in shadow and sky."""
        view = _view(camera, map_T_optical)
        with _ONE_AT_A_TIME:
            self._light(_checked_sun(sun))
            scene = self._scene(parts)
            depth, what = self._seen(scene, view)
            _, share = shading.lit(scene, view, _pixels(view), depth.ravel(), what.ravel())
            return share.reshape(what.shape)

    def set_heights(self, row0: int, column0: int, patch: NDArray[np.floating]) -> None:
        """Replace nodes from (row0, column0) on by `patch` (r, c), m; changed soil turns darker.

        Raises:
            CameraError: the patch leaves the grid or is not finite.
        """
        patch = np.asarray(patch, np.float32)
        rows, columns = self._near.heights.shape
        if patch.ndim != 2 or not np.isfinite(patch).all():
            raise CameraError(f"patch: not finite heights (rows, columns), but {patch.shape}")
        row1, column1 = row0 + patch.shape[0], column0 + patch.shape[1]
        if min(row0, column0) < 0 or row1 > rows or column1 > columns:
            raise CameraError(
                f"patch: rows {row0}..{row1}, columns {column0}..{column1} leave the grid of "
                f"{rows} x {columns}"
            )
        with _ONE_AT_A_TIME:
            here = self._near.heights[row0:row1, column0:column1]
            change = patch - here
            tone = self._near.tone[row0:row1, column0:column1]
            fresh = np.abs(change) > 1e-3
            tone[fresh] = np.minimum(tone[fresh], int(200 * _DUG_TONE))
            here[:] = patch
            raise_pyramid(
                self._near.heights,
                self._near.maxima,
                self._near.levels,
                max(row0 - 1, 0),
                max(column0 - 1, 0),
                min(row1 - 1, rows - 2),
                min(column1 - 1, columns - 2),
            )
            self._settle(row0, column0, change)
            self._dug += max(float(-change.min(initial=0.0)), 0.0)
            self._stale = True

    def _settle(self, row0: int, column0: int, change: NDArray[np.float32]) -> None:
        """Pebbles go down with the ground they lie on."""
        near = self._near
        low = near.y0 + (row0 - 0.5) * near.step
        first, last = np.searchsorted(self._pebble_y, [low, low + len(change) * near.step])
        center = self._rocks[self._pebbles + first : self._pebbles + last, :3]
        c = np.rint((center[:, 0] - near.x0) / near.step).astype(int) - column0
        r = np.rint((center[:, 1] - near.y0) / near.step).astype(int) - row0
        on = (r >= 0) & (c >= 0) & (r < change.shape[0]) & (c < change.shape[1])
        center[on, 2] += change[r[on], c[on]]

    def _light(self, sun: NDArray[np.float64]) -> None:
        """Bake what hangs on the sun's direction and on the ground, if either changed."""
        moved = not np.array_equal(sun, self._sun)
        if moved or self._dug > _DUG_MARGIN_M:
            self._bins = make_bins(self._rocks, self._near, sun, _DUG_MARGIN_M)
            self._dug = 0.0
        if moved:
            shadow.bake(self._far, sun)
            azimuth = round(math.atan2(sun[1], sun[0]) / _AZIMUTH_STEP) * _AZIMUTH_STEP
            if azimuth != self._azimuth:
                self._micro.turn_to(azimuth)
                self._azimuth = azimuth
        if moved or self._stale:
            shadow.bake(self._near, sun)
            self._stale = False
        self._sun = sun

    def _scene(self, parts: Sequence[Part]) -> shading.Scene:
        solids, groups, runs = part_solids([*self._lander, *parts])
        return shading.Scene(
            self._near,
            self._far,
            self._rocks,
            self._bins,
            solids,
            groups,
            runs,
            self._micro.texels,
            self._micro.table,
            self._sun,
            self._table,
            np.array(TINT),
            W,
            self._config.bounce,
        )

    def _drawn(self, scene: shading.Scene, view: View) -> Frame:
        depth, what = self._seen(scene, view)
        pixels, depths, whats = _pixels(view), depth.ravel(), what.ravel()
        edge = np.zeros(what.shape, np.bool_)
        if self._config.antialias:
            # More rays at outlines go into the same batch: every parallel pass has its price.
            edges.find_edges(depth, what, edge)
            more = _around(scene, view, depth, what, np.argwhere(edge))
            pixels = np.concatenate([pixels, more[0]])
            depths = np.concatenate([depths, more[1]])
            whats = np.concatenate([whats, more[2]])
        light = shading.shaded(scene, view, pixels, depths, whats)
        radiance = light[: what.size].reshape(*what.shape, 3)
        extra = light[what.size :].reshape(-1, len(_OFFSETS), 3).sum(axis=1)
        radiance[edge] = (radiance[edge] + extra) / np.float32(1 + len(_OFFSETS))
        label = np.zeros(what.shape, np.uint8)
        label[(what == visibility.NEAR) | (what == visibility.FAR)] = 1
        stone = what >= 0
        label[stone] = scene.rocks[what[stone], LABEL]
        made = what <= visibility.PART
        label[made] = scene.parts[visibility.PART - what[made], LABEL]
        return Frame(radiance, depth.astype(np.float32), label)

    def _seen(
        self, scene: shading.Scene, view: View
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Depth (h, w) and what each pixel centre sees (h, w)."""
        depth = np.empty((view.height, view.width))
        what = np.empty(depth.shape, np.int32)
        visibility.cast_frame(self._near, self._far, view, _coherent(view), depth, what)
        for solids, are_parts in ((scene.rocks, False), (scene.parts, True)):
            count = len(solids)
            boxes, near = np.empty((count, 4), np.int32), np.empty(count)
            splat.project(solids, view, 0.6, boxes, near)
            seen = np.flatnonzero((boxes[:, 2] >= boxes[:, 0]) & (boxes[:, 3] >= boxes[:, 1]))
            splat.splat(solids, seen, boxes, near, view, are_parts, depth, what)
        return depth, what


def _pixels(view: View) -> NDArray[np.float32]:
    """Centres u, v of all pixels, (h * w, 2)."""
    pixels = np.empty((view.height, view.width, 2), np.float32)
    pixels[..., 0] = np.arange(view.width)
    pixels[..., 1] = np.arange(view.height)[:, None]
    return pixels.reshape(-1, 2)


def _around(
    scene: shading.Scene,
    view: View,
    depth: NDArray[np.float64],
    what: NDArray[np.int32],
    pixels: NDArray[np.int64],
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.int32]]:
    """Rays beside the centres of `pixels` (n, 2) row, column: places, depths and what they meet."""
    shape = (len(pixels), len(_OFFSETS))
    fine_depth, fine_what = np.empty(shape), np.empty(shape, np.int32)
    edges.cast_edges(
        scene.near,
        scene.far,
        scene.rocks,
        scene.parts,
        view,
        pixels,
        _OFFSETS,
        depth,
        what,
        fine_depth,
        fine_what,
    )
    places = (pixels[:, None, ::-1] + _OFFSETS).astype(np.float32)
    return places.reshape(-1, 2), fine_depth.ravel(), fine_what.ravel()


def _coherent(view: View) -> bool:
    """Whether the ground right below a pixel's ground is seen within 45 deg of below it.

    The image of the nadir direction says which way is down at each pixel; it is linear in the
    pixel, so the corners decide.
    """
    nadir = -view.rotation[2]
    for u in (0.0, view.width - 1.0):
        for v in (0.0, view.height - 1.0):
            right = nadir[0] - (u - view.cx) / view.fx * nadir[2]
            down = nadir[1] - (v - view.cy) / view.fy * nadir[2]
            if down <= abs(right):
                return False
    return True


def _view(camera: Camera, map_T_optical: NDArray[np.float64]) -> View:
    pose = np.asarray(map_T_optical, np.float64)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise CameraError(f"map_T_optical: not a finite (4, 4): {pose.tolist()}")
    rotation = pose[:3, :3]
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-5) or np.linalg.det(rotation) < 0:
        raise CameraError(f"map_T_optical: {rotation.tolist()} is not a rotation")
    return View(
        np.ascontiguousarray(rotation),
        np.ascontiguousarray(pose[:3, 3]),
        float(camera.fx_px),
        float(camera.fy_px),
        float(camera.cx_px),
        float(camera.cy_px),
        int(camera.height_px),
        int(camera.width_px),
    )


def _checked_sun(sun: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vector (3,), its azimuth and elevation rounded to 0.1 deg."""
    sun = np.asarray(sun, np.float64)
    if sun.shape != (3,) or not np.isfinite(sun).all() or np.linalg.norm(sun) < 1e-9:
        raise CameraError(f"sun: not a finite direction (3,): {sun.tolist()}")
    azimuth = round(math.atan2(sun[1], sun[0]) / _SUN_STEP) * _SUN_STEP
    height = round(math.atan2(sun[2], math.hypot(sun[0], sun[1])) / _SUN_STEP) * _SUN_STEP
    flat = math.cos(height)
    return np.array([flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(height)])


_SOIL_TONE = {"loose": 206, "dense": 192, "powder": 222}
"""Fresh and loose soil is a little brighter than what has weathered (assumed)."""


def _tones(world: World) -> NDArray[np.uint8]:
    """Brightness of the soil at the nodes, in 1/200."""
    tones = np.array([_SOIL_TONE.get(soil.name, 200) for soil in world.soils] or [200], np.uint8)
    return np.ascontiguousarray(tones[np.minimum(world.soil_index, len(tones) - 1)])


def _block_part(block: Block) -> Part:
    """A block of the lander; what is yellow is foil."""
    red, _, blue = block.colour
    surface = "foil" if red > 1.6 * blue else "paint"
    return Part("box", block.map_T_block, block.size, block.colour, "lander", surface)
