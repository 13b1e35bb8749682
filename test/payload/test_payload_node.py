# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The payload and sampling nodes over DDS against a made-up latch, driver and camera."""

import math

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy")

from nav_msgs.msg import Odometry  # noqa: E402
from rclpy.action import ActionClient, ActionServer  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from std_msgs.msg import Bool  # noqa: E402

from tenacious_interfaces.action import (  # noqa: E402
    CaptureImages,
    CollectSample,
    DeployPayload,
    DriveTo,
)
from tenacious_interfaces.msg import ElevationMap, Immobility  # noqa: E402
from tenacious_rover import ros  # noqa: E402
from tenacious_rover.payload.node import PayloadNode  # noqa: E402
from tenacious_rover.rover import contract, frames  # noqa: E402
from tenacious_rover.rover.model import (  # noqa: E402
    Box,
    Camera,
    Limits,
    Payload,
    Rover,
    Scoop,
    Wheel,
)
from tenacious_rover.sampling.node import SamplingNode  # noqa: E402

pytestmark = pytest.mark.ros


def rover():
    optical = np.array([[0.0, 0, 1, 0.1], [-1, 0, 0, 0], [0, -1, 0, 0.2], [0, 0, 0, 1]])
    pitched = frames.from_rpy((0, 0, 0), (0, 0.3, 0)) @ optical
    right = pitched.copy()
    right[1, 3] -= 0.12
    eyes = {
        name: Camera(name, name, pose, 640, 480, 417.0, 417.0, 320.0, 240.0)
        for name, pose in (("left", pitched), ("right", right))
    }
    wheels = tuple(
        Wheel("w", "j", s, np.array([x, s * 0.13, 0.0]), 0.06, 0.05)
        for x in (-0.2, 0.2)
        for s in (1, -1)
    )
    return Rover(
        name="test",
        mass_kg=5.0,
        gravity_mps2=1.62,
        wheels=wheels,
        chassis=Box(np.zeros(3), np.array([0.54, 0.2, 0.1])),
        cameras=eyes,
        imu_frame="imu",
        base_T_imu=np.eye(4),
        scoop=Scoop(
            "lift",
            "tilt",
            (-0.6, 1.3),
            (-1.5, 1.5),
            np.array([0.27, 0, 0.02]),
            0.12,
            0.06,
            0.06,
            60,
        ),
        payload=Payload("house", frames.planar(0.34, 0.0, 0.0), np.array([0.1, 0.08, 0.1]), 0.02),
        limits=Limits(0.1, 0.5, 0.35, 2.0),
    )


class Platform(Node):
    """Latch with its own gate, driver and camera that answer at once; counts what it is told."""

    def __init__(self, *, sticks=False, moving=False, digging=False):
        super().__init__("platform")
        self.digging, self.felt = digging, ros.publisher(self, contract.IMMOBILITY)
        self.sticks, self.moving, self.armed, self.heard = sticks, moving, False, []
        self.attached = ros.publisher(self, contract.PAYLOAD_ATTACHED)
        self.attached.publish(Bool(data=True))
        self.odometry = ros.publisher(self, contract.ODOMETRY)
        self.terrain = ros.publisher(self, contract.TERRAIN_MAP)
        ros.subscription(self, contract.PAYLOAD_ARM, self.arm)
        ros.subscription(self, contract.PAYLOAD_RELEASE, self.release)
        self.create_timer(0.05, self.locate)
        self.create_timer(0.5, self.map)
        ActionServer(self, DriveTo, contract.DRIVE_TO, self.drive)
        ActionServer(self, CaptureImages, contract.CAPTURE_IMAGES, self.refuse)

    def locate(self):
        message = Odometry(header=ros.header(ros.clock_seconds(self), "map"))
        message.pose.pose.position.x, message.pose.pose.orientation.w = 5.0, 1.0
        message.twist.twist.linear.x = 0.05 if self.moving else 0.0
        self.odometry.publish(message)
        self.felt.publish(Immobility(immobile=self.digging))

    def map(self):
        message = ElevationMap(resolution=0.05, origin_x=3.0, origin_y=-2.0, width=80, height=80)
        message.layers = ["elevation", "hazard"]
        message.data = np.zeros(2 * 80 * 80, np.float32)
        self.terrain.publish(message)

    def arm(self, message):
        self.armed = message.data
        self.heard.append("arm" if message.data else "disarm")

    def release(self, _message):
        self.heard.append("release")
        if self.armed and not self.sticks:
            self.attached.publish(Bool(data=False))

    def drive(self, handle):
        handle.succeed()
        return DriveTo.Result()

    def refuse(self, handle):
        handle.abort()
        return CaptureImages.Result(error_code=CaptureImages.Result.NO_FRAME, error_msg="dark")


