# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
import rclpy
from hypothesis import given
from hypothesis import strategies as st
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Imu

from tenacious_rover import ros
from tenacious_rover.rover import contract, frames

pytestmark = pytest.mark.ros


@given(st.integers(0, 2**31 - 1), st.integers(0, 10**6 - 1))
def test_time_survives_the_way_to_a_stamp_and_back(sec, microsecond):
    seconds = sec + microsecond * 1e-6
    stamp = ros.to_stamp(seconds)
    assert 0 <= stamp.nanosec < 10**9
    assert ros.to_seconds(stamp) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    ("encoding", "shape", "dtype"),
    [
        ("mono8", (4, 6), np.uint8),
        ("rgb8", (4, 6, 3), np.uint8),
        ("32FC1", (4, 6), np.float32),
        ("bayer_rggb8", (4, 6), np.uint8),
    ],
)
def test_pixels_survive_the_way_to_a_message_and_back(encoding, shape, dtype):
    pixels = np.random.default_rng(1).integers(0, 255, shape).astype(dtype)
    message = ros.to_image(pixels, encoding, ros.to_stamp(1.0), "camera")
    again = ros.from_image(message)
    assert again.dtype == dtype
    assert np.array_equal(again, pixels)


def test_rows_with_padding():
    message = ros.to_image(np.zeros((2, 3), np.uint8), "mono8", ros.to_stamp(0.0), "c")
    message.step = 4
    message.data = bytes([1, 2, 3, 99, 4, 5, 6, 99])
    assert ros.from_image(message).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoding": "yuv"}, "encoding 'yuv' is not one of"),
        ({"width": 7}, "step"),
        ({"height": 9}, "bytes"),
        ({"height": 0}, "image of"),
    ],
)
def test_broken_images_are_refused(change, message):
    image = ros.to_image(np.zeros((4, 6), np.uint8), "mono8", ros.to_stamp(0.0), "c")
    for name, value in change.items():
        setattr(image, name, value)
    with pytest.raises(ros.MessageError, match=message):
        ros.from_image(image)


def test_pose_survives():
    pose = frames.from_rpy((1.0, 2.0, 3.0), (0.1, -0.2, 2.0))
    assert np.allclose(ros.from_pose(ros.to_pose(pose)), pose)


def test_broken_poses_are_refused():
    pose = ros.to_pose(np.eye(4))
    pose.position.x = float("nan")
    with pytest.raises(ros.MessageError, match="not finite"):
        ros.from_pose(pose)
    pose = ros.to_pose(np.eye(4))
    pose.orientation.w = 0.0
    with pytest.raises(ros.MessageError, match="length zero"):
        ros.from_pose(pose)


def test_every_type_of_the_contract_exists():
    for topic in (*contract.COMMANDS, *contract.MEASUREMENTS, *contract.OFFERED, *contract.TRUTH):
        assert ros.message_class(topic.type) is not None
        assert ros.profile(topic.quality).depth > 0


@pytest.mark.ros
def test_a_fast_stream_is_taken_whole_and_in_order():
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("stream", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    seen, turns = [], []
    ros.subscription(node, contract.IMU, lambda m: seen.append(m.header.stamp.sec))
    out = ros.publisher(node, contract.IMU)
    while not out.get_subscription_count():
        executor.spin_once(0.05)
    for second in range(150):
        out.publish(Imu(header=ros.header(float(second), "imu")))
    while len(seen) < 150 and len(turns) < 200:
        executor.spin_once(0.5)
        turns.append(len(seen))
    assert seen == list(range(150))
    assert len(turns) < 50
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)
