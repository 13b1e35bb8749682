# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Building: the same everywhere, kept by content, mended when broken, refused when too large."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

from tenacious_rover.simulator import build, cache
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.survey import facts, slope_deg
from tenacious_rover.simulator.world import WorldError, checked, load_world

SMALL = {"world": "small", "size_m": 12.0, "seed": 3, "rocks": {"k": 0.05, "largest_m": 2.0}}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TENACIOUS_CACHE", str(tmp_path / "cache"))


def small(**fields):
    return checked({**SMALL, **fields}, "small")


def test_two_processes_build_the_same():
    script = (
        "from tenacious_rover.simulator.world import load_world\n"
        "from tenacious_rover.simulator.build import build_world\n"
        "s = load_world('first_traverse').varied(size_m=14)\n"
        "print(build_world(s, cache=False).digest)"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    here = build_world(load_world("first_traverse").varied(size_m=14), cache=False)
    assert out.strip() == here.digest


def test_another_seed_is_another_world_and_more_rocks_leave_the_ground():
    first, second = build_world(small()), build_world(small(seed=4))
    assert first.digest != second.digest
    rockier = build_world(small(rocks={"k": 0.1, "largest_m": 2.0}))
    assert np.array_equal(rockier.heights, first.heights)
    assert len(rockier.rocks) > len(first.rocks)


def test_nodes_are_where_they_should_be():
    world = build_world(small(size_m=12.05), cache=False)  # an even number of nodes
    assert world.heights.shape == (242, 242)
    x0, x1, y0, y1 = world.extent
    assert (x0, y0) == pytest.approx((-x1, -y1))
    assert float(world.height(0.0, 0.0)) == pytest.approx(0.0, abs=1e-6)
    x = world.origin[0] + 7 * world.resolution_m
    y = world.origin[1] + 30 * world.resolution_m
    assert float(world.height(x, y)) == pytest.approx(float(world.heights[30, 7]), abs=1e-6)


def test_height_and_normal_are_bilinear():
    world = build_world(small(), cache=False)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-5.9, 5.9, (2, 200))
    d = 1e-4
    gx = (world.height(x + d, y) - world.height(x - d, y)) / (2 * d)
    gy = (world.height(x, y + d) - world.height(x, y - d)) / (2 * d)
    normal = world.normal(x, y)
    away = (np.abs((x / 0.05) % 1 - 0.5) < 0.49) & (np.abs((y / 0.05) % 1 - 0.5) < 0.49)
    assert np.allclose(-normal[away, 0] / normal[away, 2], gx[away], atol=1e-5)
    assert np.allclose(-normal[away, 1] / normal[away, 2], gy[away], atol=1e-5)
    assert np.allclose(np.linalg.norm(normal, axis=1), 1.0)
    # Beyond the edge: that of the edge.
    assert float(world.height(100.0, 2.0)) == float(world.height(world.extent[1], 2.0))


def test_cache_is_used_and_exact():
    spec = small()
    made = build_world(spec)
    files = list(cache.cache_folder().glob("*"))
    assert [f.suffix for f in files] == [".npz"]
    kept = build._kept(files[0], spec)
    assert kept.digest == made.digest
    assert np.array_equal(kept.heights, made.heights)
    assert np.array_equal(kept.rocks.rotation, made.rocks.rotation)
    assert np.array_equal(kept.craters.center, made.craters.center)
    assert len(kept.lander) == len(made.lander)


