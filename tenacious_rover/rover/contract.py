# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rover contract, version 1: the only way between autonomy and platform.

Names are relative (a namespace gives a second rover). Types are written as ROS writes them, so that
this module needs no ROS; `tenacious_rover.ros` turns them into classes and QoS profiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

VERSION = 1

COMMAND_TIMEOUT_S = 0.5
"""The platform stops the wheels by itself when the newest `cmd_vel` is older than this."""

ARM_TIMEOUT_S = 30.0
"""The latch loses its power by itself this long after arming."""


class Quality(Enum):
    """Quality of service of a topic."""

    SENSOR = "best effort, newest 200: a picture is worked on while hundreds of samples come in"
    IMAGE = "reliable, newest 2"
    COMMAND = "reliable, newest 1"
    STATE = "reliable, newest 10"
    BEAT = "reliable, newest 200: many nodes share the topic"
    LATCHED = "reliable, newest 1, kept for late joiners"
    LOG = "reliable, newest 200, kept for late joiners"


@dataclass(frozen=True)
class Topic:
    """One topic of the contract.

    `rate_hz` is what a platform in nominal operation delivers; `None` means on change.
    `frame_role` names the frame of the header by role (a key of `Rover.frames`).
    """

    name: str
    type: str
    quality: Quality
    rate_hz: float | None = None
    frame_role: str | None = None
    optional: bool = False
    meaning: str = ""


def _t(*arguments: object, **keywords: object) -> Topic:
    return Topic(*arguments, **keywords)  # type: ignore[arg-type]


_Q = Quality

CMD_VEL = _t("cmd_vel", "geometry_msgs/msg/TwistStamped", _Q.COMMAND, 10.0, "base")
SCOOP_COMMAND = _t("scoop/command", "trajectory_msgs/msg/JointTrajectory", _Q.STATE)
PAYLOAD_ARM = _t("payload/arm", "std_msgs/msg/Bool", _Q.STATE)
PAYLOAD_RELEASE = _t("payload/release", "std_msgs/msg/Empty", _Q.STATE)
COMMANDS = (CMD_VEL, SCOOP_COMMAND, PAYLOAD_ARM, PAYLOAD_RELEASE)

SET_CAMERA_CONTROLS = "camera/set_controls"
"""Service, tenacious_interfaces/srv/SetCameraControls."""

JOINT_STATES = _t("joint_states", "sensor_msgs/msg/JointState", _Q.SENSOR, 50.0)
IMU = _t("imu/data_raw", "sensor_msgs/msg/Imu", _Q.SENSOR, 100.0, "imu")
IMAGE_LEFT = _t("camera/left/image_raw", "sensor_msgs/msg/Image", _Q.IMAGE, 2.0, "camera_left")
IMAGE_RIGHT = _t("camera/right/image_raw", "sensor_msgs/msg/Image", _Q.IMAGE, 2.0, "camera_right")
INFO_LEFT = _t(
    "camera/left/camera_info", "sensor_msgs/msg/CameraInfo", _Q.IMAGE, 2.0, "camera_left"
)
INFO_RIGHT = _t(
    "camera/right/camera_info", "sensor_msgs/msg/CameraInfo", _Q.IMAGE, 2.0, "camera_left"
)
DEPTH = _t(
    "camera/depth/image_raw", "sensor_msgs/msg/Image", _Q.IMAGE, 2.0, "camera_left", optional=True
)
SUN = _t(
    "sun_sensor/direction",
    "geometry_msgs/msg/Vector3Stamped",
    _Q.SENSOR,
    1.0,
    "base",
    optional=True,
)
BATTERY = _t("battery_state", "sensor_msgs/msg/BatteryState", _Q.STATE, 1.0)
TEMPERATURE_PREFIX = "temperature/"
TEMPERATURE_TYPE = "sensor_msgs/msg/Temperature"
TEMPERATURE_RATE_HZ = 0.2
PAYLOAD_ATTACHED = _t("payload/attached", "std_msgs/msg/Bool", _Q.LATCHED)
MEASUREMENTS = (
    JOINT_STATES,
    IMU,
    IMAGE_LEFT,
    IMAGE_RIGHT,
    INFO_LEFT,
    INFO_RIGHT,
    DEPTH,
    SUN,
    BATTERY,
    PAYLOAD_ATTACHED,
)

