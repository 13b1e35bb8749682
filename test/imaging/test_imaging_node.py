# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The imaging node over DDS against a made-up camera."""

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy")

from nav_msgs.msg import Odometry  # noqa: E402
from rclpy.action import ActionClient  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402

from tenacious_interfaces.action import CaptureImages  # noqa: E402
from tenacious_interfaces.srv import SetCameraControls  # noqa: E402
from tenacious_rover import ros  # noqa: E402
from tenacious_rover.imaging.catalogue import Catalogue  # noqa: E402
from tenacious_rover.imaging.node import ImagingNode  # noqa: E402
from tenacious_rover.rover import contract  # noqa: E402
from tenacious_rover.rover.model import Camera  # noqa: E402

pytestmark = pytest.mark.ros
BASE_T_OPTICAL = np.array([[0.0, 0, 1, 0.1], [-1, 0, 0, 0], [0, -1, 0, 0.2], [0, 0, 0, 1]])


def camera(name):
    return Camera(name, f"{name}_optical_frame", BASE_T_OPTICAL, 64, 48, 42.0, 42.0, 32.0, 24.0)


class StandIn:
    """What imaging asks of a rover."""

    cameras = {"left": camera("left"), "right": camera("right")}  # noqa: RUF012


class FakePlatform(Node):
    """Answers triggers with a grey ramp that grows with the exposure; streams nothing."""

    def __init__(self, *, silent=False):
        super().__init__("platform")
        self.silent = silent
        self.asked = []
        self.eyes = [ros.publisher(self, t) for t in (contract.IMAGE_LEFT, contract.IMAGE_RIGHT)]
        self.odometry = ros.publisher(self, contract.ODOMETRY)
        self.create_service(SetCameraControls, contract.SET_CAMERA_CONTROLS, self.controls)
        self.create_timer(0.1, self.locate)

    def locate(self):
        message = Odometry(header=ros.header(ros.clock_seconds(self), "map"))
        message.pose.pose.position.x, message.pose.pose.orientation.w = 2.0, 1.0
        self.odometry.publish(message)

    def controls(self, request, response):
        self.asked.append(request)
        response.success = True
        if request.trigger and not self.silent:
            response.stamp = self.get_clock().now().to_msg()
            light = request.exposure_us * request.gain * np.linspace(0.001, 0.1, 64)
            pixels = np.tile(np.clip(light, 0, 255), (48, 1)).astype(np.uint8)
            for eye in self.eyes:
                eye.publish(ros.to_image(pixels, "bayer_rggb8", response.stamp, "camera"))
        return response


def captured(tmp_path, monkeypatch, goal, **platform):
    """Result of one request, and the platform it was served by."""
    import tenacious_rover.rover.description as description

    monkeypatch.setattr(description, "load_rover", lambda name: StandIn())
    rclpy.init(args=["--ros-args", "-p", f"run_folder:={tmp_path}", "-p", "frame_timeout_s:=2.0"])
    executor = SingleThreadedExecutor()
    try:
        node, fake = ImagingNode(), FakePlatform(**platform)
        for each in (node, fake):
            executor.add_node(each)
        node.start()
        client = ActionClient(fake, CaptureImages, contract.CAPTURE_IMAGES)
        while not (client.server_is_ready() and node.poses.latest):
            executor.spin_once(timeout_sec=0.1)
        sent = client.send_goal_async(goal)
        executor.spin_until_future_complete(sent, timeout_sec=10.0)
        result = sent.result().get_result_async()
        executor.spin_until_future_complete(result, timeout_sec=40.0)
        return result.result().result, fake.asked
    finally:
        executor.shutdown()
        for each in (node, fake):
            each.destroy_node()
        rclpy.try_shutdown()


def test_stereo_is_metered_and_kept(tmp_path, monkeypatch):
    goal = CaptureImages.Goal(kind="stereo", purpose="test")
    result, asked = captured(tmp_path, monkeypatch, goal)
    assert result.error_code == 0, result.error_msg
    cards = Catalogue(tmp_path, read_only=True).find()
    assert [c.eye for c in cards] == ["left", "right"]
    assert [c.path for c in cards] == list(result.paths)
    assert cards[0].position_m[0] == 2.0
    assert cards[0].clipped_share <= 0.005
    assert asked[-1].auto_exposure
    assert not asked[-1].trigger


def test_silent_camera_is_reported(tmp_path, monkeypatch):
    goal = CaptureImages.Goal(kind="single", purpose="test")
    result, _ = captured(tmp_path, monkeypatch, goal, silent=True)
    assert result.error_code == CaptureImages.Result.NO_FRAME


def test_unknown_kind_names_those_there_are(tmp_path, monkeypatch):
    result, _ = captured(tmp_path, monkeypatch, CaptureImages.Goal(kind="film"))
    assert result.error_code == CaptureImages.Result.INVALID_REQUEST
    assert "panorama" in result.error_msg
