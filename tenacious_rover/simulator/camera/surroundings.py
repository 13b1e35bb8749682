# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What the camera adds to a world: land to the horizon, and stones too small for the wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.simulator.camera.ground import Ground, make_ground
from tenacious_rover.simulator.camera.materials import ROCK
from tenacious_rover.simulator.camera.solids import make_solids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.camera.config import RenderConfig
    from tenacious_rover.simulator.ground import World

MOON_RADIUS_M = 1_737_400.0
_FAR_STEP_M = 4.0
_ROCK_COLOUR = np.array([1.06, 1.0, 0.93])
_GROUND_LABEL, _ROCK_LABEL = 1, 2
_PEBBLE_LAW = 2.2
"""Number larger than D goes as D^-2.2, between the laws of rocks and of grains."""


def far_land(near: Ground, seed: int, config: RenderConfig) -> Ground:
    """Land around the grid: takes up the grid's border, goes over into hills, and curves away."""
    middle = np.array(
        [
            near.x0 + near.step * (near.heights.shape[1] - 1) / 2.0,
            near.y0 + near.step * (near.heights.shape[0] - 1) / 2.0,
        ]
    )
    half = near.step * (np.array(near.heights.shape[::-1]) - 1) / 2.0
    reach = max(config.far_km * 1000.0, 2.0 * float(half.max()))
    count = 2 * int(reach / _FAR_STEP_M) + 1
    origin = middle - _FAR_STEP_M * (count - 1) / 2.0
    x = origin[0] + _FAR_STEP_M * np.arange(count)
    y = origin[1] + _FAR_STEP_M * np.arange(count)
    column = np.clip((x - near.x0) / near.step, 0, near.heights.shape[1] - 1).round().astype(int)
    row = np.clip((y - near.y0) / near.step, 0, near.heights.shape[0] - 1).round().astype(int)
    border = near.heights[np.ix_(row, column)].astype(float)
    outside = np.hypot(
        np.maximum(np.abs(x - middle[0]) - half[0], 0.0)[None, :],
        np.maximum(np.abs(y - middle[1]) - half[1], 0.0)[:, None],
    )
    level = float(near.heights.mean())
    fade = np.exp(-outside / 60.0)
    hills = _hills(np.random.default_rng((seed, 0xFA4)), count) * config.far_relief_m
    grown = 1.0 - np.exp(-((outside / 350.0) ** 2))
    rough = _hills(np.random.default_rng((seed, 0xFA5)), count, 1.3, 12.0)
    far = np.hypot((x - middle[0])[None, :], (y - middle[1])[:, None])
    heights = (
        level
        + fade * (border - level)
        + grown * hills
        + 0.35 * rough * (1.0 - fade)
        - far**2 / (2.0 * MOON_RADIUS_M)
    )
    return make_ground(heights.astype(np.float32), (origin[0], origin[1]), _FAR_STEP_M)


def _hills(
    rng: np.random.Generator, count: int, exponent: float = 2.1, low: float = 1.5
) -> NDArray[np.float64]:
    """(count, count) fractal relief of unit deviation; `low`: cycles across, the longest waves."""
    f = np.fft.fftfreq(count, 1.0 / count)
    radius = np.hypot(f[:, None], f[None, :])
    gain = np.where(radius >= low, np.maximum(radius, 1.0) ** -exponent, 0.0)
    image = np.fft.ifft2(np.fft.fft2(rng.standard_normal((count, count))) * gain).real
    return np.asarray(image / image.std())


def rock_solids(world: World, seed: int, config: RenderConfig) -> tuple[NDArray[np.float64], int]:
    """The world's rocks followed by pebbles, these by rising y; the index of the first pebble."""
    rocks = world.rocks
    rng = np.random.default_rng((seed, 0x9EB))
    rows, columns = world.heights.shape
    extent = np.array([columns - 1, rows - 1]) * world.resolution_m
    n = int(rng.poisson(config.pebbles_per_m2 * float(extent.prod())))
    xy = np.asarray(world.origin) + rng.random((n, 2)) * extent
    xy = xy[np.argsort(xy[:, 1])]
    small, large = config.pebble_min_m, max(config.pebble_max_m, config.pebble_min_m)
    share = 1.0 - rng.random(n) * (1.0 - (small / large) ** _PEBBLE_LAW)
    radius = 0.5 * small * share ** (-1.0 / _PEBBLE_LAW)
    axes = radius[:, None] * rng.uniform([0.9, 0.65, 0.4], [1.25, 1.0, 0.85], (n, 3))
    z = world.height(xy[:, 0], xy[:, 1]) + axes[:, 2] * rng.uniform(-0.35, 0.7, n)
    turn = rng.uniform(0.0, 2.0 * np.pi, n)
    lean = rng.normal(0.0, 0.25, n)
    cos, sin, up, side = np.cos(turn), np.sin(turn), np.cos(lean), np.sin(lean)
    zero = np.zeros(n)
    rotation = np.stack(
        [
            np.stack([cos, -sin * up, sin * side], 1),
            np.stack([sin, cos * up, -cos * side], 1),
            np.stack([zero, side, up], 1),
        ],
        1,
    )
    count = len(rocks.center)
    whole = count + n
    tone = np.random.default_rng((seed, 0x70E)).uniform(0.9, 1.12, (whole, 1))
    solids = make_solids(
        np.zeros(whole, np.uint8),
        np.concatenate(
            [np.asarray(rocks.center, float).reshape(count, 3), np.column_stack([xy, z])]
        ),
        np.concatenate([np.asarray(rocks.rotation, float).reshape(count, 3, 3), rotation]),
        np.concatenate([np.asarray(rocks.semi_axes, float).reshape(count, 3), axes]),
        _ROCK_COLOUR * tone,
        np.full(whole, ROCK, np.uint8),
        np.where(np.arange(whole) < count, _ROCK_LABEL, _GROUND_LABEL).astype(np.uint8),
    )
    return solids, count
