# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Verdicts on made-up recordings: rate, gaps, clock, order, and nonsense that must not crash."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenacious_rover.rover import conformance, contract
from tenacious_rover.rover.conformance_record import FAILED, PASSED, SKIPPED, Observed, Sample
from tenacious_rover.rover.conformance_trials import Drive, followed, reached, stopped
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.measurements import Imu, Joints

ROVER = load_rover("tenacious")
UP = np.array([0.0, 0.0, ROVER.gravity_mps2])


def imu_at(stamps, late_s=0.0, accel=UP):
    samples = [Sample(t + late_s, t, "imu_link", Imu(t, np.zeros(3), accel)) for t in stamps]
    return {contract.IMU.name: Observed((contract.IMU.type,), "", samples)}


def outcome(observed, check, topic=contract.IMU.name, duration=10.0):
    verdicts = conformance.judged(ROVER, observed, duration)
    return next(v for v in verdicts if (v.topic, v.check) == (topic, check))


STEADY = np.arange(1000) * 0.01


def test_steady_imu_passes():
    for check in ("rate", "clock", "frame", "gravity", "up", "turn rate"):
        assert outcome(imu_at(STEADY), check).outcome == PASSED


@pytest.mark.parametrize(
    ("stamps", "check"),
    [
        (STEADY[::2], "rate"),
        (np.delete(STEADY, slice(300, 330)), "rate"),
        (STEADY[:700], "rate"),
        (np.r_[STEADY[:500], STEADY[400:900]], "order"),
        (np.repeat(STEADY[:500], 2), "order"),
        (STEADY + 1.7e9, "clock"),
    ],
)
def test_late_gappy_dying_disordered_and_foreign_stamps(stamps, check):
    observed = imu_at(stamps)
    if check == "clock":
        observed = imu_at(stamps, late_s=-1.7e9)
    assert outcome(observed, check).outcome == FAILED


def test_accelerometer_upside_down_and_on_earth():
    assert "sign" in outcome(imu_at(STEADY, accel=-UP), "up").words
    assert "on Earth" in outcome(imu_at(STEADY, accel=UP * 9.81 / 1.62), "gravity").words
    assert "gravity removed" in outcome(imu_at(STEADY, accel=UP * 0.0), "gravity").words


def test_nothing_published_and_optional_topics():
    verdicts = {v.topic: v for v in conformance.judged(ROVER, {}, 10.0) if v.check == "published"}
    assert verdicts[contract.IMU.name].outcome == FAILED
    assert verdicts[contract.SUN.name].outcome == SKIPPED
    assert verdicts["temperature/battery"].outcome == FAILED


def test_wrong_type_is_not_looked_into():
    observed = {contract.IMU.name: Observed(("std_msgs/msg/String",), "", [])}
    assert "std_msgs/msg/String" in outcome(observed, "type").words


def driven(speed, stop_s):
    names = tuple(wheel.joint for wheel in ROVER.wheels)
    times = np.arange(0.0, 5.0, 0.02)
    now = np.where(times < stop_s, speed, 0.0)
    zero = np.zeros(4)
    joints = [
        Joints(t, names, zero + np.sum(now[:k]) * 0.02, zero + now[k], zero)
        for k, t in enumerate(times)
    ]
    return Drive("ahead", 0.05, 0.0, 0.0, 2.5, joints)


@pytest.mark.parametrize(
    ("speed", "stop_s", "follows", "stops"),
    [
        (0.05 / 0.075, 3.0, PASSED, PASSED),
        (0.05 / 0.075, 4.0, PASSED, FAILED),
        (0.05 / 0.075, 9.0, PASSED, FAILED),
        (-0.05 / 0.075, 3.0, FAILED, PASSED),
        (0.0, 3.0, FAILED, FAILED),
    ],
)
def test_driving_and_stopping(speed, stop_s, follows, stops):
    drive = driven(speed, stop_s)
    assert followed(ROVER, drive)[0].outcome == follows
    assert stopped(ROVER, drive).outcome == stops


def test_a_scoop_that_was_there_already_did_not_move():
    assert reached("lift", 0.3, 0.0, 0.28).outcome == PASSED
    assert reached("lift", 0.3, 0.0, 0.0).outcome == FAILED
    assert reached("lift", 0.05, 0.0, 0.0).outcome == FAILED
    assert reached("lift", 0.3, 0.0, float("nan")).outcome == FAILED


floats = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(floats, floats, floats), min_size=1, max_size=20))
def test_nonsense_is_judged_not_raised(rows):
    samples = [
        Sample(clock, stamp, "imu_link", Imu(stamp, np.full(3, value), np.full(3, value)))
        for clock, stamp, value in rows
    ]
    observed = {contract.IMU.name: Observed((contract.IMU.type,), "", samples)}
    assert conformance.judged(ROVER, observed, 10.0)
