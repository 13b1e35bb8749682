# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `sampling`: chooses a patch, scoops, looks whether soil was taken, logs it."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import PointStamped
from rclpy.action import ActionClient
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from tenacious_interfaces.action import CaptureImages, CollectSample, DriveTo
from tenacious_interfaces.msg import Event, SampleRecord
from tenacious_rover import ros
from tenacious_rover.imaging.catalogue import read_picture
from tenacious_rover.imaging.error import ImagingError
from tenacious_rover.imaging.sidecar import Sidecar, parsed
from tenacious_rover.node import RoverNode, run
from tenacious_rover.pose_listener import Located, PoseListener
from tenacious_rover.rover import contract, frames, pixels
from tenacious_rover.sampling import patch, reach, soil, volume
from tenacious_rover.sampling.config import SamplingConfig
from tenacious_rover.sampling.error import SamplingError
from tenacious_rover.sampling.log import Entry, SampleLog
from tenacious_rover.sampling.scooping import FAILED, Joints, Phase, Scooping, Target

if TYPE_CHECKING:
    from sensor_msgs.msg import JointState

    from tenacious_interfaces.msg import ElevationMap

Code = CollectSample.Result
_GRID_M = 0.2
_NEAR_M = 0.02
_SCOOP_WALL_S = 180.0


