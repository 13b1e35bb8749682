# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""From a world file to ground, the same in every process; kept in a cache by its content."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING

import numpy as np
import psutil

from tenacious_rover.simulator import cache as store
from tenacious_rover.simulator import lander
from tenacious_rover.simulator.cache import cache_folder
from tenacious_rover.simulator.ground import SOILS, Block, Craters, Rocks, World, content_digest
from tenacious_rover.simulator.terrain import craters, dem, relief, rocks
from tenacious_rover.simulator.terrain.error import WorldError
from tenacious_rover.simulator.terrain.spec import RidgeFeature

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tenacious_rover.simulator.terrain.spec import CraterFeature
    from tenacious_rover.simulator.world import WorldSpec

GENERATOR = 2
"""Raised whenever the same file would give other ground, so that no old cache is used."""
_BYTES_PER_NODE = 60
_BYTES_PER_BODY = 400
_LOG = logging.getLogger(__name__)


def build_world(spec: WorldSpec, cache: bool = True) -> World:
    """The ground of a world.

    Args:
        spec: a checked world file.
        cache: look for it in, and keep it in, `cache_folder()`; a broken entry is made anew.

    Raises:
        WorldError: it would not fit into memory, or its rocks not onto the ground; its elevation
            model is missing or unusable. Said before any work.
    """
    fits(spec)
    source = dem.check(spec.dem, spec.size_m) if spec.dem else None
    path = cache_folder() / f"{key(spec, source)}.npz"
    kept = _kept(path, spec) if cache else None
    if kept is not None:
        return kept
    world = _made(spec, source)
    if cache:
        store.write(path, _arrays(world), world.digest)
    return world


def nodes(spec: WorldSpec) -> int:
    """Nodes along each side."""
    return round(spec.size_m / spec.resolution_m) + 1


def fits(spec: WorldSpec) -> None:
    """Refuse what memory cannot hold.

    Raises:
        WorldError: names the field, the need and what there is.
    """
    count = nodes(spec) ** 2
    number = rocks.count(spec.rocks, spec.rocks.smallest_m) * spec.size_m**2
    bowls = spec.terrain.craters
    number += craters.count(bowls, bowls.smallest_m) * (spec.size_m + 2.0) ** 2
    need = count * _BYTES_PER_NODE + number * _BYTES_PER_BODY
    free = psutil.virtual_memory().available
    if need > 0.8 * free:
        raise WorldError(
            f"{spec.world}: size_m {spec.size_m:g} at resolution_m {spec.resolution_m:g} with "
            f"some {number:.0f} rocks and craters needs {need / 1e9:.1f} GB; "
            f"{free / 1e9:.1f} GB are free. Use a smaller size_m, a coarser resolution_m, or a "
            "larger smallest_m of rocks and craters"
        )


