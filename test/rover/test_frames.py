# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tenacious_rover.rover import frames

angles = st.floats(-3.1, 3.1)
lengths = st.floats(-100.0, 100.0)


@given(lengths, lengths, angles)
def test_planar_pose_knows_its_heading(x, y, yaw):
    pose = frames.planar(x, y, yaw)
    assert np.isclose(frames.yaw(pose), yaw)
    assert np.isclose(frames.tilt(pose), 0.0, atol=1e-7)
    ahead = frames.points(pose, np.array([[1.0, 0.0, 0.0]]))[0]
    assert np.allclose(ahead[:2], [x + np.cos(yaw), y + np.sin(yaw)])


@given(lengths, angles, angles, angles)
def test_inverse_undoes(x, roll, pitch, yaw):
    pose = frames.from_rpy((x, 1.0, 2.0), (roll, pitch, yaw))
    assert np.allclose(pose @ frames.inverse(pose), np.eye(4), atol=1e-9)
    again = frames.transform(pose[:3, 3], frames.quaternion(pose))
    assert np.allclose(again, pose, atol=1e-7)


def test_positive_pitch_lowers_the_nose():
    nose = frames.points(frames.from_rpy((0, 0, 0), (0, 0.1, 0)), np.array([[1.0, 0, 0]]))[0]
    assert nose[2] < 0.0


@given(st.floats(-100.0, 100.0))
def test_wrapped_keeps_the_direction(angle):
    inside = frames.wrapped(angle)
    assert -np.pi < inside <= np.pi
    assert np.isclose(np.cos(inside), np.cos(angle), atol=1e-9)
    assert np.isclose(np.sin(inside), np.sin(angle), atol=1e-9)
