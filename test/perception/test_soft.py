# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Soft ground reaches so far about the places where it was felt."""

import math

import numpy as np
import pytest

from tenacious_rover.perception.soft import SoftConfig, SoftGround, mean_slip


def test_it_reaches_so_far_and_no_farther():
    soft = SoftGround()
    soft.add(np.array([1.0, 2.0]))
    reach = soft.config.reach_m
    points = np.array([[1.0, 2.0], [1.0 + 0.9 * reach, 2.0], [1.0, 2.0 - 1.1 * reach]])
    assert soft.near(points).tolist() == [True, True, False]


def test_nothing_felt_is_nothing_soft():
    assert SoftGround().near(np.zeros((3, 2))).tolist() == [False] * 3


def test_the_same_place_takes_room_once_and_the_oldest_is_forgotten():
    soft = SoftGround(SoftConfig(remembered=10))
    for _ in range(5):
        soft.add(np.zeros(2))
    assert len(soft.places) == 1
    for n in range(10):
        soft.add(np.array([1.0 + n, 0.0]))
    assert len(soft.places) == 10
    assert not soft.near(np.zeros((1, 2)))[0]


def test_wheels_that_stand_do_not_count():
    assert mean_slip([0.2, math.nan, 0.4]) == pytest.approx(0.3)
    assert math.isnan(mean_slip([math.nan, math.nan]))
