# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node over DDS: started without parts, plugged in, killed at speed, the clock set."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

rclpy = pytest.importorskip("rclpy")

from geometry_msgs.msg import TwistStamped  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from wired_stand import Stand  # noqa: E402

from tenacious_rover import ros  # noqa: E402
from tenacious_rover.hardware.node import HardwareNode  # noqa: E402
from tenacious_rover.rover import contract  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
pytestmark = pytest.mark.ros


def parameters(folder):
    return {
        "motors_port": str(folder / "motors"),
        "i2c": str(folder / "i2c"),
        "latch": "expander",
        "estop": "expander",
        "cameras": "none",
        "retry_s": 0.2,
        "temperatures": f"electronics={folder}/celsius",
    }


class Ground:
    """Listens and commands."""

    def __init__(self, words=()):
        rclpy.init(args=["--ros-args", *words] if words else None)
        self.node = rclpy.create_node("ground")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.events, self.joints, self.imu = [], [], []
        ros.subscription(self.node, contract.EVENTS, self.events.append)
        ros.subscription(self.node, contract.JOINT_STATES, self.joints.append)
        ros.subscription(self.node, contract.IMU, self.imu.append)
        self.commands = ros.publisher(self.node, contract.CMD_VEL)

    def drive(self, linear):
        message = TwistStamped()
        message.twist.linear.x = linear
        self.commands.publish(message)

    def until(self, done, each=lambda: None):
        end = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < end, "nothing came"
            each()
            self.executor.spin_once(0.05)

    def heard(self, name, word=""):
        return any(one.name == name and word in one.message for one in self.events)

    def close(self):
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture
def ground():
    made = Ground()
    yield made
    made.close()


def test_started_without_parts_then_plugged_in_then_killed_at_speed(ground, tmp_path):
    file = tmp_path / "parameters.yaml"
    file.write_text(yaml.safe_dump({"/**": {"ros__parameters": parameters(tmp_path)}}))
    command = [sys.executable, "-m", "tenacious_rover.hardware.node"]
    command += ["--ros-args", "--params-file", str(file)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ})
    stand = None
    try:
        ground.until(lambda: ground.heard("part_lost", "motors"))
        ground.until(lambda: ground.heard("part_lost", "imu"))
        assert process.poll() is None
        assert not ground.joints
        stand = Stand(tmp_path, "framed")
        ground.until(lambda: ground.heard("part_back", "motors"))
        ground.until(lambda: ground.joints and ground.imu)
        ground.until(stand.spins, lambda: ground.drive(0.08))
        process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        while stand.body.speeds.any() and time.monotonic() < killed + 2.0:
            time.sleep(0.002)
        assert time.monotonic() - killed <= 0.5
    finally:
        process.kill()
        process.wait()
        if stand is not None:
            stand.close()


def test_the_clock_is_set_back_an_hour(tmp_path, monkeypatch):
    """Stamps follow and an event says so; wheels and sensors notice nothing."""
    stand = Stand(tmp_path, "framed")
    words = [f"{name}:={value}" for name, value in parameters(tmp_path).items()]
    ground = Ground([word for one in words for word in ("-p", one)])
    shift = [0.0]
    real = HardwareNode.now.fget
    monkeypatch.setattr(HardwareNode, "now", property(lambda self: real(self) + shift[0]))
    node = HardwareNode()
    try:
        ground.executor.add_node(node)
        node.start()
        drive = lambda: ground.drive(0.08)  # noqa: E731
        ground.until(lambda: ground.joints and ground.imu, drive)
        before = ros.to_seconds(ground.imu[-1].header.stamp)
        shift[0] = -3600.0
        ground.until(lambda: ground.heard("clock_jumped", "-3600.0 s"), drive)
        heard = len(ground.imu)
        ground.until(lambda: len(ground.imu) > heard + 100, drive)
        stamps = np.array([ros.to_seconds(one.header.stamp) for one in ground.imu])
        assert -3600.0 < stamps[-1] - before < -3600.0 + PATIENCE_S
        # What was measured before carries the old clock; there is one step, and no way back.
        assert (np.diff(stamps) <= 0.0).sum() == 1
        ground.until(stand.spins, drive)
    finally:
        node.shut_down()
        ground.executor.remove_node(node)
        node.destroy_node()
        ground.close()
        stand.close()
    assert not stand.body.speeds.any()
