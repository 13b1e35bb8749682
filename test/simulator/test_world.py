# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""World files: shipped ones, sun, variation, and everything that can be wrong with one."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
import yaml

from tenacious_rover.simulator import sky
from tenacious_rover.simulator.world import WorldError, checked, known_worlds, load_world

SHIPPED = (
    "first_traverse",
    "mare_calm",
    "rocky_ejecta",
    "crater_rim",
    "wrinkle_ridge",
    "polar_low_sun",
)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_worlds_load_and_are_lit(name):
    spec = load_world(name)
    assert spec.world == name
    assert spec.description
    elevation = sky.angles(spec.sun_direction(0.0))[1]
    assert (2.0 < elevation < 6.0) if name == "polar_low_sun" else (12.0 < elevation < 31.5)
    # An hour's drive does not end in the dark.
    assert sky.angles(spec.sun_direction(3600.0))[1] > 2.0


def test_all_that_is_shipped_is_known():
    assert set(SHIPPED) <= set(known_worlds())


@pytest.mark.parametrize(("day", "elevation"), [(0, 11.86), (6, 30.96), (13, 1.18)])
def test_sun_stands_where_the_ephemeris_says(day, elevation):
    """60.5 N, 4.6 W at 2025-06-05 19:17 UTC, at noon six days later, at sunset."""
    spec = checked({"world": "w"}, "w")
    assert sky.angles(spec.sun_direction(day * 86400.0))[1] == pytest.approx(elevation, abs=0.05)


def test_sun_moves_by_half_a_degree_an_hour_and_culminates_in_the_south():
    noon = sky.sun_direction(60.5, -4.6, datetime(2025, 6, 11, 6, tzinfo=UTC))
    later = sky.sun_direction(60.5, -4.6, datetime(2025, 6, 11, 6, tzinfo=UTC), 3600.0)
    assert np.degrees(np.arccos(noon @ later)) == pytest.approx(0.508 * 1.0, abs=0.02)
    assert np.linalg.norm(noon) == pytest.approx(1.0)
    assert sky.angles(noon)[0] == pytest.approx(180.0, abs=4.0)


def test_sun_over_the_prime_meridian_is_overhead_once_a_day():
    """Near the equator the highest sun of a lunation is within the axis' tilt of the zenith."""
    start = datetime(2025, 6, 1, tzinfo=UTC)
    high = [sky.angles(sky.sun_direction(0.0, 0.0, start, 3600.0 * h))[1] for h in range(0, 710, 2)]
    assert max(high) > 90.0 - 2.5
    assert min(high) < -(90.0 - 2.5)


@pytest.mark.parametrize("azimuth", [0.0, 90.0, 213.0])
def test_angles_and_directions_agree(azimuth):
    assert sky.angles(sky.from_angles(azimuth, 20.0)) == pytest.approx((azimuth, 20.0))
    assert sky.from_angles(90.0, 0.0) == pytest.approx([1.0, 0.0, 0.0])


def test_a_fixed_sun_stands_still():
    spec = checked({"world": "w", "sun": {"azimuth_deg": 90, "elevation_deg": 10}}, "w")
    assert np.array_equal(spec.sun_direction(0.0), spec.sun_direction(1e6))
    assert spec.sun_direction(0.0) == pytest.approx(
        [math.cos(math.radians(10)), 0.0, math.sin(math.radians(10))], abs=1e-12
    )


def test_start_is_in_radians():
    spec = checked({"world": "w", "start": {"x_m": 1, "y_m": -2, "yaw_deg": 90}}, "w")
    assert spec.start == pytest.approx((1.0, -2.0, math.pi / 2))


def test_seed_can_be_given(tmp_path):
    path = tmp_path / "w.yaml"
    path.write_text("world: w\nseed: 4\n", encoding="utf-8")
    assert load_world(path).seed == 4
    assert load_world(str(path), seed=9).seed == 9


def test_variation_changes_what_it_says_and_nothing_else():
    spec = load_world("mare_calm")
    other = spec.varied(
        seed=5,
        rock_k=0.1,
        slope_deg=10.0,
        size_m=40.0,
        start=(-10.0, 0.0, 0.5),
        sun_deg=(120.0, 25.0),
        lander=None,
        clear=[{"x_m": 10, "y_m": 0, "radius_m": 0.5}],
    )
    assert (other.seed, other.size_m, other.lander) == (5, 40.0, None)
    assert (other.rocks.k, other.rocks.q) == (0.1, None)
    assert other.terrain.slope.angle_deg == 10.0
    assert other.terrain.slope.uphill_deg == spec.terrain.slope.uphill_deg
    assert other.start == pytest.approx((-10.0, 0.0, 0.5))
    assert other.clear[0].radius_m == 0.5
    assert other.terrain.craters == spec.terrain.craters
    assert other.site == spec.site
    assert spec.varied(terrain={}, slope_deg=5.0).terrain.slope.angle_deg == 5.0
    assert spec.varied() == spec
    assert spec.varied(rock_k=spec.rocks.k).rocks.q == spec.rocks.q


