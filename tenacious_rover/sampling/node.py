# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `sampling`: `collect_sample` over ROS."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import PointStamped
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from tenacious_interfaces.action import CollectSample
from tenacious_interfaces.msg import Event, SampleRecord
from tenacious_rover import ros
from tenacious_rover.field_node import Errand, FieldNode, near
from tenacious_rover.imaging.error import ImagingError
from tenacious_rover.node import run
from tenacious_rover.rover import contract, frames
from tenacious_rover.sampling import reach
from tenacious_rover.sampling.collecting import Collected, Collecting, Request
from tenacious_rover.sampling.config import SamplingConfig
from tenacious_rover.sampling.error import Code, SamplingError
from tenacious_rover.sampling.log import SampleLog
from tenacious_rover.sampling.scooping import Joints, Scooping, Target

if TYPE_CHECKING:
    from sensor_msgs.msg import JointState

_SCOOP_WALL_S = 180.0


class SamplingNode(FieldNode):
    """One sample at a time."""

    config: SamplingConfig

    def __init__(self) -> None:
        super().__init__("sampling", SamplingConfig)

    def build(self) -> None:
        """Log, joints, server."""
        super().build()
        self.log = SampleLog(self.folder / "samples" / "samples.sqlite")
        self.scooping: tuple[Scooping, Any] | None = None
        self.busy = False
        ros.subscription(self, contract.JOINT_STATES, self._moved)
        self.scoop = ros.publisher(self, contract.SCOOP_COMMAND)
        self.records = ros.publisher(self, contract.SAMPLE_RECORD)
        self.server = self.serve(CollectSample, contract.COLLECT_SAMPLE, self._collect)

    def shut_down(self) -> None:
        """Close the log."""
        if hasattr(self, "log"):
            self.log.close()

    # -- the scoop ----------------------------------------------------------------------------

    def _moved(self, message: JointState) -> None:
        scoop = self.rover.scoop
        if scoop is None or self.scooping is None:
            return
        try:
            a, b = message.name.index(scoop.lift_joint), message.name.index(scoop.tilt_joint)
        except ValueError:
            return
        effort = message.effort if len(message.effort) == len(message.name) else [0.0] * (a + b + 1)
        values = (message.position[a], message.position[b], effort[a], effort[b])
        if not all(map(math.isfinite, values)):
            return
        where = self.poses.latest
        pitch = 0.0 if where is None else reach.pitch(where.odom_T_base)
        joints = Joints(ros.to_seconds(message.header.stamp), *values, pitch)
        scooping, done = self.scooping
        target = scooping.step(joints)
        if target is not None:
            self.send(target)
        if scooping.finished and not done.done():
            done.set_result(scooping.phase)

    def send(self, target: Target) -> None:
        """Command the joints."""
        assert self.rover.scoop is not None
        whole = int(target.duration_s)
        when = Duration(sec=whole, nanosec=int((target.duration_s - whole) * 1e9))
        point = JointTrajectoryPoint(positions=[target.lift, target.tilt], time_from_start=when)
        names = [self.rover.scoop.lift_joint, self.rover.scoop.tilt_joint]
        self.scoop.publish(JointTrajectory(joint_names=names, points=[point]))

    # -- the action ---------------------------------------------------------------------------

    async def _collect(self, handle: Any) -> CollectSample.Result:
        result = CollectSample.Result()
        try:
            self._answer(result, await self._collected(handle))
        except (SamplingError, ImagingError) as error:
            code = error.code if isinstance(error, SamplingError) else Code.NO_FRAME
            result.error_code, result.error_msg = int(code), str(error)
            self.say("sample_failed", str(error), Event.WARNING_LO)
        if result.error_code == Code.CANCELED:
            handle.canceled()
        elif result.error_code:
            handle.abort()
        else:
            handle.succeed()
        return result

    async def _collected(self, handle: Any) -> Collected:
        if self.busy:
            raise SamplingError("another sample is being taken")
        self.busy = True
        try:
            asked = handle.request
            collecting = Collecting(self.rover, self.config, self.log, self.folder)
            request = Request(asked.label, near(asked.near), asked.search_radius_m)
            return await collecting.collect(ScoopErrand(self, handle), request)
        finally:
            self.busy = False

    def _answer(self, result: CollectSample.Result, collected: Collected) -> None:
        """Fill in the result and publish the record."""
        facts = collected.facts
        result.sample_id, result.volume_ml = collected.sample, facts["volume_ml"]
        record = SampleRecord(
            stamp=ros.to_stamp(self.now), id=collected.sample, label=facts["label"]
        )
        record.place = PointStamped(header=ros.header(facts["time_s"], frames.MAP))
        p = record.place.point
        p.x, p.y, p.z = facts["place_m"]
        result.place = record.place
        record.place_covariance = np.array(facts["covariance_m2"])
        record.volume_ml, record.volume_sigma_ml = facts["volume_ml"], facts["volume_sigma_ml"]
        record.verified, record.record_hash = facts["verified"], collected.head.hash
        self.records.publish(record)


class ScoopErrand(Errand):
    """A field with this node's scoop."""

    node: SamplingNode

    def __init__(self, node: SamplingNode, handle: Any) -> None:
        feedback = CollectSample.Feedback
        super().__init__(node, handle, lambda s, p: feedback(state=s, progress=p))

    def aim_scoop(self, target: Target) -> None:
        """Send the joints."""
        self.node.send(target)

    async def scoop(self, scooping: Scooping) -> bool:
        """With each message of the joints one step."""
        done = self.node.future()
        self.node.scooping = (scooping, done)
        try:
            return await self.node.patiently(done, _SCOOP_WALL_S) is not None
        finally:
            self.node.scooping = None


def main() -> None:
    """Entry point."""
    run(SamplingNode)


if __name__ == "__main__":
    main()