def asked(tmp_path, monkeypatch, make, action, name, goal, ready=lambda node: True, **platform):
    """Result of one request to a node that is `ready`, and what the platform heard."""
    import tenacious_rover.rover.description as description

    monkeypatch.setattr(description, "load_rover", lambda name: rover())
    words = [f"run_folder:={tmp_path}", "release_wait_s:=0.5", "rest_time_s:=0.5", "settle_s:=0.0"]
    rclpy.init(args=["--ros-args", *[w for word in words for w in ("-p", word)]])
    executor = SingleThreadedExecutor()
    try:
        node, fake = make(), Platform(**platform)
        for each in (node, fake):
            executor.add_node(each)
        node.start()
        client = ActionClient(fake, action, name)
        while not (client.server_is_ready() and node.poses.latest and node.terrain and ready(node)):
            executor.spin_once(timeout_sec=0.1)
        sent = client.send_goal_async(goal)
        executor.spin_until_future_complete(sent, timeout_sec=10.0)
        result = sent.result().get_result_async()
        executor.spin_until_future_complete(result, timeout_sec=60.0)
        return result.result().result, fake.heard
    finally:
        executor.shutdown()
        for each in (node, fake):
            each.destroy_node()
        rclpy.try_shutdown()


def deploy(tmp_path, monkeypatch, *, confirm=True, **platform):
    goal = DeployPayload.Goal(confirm=confirm)
    goal.near.point.x = math.nan
    name = contract.DEPLOY_PAYLOAD

    def told(node):
        return node.attached is not None

    return asked(tmp_path, monkeypatch, PayloadNode, DeployPayload, name, goal, told, **platform)


def test_release_in_two_steps_then_no_proof_in_the_dark(tmp_path, monkeypatch):
    result, heard = deploy(tmp_path, monkeypatch)
    assert result.error_code == DeployPayload.Result.NO_PROOF, result.error_msg
    assert heard[:3] == ["arm", "release", "disarm"]
    assert heard.count("release") == 1
    assert '"released_s"' in (tmp_path / "payload" / "status.json").read_text()


def test_sticking_latch_is_tried_again_and_reported(tmp_path, monkeypatch):
    result, heard = deploy(tmp_path, monkeypatch, sticks=True)
    assert result.error_code == DeployPayload.Result.NOT_RELEASED
    assert heard.count("release") == 3
    assert heard[-1] == "disarm"


def test_ground_where_the_wheels_dig_is_remembered_as_soft(tmp_path, monkeypatch):
    felt = []

    def told(node):
        felt[:] = node.soft.near(np.array([[5.0, 0.0], [7.0, 0.0]])).tolist()
        return felt[0] and node.attached is not None

    goal = DeployPayload.Goal(confirm=False)
    name = contract.DEPLOY_PAYLOAD
    asked(tmp_path, monkeypatch, PayloadNode, DeployPayload, name, goal, told, digging=True)
    assert felt == [True, False]


def test_unconfirmed_request_touches_nothing(tmp_path, monkeypatch):
    result, heard = deploy(tmp_path, monkeypatch, confirm=False)
    assert result.error_code == DeployPayload.Result.NOT_CONFIRMED
    assert not heard


def test_moving_rover_is_an_interlock(tmp_path, monkeypatch):
    result, heard = deploy(tmp_path, monkeypatch, moving=True)
    assert result.error_code == DeployPayload.Result.INTERLOCK
    assert "rest" in result.error_msg
    assert "arm" not in heard


def test_sample_without_pictures_ends_with_the_reason(tmp_path, monkeypatch):
    goal = CollectSample.Goal(label="soil")
    goal.near.point.x = math.nan
    name = contract.COLLECT_SAMPLE
    result, _ = asked(tmp_path, monkeypatch, SamplingNode, CollectSample, name, goal)
    assert result.error_code == CollectSample.Result.NO_FRAME
    assert "dark" in result.error_msg