# Simulated platforms only.
CLOCK = _t("clock", "rosgraph_msgs/msg/Clock", _Q.SENSOR, 25.0)
TRUTH_ODOMETRY = _t("ground_truth/odometry", "nav_msgs/msg/Odometry", _Q.STATE, 10.0)
TRUTH_PAYLOAD = _t("ground_truth/payload", "geometry_msgs/msg/PoseStamped", _Q.STATE, 1.0)
TRUTH_DIG = _t("ground_truth/dig", "geometry_msgs/msg/PointStamped", _Q.LOG)
TRUTH_COMMANDS = _t("ground_truth/commands", "std_msgs/msg/String", _Q.LOG)
TRUTH = (TRUTH_ODOMETRY, TRUTH_PAYLOAD, TRUTH_DIG, TRUTH_COMMANDS)
"""Only recording, analysis and tests may subscribe to these. `dig`: each time the scoop takes soil,
the centre of the hole in map. `commands`: JSON of each command and the step it took effect at, so
that a run can be run again."""

# What autonomy offers.
TF = _t("/tf", "tf2_msgs/msg/TFMessage", _Q.STATE)
TF_STATIC = _t("/tf_static", "tf2_msgs/msg/TFMessage", _Q.LATCHED)
ROBOT_DESCRIPTION = _t("robot_description", "std_msgs/msg/String", _Q.LATCHED)
ODOMETRY = _t("odometry", "nav_msgs/msg/Odometry", _Q.STATE, 10.0)
IMMOBILITY = _t("localization/immobility", "tenacious_interfaces/msg/Immobility", _Q.STATE, 5.0)
HAZARDS = _t("terrain/hazards", "nav_msgs/msg/OccupancyGrid", _Q.STATE)
TERRAIN_MAP = _t("terrain/map", "tenacious_interfaces/msg/ElevationMap", _Q.IMAGE)
TERRAIN_POINTS = _t("terrain/points", "sensor_msgs/msg/PointCloud2", _Q.SENSOR)
PLAN = _t("plan", "nav_msgs/msg/Path", _Q.STATE)
NAVIGATION_STATE = _t("navigation/state", "tenacious_interfaces/msg/NavigationState", _Q.STATE)
GOAL_POSE = _t("goal_pose", "geometry_msgs/msg/PoseStamped", _Q.STATE)
DIAGNOSTICS = _t("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", _Q.STATE, 1.0)
MISSION_STATE = _t("mission/state", "tenacious_interfaces/msg/MissionState", _Q.LATCHED)
EVENTS = _t("events", "tenacious_interfaces/msg/Event", _Q.LOG)
HEARTBEAT = _t("heartbeat", "tenacious_interfaces/msg/Heartbeat", _Q.BEAT, 5.0)
FEED = _t("feed", "std_msgs/msg/String", _Q.LOG)
"""Which inputs a node took, in its order, as JSON; see `tenacious_rover.feed`."""
IMAGE_RECORD = _t("imaging/record", "tenacious_interfaces/msg/ImageRecord", _Q.LOG)
SAMPLE_RECORD = _t("sampling/record", "tenacious_interfaces/msg/SampleRecord", _Q.LOG)
OFFERED = (
    TF,
    TF_STATIC,
    ROBOT_DESCRIPTION,
    ODOMETRY,
    IMMOBILITY,
    HAZARDS,
    TERRAIN_MAP,
    TERRAIN_POINTS,
    PLAN,
    NAVIGATION_STATE,
    GOAL_POSE,
    DIAGNOSTICS,
    MISSION_STATE,
    EVENTS,
    HEARTBEAT,
    FEED,
    IMAGE_RECORD,
    SAMPLE_RECORD,
)

# Actions, all in tenacious_interfaces/action.
DRIVE_TO = "drive_to"
CAPTURE_IMAGES = "capture_images"
COLLECT_SAMPLE = "collect_sample"
DEPLOY_PAYLOAD = "deploy_payload"
EXECUTE_MISSION = "execute_mission"
