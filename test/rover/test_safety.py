# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The platform's own safety."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenacious_rover.rover.model import Limits
from tenacious_rover.rover.safety import DriveGate, LatchGate

LIMITS = Limits(speed_mps=0.1, turn_rate_radps=0.5, tilt_rad=0.35, wheel_torque_nm=2.0)
anything = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(st.floats(0, 100), anything, anything), max_size=20), st.floats(0, 200))
def test_no_command_leaves_the_limits(commands, time_s):
    gate = DriveGate(LIMITS)
    for when, linear, angular in commands:
        gate.command(when, linear, angular)
        speed, turn = gate.at(time_s)
        assert abs(speed) <= LIMITS.speed_mps
        assert abs(turn) <= LIMITS.turn_rate_radps


def test_an_old_command_stops():
    gate = DriveGate(LIMITS)
    assert gate.command(10.0, 0.05, -0.2)
    assert gate.at(10.5) == (0.05, -0.2)
    assert gate.at(10.51) == (0.0, 0.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_bad_command_stops_at_once(bad):
    gate = DriveGate(LIMITS)
    gate.command(1.0, 0.05, 0.0)
    assert not gate.command(1.1, bad, 0.0)
    assert gate.at(1.1) == (0.0, 0.0)


def test_a_clock_that_jumps_back_stops():
    gate = DriveGate(LIMITS)
    gate.command(100.0, 0.05, 0.0)
    assert gate.at(40.0) == (0.0, 0.0)


def test_release_only_while_armed():
    gate = LatchGate()
    assert not gate.release(0.0).opens
    gate.arm(1.0, True)
    assert gate.release(30.9).opens
    assert not gate.release(31.1).opens
    assert not gate.release(5.0).opens
    gate.arm(40.0, True)
    gate.arm(41.0, False)
    assert not gate.release(41.5).opens
