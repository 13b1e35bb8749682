# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Settled poses against closed forms and against brute-force geometry."""

import dataclasses

import numpy as np
import pytest
from brute import settle
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tenacious_rover.perception.body import body_of
from tenacious_rover.perception.clearance import REASONS, check_poses
from tenacious_rover.perception.config import ClearanceConfig
from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.terrain_map import from_surface
from tenacious_rover.rover.description import load_rover

ROVER = load_rover("tenacious")
BODY = body_of(ROVER)
RADIUS = ROVER.wheel_radius_m
POSES = np.array([[0.0, 0.0, 0.0], [0.3, -0.2, 1.1], [-0.4, 0.5, -2.6]])


def terrain(height, **keywords):
    return from_surface(height, size_m=4.0, **keywords)


def test_level_ground_leaves_the_lowest_box_its_height():
    found = check_poses(terrain(lambda x, y: 0.0 * x + 0.2), BODY, POSES)
    assert found.safe.all()
    assert not found.reason.any()
    np.testing.assert_allclose(found.z, RADIUS + 0.2, atol=1e-6)
    np.testing.assert_allclose(found.clearance_m, BODY.boxes[:, 2].min() + RADIUS, atol=1e-6)
    np.testing.assert_allclose(found.tilt, 0.0, atol=1e-6)
    np.testing.assert_allclose(found.step_m, 0.0, atol=1e-6)


@given(st.floats(-0.35, 0.35), st.floats(-0.35, 0.35), st.floats(-3.1, 3.1))
@settings(max_examples=40, deadline=None)
def test_plane_gives_its_tilt_along_and_across(a, b, yaw):
    found = check_poses(terrain(lambda x, y: a * x + b * y), BODY, np.array([[0.1, -0.2, yaw]]))
    along = a * np.cos(yaw) + b * np.sin(yaw)
    steep = np.arctan(np.hypot(a, b))
    assert found.tilt[0] == pytest.approx(steep, abs=2.5e-3)
    assert found.pitch[0] == pytest.approx(-np.arctan(along), abs=2.5e-3)
    assert found.articulation[0] < 3e-3
    assert found.step_m[0] < 3e-3
    least = (BODY.boxes[:, 2].min() + RADIUS) * np.cos(steep)
    # The gap is vertical, at least that along the normal, and less the dip of the axles.
    assert least - 2e-3 < found.clearance_m[0] < least / np.cos(steep) ** 2 + 1e-3


def bumps(seed, rough):
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.standard_normal((100, 100)), 2.0, mode="wrap")
    return noise / noise.std() * rough


@given(
    st.integers(0, 10**6),
    st.floats(0.002, 0.03),
    st.floats(-0.5, 0.5),
    st.floats(-0.5, 0.5),
    st.floats(-3.1, 3.1),
)
@settings(max_examples=25, deadline=None)
def test_rough_ground_against_brute_force(seed, rough, x, y, yaw):
    level = terrain(lambda x, y: 0.0 * x)
    layers = {"elevation": bumps(seed, rough).astype(np.float32)}
    ground = dataclasses.replace(level, layers=layers)
    pose = np.array([x, y, yaw])
    z, roll, pitch, articulation, gap = settle(ground, BODY, pose)
    found = check_poses(ground, BODY, pose[None])
    allowed = 2.5e-3 + 0.06 * rough
    assert found.z[0] == pytest.approx(z, abs=allowed)
    assert found.roll[0] == pytest.approx(roll, abs=2.0 * allowed / 0.255)
    assert found.pitch[0] == pytest.approx(pitch, abs=2.0 * allowed / 0.32)
    assert found.articulation[0] == pytest.approx(articulation, abs=2.0 * allowed / 0.32)
    assert found.clearance_m[0] == pytest.approx(gap, abs=2.5 * allowed)