def test_variation_is_checked():
    with pytest.raises(WorldError, match=r"mare_calm: rocks\.k: 0\.9 should be less than"):
        load_world("mare_calm").varied(rock_k=0.9)


def test_a_spec_survives_its_own_dump():
    spec = load_world("first_traverse")
    text = yaml.safe_dump(spec.model_dump(mode="json", by_alias=True))
    assert checked(yaml.safe_load(text), "again") == spec


WRONG = [
    ({}, "world: is missing"),
    ({"wrld": "x", "world": "w"}, "wrld: no such field; known: clear, dem, description"),
    ({"world": "w", "size_m": "big"}, "size_m: 'big' should be a valid number"),
    ({"world": "w", "size_m": 2}, "size_m: 2 should be greater than or equal to 4"),
    ({"world": "w", "resolution_m": 0}, "resolution_m: 0 should be greater than or equal to 0.01"),
    ({"world": "w", "rocks": {"k": 0.5}}, "rocks.k: 0.5 should be less than or equal to 0.3"),
    ({"world": "w", "rocks": {"k": math.nan}}, "rocks.k: nan should be a finite number"),
    ({"world": "w", "rocks": {"smallest_m": 1, "largest_m": 0.5}}, "rocks: smallest_m 1 should"),
    ({"world": "w", "rocks": {"kk": 1}}, "rocks.kk: no such field; known: k, largest_m, q"),
    ({"world": "w", "soil": "mud"}, "soil: 'mud' should be one of mare, loose, dense"),
    (
        {"world": "w", "soil_patches": [{"x_m": 0, "y_m": 0, "radius_m": 1, "soil": "mud"}]},
        "soil_patches.0.soil: 'mud' should be one of",
    ),
    (
        {"world": "w", "terrain": {"features": [{"kind": "hill"}]}},
        "terrain.features.0.kind: 'hill' should be one of crater, ridge",
    ),
    (
        {"world": "w", "terrain": {"features": [{"kind": "crater", "x_m": 0, "y_m": 0}]}},
        "terrain.features.0.diameter_m: is missing",
    ),
    (
        {"world": "w", "terrain": {"features": [{"kind": "ridge", "x_m": 0, "y_m": 0, "high": 1}]}},
        "terrain.features.0.high: no such field; known: along_deg, height_m, kind",
    ),
    (
        {"world": "w", "terrain": {"craters": {"fresh_share": 0.8}}},
        "terrain.craters: fresh_share 0.8 and moderate_share 0.4 should together be 1 or less",
    ),
    ({"world": "w", "start": {"x_m": 30}}, "start: (30, 0) should be 0.5 m or more inside"),
    ({"world": "w", "site": {"latitude_deg": 95}}, "site.latitude_deg: 95 should be less than"),
    ({"world": "w", "epoch_utc": "June"}, "epoch_utc: 'June' should be a valid datetime"),
    ({"world": "w", "seed": -1}, "seed: -1 should be greater than or equal to 0"),
    ({"world": "w", "size_m": 8, "rocks": {"largest_m": 3}}, "rocks.largest_m should be at most"),
    (
        {"world": "w", "zones": {"keep_out": [{"name": "a", "polygon_m": [[0, 0], [1, 1]]}]}},
        "zones.keep_out.0.polygon_m: List should have at least 3 items",
    ),
    ({"world": "w", "faults": [{"kind": "gremlin"}]}, "faults.0"),
    (
        {"world": "w", "dem": {"file": "x.tif"}, "terrain": {"slope": {"angle_deg": 3}}},
        "terrain.slope and terrain.features should be left out with a dem",
    ),
]


@pytest.mark.parametrize(("content", "message"), WRONG, ids=[m[:40] for _, m in WRONG])
def test_what_is_wrong_is_said(tmp_path, content, message):
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(WorldError) as raised:
        load_world(path)
    text = str(raised.value)
    assert text.startswith(f"{path}: ")
    assert message in text
    assert "\n" not in text


def test_every_mistake_gets_a_line():
    with pytest.raises(WorldError) as raised:
        checked({"world": "w", "size_m": 1, "seed": "x"}, "w.yaml")
    assert len(str(raised.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [("- 1\n", "not a mapping"), ("a: [", "not YAML"), ("\x00", "not YAML"), ("", "not a mapping")],
)
def test_files_that_are_no_world(tmp_path, text, message):
    path = tmp_path / "w.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WorldError, match=message):
        load_world(path)


def test_unknown_names_are_answered_with_the_known():
    with pytest.raises(WorldError, match=r"atlantis.*mare_calm"):
        load_world("atlantis")
