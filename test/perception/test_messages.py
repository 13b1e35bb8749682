# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Maps and points through their messages and back."""

import numpy as np
import pytest

pytest.importorskip("rclpy")

from tenacious_interfaces.msg import ElevationMap
from tenacious_rover import ros
from tenacious_rover.perception.body import body_of
from tenacious_rover.perception.config import PerceptionConfig
from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.hazards import with_hazards
from tenacious_rover.perception.messages import (
    calibrated,
    from_elevation_map,
    to_elevation_map,
    to_occupancy_grid,
    to_points,
)
from tenacious_rover.perception.terrain_map import LAYERS, from_surface
from tenacious_rover.rover.description import load_rover
from tenacious_rover.sampling.patch import ground

ROVER = load_rover("tenacious")


@pytest.fixture(scope="module")
def terrain():
    surface = from_surface(
        lambda x, y: np.where(y > 1.0, np.nan, 0.3 * x), center=(3.0, -2.0), size_m=4.0
    )
    surface.layers["dark"] = np.isnan(surface.layers["elevation"]).astype(np.float32)
    return with_hazards(surface, body_of(ROVER), PerceptionConfig())


def test_map_comes_back_as_it_was(terrain):
    back = from_elevation_map(to_elevation_map(terrain))
    assert back.resolution_m == terrain.resolution_m
    np.testing.assert_array_equal(back.origin, terrain.origin)
    assert sorted(back.layers) == sorted(LAYERS)
    for name in LAYERS:
        np.testing.assert_array_equal(back.layers[name], terrain.layers[name])


def test_other_rooms_read_the_same(terrain):
    read = ground(to_elevation_map(terrain))
    np.testing.assert_array_equal(read.layers["hazard"], terrain.layers["hazard"])
    np.testing.assert_array_equal(read.origin, terrain.origin)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": [1.0]}, "values"),
        ({"layers": ["elevation", "elevation"], "data": [0.0] * 8}, "twice"),
        ({"layers": ["height"]}, "elevation"),
        ({"origin_x": float("nan")}, "origin"),
        ({"resolution": 0.0}, "resolution"),
    ],
)
def test_broken_maps_are_refused(change, words):
    good = {"layers": ["elevation"], "data": [0.0] * 4, "resolution": 0.05}
    with pytest.raises(PerceptionError, match=words):
        from_elevation_map(ElevationMap(width=2, height=2, **(good | change)))


def test_hazards_as_percent_and_unknown_as_minus_one(terrain):
    grid = to_occupancy_grid(terrain)
    values = np.array(grid.data).reshape(grid.info.height, grid.info.width)
    hazard = terrain.layers["hazard"]
    assert (values[np.isnan(hazard)] == -1).all()
    np.testing.assert_allclose(
        values[~np.isnan(hazard)], 100.0 * hazard[~np.isnan(hazard)], atol=0.51
    )
    assert grid.info.origin.position.x == pytest.approx(terrain.origin[0])
    assert grid.header.frame_id == "odom"


def test_points_are_three_floats_each():
    points = np.arange(12, dtype=np.float32).reshape(4, 3)
    cloud = to_points(points, 1.5, "eye")
    back = np.frombuffer(bytes(cloud.data), "<f4").reshape(cloud.width, -1)
    np.testing.assert_array_equal(back, points)
    assert [f.name for f in cloud.fields] == ["x", "y", "z"]
    assert to_points(np.zeros((0, 3), np.float32), 0.0, "eye").width == 0


def test_calibration_of_the_camera_itself_wins():
    stamp = ros.to_stamp(0.0)
    left = ros.to_camera_info(ROVER.cameras["left"], stamp)
    right = ros.to_camera_info(ROVER.cameras["right"], stamp, 0.1)
    left.p[0] = right.p[0] = 500.0
    right.p[3] = -500.0 * 0.1
    rover = calibrated(ROVER, left, right)
    assert rover.cameras["left"].fx_px == 500.0
    assert rover.baseline_m == pytest.approx(0.1)
    same = calibrated(
        ROVER,
        ros.to_camera_info(ROVER.cameras["left"], stamp),
        ros.to_camera_info(ROVER.cameras["right"], stamp, ROVER.baseline_m),
    )
    assert same.baseline_m == pytest.approx(ROVER.baseline_m)


def test_calibration_without_focal_length_is_refused():
    info = ros.to_camera_info(ROVER.cameras["left"], ros.to_stamp(0.0))
    info.p = [0.0] * 12
    with pytest.raises(PerceptionError, match="left"):
        calibrated(ROVER, info)
