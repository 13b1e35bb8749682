# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transforms3d.axangles import axangle2mat

from tenacious_rover.localization import attitude

angles = st.floats(-3.14, 3.14)


@given(st.tuples(angles, angles, angles))
def test_exp_is_the_rotation_about_its_axis(values):
    v = np.array(values)
    length = np.linalg.norm(v)
    expected = axangle2mat(v / length, length) if length > 1e-12 else np.eye(3)
    assert np.allclose(attitude.exp(v), expected, atol=1e-9)


@given(st.tuples(angles, angles, angles))
def test_log_undoes_exp(values):
    v = np.array(values)
    if np.linalg.norm(v) > 3.1:
        v = v / np.linalg.norm(v) * 3.1
    assert np.allclose(attitude.log(attitude.exp(v)), v, atol=1e-8)


def test_log_of_half_a_turn():
    for axis in np.eye(3):
        found = attitude.log(axangle2mat(axis, np.pi))
        assert np.allclose(np.abs(found), np.pi * axis, atol=1e-6)


@pytest.mark.parametrize("yaw", [-2.0, 0.0, 0.7])
def test_levelled_puts_gravity_on_z_and_keeps_the_heading(yaw):
    true = attitude.about_z(yaw) @ attitude.exp(np.array([0.0, 0.2, 0.0]))
    true = true @ attitude.exp(np.array([0.15, 0.0, 0.0]))
    found = attitude.levelled(true.T @ np.array([0.0, 0.0, 1.62]), yaw)
    assert np.allclose(found, true, atol=1e-9)
