# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The conformance suite over DDS, against platforms that keep or break the contract."""

import pytest

rclpy = pytest.importorskip("rclpy")

from fake_platform import FakePlatform  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402

from tenacious_rover.cli.conformance import tried  # noqa: E402
from tenacious_rover.cli.conformance_listen import Listener  # noqa: E402
from tenacious_rover.rover.conformance_record import FAILED, PASSED  # noqa: E402
from tenacious_rover.rover.description import load_rover  # noqa: E402

pytestmark = pytest.mark.ros

SMALL = "tenacious camera_width:=160 camera_height:=120"

DUE = {
    "imu in g": ("imu/data_raw", "gravity", "in g of Earth"),
    "gyro sign": ("imu/data_raw", "sees turn left", "sign or mounting"),
    "slow joints": ("joint_states", "rate", "25 Hz, due 50"),
    "wheels in degrees": ("joint_states", "velocity is the rate of position", "in deg/s?"),
    "eyes apart": ("camera/right/image_raw", "same stamps as camera/left/image_raw", "0 pairs"),
    "no baseline": ("camera/right/camera_info", "baseline", "due -12"),
    "long sun": ("sun_sensor/direction", "unit vector", "length 2"),
    "per cent": ("battery_state", "charge", "in per cent?"),
    "kelvin": ("temperature/motors", "Celsius", "in kelvin?"),
    "no timeout": ("cmd_vel", "stops when commands end", "still turning"),
    "no limit": ("cmd_vel", "limits speed", "limit 0.1"),
    "nan drives": ("cmd_vel", "NaN stops the wheels", "fastest"),
    "unarmed release": ("payload/release", "ignored while not armed", "although"),
    "scoop swapped": ("scoop/command", "moves scoop_lift_joint", "sent from"),
    "camera refuses": ("camera/set_controls", "answers to auto exposure", "refused"),
    "no temperature/battery": ("temperature/battery", "published", "nobody"),
    "frame imu/data_raw": ("imu/data_raw", "frame", "'wrong', not 'imu_link'"),
}
"""Defect: the topic and check that must fail, and words that must be said."""


def verdicts_on(name, defects=()):
    rover = load_rover(name)
    rclpy.init()
    executor = SingleThreadedExecutor()
    try:
        executor.add_node(FakePlatform(rover, defects))
        listener = Listener(rover, executor=executor)
        return tried(listener, rover, 8.0, drive=True, release=True)
    finally:
        executor.shutdown()
        rclpy.try_shutdown()


@pytest.mark.parametrize("name", [SMALL, "yard camera_width:=160 camera_height:=100"])
def test_a_platform_that_keeps_the_contract_passes(name):
    verdicts = verdicts_on(name)
    assert not [v for v in verdicts if v.outcome == FAILED]
    checks = {(v.topic, v.check) for v in verdicts if v.outcome == PASSED}
    passable = {due[:2] for due in DUE.values() if not due[0].startswith("payload")}
    if name == SMALL:
        assert passable <= checks


def test_every_seeded_defect_is_found_and_nothing_else():
    found = {(v.topic, v.check): v.words for v in verdicts_on(SMALL, DUE) if v.outcome == FAILED}
    for defect, (topic, check, words) in DUE.items():
        assert words in found.get((topic, check), "not found"), defect
    # What follows from a seeded defect besides its own check.
    also = {
        ("cmd_vel", check)
        for check in ("ahead", "astern", "turn left", "turn right", "beyond the limit")
    }
    also |= {("imu/data_raw", "sees turn right"), ("scoop/command", "moves scoop_tilt_joint")}
    also |= {(f"temperature/{part}", "Celsius") for part in ("electronics", "motors")}
    also |= {("camera/right/camera_info", "same stamps as camera/left/image_raw")}
    also |= {("payload/release", "opens the latch")}
    assert set(found) - {due[:2] for due in DUE.values()} <= also
