# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What ros_gz_bridge carries between Gazebo and the adapter node; `config/gazebo_bridge.yaml`.

    Gazebo ─ /NAME/… ─► ros_gz_bridge ─ gazebo/… ─► gazebo_adapter ─► topics of the rover contract

Only the IMU and the clock go straight through: Gazebo says them as the contract wants them.
"""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover import contract

TO_ROS, TO_GAZEBO = "GZ_TO_ROS", "ROS_TO_GZ"
PREFIX = "gazebo"
"""Of topics between bridge and adapter, below the rover's namespace."""


@dataclass(frozen=True)
class Line:
    """One topic of the bridge."""

    ros_topic: str
    gz_topic: str
    ros_type: str
    gz_type: str
    direction: str


def lines(name: str, *, scoop: bool = True, payload: bool = True) -> list[Line]:
    """All of one rover.

    Args:
        name: of its model in Gazebo.
        scoop: whether it has one.
        payload: whether it has one.
    """
    of = f"/{name}"

    def line(ros: str, gz: str, ros_type: str, gz_type: str, direction: str = TO_ROS) -> Line:
        return Line(ros, gz, ros_type, f"gz.msgs.{gz_type}", direction)

    found = [
        line("/clock", "/clock", "rosgraph_msgs/msg/Clock", "Clock"),
        line(contract.IMU.name, f"{of}/imu", "sensor_msgs/msg/Imu", "IMU"),
        line(f"{PREFIX}/cmd_vel", f"{of}/cmd_vel", "geometry_msgs/msg/Twist", "Twist", TO_GAZEBO),
        line(f"{PREFIX}/joint_states", f"{of}/joint_states", "sensor_msgs/msg/JointState", "Model"),
        line(f"{PREFIX}/odometry", f"{of}/odometry", "nav_msgs/msg/Odometry", "Odometry"),
        line(
            f"{PREFIX}/battery",
            f"/model/{name}/battery/main/state",
            "sensor_msgs/msg/BatteryState",
            "BatteryState",
        ),
    ]
    for eye in ("left", "right"):
        here, there = f"{PREFIX}/camera/{eye}", f"{of}/camera/{eye}"
        found += [
            line(f"{here}/image", f"{there}/image", "sensor_msgs/msg/Image", "Image"),
            line(
                f"{here}/camera_info",
                f"{there}/camera_info",
                "sensor_msgs/msg/CameraInfo",
                "CameraInfo",
            ),
        ]
    if scoop:
        found.append(
            line(
                f"{PREFIX}/scoop/command",
                f"{of}/scoop/command",
                "trajectory_msgs/msg/JointTrajectory",
                "JointTrajectory",
                TO_GAZEBO,
            )
        )
    if payload:
        found += [
            line(
                f"{PREFIX}/latch/open",
                f"{of}/latch/open",
                "std_msgs/msg/Empty",
                "Empty",
                TO_GAZEBO,
            ),
            line(f"{PREFIX}/latch/state", f"{of}/latch/state", "std_msgs/msg/String", "StringMsg"),
            line(
                f"{PREFIX}/payload",
                f"{of}/payload/pose",
                "geometry_msgs/msg/PoseStamped",
                "Pose",
            ),
        ]
    return found


def as_yaml(found: list[Line]) -> str:
    """The file that `parameter_bridge` reads as its parameter `config_file`."""
    text = "# Made by `tenacious gazebo bridge`; a test keeps it so.\n"
    for item in found:
        text += (
            f'- ros_topic_name: "{item.ros_topic}"\n'
            f'  gz_topic_name: "{item.gz_topic}"\n'
            f'  ros_type_name: "{item.ros_type}"\n'
            f'  gz_type_name: "{item.gz_type}"\n'
            f"  direction: {item.direction}\n"
        )
    return text
