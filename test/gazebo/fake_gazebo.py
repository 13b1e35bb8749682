# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What ros_gz_bridge would carry of a Gazebo whose wheels follow at once on level ground."""

import numpy as np
from geometry_msgs.msg import PoseStamped, Twist
from nav_msgs.msg import Odometry
from rclpy.clock import Clock as RosClock
from rclpy.clock import ClockType
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import BatteryState, CameraInfo, Image, Imu, JointState
from std_msgs.msg import Empty, String
from trajectory_msgs.msg import JointTrajectory

from tenacious_rover import ros
from tenacious_rover.gazebo import bridge
from tenacious_rover.rover import contract, kinematics

TICK_S = 0.01


class FakeGazebo(Node):
    """Publishes what bridge.lines() names, in Gazebo's own units."""

    def __init__(self, rover):
        super().__init__("gazebo_bridge")
        self.rover, self.ticks, self.twist = rover, 0, (0.0, 0.0)
        self.wheels, self.scoop = np.zeros(len(rover.wheels)), np.array(rover.scoop.stow)
        self.outlets = {}
        for line in bridge.lines("made_up"):
            kind = ros.message_class(line.ros_type)
            if line.direction == bridge.TO_ROS:
                self.outlets[line.ros_topic] = self.create_publisher(kind, line.ros_topic, 10)
            else:
                self.create_subscription(kind, line.ros_topic, getattr(self, {
                    Twist: "on_twist", JointTrajectory: "on_scoop", Empty: "on_open"
                }[kind]), 10)  # fmt: skip
        # Whatever `use_sim_time` says: this is where that time comes from.
        self.create_timer(0.002, self.tick, clock=RosClock(clock_type=ClockType.STEADY_TIME))

    def send(self, name, message):
        self.outlets[name].publish(message)

    def on_twist(self, message):
        self.twist = (message.linear.x, message.angular.z)

    def on_scoop(self, message):
        self.scoop = np.array(message.points[-1].positions)

    def on_open(self, _message):
        self.send("gazebo/latch/state", String(data="detached"))

    def tick(self):
        self.ticks += 1
        now = self.ticks * TICK_S
        speeds = kinematics.wheel_speeds(self.rover, *self.twist)
        self.wheels += speeds * TICK_S
        if self.ticks % 4 == 0:
            self.send("/clock", Clock(clock=ros.to_stamp(now)))
        imu = Imu(header=ros.header(now, self.rover.imu_frame))
        imu.linear_acceleration.z = self.rover.gravity_mps2
        imu.angular_velocity.z = self.twist[1]
        self.send(contract.IMU.name, imu)
        if self.ticks % 2 == 0:
            self.send("gazebo/joint_states", self.joints(now, speeds))
        if self.ticks % 10 == 0:
            odometry = Odometry(header=ros.header(now, "map"))
            odometry.pose.pose.position.x, odometry.pose.pose.orientation.w = 3.0, 1.0
            odometry.pose.pose.position.z = 0.5
            self.send("gazebo/odometry", odometry)
            # Gazebo publishes its battery at every step; a tenth is enough here.
            battery = BatteryState(header=ros.header(now, ""), voltage=15.0, current=-0.3)
            battery.percentage = 83.0
            self.send("gazebo/battery", battery)
        if self.ticks % 50 == 0:
            self.pictures(now)
        if self.ticks % 100 == 0:
            self.send("gazebo/payload", PoseStamped(header=ros.header(now, "made_up")))

    def joints(self, now, speeds):
        rover = self.rover
        names = [w.joint for w in rover.wheels] + [rover.scoop.lift_joint, rover.scoop.tilt_joint]
        message = JointState(header=ros.header(now, "made_up"), name=[*names, "made_up_joint"])
        message.position = [*self.wheels.tolist(), *self.scoop.tolist(), 0.0]
        message.velocity = [*speeds.tolist(), 0.0, 0.0, 0.0]
        message.effort = [0.0] * len(message.name)
        return message

    def pictures(self, now):
        for eye, camera in self.rover.cameras.items():
            stamp = ros.to_stamp(now)
            pixels = np.tile(np.arange(camera.width_px) % 256, (camera.height_px, 1))
            coloured = np.dstack([pixels] * 3)
            image = ros.to_image(coloured, "rgb8", stamp, "made_up::base_link::camera")
            assert isinstance(image, Image)
            baseline = self.rover.baseline_m if eye == "right" else 0.0
            info = ros.to_camera_info(camera, stamp, baseline)
            assert isinstance(info, CameraInfo)
            self.send(f"gazebo/camera/{eye}/camera_info", info)
            self.send(f"gazebo/camera/{eye}/image", image)
