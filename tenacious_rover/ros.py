# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The shared ROS shell: topics of the contract, messages to and from numpy, time."""

from __future__ import annotations

import array
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose, PoseStamped, TransformStamped
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from tenacious_rover.rover import frames
from tenacious_rover.rover.contract import Quality, Topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from rclpy.node import Node
    from rclpy.publisher import Publisher
    from rclpy.subscription import Subscription

    from tenacious_rover.rover.model import Camera

_DEPTHS = {
    Quality.SENSOR: 200,
    Quality.IMAGE: 2,
    Quality.COMMAND: 1,
    Quality.STATE: 10,
    Quality.BEAT: 200,
    Quality.LATCHED: 1,
    Quality.LOG: 200,
}


class MessageError(ValueError):
    """A message cannot be used; says what is wrong with it."""


def profile(quality: Quality) -> QoSProfile:
    """The QoS profile of a quality of the contract."""
    kept = quality in (Quality.LATCHED, Quality.LOG)
    loose = quality is Quality.SENSOR
    return QoSProfile(
        depth=_DEPTHS[quality],
        reliability=ReliabilityPolicy.BEST_EFFORT if loose else ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if kept else DurabilityPolicy.VOLATILE,
    )


def message_class(name: str) -> Any:
    """The class of a type such as `sensor_msgs/msg/Imu`."""
    package, kind, cls = name.split("/")
    return getattr(import_module(f"{package}.{kind}"), cls)


def publisher(node: Node, topic: Topic) -> Publisher:
    """A publisher of a contract topic."""
    return node.create_publisher(message_class(topic.type), topic.name, profile(topic.quality))


def subscription(node: Node, topic: Topic, callback: Callable[[Any], None]) -> Subscription:
    """A subscription to a contract topic.

    Of a fast stream all that waits is taken at once: the executor would look around in the whole
    node after each sample, and other callbacks of the node would see the past.
    """
    made: Subscription
    note = getattr(node, "note_input", None)
    if note is not None:
        callback = _noted(callback, topic.name, note)

    def drained(message: Any) -> None:
        callback(message)
        for _ in range(_DEPTHS[topic.quality]):
            with made.handle:
                taken = made.handle.take_message(made.msg_type, made.raw)
            if taken is None:
                return
            callback(taken[0])

    made = node.create_subscription(
        message_class(topic.type),
        topic.name,
        drained if topic.quality is Quality.SENSOR else callback,
        profile(topic.quality),
    )
    return made


def _noted(
    callback: Callable[[Any], None], name: str, note: Callable[[str, Any], None]
) -> Callable[[Any], None]:
    """The node says what it takes, in its order."""

    def noted(message: Any) -> None:
        note(name, message)
        callback(message)

    return noted


def to_seconds(stamp: Time) -> float:
    """Seconds of a stamp."""
    return stamp.sec + stamp.nanosec * 1e-9