class SamplingNode(RoverNode):
    """One sample at a time."""

    config: SamplingConfig

    def __init__(self) -> None:
        super().__init__("sampling", SamplingConfig)

    def build(self) -> None:
        """Subscriptions, log, clients, server."""
        self.folder = Path(self.get_parameter("run_folder").value or ".")
        self.log = SampleLog(self.folder / "samples" / "samples.sqlite")
        self.poses = PoseListener(self)
        self.terrain: ElevationMap | None = None
        self.joints: Joints | None = None
        self.scooping: tuple[Scooping, Any] | None = None
        self.busy = False
        ros.subscription(self, contract.TERRAIN_MAP, self._mapped)
        ros.subscription(self, contract.JOINT_STATES, self._moved)
        self.scoop = ros.publisher(self, contract.SCOOP_COMMAND)
        self.records = ros.publisher(self, contract.SAMPLE_RECORD)
        self.drive = ActionClient(self, DriveTo, contract.DRIVE_TO)
        self.capture = ActionClient(self, CaptureImages, contract.CAPTURE_IMAGES)
        self.server = self.serve(CollectSample, contract.COLLECT_SAMPLE, self._collect)

    def shut_down(self) -> None:
        """Close the log."""
        if hasattr(self, "log"):
            self.log.close()

    # -- what comes in ------------------------------------------------------------------------

    def _mapped(self, message: ElevationMap) -> None:
        self.terrain = message

    def _moved(self, message: JointState) -> None:
        scoop = self.rover.scoop
        if scoop is None:
            return
        try:
            a, b = message.name.index(scoop.lift_joint), message.name.index(scoop.tilt_joint)
        except ValueError:
            return
        effort = message.effort if len(message.effort) == len(message.name) else [0.0] * (a + b + 1)
        values = (message.position[a], message.position[b], effort[a], effort[b])
        if not all(map(math.isfinite, values)):
            return
        self.joints = Joints(ros.to_seconds(message.header.stamp), *values)
        if self.scooping is not None:
            self._work(*self.scooping)

    def _work(self, scooping: Scooping, done: Any) -> None:
        assert self.joints is not None
        target = scooping.step(self.joints)
        if target is not None:
            self._send(target)
        if scooping.finished and not done.done():
            done.set_result(scooping.phase)

    def _send(self, target: Target) -> None:
        assert self.rover.scoop is not None
        whole = int(target.duration_s)
        when = Duration(sec=whole, nanosec=int((target.duration_s - whole) * 1e9))
        point = JointTrajectoryPoint(positions=[target.lift, target.tilt], time_from_start=when)
        names = [self.rover.scoop.lift_joint, self.rover.scoop.tilt_joint]
        self.scoop.publish(JointTrajectory(joint_names=names, points=[point]))

    # -- the action ---------------------------------------------------------------------------

    async def _collect(self, handle: Any) -> CollectSample.Result:
        result = Code()
        try:
            self._refuse()
            self.busy = True
            try:
                await self._attempts(handle, result)
            finally:
                self.busy = False
        except (SamplingError, ImagingError) as error:
            result.error_code = error.code if isinstance(error, SamplingError) else Code.NO_FRAME
            result.error_msg = str(error)
            self.say("sample_failed", str(error), Event.WARNING_LO)
        if result.error_code == Code.CANCELED:
            handle.canceled()
        elif result.error_code:
            handle.abort()
        else:
            handle.succeed()
        return result

    def _refuse(self) -> None:
        if self.rover.scoop is None:
            raise SamplingError("this rover has no scoop", Code.INVALID_REQUEST)
        if self.busy:
            raise SamplingError("another sample is being taken")

    async def _attempts(self, handle: Any, result: CollectSample.Result) -> None:
        """Patch after patch, until one gives soil."""
        tried: list[np.ndarray] = []
        last: SamplingError | None = None
        name = self.log.next_name()
        for number in range(self.config.attempts):
            self._state(handle, "choosing", number / self.config.attempts)
            try:
                chosen = self._choose(handle.request, tried)
            except SamplingError as error:
                raise (last or error) from error
            tried.append(chosen.place[:2])
            try:
                await self._sample(handle, result, name, chosen)
            except SamplingError as error:
                if error.code in (Code.CANCELED, Code.LOG_FAILED, Code.NO_FRAME):
                    raise
                last = error
                self.say("sample_attempt", str(error), Event.WARNING_LO)
                self._log("attempt", name, {"time_s": self.now, "why": str(error)})
            else:
                return
        assert last is not None
        raise last

    def _choose(self, goal: Any, tried: list[np.ndarray]) -> patch.Patch:
        here = self._here()
        if self.terrain is None:
            raise SamplingError("there is no terrain map yet", Code.NO_SAFE_PATCH)
        assert self.rover.scoop is not None
        dig = reach.dig_point(self.rover, self.config.dig_depth_m)
        back = reach.stand_back(self.rover, dig)
        odom_T_base = here.odom_T_base
        center = frames.points(odom_T_base, np.array([[dig[0] + back, dig[1], 0.0]]))[0]
        near = goal.near.point
        if math.isfinite(near.x) and math.isfinite(near.y):
            center = frames.points(
                frames.inverse(here.map_T_odom), np.array([[near.x, near.y, 0.0]])
            )[0]
        wish = patch.Wish(
            center=center[:2],
            radius_m=goal.search_radius_m or self.config.search_radius_m,
            reach_m=float(dig[0]),
            size_m=self.rover.scoop.blade_width_m + 0.1,
            body_m=(float(self.rover.chassis.size[0]), self.rover.track_m + 0.1),
            max_slope=math.radians(self.config.max_slope_deg),
            max_roughness_m=self.config.max_roughness_m,
            max_hazard=self.config.max_hazard,
            lateral_m=float(dig[1]),
        )

        def untried(xy: np.ndarray) -> np.ndarray:
            keep = np.ones(len(xy), bool)
            for place in tried:
                keep &= np.hypot(*(xy - place).T) > 0.25
            return keep

        found = patch.patches(patch.ground(self.terrain), odom_T_base, wish, untried, most=1)
        if not found:
            words = f"no flat, rock-free patch within {wish.radius_m:g} m"
            raise SamplingError(words, Code.NO_SAFE_PATCH)
        return found[0]

    async def _sample(
        self, handle: Any, result: CollectSample.Result, name: str, chosen: patch.Patch
    ) -> None:
        """One attempt at one patch."""
        dig = reach.dig_point(self.rover, self.config.dig_depth_m)
        back = reach.stand_back(self.rover, dig)
        self._state(handle, "approaching", 0.1)
        await self._approach(handle, chosen, float(dig[0]) + back, float(dig[1]))
        self._state(handle, "before_image", 0.4)
        before = await self._stereo(handle, f"sample {name} before")
        if back:
            await self._go(handle, DriveTo.Goal(mode=DriveTo.Goal.STRAIGHT, amount=back))
        self._state(handle, "scooping", 0.5)
        scooping = await self._scoop()
        dug_from = self._here()
        if back:
            await self._go(handle, DriveTo.Goal(mode=DriveTo.Goal.STRAIGHT, amount=-back))
        if scooping.phase in FAILED:
            words = f"the scoop stopped: {scooping.phase.value}"
            raise SamplingError(words, Code.SCOOP_STALLED)
        self._state(handle, "after_image", 0.8)
        after = await self._stereo(handle, f"sample {name} after")
        contact = scooping.contact if scooping.contact is not None else dig
        place, spread = reach.place(
            dug_from.map_T_base, dug_from.covariance, contact, self.config.pose_floor_m
        )
        seen = self._changed(before, after, place)
        if seen.volume_ml < self.config.min_volume_ml or seen.significance < 3.0:
            words = f"no soil seen to be taken ({seen.volume_ml:.1f} ± {seen.sigma_ml:.1f} ml)"
            raise SamplingError(words, Code.NOTHING_TAKEN)
        self._state(handle, "logging", 0.95)
        pictures = [*before, *after]
        facts = self._facts(handle.request.label, dug_from, place, spread, seen, scooping, pictures)
        entry = self._log("sample", name, facts)
        custody = {"event": "collected", "holder": "scoop", "time_s": self.now}
        head = self._log("custody", name, custody)
        self._publish(head, facts)
        result.sample_id, result.volume_ml = name, float(seen.volume_ml)
        result.place = PointStamped(header=ros.header(self.now, frames.MAP))
        result.place.point.x, result.place.point.y, result.place.point.z = map(float, place)
        words = f"{name}: {seen.volume_ml:.0f} ± {seen.sigma_ml:.0f} ml at "
        self.say("sample_logged", words + f"{place[0]:.2f}, {place[1]:.2f}", hash=entry.hash)

    # -- parts --------------------------------------------------------------------------------

    async def _approach(
        self, handle: Any, chosen: patch.Patch, distance: float, lateral: float
    ) -> None:
        """Stand with the patch at (distance, lateral) in base_link."""
        yaw = chosen.stand[2]
        here = self._here()
        xy = np.array(patch.stand_before(chosen.place, yaw, distance, lateral))
        far = float(np.hypot(*(here.odom_T_base[:2, 3] - xy)))
        if far > 0.3 or abs(frames.wrapped(frames.yaw(here.odom_T_base) - yaw)) > 0.5:
            pose = here.map_T_odom @ frames.planar(float(xy[0]), float(xy[1]), yaw)
            goal = DriveTo.Goal(goal=ros.pose_stamped(self.now, frames.MAP, pose), use_heading=True)
            goal.position_tolerance_m = self.config.approach_tolerance_m
            goal.heading_tolerance = math.radians(8.0)
            await self._go(handle, goal)
        for _ in range(2):
            here = self._here()
            inside = frames.points(frames.inverse(here.odom_T_base), chosen.place[None])[0]
            turn, ahead = patch.aim(inside, distance, lateral)
            if abs(turn) > math.radians(2.0):
                await self._go(handle, DriveTo.Goal(mode=DriveTo.Goal.TURN, amount=turn))
            if abs(ahead) > _NEAR_M:
                await self._go(handle, DriveTo.Goal(mode=DriveTo.Goal.STRAIGHT, amount=ahead))
        await self.sleep(self.config.settle_s)

    async def _scoop(self) -> Scooping:
        scooping = Scooping(self.rover, self.config)
        done = self.future()
        self.scooping = (scooping, done)
        try:
            phase = await self.patiently(done, _SCOOP_WALL_S)
        finally:
            self.scooping = None
        await self.sleep(2.5)
        if phase is None:
            raise SamplingError("the scoop's joints do not report", Code.SCOOP_STALLED)
        if phase is Phase.DONE:
            assert self.rover.scoop is not None
            lift = self.rover.scoop.lift_limits[0]
            tilt = reach.tilt_for(self.rover.scoop, lift, float(reach.HOLD_ANGLE))
            self._send(Target(lift, tilt, 3.0))
            await self.sleep(3.5)
        return scooping

    async def _stereo(self, handle: Any, purpose: str) -> tuple[Sidecar, Sidecar]:
        goal = CaptureImages.Goal(kind="stereo", purpose=purpose)
        taken = await self.perform(self.capture, goal, cancelled=lambda: handle.is_cancel_requested)
        if taken is None or taken.error_code or len(taken.image_ids) < 2:
            why = "imaging does not take the request" if taken is None else taken.error_msg
            raise SamplingError(f"no picture for '{purpose}': {why}", Code.NO_FRAME)
        paths = [self.folder / path for path in taken.paths[:2]]
        cards = [parsed(p.with_suffix(".json").read_text(encoding="utf-8")) for p in paths]
        return cards[0], cards[1]

    def _changed(
        self,
        before: tuple[Sidecar, Sidecar],
        after: tuple[Sidecar, Sidecar],
        place: np.ndarray,
    ) -> volume.Change:
        surfaces = []
        for left, right in (before, after):
            grey = [
                pixels.gray(read_picture(self.folder / s.path, s.sha256), "rgb8")
                for s in (left, right)
            ]
            depth = volume.near_depth(
                grey[0],
                grey[1],
                self.rover.cameras["left"].fx_px,
                self.rover.baseline_m,
            )
            pose = left.map_T_base
            if pose is None:
                raise SamplingError("a picture has no pose", Code.NO_FRAME)
            surfaces.append(volume.surface(depth, self.rover, pose, place[:2], _GRID_M))
        assert self.rover.scoop is not None
        return volume.change(surfaces[0], surfaces[1], volume.reach_m(self.rover.scoop))

    def _facts(
        self,
        label: str,
        where: Located,
        place: np.ndarray,
        spread: np.ndarray,
        seen: volume.Change,
        scooping: Scooping,
        pictures: list[Sidecar],
    ) -> dict[str, Any]:
        assert self.rover.scoop is not None
        card = pictures[0]
        camera = self.rover.cameras["left"]
        pose = card.map_T_base
        assert pose is not None
        eye = frames.points(frames.inverse(pose @ camera.base_T_optical), place[None])[0]
        spot = (
            camera.fx_px * eye[0] / eye[2] + camera.cx_px,
            camera.fy_px * eye[1] / eye[2] + camera.cy_px,
        )
        rgb = read_picture(self.folder / card.path, card.sha256)
        return {
            "label": label,
            "time_s": self.now,
            "rover": self.rover.name,
            "frame": frames.MAP,
            "place_m": [float(v) for v in place],
            "covariance_m2": [float(v) for v in spread.ravel()],
            "how_known": "rover pose (wheels, gyro, cameras, sun) and scoop joints at contact",
            "contact_sensed": scooping.contact is not None,
            "pose_time_s": where.time_s,
            "volume_ml": float(seen.volume_ml),
            "volume_sigma_ml": float(seen.sigma_ml),
            "hole_depth_m": float(seen.depth_m),
            "significance": float(seen.significance),
            "verified": True,
            "soil": soil.texture(rgb, spot, 1000.0 * float(eye[2]) / camera.fx_px)
            | soil.strength(self.rover.scoop, scooping.peak_effort, max(seen.depth_m, 1e-3)),
            "images": [
                {"id": p.id, "path": p.path, "sha256": p.sha256, "purpose": p.purpose}
                for p in pictures
            ],
            "config": dataclasses.asdict(self.config),
        }

    def _log(self, kind: str, name: str, facts: dict[str, Any]) -> Entry:
        try:
            return self.log.append(kind, name, facts)
        except SamplingError as error:
            raise SamplingError(str(error), Code.LOG_FAILED) from error

    def _publish(self, head: Entry, facts: dict[str, Any]) -> None:
        record = SampleRecord(stamp=ros.to_stamp(self.now), id=head.sample, label=facts["label"])
        record.place = PointStamped(header=ros.header(facts["time_s"], frames.MAP))
        p = record.place.point
        p.x, p.y, p.z = facts["place_m"]
        record.place_covariance = np.array(facts["covariance_m2"])
        record.volume_ml, record.volume_sigma_ml = facts["volume_ml"], facts["volume_sigma_ml"]
        record.verified, record.record_hash = facts["verified"], head.hash
        self.records.publish(record)

    def _here(self) -> Located:
        where = self.poses.latest
        if where is None:
            raise SamplingError("there is no pose yet", Code.APPROACH_FAILED)
        return where

    def _state(self, handle: Any, state: str, progress: float) -> None:
        if handle.is_cancel_requested:
            raise SamplingError("cancelled", Code.CANCELED)
        handle.publish_feedback(CollectSample.Feedback(state=state, progress=progress))

    async def _go(self, handle: Any, goal: DriveTo.Goal) -> None:
        if goal.mode != DriveTo.Goal.NAVIGATE:
            goal.max_speed_mps = self.config.approach_speed_mps
        done = await self.perform(self.drive, goal, cancelled=lambda: handle.is_cancel_requested)
        if done is None or done.error_code:
            why = "navigation does not take the goal" if done is None else done.error_msg
            code = Code.CANCELED if handle.is_cancel_requested else Code.APPROACH_FAILED
            raise SamplingError(f"approach: {why}", code)


def main() -> None:
    """Entry point."""
    run(SamplingNode)


if __name__ == "__main__":
    main()
