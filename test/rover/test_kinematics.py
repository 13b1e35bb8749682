# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Skid steering and suspension against closed forms and against the description's own joints."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenacious_rover.rover import kinematics
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.urdf import Urdf

ROVER = load_rover("tenacious")
YARD = load_rover("yard")
URDF = Urdf(ROVER.urdf)
ROCKERS = kinematics.rockers_of(ROVER)


def test_straight_and_on_the_spot():
    ahead = kinematics.wheel_speeds(ROVER, 0.075, 0.0)
    assert np.allclose(ahead, 1.0)
    turning = kinematics.wheel_speeds(ROVER, 0.0, 0.5)
    sides = np.array([wheel.side for wheel in ROVER.wheels])
    assert np.allclose(turning, -sides * 0.5 * ROVER.track_m / 2 / 0.075)


@given(st.floats(-1, 1), st.floats(-2, 2), st.floats(1, 2), st.sampled_from([ROVER, YARD]))
def test_twist_undoes_wheel_speeds(linear, angular, factor, rover):
    speeds = kinematics.wheel_speeds(rover, linear, angular, factor)
    assert kinematics.twist(rover, speeds, factor) == pytest.approx((linear, angular), abs=1e-9)


def test_which_rover_has_rockers():
    assert kinematics.Rockers("rocker_left_joint", "rocker_right_joint", 0.02, 0.25) == ROCKERS
    assert kinematics.rockers_of(YARD) is None


def test_level_ground():
    stance = kinematics.stance(ROVER, ROCKERS, np.zeros(4))
    assert stance == pytest.approx(kinematics.Stance(0.075, 0.0, 0.0, 0.0))


heights = st.lists(st.floats(-0.02, 0.02), min_size=4, max_size=4).map(np.array)


@given(heights)
def test_every_wheel_stands_on_its_ground(ground):
    stance = kinematics.stance(ROVER, ROCKERS, ground)
    map_T_base = kinematics.base_pose(stance, 0.0, 0.0, 0.0)
    for wheel, z in zip(ROVER.wheels, ground, strict=True):
        base_T_wheel = URDF.base_T_link(wheel.name, {ROCKERS.left: stance.rocker})
        axle = (map_T_base @ base_T_wheel)[2, 3]
        assert axle - wheel.radius_m == pytest.approx(z, abs=1.5e-3)


def test_rockers_halve_what_one_wheel_does_to_the_body():
    one = np.where([w.name == "wheel_front_left_link" for w in ROVER.wheels], 0.03, 0.0)
    soft = kinematics.stance(ROVER, ROCKERS, one)
    pitch_of_the_beam = -np.arcsin(0.03 / ROVER.wheelbase_m)
    assert soft.pitch == pytest.approx(pitch_of_the_beam / 2)
    assert soft.rocker == pytest.approx(pitch_of_the_beam / 2)


def test_rigid_axles_lie_in_the_plane():
    slope = 0.1
    x = np.array([wheel.position[0] for wheel in YARD.wheels])
    stance = kinematics.stance(YARD, None, slope * x)
    assert stance.pitch == pytest.approx(-np.arctan(slope))
    assert stance.roll == pytest.approx(0.0, abs=1e-12)
    y = np.array([wheel.position[1] for wheel in YARD.wheels])
    assert kinematics.stance(YARD, None, slope * y).roll == pytest.approx(np.arctan(slope))
