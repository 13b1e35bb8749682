# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Stuck is flagged within a second, and driving is not."""

import made_sensors as synthetic
import numpy as np
import pytest

from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.immobility import ImmobilityMonitor
from tenacious_rover.localization.wheels import WheelReader, slip
from tenacious_rover.rover.measurements import Joints

MACHINE = synthetic.rover()
CONFIG = LocalizationConfig()
NAMES = tuple(w.joint for w in MACHINE.wheels)
SIDES = np.array([float(w.side) for w in MACHINE.wheels])


class Bench:
    """Ten commands, fifty joint samples, two pictures a second."""

    def __init__(self):
        self.reader = WheelReader(MACHINE, CONFIG)
        self.monitor = ImmobilityMonitor(MACHINE, CONFIG, self.reader)
        self.time = 0.0
        self.angle = np.zeros(4)

    def run(
        self,
        seconds,
        command=(0.08, 0.0),
        wheels=None,
        ground=None,
        turning=None,
        eyes=True,
        on=False,
    ):
        """Until flagged or over; the time that took, or `None`."""
        wheels = command[0] if wheels is None else wheels
        ground = wheels if ground is None else ground
        turning = command[1] if turning is None else turning
        began = self.time
        for k in range(round(seconds * 50)):
            self.time = began + 0.02 * (k + 1)
            if k % 5 == 0:
                self.monitor.command(self.time, *command)
            track = MACHINE.track_m * CONFIG.track_scale
            rate = (wheels - command[1] * SIDES * track / 2) / synthetic.RADIUS
            self.angle = self.angle + rate * 0.02
            joints = Joints(self.time, NAMES, self.angle, rate, 0.03 * np.sign(rate))
            rolling = self.reader.read(joints)
            self.monitor.rolled(rolling, ground, turning, 0.0)
            if k % 25 == 24 and eyes:
                self.monitor.seen(self.time, np.array([ground * 0.5, 0, 0]), 0.5, 0.001)
            if self.monitor.newest.immobile and not on:
                return self.time - began
        return None


@pytest.mark.parametrize("speed", [0.03, 0.08, -0.08])
def test_spinning_in_place_is_flagged_within_a_second(speed):
    bench = Bench()
    assert bench.run(5.0, (speed, 0.0)) is None
    assert bench.run(3.0, (speed, 0.0), ground=0.02 * speed) <= 1.0
    assert "picture" in bench.monitor.newest.reason


def test_flag_goes_when_the_rover_moves_again():
    bench = Bench()
    bench.run(2.0)
    bench.run(2.0, ground=0.0)
    assert bench.monitor.newest.immobile
    bench.run(1.0, on=True)
    assert not bench.monitor.newest.immobile


def test_heavy_slip_is_not_being_stuck():
    bench = Bench()
    assert bench.run(60.0, ground=0.08 * 0.4) is None
    assert np.allclose(bench.monitor.newest.slip, 0.6, atol=0.01)


def test_starting_stopping_and_resting_are_not_being_stuck():
    bench = Bench()
    for _ in range(5):
        assert bench.run(2.0, (0.0, 0.0), wheels=0.0) is None
        assert bench.run(0.3, (0.08, 0.0), wheels=0.02) is None
        assert bench.run(3.0, (0.08, 0.0)) is None
        assert bench.run(0.2, (-0.08, 0.0), wheels=0.02, ground=0.01) is None
        assert bench.run(2.0, (-0.08, 0.0)) is None
    assert bench.run(3.0, (0.005, 0.0), wheels=0.005, ground=0.0) is None


def test_turn_that_does_not_turn():
    bench = Bench()
    assert bench.run(3.0, (0.0, 0.3), wheels=0.0, turning=0.2) is None
    assert bench.run(2.0, (0.0, 0.3), wheels=0.0, turning=0.005) <= 1.0
    assert "gyro" in bench.monitor.newest.reason


def test_wheels_that_do_not_turn_although_told():
    bench = Bench()
    assert bench.run(3.0) is None
    assert bench.run(2.0, wheels=0.0, ground=0.0, eyes=False) <= 1.0
    assert "wheels" in bench.monitor.newest.reason


def test_old_command_is_no_command():
    bench = Bench()
    bench.run(2.0)
    bench.monitor._command = (bench.time - 1.0, 0.08, 0.0)
    assert bench.monitor._told(bench.time) == (0.0, 0.0)


def test_slip_of_a_wheel():
    found = slip(np.array([0.1, 0.1, -0.1, 0.001]), np.array([0.1, 0.05, -0.1, 0.0]))
    assert found[:3] == pytest.approx([0.0, 0.5, 0.0])
    assert np.isnan(found[3])


def test_sinkage_grows_with_torque_and_takes_the_slope_off():
    bench = Bench()
    reader, monitor = bench.reader, bench.monitor
    found = []
    for torque in (0.02, 0.04, 0.08):
        rolling = reader.read(Joints(1.0, NAMES, np.ones(4), np.ones(4), np.full(4, torque)))
        found.append(monitor._sinkage(rolling, 0.0)[0])
    assert found[0] < found[1] < found[2] < 0.02
    uphill = monitor._sinkage(rolling, -0.1)[0]
    assert uphill < found[2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"names": ("a", "b")}, "missing"),
        ({"velocity": np.full(4, np.nan)}, "not a number"),
        ({"velocity": np.full(4, 500.0)}, "rad/s"),
        ({"velocity": np.zeros(3)}, "missing"),
    ],
)
def test_broken_joint_samples_are_refused(change, words):
    good = {"names": NAMES, "position": np.zeros(4), "velocity": np.ones(4), "effort": np.zeros(4)}
    found = WheelReader(MACHINE, CONFIG).read(Joints(0.0, **(good | change)))
    assert isinstance(found, str)
    assert words in found


def test_joint_angles_that_stand_while_speed_is_told():
    reader = WheelReader(MACHINE, CONFIG)
    answers = [
        reader.read(Joints(0.02 * k, NAMES, np.zeros(4), np.ones(4), np.zeros(4)))
        for k in range(40)
    ]
    assert answers[-1] == "frozen"
    moved = reader.read(Joints(1.0, NAMES, np.ones(4), np.ones(4), np.zeros(4)))
    assert moved.forward == pytest.approx(synthetic.RADIUS)


def test_rolling_back_against_the_wheels_is_no_progress():
    """On a slope without grip the picture moves fast, but the wrong way."""
    bench = Bench()
    assert bench.run(5.0) is None
    assert bench.run(3.0, ground=-0.15) <= 1.05


def test_turning_round_on_the_way_is_not_being_stuck():
    """From forwards to backwards the rover stands for a moment, as its wheels do."""
    bench = Bench()
    assert bench.run(5.3) is None
    for speed in np.linspace(0.08, -0.08, 25):
        assert bench.run(0.04, command=(-0.08, 0.0), wheels=speed) is None
    assert bench.run(5.0, command=(-0.08, 0.0)) is None
