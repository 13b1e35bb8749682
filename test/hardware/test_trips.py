# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Trips on made-up states and a made-up clock."""

import numpy as np

from tenacious_rover.hardware.config import HardwareConfig
from tenacious_rover.hardware.parts import WheelState
from tenacious_rover.hardware.trips import Trips

CONFIG = HardwareConfig()
FORWARD = np.full(4, 1.0)
NONE = np.zeros(4)


def state(velocity, current=NONE):
    return WheelState(NONE, velocity, current, 12.0, ())


def tripped(times, velocity, current=NONE):
    trips = Trips(CONFIG)
    return [name for time in times for name in trips.watch(time, state(velocity, current), FORWARD)]


def test_a_wheel_that_stalls_trips_once_and_after_its_time():
    times = np.arange(0.0, 2.0 * CONFIG.trip_time_s, 1.0 / CONFIG.loop_hz)
    assert tripped(times, NONE) == ["stall or stuck encoder"]
    assert not tripped(times[times < CONFIG.trip_time_s - 1e-6], NONE)


def test_looks_far_apart_are_no_stall():
    """Where the process stood still, the controller's own timeout had stopped the wheels."""
    assert not tripped(np.arange(5) * CONFIG.trip_time_s, NONE)
    assert not tripped([0.0, 0.02, 0.04, 0.6, 0.62], NONE)


def test_a_current_that_stays_high_trips_and_a_peak_does_not():
    times = np.arange(0.0, 2.0 * CONFIG.trip_time_s, 1.0 / CONFIG.loop_hz)
    high = np.array([0.0, CONFIG.trip_current_a + 1.0, 0.0, 0.0])
    assert tripped(times, FORWARD, high) == ["over-current"]
    trips = Trips(CONFIG)
    for index, time in enumerate(times):
        assert not trips.watch(time, state(FORWARD, high if index % 5 else NONE), FORWARD)