def to_stamp(seconds: float) -> Time:
    """Stamp of a time in s, to the nanosecond that a float carries."""
    whole = int(seconds // 1)
    nanosec = round((seconds - whole) * 1e9)
    return Time(sec=whole + nanosec // 10**9, nanosec=nanosec % 10**9)


def header(seconds: float, frame: str) -> Header:
    """A header."""
    return Header(stamp=to_stamp(seconds), frame_id=frame)


def to_pose(a_T_b: NDArray[np.float64]) -> Pose:
    """Pose message of a (4, 4)."""
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = map(float, a_T_b[:3, 3])
    w, x, y, z = map(float, frames.quaternion(a_T_b))
    pose.orientation.w, pose.orientation.x, pose.orientation.y, pose.orientation.z = w, x, y, z
    return pose


def from_pose(pose: Pose) -> NDArray[np.float64]:
    """(4, 4) of a pose message.

    Raises:
        MessageError: a number is not finite, or the quaternion has no length.
    """
    position = np.array([pose.position.x, pose.position.y, pose.position.z])
    q = pose.orientation
    quaternion = np.array([q.w, q.x, q.y, q.z])
    length = float(np.linalg.norm(quaternion))
    if not (np.isfinite(position).all() and np.isfinite(length)):
        raise MessageError("the pose holds a number that is not finite")
    if length < 1e-6:
        raise MessageError("the orientation is a quaternion of length zero")
    return frames.transform(position, quaternion / length)


def pose_stamped(seconds: float, frame: str, a_T_b: NDArray[np.float64]) -> PoseStamped:
    """PoseStamped of a (4, 4) in `frame`."""
    return PoseStamped(header=header(seconds, frame), pose=to_pose(a_T_b))


def transform_stamped(
    seconds: float, parent: str, child: str, parent_T_child: NDArray[np.float64]
) -> TransformStamped:
    """TransformStamped of a (4, 4)."""
    message = TransformStamped(header=header(seconds, parent), child_frame_id=child)
    pose = to_pose(parent_T_child)
    t = message.transform.translation
    t.x, t.y, t.z = pose.position.x, pose.position.y, pose.position.z
    message.transform.rotation = pose.orientation
    return message


_CHANNELS = {
    "mono8": (np.uint8, 1),
    "mono16": (np.uint16, 1),
    "rgb8": (np.uint8, 3),
    "bgr8": (np.uint8, 3),
    "rgba8": (np.uint8, 4),
    "bgra8": (np.uint8, 4),
    "32FC1": (np.float32, 1),
    "16UC1": (np.uint16, 1),
    "bayer_rggb8": (np.uint8, 1),
    "bayer_bggr8": (np.uint8, 1),
    "bayer_gbrg8": (np.uint8, 1),
    "bayer_grbg8": (np.uint8, 1),
}


def from_image(message: Image) -> NDArray[Any]:
    """Pixels as they are: (h, w) or (h, w, channels), dtype of the encoding.

    Raises:
        MessageError: unknown encoding, or the data does not fill the stated size.
    """
    if message.encoding not in _CHANNELS:
        raise MessageError(
            f"image encoding {message.encoding!r} is not one of {', '.join(sorted(_CHANNELS))}"
        )
    dtype, channels = _CHANNELS[message.encoding]
    row = message.width * channels * np.dtype(dtype).itemsize
    step = message.step or row
    if not message.width or not message.height or step < row:
        raise MessageError(f"image of {message.width} x {message.height} with step {message.step}")
    if len(message.data) < step * message.height:
        raise MessageError(f"image data of {len(message.data)} bytes, {step * message.height} due")
    raw = np.frombuffer(message.data, np.uint8, step * message.height)
    rows = np.ascontiguousarray(raw.reshape(message.height, step)[:, :row])
    pixels = rows.view(np.dtype(dtype).newbyteorder(">" if message.is_bigendian else "<"))
    return pixels.reshape(message.height, message.width, channels).squeeze()


def to_image(pixels: NDArray[Any], encoding: str, stamp: Time, frame: str) -> Image:
    """Image message of pixels (h, w) or (h, w, channels) in that encoding."""
    dtype, channels = _CHANNELS[encoding]
    pixels = np.ascontiguousarray(pixels, dtype)
    message = Image(encoding=encoding, height=pixels.shape[0], width=pixels.shape[1])
    message.header = Header(stamp=stamp, frame_id=frame)
    message.step = pixels.shape[1] * channels * pixels.itemsize
    message.data = array.array("B", pixels.tobytes())
    return message


def to_camera_info(camera: Camera, stamp: Time, baseline_m: float = 0.0) -> CameraInfo:
    """CameraInfo of a rectified camera; `baseline_m` to the left eye for a right one."""
    k = camera.matrix
    info = CameraInfo(width=camera.width_px, height=camera.height_px)
    info.header = Header(stamp=stamp, frame_id=camera.frame)
    info.distortion_model = "plumb_bob"
    info.d = [0.0] * 5
    info.k = k.ravel().tolist()
    info.r = np.eye(3).ravel().tolist()
    info.p = np.column_stack([k, [-camera.fx_px * baseline_m, 0.0, 0.0]]).ravel().tolist()
    return info


def clock_seconds(node: Node) -> float:
    """Now on the node's clock, s."""
    return node.get_clock().now().nanoseconds * 1e-9


def leave(code: int) -> NoReturn:
    """End the process without the teardown of DDS, which may take seconds; close all before."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
