# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `localization`: measurements of the contract in, odometry and transforms out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from nav_msgs.msg import Odometry
from tf2_msgs.msg import TFMessage

from tenacious_interfaces.msg import Event as EventMessage
from tenacious_interfaces.msg import Immobility as ImmobilityMessage
from tenacious_rover import ros
from tenacious_rover.localization import checkpoint, landmarks
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.error import LocalizationError
from tenacious_rover.localization.localizer import Localizer
from tenacious_rover.localization.sun import site_of
from tenacious_rover.node import RoverNode, run
from tenacious_rover.rover import contract, frames, pixels
from tenacious_rover.rover.config import ConfigError
from tenacious_rover.rover.measurements import Imu, Joints, Stereo, Sun

if TYPE_CHECKING:
    from geometry_msgs.msg import TwistStamped, Vector3Stamped
    from sensor_msgs.msg import CameraInfo, Image, JointState
    from sensor_msgs.msg import Imu as ImuMessage

_RESUMED_M, _RESUMED_RAD = 0.03, math.radians(0.5)


class LocalizationNode(RoverNode):
    """Feeds `Localizer` and says what it says."""

    config: LocalizationConfig
    replayable = True

    def __init__(self) -> None:
        super().__init__("localization", LocalizationConfig)

    def build(self) -> None:
        """Core, publishers, subscriptions."""
        config = self.config
        pose = frames.planar(
            config.start_x_m, config.start_y_m, math.radians(config.start_yaw_deg), config.start_z_m
        )
        try:
            place = site_of(config)
            known = landmarks.load(Path(config.landmarks)) if config.landmarks else None
            self.core = Localizer(self.rover, config, pose, place, known)
            self._resume()
        except LocalizationError as error:
            raise ConfigError(f"localization: {error}") from error
        self._published_s = self._judged_s = self._diagnosed_s = self._saved_s = -math.inf
        self._left: dict[int, Any] = {}
        self._right: dict[int, Any] = {}
        self._fine: dict[str, bool] = {}
        self.odometry = ros.publisher(self, contract.ODOMETRY)
        self.tf = ros.publisher(self, contract.TF)
        self.immobility = ros.publisher(self, contract.IMMOBILITY)
        self.diagnostics = ros.publisher(self, contract.DIAGNOSTICS)
        ros.subscription(self, contract.IMU, self._imu)
        ros.subscription(self, contract.JOINT_STATES, self._joints)
        ros.subscription(self, contract.IMAGE_LEFT, lambda m: self._image(m, left=True))
        ros.subscription(self, contract.IMAGE_RIGHT, lambda m: self._image(m, left=False))
        ros.subscription(self, contract.DEPTH, self._depth)
        ros.subscription(self, contract.INFO_LEFT, self._left_info)
        ros.subscription(self, contract.INFO_RIGHT, self._right_info)
        ros.subscription(self, contract.SUN, self._sun)
        ros.subscription(self, contract.CMD_VEL, self._command)

    def shut_down(self) -> None:
        """Keep the newest state."""
        if hasattr(self, "core"):
            self._save()

    # -- what comes in ------------------------------------------------------------------------

    def _imu(self, message: ImuMessage) -> None:
        w, a = message.angular_velocity, message.linear_acceleration
        time_s = ros.to_seconds(message.header.stamp)
        self.core.imu(Imu(time_s, np.array([w.x, w.y, w.z]), np.array([a.x, a.y, a.z])))
        self._speak(time_s)

    def _joints(self, message: JointState) -> None:
        time_s = ros.to_seconds(message.header.stamp)
        arrays = (message.position, message.velocity, message.effort)
        position, velocity, effort = (np.asarray(values, float) for values in arrays)
        self.core.joints(Joints(time_s, tuple(message.name), position, velocity, effort))
        self._speak(time_s)

    def _image(self, message: Image, left: bool) -> None:
        """A pair is complete when both eyes of a stamp are there."""
        try:
            grey = pixels.gray(ros.from_image(message), message.encoding)
        except (ros.MessageError, pixels.EncodingError) as error:
            self.core.sensors["visual"].bad(str(error))
            return
        stamp = message.header.stamp
        key = stamp.sec * 10**9 + stamp.nanosec
        mine, other = (self._left, self._right) if left else (self._right, self._left)
        mine[key] = grey
        if key in other:
            eyes = self._left.pop(key), self._right.pop(key)
            self.core.stereo(Stereo(ros.to_seconds(stamp), *eyes))
            self._tell_fixes()
        for waiting in (self._left, self._right):
            while len(waiting) > 4:
                del waiting[min(waiting)]

    def _tell_fixes(self) -> None:
        """Every correction of map is an event with its evidence."""
        fixes, self.core.fixes = self.core.fixes, []
        for fix in fixes:
            words = f"{fix.source}: {'believed' if fix.used else 'refused'}"
            severity = EventMessage.ACTIVITY_HI if fix.used else EventMessage.WARNING_LO
            facts = fix.evidence | {"innovation": round(fix.innovation, 2)}
            self.say("absolute_fix", words, severity, **facts)

    def _depth(self, message: Image) -> None:
        """A depth camera stands in for the right eye."""
        stamp = message.header.stamp
        key = stamp.sec * 10**9 + stamp.nanosec
        if key not in self._left:
            return
        try:
            depth = np.asarray(ros.from_image(message), np.float32)
        except ros.MessageError as error:
            self.core.sensors["visual"].bad(str(error))
            return
        picture = self._left.pop(key)
        self.core.stereo(Stereo(ros.to_seconds(stamp), picture, None, depth=depth))

    def _left_info(self, message: CameraInfo) -> None:
        if message.p[0] > 0.0:
            self.core.visual.calibrate(message.p[0], message.p[5], message.p[2], message.p[6])

    def _right_info(self, message: CameraInfo) -> None:
        if message.p[0] > 0.0 and message.p[3] < 0.0:
            self.core.visual.calibrate_baseline(-message.p[3] / message.p[0])

    def _sun(self, message: Vector3Stamped) -> None:
        v = message.vector
        self.core.sun(Sun(ros.to_seconds(message.header.stamp), np.array([v.x, v.y, v.z])))

    def _command(self, message: TwistStamped) -> None:
        time_s = ros.to_seconds(message.header.stamp)
        self.core.command(time_s, message.twist.linear.x, message.twist.angular.z)

    # -- what goes out ------------------------------------------------------------------------

    def _speak(self, time_s: float) -> None:
        """Odometry at its rate of the measurements' clock, the rest more slowly."""
        if self.core.timeline is None or not math.isfinite(time_s):
            return
        if time_s - self._published_s >= 0.999 / self.config.odometry_rate_hz:
            self._published_s = time_s
            self._publish()
        if time_s - self._judged_s >= 0.1:
            self._judged_s = time_s
            self._judge()
        if time_s - self._diagnosed_s >= 1.0:
            self._diagnosed_s = time_s
            self._diagnose()
        if time_s - self._saved_s >= self.config.checkpoint_period_s:
            self._saved_s = time_s
            self._save()

    def _publish(self) -> None:
        now = self.core.estimate
        odometry = Odometry(header=ros.header(now.time_s, frames.ODOM), child_frame_id=frames.BASE)
        odometry.pose.pose = ros.to_pose(now.odom_T_base)
        odometry.pose.covariance = now.covariance.ravel().tolist()
        linear, angular = odometry.twist.twist.linear, odometry.twist.twist.angular
        linear.x, linear.y, linear.z = map(float, now.linear)
        angular.x, angular.y, angular.z = map(float, now.angular)
        chain = [
            ros.transform_stamped(now.time_s, frames.MAP, frames.ODOM, now.map_T_odom),
            ros.transform_stamped(now.time_s, frames.ODOM, frames.BASE, now.odom_T_base),
        ]
        self.tf.publish(TFMessage(transforms=chain))
        self.odometry.publish(odometry)

    def _judge(self) -> None:
        now = self.core.immobility
        message = ImmobilityMessage(header=ros.header(now.time_s, frames.BASE))
        message.wheel = [wheel.joint for wheel in self.rover.wheels]
        message.slip = [float(value) for value in now.slip]
        message.sinkage_hint_m = [float(value) for value in now.sinkage_hint_m]
        message.immobile = now.immobile
        message.commanded_mps, message.measured_mps = now.commanded_mps, now.measured_mps
        self.immobility.publish(message)
        if now.immobile != self._fine.get("moving", False):
            self._fine["moving"] = now.immobile
            words = now.reason or "moves again"
            severity = EventMessage.WARNING_LO if now.immobile else EventMessage.ACTIVITY_HI
            self.say("immobile" if now.immobile else "mobile", words, severity)

    def _diagnose(self) -> None:
        now = self.core.estimate
        message = DiagnosticArray(header=ros.header(now.time_s, ""))
        for name, words in now.status.items():
            fine = words == "ok"
            level = DiagnosticStatus.OK if fine or words == "never" else DiagnosticStatus.WARN
            refused = KeyValue(key="refused", value=str(self.core.sensors[name].refused))
            message.status.append(
                DiagnosticStatus(
                    name=f"localization: {name}", level=level, message=words, values=[refused]
                )
            )
            was_fine = self._fine.get(name)
            if fine and was_fine is False:
                self.say("sensor_back", f"{name} can be used again")
            elif not fine and was_fine:
                self.say("sensor_lost", f"{name}: {words}", EventMessage.WARNING_LO)
            if words != "never":
                self._fine[name] = fine
        sigma = np.sqrt(np.diag(now.covariance))
        facts = {
            "position_sigma_m": float(np.hypot(*sigma[:2])),
            "yaw_sigma_deg": math.degrees(sigma[5]),
        }
        values = [KeyValue(key=key, value=f"{value:.4g}") for key, value in facts.items()]
        message.status.append(
            DiagnosticStatus(
                name="localization: estimate",
                level=DiagnosticStatus.OK,
                message="running",
                values=values,
            )
        )
        self.diagnostics.publish(message)

    # -- checkpoint ---------------------------------------------------------------------------

    @property
    def _checkpoint(self) -> Path | None:
        folder = self.get_parameter("run_folder").value
        return Path(folder) / "localization" / "checkpoint.json" if folder else None

    def _resume(self) -> None:
        """A run that was stopped before its first checkpoint begins at its start, and says so."""
        path = self._checkpoint
        if not self.config.resume or path is None:
            return
        if path.exists():
            self.core.resume(checkpoint.load(path), _RESUMED_M, _RESUMED_RAD)
        else:
            words = f"no checkpoint at {path}: beginning at the start"
            self.say("not_resumed", words, EventMessage.WARNING_LO)

    def _save(self) -> None:
        if self._checkpoint is not None and self.core.timeline is not None:
            try:
                checkpoint.save(self._checkpoint, self.core.timeline.state)
            except OSError as error:
                self.say("checkpoint_failed", str(error), EventMessage.WARNING_LO)


def main() -> None:
    """Entry point."""
    run(LocalizationNode)


if __name__ == "__main__":
    main()
