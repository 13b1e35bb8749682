# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Soft ground is felt by slip straight on and by turns that dig, and by nothing else."""

import math

import numpy as np
import pytest

from tenacious_rover.perception.soft import SoftGround, mean_slip


def driven(slip, speed=0.08, rate=0.0, seconds=4.0, immobile=False):
    """Slip (n,) or one value along x, at 10 Hz."""
    soft = SoftGround()
    times = np.arange(0.0, seconds, 0.1)
    for time_s, one in zip(times, np.broadcast_to(slip, times.shape), strict=True):
        xy = np.array([speed * time_s, 0.0])
        soft.observe(float(time_s), xy, float(one), speed, rate, immobile=immobile)
    return soft


@pytest.mark.parametrize(
    ("case", "found"),
    [
        ({"slip": 0.5}, True),
        ({"slip": 0.5, "speed": -0.08}, True),
        ({"slip": 0.1}, False),
        ({"slip": 0.5, "rate": 0.3}, False),
        ({"slip": 0.5, "speed": 0.0}, False),
        ({"slip": math.nan}, False),
        ({"slip": 0.5, "seconds": 0.8}, False),
        ({"slip": 0.5, "speed": 0.0, "rate": 0.3, "immobile": True}, True),
        ({"slip": 1.0, "seconds": 0.8, "immobile": True}, False),
    ],
)
def test_what_tells_of_soft_ground(case, found):
    assert bool(len(driven(**case).places)) is found


def test_one_bump_is_not_soft_ground():
    slip = np.full(40, 0.1)
    slip[15:18] = 1.0
    assert len(driven(slip).places) == 0


def test_it_reaches_so_far_and_no_farther():
    soft = SoftGround()
    soft.add(np.array([1.0, 2.0]))
    reach = soft.config.reach_m
    points = np.array([[1.0, 2.0], [1.0 + 0.9 * reach, 2.0], [1.0, 2.0 - 1.1 * reach]])
    assert soft.near(points).tolist() == [True, True, False]


def test_nothing_felt_is_nothing_soft():
    assert SoftGround().near(np.zeros((3, 2))).tolist() == [False] * 3


def test_wheels_that_stand_do_not_count():
    assert mean_slip([0.2, math.nan, 0.4]) == pytest.approx(0.3)
    assert math.isnan(mean_slip([math.nan, math.nan]))