def key(spec: WorldSpec, source: dem.Source | None = None) -> str:
    """What the ground depends on, hashed: not light, zones and faults."""
    content = spec.model_dump(
        mode="json",
        by_alias=True,
        exclude={"world", "description", "site", "epoch_utc", "fixed_sun", "zones", "faults"},
    )
    if source:
        content["dem"]["file"] = source.digest
    text = json.dumps({"generator": GENERATOR, **content}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _made(spec: WorldSpec, source: dem.Source | None) -> World:
    n, step = nodes(spec), spec.resolution_m
    origin = _origin(spec)
    x = origin[0] + step * np.arange(n)
    area = (float(x[0]), float(x[-1]), float(x[0]), float(x[-1]))
    keep = _kept_free(spec)
    # What nature scattered: relief and craters, without a slope of their own.
    terrain = spec.terrain
    coarse = 2.0 * max(source.pixel_m) if source else np.inf
    asked = terrain.craters.below(coarse)
    if spec.dem and not spec.dem.finer:
        heights, drawn = np.zeros((n, n), np.float32), _no_craters()
    else:
        heights = relief.fractal((n, n), step, terrain.relief, _rng(spec, 1), coarse)
        drawn = craters.draw(asked, area, keep, _rng(spec, 2)) if asked else _no_craters()
        craters.stamp(heights, (area[0], area[2]), step, drawn)
        heights = relief.levelled(heights)
    # What was measured, or what the file asks for by name.
    if source:
        heights += dem.heights(source, n, step)
    heights += relief.slope(x, x, terrain.slope)
    for number, feature in enumerate(terrain.features):
        if isinstance(feature, RidgeFeature):
            heights += relief.ridge(x, x, feature, _rng(spec, 100 + number))
        else:
            craters.stamp(heights, (area[0], area[2]), step, _single(feature))
    middle = [(n - 1) // 2, n // 2]
    heights -= heights[np.ix_(middle, middle)].mean()
    bare = _assembled(spec, heights, _no_rocks(), drawn)
    # Rocks lie on all of it.
    stones = rocks.draw(
        spec.rocks,
        area,
        keep[:, :3],
        lambda u, v: (bare.height(u, v), bare.normal(u, v)),
        _rng(spec, 3),
    )
    return _assembled(spec, heights, stones, drawn)


def _origin(spec: WorldSpec) -> NDArray[np.float64]:
    return np.full(2, -spec.resolution_m * (nodes(spec) - 1) / 2.0)


def _single(feature: CraterFeature) -> Craters:
    return Craters(
        np.array([[feature.x_m, feature.y_m]]),
        np.array([feature.diameter_m]),
        np.array([feature.depth_ratio]),
    )


def _rng(spec: WorldSpec, stage: int) -> np.random.Generator:
    """A stream of its own for each stage, so that more rocks leave the craters where they were."""
    return np.random.default_rng([spec.seed, stage])


def _kept_free(spec: WorldSpec) -> NDArray[np.float64]:
    """Squares (n, 4) x, y, half width, least crater that matters: lander, start, cleared discs."""
    x, y, _ = spec.start
    squares = [(x, y, 0.5, 0.3)]
    if spec.lander:
        squares.append((0.0, 0.0, spec.lander.footprint_m / 2.0 + 0.1, 0.5))
    squares += [(disc.x_m, disc.y_m, disc.radius_m, 0.3) for disc in spec.clear]
    return np.array(squares)


def _assembled(spec: WorldSpec, heights: NDArray, stones: Rocks, drawn: Craters) -> World:
    """A world of these, with what follows from the file alone: soils and lander."""
    origin = _origin(spec)
    names = [spec.soil, *(patch.soil for patch in spec.soil_patches)]
    soils = list(dict.fromkeys(names))
    index = np.zeros(heights.shape, np.uint8)
    step = spec.resolution_m
    for patch in spec.soil_patches:
        x = origin[0] + step * np.arange(heights.shape[1]) - patch.x_m
        y = origin[1] + step * np.arange(heights.shape[0]) - patch.y_m
        index[x[None, :] ** 2 + y[:, None] ** 2 <= patch.radius_m**2] = soils.index(patch.soil)
    world = World(
        spec, heights, origin, step, stones, drawn, tuple(SOILS[s] for s in soils), index, ()
    )
    built: tuple[Block, ...] = ()
    if spec.lander:
        built = lander.blocks(spec.lander, lambda u, v: float(world.height(u, v)))
    digest = content_digest(heights, stones, index)
    return World(spec, heights, origin, step, stones, drawn, world.soils, index, built, digest)


def _no_rocks() -> Rocks:
    return Rocks(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3, 3)), np.zeros(0))


def _no_craters() -> Craters:
    return Craters(np.zeros((0, 2)), np.zeros(0), np.zeros(0))


def _arrays(world: World) -> dict[str, NDArray]:
    stones, bowls = world.rocks, world.craters
    return {
        "heights": world.heights,
        "rock_center": stones.center,
        "rock_axes": stones.semi_axes,
        "rock_rotation": stones.rotation,
        "rock_diameter": stones.diameter_m,
        "crater_center": bowls.center,
        "crater_diameter": bowls.diameter_m,
        "crater_ratio": bowls.depth_ratio,
    }


def _kept(path: Path, spec: WorldSpec) -> World | None:
    """The world kept at `path`; None when it is not there or not what was written."""
    found = store.read(path)
    if found is None:
        return None
    a, digest = found
    try:
        stones = Rocks(a["rock_center"], a["rock_axes"], a["rock_rotation"], a["rock_diameter"])
        bowls = Craters(a["crater_center"], a["crater_diameter"], a["crater_ratio"])
        world = _assembled(spec, a["heights"], stones, bowls)
    except (KeyError, ValueError, IndexError) as error:
        _LOG.warning("%s: %s; the world is built again", path, error)
        return None
    if world.digest != digest or world.heights.shape != (nodes(spec), nodes(spec)):
        _LOG.warning("%s: its content has changed; the world is built again", path)
        return None
    return world