def test_cache_depends_on_the_ground_alone():
    spec = small()
    key = build.key(spec)
    assert build.key(spec.varied(sun_deg=(10.0, 20.0))) == key
    assert build.key(spec.varied(faults=[])) == key
    for other in (
        spec.varied(seed=4),
        spec.varied(slope_deg=1.0),
        spec.varied(rock_k=0.01),
        spec.varied(start=(1.0, 0.0, 0.0)),
        spec.varied(soil="loose"),
    ):
        assert build.key(other) != key


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "rubbish"])
def test_a_corrupted_cache_is_rebuilt(damage):
    spec = small()
    made = build_world(spec)
    (path,) = cache.cache_folder().glob("*.npz")
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 3] ^= 0xFF
    changed = {
        "truncated": content[: len(content) // 2],
        "flipped": content,
        "empty": b"",
        "rubbish": b"hello world" * 100,
    }[damage]
    path.write_bytes(bytes(changed))
    again = build_world(spec)
    assert again.digest == made.digest
    assert np.array_equal(again.heights, made.heights)
    assert build._kept(path, spec) is not None  # and is whole again


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("TENACIOUS_CACHE", str(blocked))
    assert build_world(small()).digest


@pytest.mark.parametrize("angle", [0.0, 5.0, 10.0, 15.0])
def test_slope_is_as_asked(angle):
    world = build_world(
        small(size_m=20.0, terrain={"slope": {"angle_deg": angle, "uphill_deg": 30}}), cache=False
    )
    n = len(world.heights)
    x = np.linspace(-10, 10, n)
    design = np.column_stack([np.ones(n * n), *(g.ravel() for g in np.meshgrid(x, x))])
    _, gx, gy = np.linalg.lstsq(design, world.heights.ravel().astype(float), rcond=None)[0]
    assert np.degrees(np.arctan(np.hypot(gx, gy))) == pytest.approx(angle, abs=0.01)
    if angle:
        assert np.degrees(np.arctan2(gy, gx)) == pytest.approx(30.0, abs=0.1)


def test_start_lander_and_cleared_places_are_free_of_rocks():
    spec = small(
        rocks={"k": 0.2, "largest_m": 2.0},
        lander={},
        start={"x_m": 2.2},
        clear=[{"x_m": -3, "y_m": 3, "radius_m": 1.0}],
    )
    world = build_world(spec, cache=False)
    for x, y, reach in ((0.0, 0.0, 1.6), (2.2, 0.0, 0.5), (-3.0, 3.0, 1.0)):
        away = np.abs(world.rocks.center[:, :2] - (x, y)).max(axis=1) - world.rocks.diameter_m / 2.0
        assert away.min() >= reach - 1e-9


def test_lander_stands_on_the_ground_within_its_footprint():
    world = build_world(small(lander={"footprint_m": 3.2}, start={"x_m": 3.0}), cache=False)
    pads = [b for b in world.lander if b.size[2] < 0.1 and b.size[0] == 0.4]
    assert len(pads) == 4
    for pad in pads:
        x, y, z = pad.map_T_block[:3, 3]
        assert z == pytest.approx(float(world.height(x, y)), abs=0.05)
    for block in world.lander:
        corners = np.array(np.meshgrid(*[[-0.5, 0.5]] * 3)).reshape(3, -1).T * block.size
        at = corners @ block.map_T_block[:3, :3].T + block.map_T_block[:3, 3]
        assert np.abs(at[:, :2]).max() <= 1.6 + 1e-6


def test_soil_patches_are_where_asked():
    patch = {"x_m": 2.0, "y_m": -1.0, "radius_m": 1.5, "soil": "powder"}
    world = build_world(small(soil_patches=[patch]), cache=False)
    assert world.soil(2.0, -1.0).name == "powder"
    assert world.soil(2.0, 0.6).name == "mare"
    share = np.mean(world.soil_index == 1) * world.soil_index.size * 0.05**2
    assert share == pytest.approx(np.pi * 1.5**2, rel=0.02)


def test_a_world_larger_than_memory_is_refused_at_once():
    spec = checked({"world": "huge", "size_m": 1000.0, "resolution_m": 0.01}, "huge")
    with pytest.raises(WorldError, match=r"huge: size_m 1000 at resolution_m 0\.01.*GB"):
        build_world(spec)


def test_crater_rim_has_the_walls_it_promises():
    world = build_world(load_world("crater_rim"), cache=False)
    feature = world.spec.terrain.features[0]
    x = world.origin[0] + world.resolution_m * np.arange(len(world.heights))
    away = np.hypot(x[None, :] - feature.x_m, x[:, None] - feature.y_m) / (feature.diameter_m / 2)
    wall = slope_deg(world, 1.0)[(away > 0.55) & (away < 0.85)]
    assert 15.0 < np.median(wall) < 20.0


def test_facts_are_json():
    known = json.loads(json.dumps(facts(build_world(small(), cache=False))))
    assert known["rocks"] > 100
    assert known["crater_depth_ratio"] == pytest.approx(0.061, abs=0.005)


def test_goals_of_the_demonstration_are_free_and_reachable_but_not_straight():
    from scipy import ndimage

    from tenacious_rover.simulator.terrain.surface import surface

    world = build_world(load_world("first_traverse"))
    stops = [(2.8, 0.0), (5.5, 1.5), (7.5, -2.0), (6.0, -5.0)]
    x = world.origin[0] + world.resolution_m * np.arange(len(world.heights))
    hard = (surface(world) - world.heights > 0.05) | (slope_deg(world, 0.32) > 18.0)
    hard |= (np.abs(x)[None, :] < 1.6) & (np.abs(x)[:, None] < 1.6)
    away = ndimage.distance_transform_edt(~hard) * world.resolution_m
    rooms = ndimage.label(away > 0.3)[0]  # the rover's half diagonal is 0.31 m

    def cells(places):
        index = np.round((np.atleast_2d(places) - world.origin) / world.resolution_m).astype(int)
        return index[:, 1], index[:, 0]

    assert len(set(rooms[cells(stops)])) == 1
    assert rooms[cells(stops)][0] > 0
    for here, there in itertools.pairwise(np.array(stops)):
        line = here + np.linspace(0.0, 1.0, 200)[:, None] * (there - here)
        assert away[cells(line)].min() < 0.2  # half the rover's width and a margin
