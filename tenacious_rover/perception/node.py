# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `perception`: stereo pairs or depth images and odometry in, the terrain map out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from tenacious_interfaces.msg import Event
from tenacious_rover import ros
from tenacious_rover.node import RoverNode, run
from tenacious_rover.perception.arrivals import FrameQueue, Posed, PoseHistory
from tenacious_rover.perception.config import PerceptionConfig
from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.mapper import Seen, TerrainMapper
from tenacious_rover.perception.messages import (
    calibrated,
    to_elevation_map,
    to_occupancy_grid,
    to_points,
)
from tenacious_rover.rover import contract, frames, pixels
from tenacious_rover.rover.measurements import Stereo

if TYPE_CHECKING:
    from nav_msgs.msg import Odometry
    from sensor_msgs.msg import CameraInfo, Image, JointState
    from std_msgs.msg import Bool
    from tf2_msgs.msg import TFMessage

_COMPLAIN_S = 10.0
"""One kind of complaint at most this often."""
_POOR = 0.05
"""A frame that shows less ground than this share of the image is reported."""


class PerceptionNode(RoverNode):
    """Heavy work once per frame, in the callback that completes it."""

    config: PerceptionConfig
    replayable = True

    def __init__(self) -> None:
        super().__init__("perception", PerceptionConfig)

    def build(self) -> None:
        """Make the mapper and talk."""
        self.mapper = TerrainMapper(self.rover, self.config)
        self.queue, self.poses = FrameQueue(), PoseHistory()
        self.map_T_odom: np.ndarray | None = None
        self.infos: dict[str, CameraInfo] = {}
        self.seen: Seen | None = None
        self.milliseconds = 0.0
        self.complained: dict[str, float] = {}
        self.map_out = ros.publisher(self, contract.TERRAIN_MAP)
        self.hazards_out = ros.publisher(self, contract.HAZARDS)
        self.points_out = ros.publisher(self, contract.TERRAIN_POINTS)
        self.diagnostics_out = ros.publisher(self, contract.DIAGNOSTICS)
        ros.subscription(self, contract.IMAGE_LEFT, lambda m: self._image("left", m))
        ros.subscription(self, contract.IMAGE_RIGHT, lambda m: self._image("right", m))
        ros.subscription(self, contract.DEPTH, lambda m: self._image("depth", m))
        ros.subscription(self, contract.INFO_LEFT, lambda m: self._informed("left", m))
        ros.subscription(self, contract.INFO_RIGHT, lambda m: self._informed("right", m))
        ros.subscription(self, contract.ODOMETRY, self._located)
        ros.subscription(self, contract.TF, self._transformed)
        ros.subscription(self, contract.PAYLOAD_ATTACHED, self._attached)
        ros.subscription(self, contract.JOINT_STATES, self._joints)
        self.create_timer(1.0, self._diagnose)

    def reconfigured(self) -> None:
        """Go on with the new numbers; the map is kept while its grid stays the same."""
        if hasattr(self, "mapper"):
            self.mapper.configure(self.config)

    # -- poses --------------------------------------------------------------------------------

    def _transformed(self, message: TFMessage) -> None:
        for item in message.transforms:
            if item.header.frame_id == frames.MAP and item.child_frame_id == frames.ODOM:
                t, q = item.transform.translation, item.transform.rotation
                place, turn = np.array([t.x, t.y, t.z]), np.array([q.w, q.x, q.y, q.z])
                self.map_T_odom = frames.transform(place, turn)

    def _located(self, message: Odometry) -> None:
        try:
            a_T_base = ros.from_pose(message.pose.pose)
        except ros.MessageError as error:
            self._complain("bad_pose", str(error))
            return
        if message.header.frame_id == frames.MAP:
            if self.map_T_odom is None:
                return
            a_T_base = frames.inverse(self.map_T_odom) @ a_T_base
        covariance = np.asarray(message.pose.covariance, float).reshape(6, 6)
        self.poses.add(Posed(ros.to_seconds(message.header.stamp), a_T_base, covariance))
        self._work()

    # -- images -------------------------------------------------------------------------------

    def _image(self, eye: str, message: Image) -> None:
        stamp = message.header.stamp
        eyes = 1 if eye == "depth" else 2
        self.queue.add(eye, stamp.sec * 10**9 + stamp.nanosec, message, eyes)
        self._work()

    def _informed(self, name: str, message: CameraInfo) -> None:
        known = self.infos.get(name)
        self.infos[name] = message
        if known is not None and np.array_equal(known.p, message.p):
            return
        if "left" not in self.infos:
            return
        try:
            rover = calibrated(self.rover, self.infos["left"], self.infos.get("right"))
        except PerceptionError as error:
            self._complain("bad_calibration", str(error))
            return
        self.mapper.recalibrate(rover)

    def _work(self) -> None:
        found = self.queue.next(self.poses)
        if found is None:
            return
        stamp, images, posed = found
        began = time.process_time()
        try:
            frame = _frame(stamp * 1e-9, images)
            self.seen = self.mapper.stereo(frame, posed.odom_T_base, posed.covariance)
        except (PerceptionError, ros.MessageError, pixels.EncodingError) as error:
            self.queue.counts.bad += 1
            self._complain("bad_frame", str(error))
            return
        if self.seen is None:
            return
        self.queue.counts.used += 1
        self._publish(frame.time_s)
        self.milliseconds = 1e3 * (time.process_time() - began)

    def _publish(self, time_s: float) -> None:
        terrain = self.mapper.terrain.cropped()
        self.map_out.publish(to_elevation_map(terrain))
        self.hazards_out.publish(to_occupancy_grid(terrain))
        frame = self.rover.cameras["left"].frame
        self.points_out.publish(to_points(self.mapper.points(), time_s, frame))

    # -- what the rover carries ---------------------------------------------------------------

    def _attached(self, message: Bool) -> None:
        self.mapper.attached(bool(message.data))

    def _joints(self, message: JointState) -> None:
        scoop = self.rover.scoop
        if scoop is None or not {scoop.lift_joint, scoop.tilt_joint} <= set(message.name):
            return
        at = dict(zip(message.name, message.position, strict=False))
        lift, tilt = at.get(scoop.lift_joint, np.nan), at.get(scoop.tilt_joint, np.nan)
        if np.isfinite([lift, tilt]).all():
            self.mapper.scoop(float(lift), float(tilt))

    # -- health -------------------------------------------------------------------------------

    def _complain(self, name: str, message: str) -> None:
        if self.now - self.complained.get(name, -np.inf) >= _COMPLAIN_S:
            self.complained[name] = self.now
            self.say(name, message, Event.WARNING_LO)

    def _diagnose(self) -> None:
        counts, status = self.queue.counts, DiagnosticStatus(name="perception: terrain")
        status.hardware_id = self.rover.name
        status.level, status.message = DiagnosticStatus.OK, "the map is kept"
        if counts.used == 0:
            status.level, status.message = DiagnosticStatus.WARN, "no frame has been used yet"
        elif self.seen is None:
            words = "frames are refused: tilt, or attitude not known well enough"
            status.level, status.message = DiagnosticStatus.WARN, words
        elif self.seen.coverage < _POOR:
            words = f"the cameras see little ground: {100 * self.seen.coverage:.0f} % of the image"
            status.level, status.message = DiagnosticStatus.WARN, words
        values: dict[str, Any] = dict(vars(counts)) | {
            "refused": self.mapper.refused,
            "frame_ms": round(self.milliseconds, 1),
            "map_time_s": self.mapper.time_s,
        }
        if self.seen is not None:
            values |= {"coverage": round(self.seen.coverage, 3), "cells": self.seen.cells}
        status.values = [KeyValue(key=k, value=str(v)) for k, v in values.items()]
        message = DiagnosticArray(status=[status])
        message.header.stamp = ros.to_stamp(self.now)
        self.diagnostics_out.publish(message)


def _frame(time_s: float, images: dict[str, Any]) -> Stereo:
    """The frame of image messages.

    Raises:
        MessageError, EncodingError: an image cannot be read.
    """
    read = {eye: (ros.from_image(message), message.encoding) for eye, message in images.items()}
    if "depth" in read:
        depth, encoding = read["depth"]
        meters = depth.astype(np.float32) * (1e-3 if encoding == "16UC1" else 1.0)
        return Stereo(time_s, np.zeros(depth.shape, np.uint8), None, depth=meters)
    left, right = (pixels.gray(*read[eye]) for eye in ("left", "right"))
    return Stereo(time_s, left, right)


def main() -> None:
    """Entry point."""
    run(PerceptionNode)


if __name__ == "__main__":
    main()