def test_one_wheel_on_a_block_articulates_and_rolls():
    front_left = BODY.wheels[0]
    block = 0.05

    def height(x, y):
        return np.where(np.hypot(x - front_left[0], y - front_left[1]) < 0.1, block, 0.0)

    found = check_poses(terrain(height, resolution_m=0.02), BODY, np.zeros((1, 3)))
    # The left beam turns by asin(block / wheelbase), half of it against the chassis.
    beam = np.arcsin(block / ROVER.wheelbase_m)
    assert found.articulation[0] == pytest.approx(beam / 2.0, abs=1e-3)
    assert found.pitch[0] == pytest.approx(-beam / 2.0, abs=1e-3)
    assert found.roll[0] == pytest.approx(np.arcsin(block / 2.0 / ROVER.track_m), abs=3e-3)
    # Rolled wheels stand on their edges.
    roll = found.roll[0]
    stand = RADIUS * np.cos(roll) + 0.5 * front_left[4] * np.sin(roll)
    assert found.z[0] == pytest.approx(stand + block / 4.0, abs=1e-3)


def test_rock_under_the_belly_takes_its_clearance():
    def height(x, y):
        return np.sqrt(np.maximum(0.06**2 - x**2 - y**2, 0.0))

    found = check_poses(terrain(height, resolution_m=0.02), BODY, np.zeros((1, 3)))
    assert found.clearance_m[0] == pytest.approx(ROVER.clearance_m - 0.06, abs=2e-3)
    higher = check_poses(
        terrain(lambda x, y: 1.5 * height(x, y), resolution_m=0.02), BODY, np.zeros((1, 3))
    )
    assert higher.clearance_m[0] < 0.0
    assert REASONS[higher.reason[0]] == "clearance"


@pytest.mark.parametrize("depth", [-0.08, 0.08])
def test_step_and_ditch_within_a_wheels_print(depth):
    found = check_poses(
        terrain(lambda x, y: np.where(x > 0.2, depth, 0.0), resolution_m=0.02),
        BODY,
        np.zeros((1, 3)),
    )
    assert found.step_m[0] == pytest.approx(abs(depth), abs=0.02)
    assert not found.safe[0]


def test_payload_gone_gives_more_room():
    bare = body_of(ROVER, payload=False)
    level = terrain(lambda x, y: 0.0 * x)
    carried, gone = (check_poses(level, b, POSES).clearance_m[0] for b in (BODY, bare))
    assert gone > carried


def test_bounds_grow_with_the_maps_deviation():
    config = ClearanceConfig(sigma=2.0)
    sure, unsure = (
        check_poses(terrain(lambda x, y: 0.0 * x, sigma_m=s), BODY, POSES, config)
        for s in (0.0, 0.01)
    )
    assert (unsure.clearance_m < sure.clearance_m - 0.02).all()
    assert (unsure.tilt > sure.tilt).all()
    # Four wheels of deviation s: pitch is their sum times 1 / (2 wheelbase), roll 1 / (2 track).
    pitch, roll = (2.0 * 0.01 * 2.0 / (2.0 * d) for d in (ROVER.wheelbase_m, ROVER.track_m))
    np.testing.assert_allclose(unsure.tilt, np.arccos(np.cos(pitch) * np.cos(roll)), rtol=0.01)


def test_unknown_ground_is_reported_and_not_safe():
    half = terrain(lambda x, y: np.where(x > 0.0, np.nan, 0.0))
    found = check_poses(half, BODY, np.array([[0.0, 0.0, 0.0], [-0.5, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    assert REASONS[found.reason[0]] == "unknown"
    assert 0.3 < found.unknown[0] < 0.7
    assert found.wheel_unknown[0] == 1.0
    assert found.safe[1]
    assert found.unknown[1] == 0.0
    assert found.unknown[2] == 1.0
    assert np.isnan(found.z[2])


def test_off_the_map_is_unknown():
    found = check_poses(terrain(lambda x, y: 0.0 * x), BODY, np.array([[50.0, 0.0, 0.0]]))
    assert found.unknown[0] == 1.0
    assert not found.safe[0]


def test_poses_of_another_shape_are_refused():
    with pytest.raises(PerceptionError, match="n, 3"):
        check_poses(terrain(lambda x, y: 0.0 * x), BODY, np.zeros(3))


def test_no_poses_no_answers():
    assert check_poses(terrain(lambda x, y: 0.0 * x), BODY, np.zeros((0, 3))).safe.shape == (0,)


def test_second_rover_settles_as_well():
    body = body_of(load_rover("yard"))
    found = check_poses(terrain(lambda x, y: 0.1 * x), body, POSES)
    np.testing.assert_allclose(found.tilt, np.arctan(0.1), atol=3e-3)
