# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A platform that keeps the contract, or breaks it in chosen ways, on a clock of its own."""

import math

import numpy as np
from geometry_msgs.msg import Vector3Stamped
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import BatteryState, Imu, JointState, Temperature
from std_msgs.msg import Bool

from tenacious_interfaces.srv import SetCameraControls
from tenacious_rover import ros
from tenacious_rover.rover import contract, kinematics
from tenacious_rover.rover.conformance import measured
from tenacious_rover.rover.safety import DriveGate, LatchGate

TICK_S = 0.01


class FakePlatform(Node):
    """Wheels follow at once; the ground is level. `defects` are names used below."""

    def __init__(self, rover, defects=()):
        super().__init__("platform")
        self.rover, self.defects, self.ticks = rover, set(defects), 0
        self.gate, self.latch = DriveGate(rover.limits), LatchGate()
        self.wheels = np.zeros(len(rover.wheels))
        self.scoop = np.array(rover.scoop.stow if rover.scoop else ())
        silent = {"no " + topic.name for topic in measured(rover)} & self.defects
        self.outlets = {
            topic: ros.publisher(self, topic)
            for topic in measured(rover)
            if ("no " + topic.name not in silent and not topic.optional) or topic is contract.SUN
        }
        self.clock = ros.publisher(self, contract.CLOCK)
        ros.subscription(self, contract.CMD_VEL, self.on_command)
        ros.subscription(self, contract.SCOOP_COMMAND, self.on_scoop)
        ros.subscription(self, contract.PAYLOAD_ARM, lambda m: self.latch.arm(self.now, m.data))
        ros.subscription(self, contract.PAYLOAD_RELEASE, self.on_release)
        name = contract.SET_CAMERA_CONTROLS
        self.create_service(SetCameraControls, name, self.on_controls)
        self.send(contract.PAYLOAD_ATTACHED, Bool(data=True))
        self.create_timer(0.002, self.tick)

    @property
    def now(self):
        return self.ticks * TICK_S

    def on_command(self, message):
        linear, angular = message.twist.linear.x, message.twist.angular.z
        if "no limit" in self.defects and math.isfinite(linear):
            self.gate.limits = type(self.gate.limits)(99.0, 99.0, 1.0, 1.0)
        if "nan drives" in self.defects and math.isnan(linear):
            linear = 0.1
        self.gate.command(self.now, linear, angular)

    def on_scoop(self, message):
        self.scoop = np.array(message.points[-1].positions)
        if "scoop swapped" in self.defects:
            self.scoop = self.scoop[::-1]

    def on_release(self, _message):
        if "unarmed release" in self.defects or self.latch.release(self.now).opens:
            self.send(contract.PAYLOAD_ATTACHED, Bool(data=False))

    def on_controls(self, _request, response):
        response.success = "camera refuses" not in self.defects
        return response

    def send(self, topic, message):
        if topic in self.outlets:
            self.outlets[topic].publish(message)

    def header(self, topic):
        frame = self.rover.frames[topic.frame_role] if topic.frame_role else ""
        return ros.header(self.now, "wrong" if f"frame {topic.name}" in self.defects else frame)

    def tick(self):
        self.ticks += 1
        if self.ticks % 4 == 0:
            self.clock.publish(Clock(clock=ros.to_stamp(self.now)))
        keeps_on = "no timeout" in self.defects
        linear, angular = self.gate._command if keeps_on else self.gate.at(self.now)
        speeds = kinematics.wheel_speeds(self.rover, linear, angular)
        self.wheels += speeds * TICK_S
        self.imu(angular)
        if self.ticks % (4 if "slow joints" in self.defects else 2) == 0:
            self.joints(speeds)
        if self.ticks % 50 == 0:
            self.pictures()
        if self.ticks % 100 == 0:
            self.slow()

    def imu(self, angular):
        message = Imu(header=self.header(contract.IMU))
        gravity = 1.0 if "imu in g" in self.defects else self.rover.gravity_mps2
        sign = -1.0 if "gyro sign" in self.defects else 1.0
        turned = self.rover.base_T_imu[:3, :3].T
        force, rate = turned @ [0.0, 0.0, gravity], turned @ [0.0, 0.0, sign * angular]
        for name, vector in (("linear_acceleration", force), ("angular_velocity", rate)):
            for axis, value in zip("xyz", vector, strict=True):
                setattr(getattr(message, name), axis, float(value))
        self.send(contract.IMU, message)

    def joints(self, speeds):
        rover, message = self.rover, JointState(header=self.header(contract.JOINT_STATES))
        message.name = [wheel.joint for wheel in rover.wheels]
        message.name += [rover.scoop.lift_joint, rover.scoop.tilt_joint] if rover.scoop else []
        rest = np.zeros(len(self.scoop))
        factor = math.degrees(1.0) if "wheels in degrees" in self.defects else 1.0
        message.position = np.concatenate([self.wheels, self.scoop]).tolist()
        message.velocity = np.concatenate([speeds * factor, rest]).tolist()
        message.effort = np.zeros(len(message.name)).tolist()
        self.send(contract.JOINT_STATES, message)

    def pictures(self):
        late = 0.01 if "eyes apart" in self.defects else 0.0
        for image, info, eye, delay in (
            (contract.IMAGE_LEFT, contract.INFO_LEFT, "left", 0.0),
            (contract.IMAGE_RIGHT, contract.INFO_RIGHT, "right", late),
        ):
            camera, stamp = self.rover.cameras[eye], ros.to_stamp(self.now + delay)
            pixels = np.tile(np.arange(camera.width_px) % 256, (camera.height_px, 1))
            self.send(image, ros.to_image(pixels, "mono8", stamp, camera.frame))
            baseline = self.rover.baseline_m if eye == "right" else 0.0
            baseline = 0.0 if "no baseline" in self.defects else baseline
            message = ros.to_camera_info(camera, stamp, baseline)
            # Of a rectified pair both projections are of the left eye's frame.
            message.header.frame_id = self.rover.frames["camera_left"]
            self.send(info, message)

    def slow(self):
        length = 2.0 if "long sun" in self.defects else 1.0
        sun = Vector3Stamped(header=self.header(contract.SUN))
        sun.vector.z = length
        self.send(contract.SUN, sun)
        battery = BatteryState(header=self.header(contract.BATTERY), voltage=14.8, current=-0.4)
        battery.percentage = 80.0 if "per cent" in self.defects else 0.8
        self.send(contract.BATTERY, battery)
        if self.ticks % 500 == 0:
            kelvin = 273.15 if "kelvin" in self.defects else 0.0
            for topic in self.outlets:
                if topic.name.startswith(contract.TEMPERATURE_PREFIX):
                    message = Temperature(header=self.header(topic), temperature=20.0 + kelvin)
                    self.send(topic, message)
