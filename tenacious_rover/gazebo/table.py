# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What of Gazebo and its bridge the exports lean on; tests hold every export against this table.

Read from the sources of gz-sim 8 (Harmonic) and 10 (Jetty) and of ros_gz for Jazzy: library and
class of each system, the parameters that it reads, and the pairs of messages that the bridge
translates. `since` is the first major version of gz-sim that has all of it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """One of Gazebo's systems: shared library, parameters used here, first gz-sim version."""

    library: str
    parameters: frozenset[str] = frozenset()
    since: int = 6


def _system(library: str, parameters: str = "", since: int = 6) -> System:
    return System(f"gz-sim-{library}-system", frozenset(parameters.split()), since)


SYSTEMS = {
    "Physics": _system("physics"),
    "UserCommands": _system("user-commands"),
    "SceneBroadcaster": _system("scene-broadcaster"),
    "Sensors": _system("sensors", "render_engine background_color ambient_light"),
    "Imu": _system("imu"),
    "DiffDrive": _system(
        "diff-drive",
        "left_joint right_joint wheel_separation wheel_radius topic odom_topic tf_topic"
        " odom_publish_frequency max_linear_velocity min_linear_velocity max_linear_acceleration"
        " min_linear_acceleration max_angular_velocity min_angular_velocity"
        " max_angular_acceleration min_angular_acceleration frame_id child_frame_id",
    ),
    "JointStatePublisher": _system(
        "joint-state-publisher", "joint_name topic update_rate", since=8
    ),
    "JointTrajectoryController": _system(
        "joint-trajectory-controller",
        "topic joint_name initial_position position_p_gain position_i_gain position_d_gain"
        " position_i_min position_i_max position_cmd_min position_cmd_max",
    ),
    "DetachableJoint": _system(
        "detachable-joint",
        "parent_link child_model child_link topic output_topic suppress_child_warning",
        since=7,
    ),
    "OdometryPublisher": _system(
        "odometry-publisher",
        "dimensions odom_publish_frequency odom_topic odom_frame robot_base_frame tf_topic",
    ),
    "PosePublisher": _system(
        "pose-publisher",
        "publish_link_pose publish_model_pose publish_nested_model_pose publish_sensor_pose"
        " publish_visual_pose publish_collision_pose use_pose_vector_msg update_frequency topic",
        since=8,
    ),
    "WheelSlip": _system(
        "wheel-slip",
        "wheel slip_compliance_lateral slip_compliance_longitudinal wheel_normal_force"
        " wheel_radius",
    ),
    "LinearBatteryPlugin": _system(
        "linearbatteryplugin",
        "battery_name voltage open_circuit_voltage_constant_coef open_circuit_voltage_linear_coef"
        " initial_charge capacity resistance smooth_current_tau power_load start_draining"
        " enable_recharge fix_issue_225 invert_current_sign",
    ),
}
"""Class below `gz::sim::systems` to what it needs."""

MESSAGES = {
    ("rosgraph_msgs/msg/Clock", "gz.msgs.Clock"),
    ("geometry_msgs/msg/Twist", "gz.msgs.Twist"),
    ("geometry_msgs/msg/PoseStamped", "gz.msgs.Pose"),
    ("nav_msgs/msg/Odometry", "gz.msgs.Odometry"),
    ("sensor_msgs/msg/BatteryState", "gz.msgs.BatteryState"),
    ("sensor_msgs/msg/CameraInfo", "gz.msgs.CameraInfo"),
    ("sensor_msgs/msg/Image", "gz.msgs.Image"),
    ("sensor_msgs/msg/Imu", "gz.msgs.IMU"),
    ("sensor_msgs/msg/JointState", "gz.msgs.Model"),
    ("std_msgs/msg/Empty", "gz.msgs.Empty"),
    ("std_msgs/msg/String", "gz.msgs.StringMsg"),
    ("trajectory_msgs/msg/JointTrajectory", "gz.msgs.JointTrajectory"),
}
"""ROS type and Gazebo type that ros_gz_bridge translates."""

PAIRINGS = {"jazzy": ("Harmonic", 8), "kilted": ("Ionic", 9), "lyrical": ("Jetty", 10)}
"""ROS distribution to the Gazebo it is built with, and that one's gz-sim major version."""
