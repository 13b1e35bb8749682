# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Node `gazebo_adapter`: makes the rover contract of what ros_gz_bridge carries (bridge.py).

It adds what Gazebo has no system for: the contract's safety, arming of the latch, camera controls,
sun sensor, temperatures; and mends units and frames of the rest.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from geometry_msgs.msg import PoseStamped, Twist, Vector3Stamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import BatteryState, CameraInfo, Image, JointState, Temperature
from std_msgs.msg import Bool, Empty, String
from trajectory_msgs.msg import JointTrajectory

from tenacious_interfaces.msg import Event
from tenacious_interfaces.srv import SetCameraControls
from tenacious_rover import ros
from tenacious_rover.gazebo import adapter
from tenacious_rover.gazebo.bridge import PREFIX
from tenacious_rover.gazebo.config import GazeboConfig
from tenacious_rover.gazebo.session import exported
from tenacious_rover.node import RoverNode, run
from tenacious_rover.rover import contract, frames
from tenacious_rover.rover.safety import DriveGate, LatchGate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacious_rover.rover.contract import Topic

_EYES = {
    "left": (contract.IMAGE_LEFT, contract.INFO_LEFT),
    "right": (contract.IMAGE_RIGHT, contract.INFO_RIGHT),
}


class GazeboNode(RoverNode):
    """Adapter between bridge and contract."""

    config: GazeboConfig

    def __init__(self) -> None:
        super().__init__("gazebo_adapter", GazeboConfig)

    def build(self) -> None:
        """Read the exported world and connect both sides."""
        self.world = exported(self.config.world)
        self.sun = np.array(self.world.facts["sun"])
        self.rng = np.random.default_rng(0)
        self.gate, self.latch = DriveGate(self.rover.limits), LatchGate()
        self.exposure = adapter.Exposure(self.config.exposure_us)
        self.rate_hz, self.wanted, self.shown_s = contract.IMAGE_LEFT.rate_hz or 2.0, 0, -math.inf
        self.map_T_base: np.ndarray | None = None
        self.began_s: float | None = None
        self.joints = adapter.told_joints(self.rover)
        self.said_s: dict[str, float] = {}
        self.attached: bool | None = None
        self.outlets: dict[str, Any] = {}
        self._commands()
        self._measurements()
        if self.rover.payload is not None:
            self._payload()

    # -- autonomy to Gazebo -------------------------------------------------------------------

    def _commands(self) -> None:
        self.wheels = self.create_publisher(Twist, f"{PREFIX}/cmd_vel", 1)
        ros.subscription(self, contract.CMD_VEL, self._on_drive)
        self.create_timer(1.0 / self.config.drive_rate_hz, self._drive)
        self.scoop = self.create_publisher(JointTrajectory, f"{PREFIX}/scoop/command", 1)
        ros.subscription(self, contract.SCOOP_COMMAND, self._on_scoop)
        self.create_service(SetCameraControls, contract.SET_CAMERA_CONTROLS, self._on_controls)

    def _on_drive(self, message: Any) -> None:
        linear, angular = message.twist.linear.x, message.twist.angular.z
        if not self.gate.command(self.now, linear, angular):
            self.say("bad_command", "cmd_vel is not a number: wheels stop", Event.WARNING_LO)

    def _drive(self) -> None:
        message = Twist()
        message.linear.x, message.angular.z = self.gate.at(self.now)
        self.wheels.publish(message)

    def _on_scoop(self, message: JointTrajectory) -> None:
        points = [list(point.positions) for point in message.points]
        wrong = adapter.wrong_trajectory(self.rover, list(message.joint_names), points)
        if wrong:
            self.say("scoop_refused", wrong, Event.WARNING_LO)
            return
        self.scoop.publish(message)

    def _on_controls(self, request: Any, response: Any) -> Any:
        wrong = self.exposure.set(request.auto_exposure, request.exposure_us, request.gain)
        nominal = contract.IMAGE_LEFT.rate_hz or 2.0
        if not wrong and request.rate_hz > nominal:
            wrong = f"rate_hz: {request.rate_hz:g} is more than the camera's {nominal:g}"
        if not wrong and request.rate_hz >= 0.0:
            self.rate_hz = request.rate_hz
        if not wrong and request.trigger:
            self.wanted = 1
            response.stamp = ros.to_stamp(self.now)
        response.success, response.message = not wrong, wrong
        return response

    # -- Gazebo to autonomy -------------------------------------------------------------------

    def _hear(self, kind: Any, name: str, callback: Callable[[Any], None]) -> None:
        # Reliable and deep: the bridge publishes so, and 50 Hz of joints must not be lost.
        self.create_subscription(kind, f"{PREFIX}/{name}", callback, 50)

    def _tell(self, topic: Topic, message: Any) -> None:
        if topic.name not in self.outlets:
            self.outlets[topic.name] = ros.publisher(self, topic)
        self.outlets[topic.name].publish(message)

    def _due(self, topic: Topic, seconds: float) -> bool:
        """Whether a topic's period has passed since it was last said."""
        period = 1.0 / (topic.rate_hz or 1.0)
        last = self.said_s.get(topic.name, -math.inf)
        if 0.0 <= seconds - last < 0.9 * period:
            return False
        self.said_s[topic.name] = seconds
        return True

    def _measurements(self) -> None:
        self._hear(JointState, "joint_states", self._on_joints)
        self._hear(Odometry, "odometry", self._on_odometry)
        self._hear(BatteryState, "battery", self._on_battery)
        for eye in _EYES:
            self._hear(Image, f"camera/{eye}/image", partial(self._on_image, eye))
            self._hear(CameraInfo, f"camera/{eye}/camera_info", partial(self._info, eye))
        self.create_timer(1.0 / (contract.SUN.rate_hz or 1.0), self._say_sun)
        self.create_timer(1.0 / contract.TEMPERATURE_RATE_HZ, self._say_temperatures)

    def _on_joints(self, message: JointState) -> None:
        if not self._due(contract.JOINT_STATES, ros.to_seconds(message.header.stamp)):
            return
        kept = [i for i, name in enumerate(message.name) if name in self.joints]
        told = JointState(header=message.header, name=[message.name[i] for i in kept])
        for field in ("position", "velocity", "effort"):
            values = getattr(message, field)
            if len(values) == len(message.name):
                setattr(told, field, [values[i] for i in kept])
        self._tell(contract.JOINT_STATES, told)

    def _on_odometry(self, message: Odometry) -> None:
        self.map_T_base = ros.from_pose(message.pose.pose)
        message.header.frame_id, message.child_frame_id = frames.MAP, self.rover.frames["base"]
        self._tell(contract.TRUTH_ODOMETRY, message)

    def _on_battery(self, message: BatteryState) -> None:
        if self._due(contract.BATTERY, ros.to_seconds(message.header.stamp)):
            message.percentage = adapter.charge(message.percentage)
            message.present = True
            self._tell(contract.BATTERY, message)

    def _on_image(self, eye: str, message: Image) -> None:
        if not self._shown(ros.to_seconds(message.header.stamp)):
            return
        camera = self.rover.cameras[eye]
        message.header.frame_id = camera.frame
        if not self.exposure.automatic:
            pixels = self.exposure.of(ros.from_image(message))
            stamp = message.header.stamp
            message = ros.to_image(pixels, message.encoding, stamp, camera.frame)
        self._tell(_EYES[eye][0], message)

    def _shown(self, stamp_s: float) -> bool:
        """Whether frames of a stamp are passed on; the first of its four messages decides."""
        if stamp_s == self.shown_s:
            return True
        period = 1.0 / self.rate_hz if self.rate_hz > 0.0 else math.inf
        if self.wanted or not 0.0 <= stamp_s - self.shown_s < 0.9 * period:
            if self.wanted == 0 and self.rate_hz <= 0.0:
                return False
            self.wanted, self.shown_s = 0, stamp_s
            return True
        return False

    def _info(self, eye: str, message: CameraInfo) -> None:
        if not self._shown(ros.to_seconds(message.header.stamp)):
            return
        # The projections of a rectified pair are both of the left eye's frame.
        message.header.frame_id = self.rover.frames["camera_left"]
        self._tell(_EYES[eye][1], message)

    def _say_sun(self) -> None:
        if self.map_T_base is None:
            return
        ground = self.world.ground
        seen = adapter.sun_in_base(self.map_T_base, self.sun, ground, self.config, self.rng)
        if seen is None:
            return
        message = Vector3Stamped(header=ros.header(self.now, self.rover.frames["base"]))
        message.vector.x, message.vector.y, message.vector.z = map(float, seen)
        self._tell(contract.SUN, message)

    def _say_temperatures(self) -> None:
        now = self.now
        self.began_s = now if self.began_s is None else self.began_s
        found = adapter.temperatures(self.rover, now - self.began_s, self.config)
        for part, celsius in found.items():
            topic = contract.Topic(
                f"{contract.TEMPERATURE_PREFIX}{part}",
                contract.TEMPERATURE_TYPE,
                contract.Quality.STATE,
            )
            message = Temperature(header=ros.header(now, self.rover.frames["base"]))
            message.temperature = celsius
            self._tell(topic, message)

    # -- the payload --------------------------------------------------------------------------

    def _payload(self) -> None:
        self.opener = self.create_publisher(Empty, f"{PREFIX}/latch/open", 1)
        ros.subscription(self, contract.PAYLOAD_ARM, self._on_arm)
        ros.subscription(self, contract.PAYLOAD_RELEASE, self._on_release)
        self._hear(String, "latch/state", self._on_latch)
        self._hear(PoseStamped, "payload", self._on_payload)
        self._say_attached(True)

    def _on_arm(self, message: Bool) -> None:
        self.latch.arm(self.now, message.data)

    def _on_release(self, _message: Empty) -> None:
        answer = self.latch.release(self.now)
        if not answer.opens:
            self.say("release_ignored", answer.why, Event.WARNING_LO)
            return
        self.opener.publish(Empty())

    def _on_latch(self, message: String) -> None:
        self._say_attached(message.data == "attached")

    def _say_attached(self, attached: bool) -> None:
        if attached != self.attached:
            self.attached = attached
            self._tell(contract.PAYLOAD_ATTACHED, Bool(data=attached))

    def _on_payload(self, message: PoseStamped) -> None:
        message.header.frame_id = frames.MAP
        self._tell(contract.TRUTH_PAYLOAD, message)


def main() -> None:
    """Entry point."""
    run(GazeboNode)


if __name__ == "__main__":
    main()
