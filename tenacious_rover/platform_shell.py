# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The ROS side that every platform shares: measurements of the contract out, commands in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from geometry_msgs.msg import Vector3Stamped
from sensor_msgs.msg import BatteryState, Imu, JointState, Temperature
from std_msgs.msg import Bool

from tenacious_rover import ros
from tenacious_rover.rover import contract, measurements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geometry_msgs.msg import TwistStamped
    from std_msgs.msg import Empty
    from trajectory_msgs.msg import JointTrajectory

    from tenacious_rover.node import RoverNode


class Commanded(Protocol):
    """What a platform does with commands."""

    def drive(self, linear_mps: float, angular_radps: float) -> None:
        """Newest `cmd_vel`."""

    def move_scoop(self, lift_rad: float, tilt_rad: float, duration_s: float) -> None:
        """Move both joints within a time."""

    def arm(self, on: bool) -> None:
        """Latch power."""

    def release(self) -> Any:
        """Open the latch."""


class CommandSubscriber:
    """Hands the contract's commands to a platform."""

    def __init__(self, node: RoverNode, platform: Commanded) -> None:
        self.node, self.platform = node, platform
        ros.subscription(node, contract.CMD_VEL, self._drive)
        ros.subscription(node, contract.SCOOP_COMMAND, self._scoop)
        ros.subscription(node, contract.PAYLOAD_ARM, self._arm)
        ros.subscription(node, contract.PAYLOAD_RELEASE, self._release)

    def _drive(self, message: TwistStamped) -> None:
        twist = message.twist
        self.platform.drive(twist.linear.x, twist.angular.z)

    def _scoop(self, message: JointTrajectory) -> None:
        scoop = self.node.rover.scoop
        if scoop is None or not message.points:
            return
        names = list(message.joint_names)
        wanted = (scoop.lift_joint, scoop.tilt_joint)
        point = message.points[-1]
        if any(name not in names for name in wanted) or len(point.positions) != len(names):
            self.node.say(
                "scoop_refused", f"scoop/command: joints {names}, {list(wanted)} are due", 3
            )
            return
        lift, tilt = (point.positions[names.index(name)] for name in wanted)
        duration = point.time_from_start.sec + point.time_from_start.nanosec * 1e-9
        if not all(map(math.isfinite, (lift, tilt, duration))):
            self.node.say("scoop_refused", "scoop/command: a number is not finite", 3)
            return
        self.platform.move_scoop(lift, tilt, duration)

    def _arm(self, message: Bool) -> None:
        self.platform.arm(bool(message.data))

    def _release(self, message: Empty) -> None:
        del message
        self.platform.release()


class MeasurementPublisher:
    """Publishes plain measurements on the contract's topics."""

    def __init__(self, node: RoverNode) -> None:
        self.node, self.rover = node, node.rover
        self._joints = ros.publisher(node, contract.JOINT_STATES)
        self._imu = ros.publisher(node, contract.IMU)
        self._images = [
            (ros.publisher(node, image), ros.publisher(node, info))
            for image, info in (
                (contract.IMAGE_LEFT, contract.INFO_LEFT),
                (contract.IMAGE_RIGHT, contract.INFO_RIGHT),
            )
        ]
        self._depth: Any = None
        self._sun = ros.publisher(node, contract.SUN)
        self._battery = ros.publisher(node, contract.BATTERY)
        self._attached = ros.publisher(node, contract.PAYLOAD_ATTACHED)
        self._temperatures: dict[str, Any] = {}
        self._send = {
            measurements.Imu: self.imu,
            measurements.Joints: self.joints,
            measurements.Stereo: self.stereo,
            measurements.Sun: self.sun,
            measurements.Battery: self.battery,
            measurements.Temperature: self.temperature,
            measurements.Attached: self.attached,
        }

    def publish(self, found: Iterable[measurements.Measurement]) -> None:
        """Any of them, in order."""
        for one in found:
            self._send[type(one)](one)  # type: ignore[operator]

    def imu(self, one: measurements.Imu) -> None:
        """REP-145; orientation is not reported."""
        message = Imu(header=ros.header(one.time_s, self.rover.frames["imu"]))
        g, a = message.angular_velocity, message.linear_acceleration
        g.x, g.y, g.z = map(float, one.gyro)
        a.x, a.y, a.z = map(float, one.accel)
        message.orientation_covariance[0] = -1.0
        self._imu.publish(message)

    def joints(self, one: measurements.Joints) -> None:
        """Wheels and scoop."""
        message = JointState(header=ros.header(one.time_s, ""), name=list(one.names))
        message.position = np.asarray(one.position, float).tolist()
        message.velocity = np.asarray(one.velocity, float).tolist()
        message.effort = np.asarray(one.effort, float).tolist()
        self._joints.publish(message)

    def stereo(self, one: measurements.Stereo) -> None:
        """Both eyes with the same stamp, or the left one and depth."""
        stamp = ros.to_stamp(one.time_s)
        left, right = self.rover.cameras["left"], self.rover.cameras["right"]
        for pixels, camera, other, (image, info) in (
            (one.left, left, 0.0, self._images[0]),
            (one.right, right, self.rover.baseline_m, self._images[1]),
        ):
            if pixels is None:
                continue
            encoding = "rgb8" if pixels.ndim == 3 else "mono8"
            image.publish(ros.to_image(pixels, encoding, stamp, camera.frame))
            optics = ros.to_camera_info(camera, stamp, other)
            # Both are about the left eye's frame: P of the right one holds the baseline.
            optics.header.frame_id = left.frame
            info.publish(optics)
        if one.depth is not None:
            if self._depth is None:
                self._depth = ros.publisher(self.node, contract.DEPTH)
            self._depth.publish(ros.to_image(one.depth, "32FC1", stamp, left.frame))

    def sun(self, one: measurements.Sun) -> None:
        """Direction in base_link."""
        message = Vector3Stamped(header=ros.header(one.time_s, self.rover.frames["base"]))
        v = message.vector
        v.x, v.y, v.z = map(float, one.direction)
        self._sun.publish(message)

    def battery(self, one: measurements.Battery) -> None:
        """Voltage, current, charge."""
        message = BatteryState(header=ros.header(one.time_s, ""), present=True)
        message.voltage, message.current = float(one.voltage_v), float(one.current_a)
        message.percentage = float(one.charge)
        message.design_capacity = math.nan
        message.power_supply_status = BatteryState.POWER_SUPPLY_STATUS_DISCHARGING
        if one.current_a > 0.0:
            message.power_supply_status = BatteryState.POWER_SUPPLY_STATUS_CHARGING
        self._battery.publish(message)

    def temperature(self, one: measurements.Temperature) -> None:
        """One topic per part."""
        if one.part not in self._temperatures:
            self._temperatures[one.part] = self.node.create_publisher(
                Temperature,
                contract.TEMPERATURE_PREFIX + one.part,
                ros.profile(contract.Quality.STATE),
            )
        message = Temperature(header=ros.header(one.time_s, one.part))
        message.temperature = float(one.celsius)
        self._temperatures[one.part].publish(message)

    def attached(self, one: measurements.Attached) -> None:
        """Latched."""
        self._attached.publish(Bool(data=bool(one.attached)))
