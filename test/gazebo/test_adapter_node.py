# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The adapter over DDS: what Gazebo's bridge says, through it, keeps the rover contract."""

import made_up
import pytest

rclpy = pytest.importorskip("rclpy")

from fake_gazebo import FakeGazebo  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402

from tenacious_rover.cli.conformance import tried  # noqa: E402
from tenacious_rover.cli.conformance_listen import Listener  # noqa: E402
from tenacious_rover.gazebo.node import GazeboNode  # noqa: E402
from tenacious_rover.rover.conformance_record import FAILED, PASSED  # noqa: E402
from tenacious_rover.rover.description import load_rover  # noqa: E402

pytestmark = pytest.mark.ros

SMALL = "tenacious camera_width:=160 camera_height:=120"


def test_bridge_and_adapter_together_keep_the_contract(tmp_path):
    made_up.exported_to(tmp_path / "made_up")
    rover = load_rover(SMALL)
    words = [f"world:={tmp_path / 'made_up'}", f"description:='{SMALL}'", "use_sim_time:=true"]
    rclpy.init(args=["--ros-args", *[w for word in words for w in ("-p", word)]])
    executor = SingleThreadedExecutor()
    try:
        nodes = [FakeGazebo(rover), adapter := GazeboNode()]
        for node in nodes:
            executor.add_node(node)
        adapter.start()
        listener = Listener(rover, executor=executor)
        nodes.append(listener.node)
        verdicts = tried(listener, rover, 8.0, drive=True, release=True)
    finally:
        executor.shutdown()
        for node in nodes:
            node.destroy_node()
        rclpy.try_shutdown()
    assert not [v for v in verdicts if v.outcome == FAILED]
    passed = {(v.topic, v.check) for v in verdicts if v.outcome == PASSED}
    assert {
        ("battery_state", "charge"),
        ("sun_sensor/direction", "unit vector"),
        ("temperature/motors", "Celsius"),
        ("camera/right/camera_info", "baseline"),
        ("camera/right/image_raw", "frame"),
        ("cmd_vel", "stops when commands end"),
        ("cmd_vel", "NaN stops the wheels"),
        ("payload/release", "ignored while not armed"),
        ("payload/release", "opens the latch"),
        ("scoop/command", "moves scoop_tilt_joint"),
    } <= passed
