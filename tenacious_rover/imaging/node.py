# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `imaging`: takes pictures on demand, meters them, keeps them with their sidecars."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rclpy.action import ActionClient

from tenacious_interfaces.action import CaptureImages, DriveTo
from tenacious_interfaces.msg import Event, ImageRecord
from tenacious_interfaces.srv import SetCameraControls
from tenacious_rover import ros
from tenacious_rover.imaging import exposure, panorama, sidecar, view
from tenacious_rover.imaging.catalogue import Catalogue
from tenacious_rover.imaging.config import ImagingConfig
from tenacious_rover.imaging.error import ImagingError
from tenacious_rover.imaging.metering import metered
from tenacious_rover.node import RoverNode, run
from tenacious_rover.pose_listener import PoseListener
from tenacious_rover.rover import contract, frames, pixels

if TYPE_CHECKING:
    from geometry_msgs.msg import Vector3Stamped
    from sensor_msgs.msg import Image

    from tenacious_rover.rover.located import Located

Code = CaptureImages.Result
_KEEP = -1.0


@dataclass(frozen=True)
class Shot:
    """A pair with the settings it was taken with."""

    left: Image
    right: Image
    used: exposure.Exposure
    clipped: float

    @property
    def rgb(self) -> Any:
        """Left picture (h, w, 3)."""
        return pixels.rgb(ros.from_image(self.left), self.left.encoding)


class ImagingNode(RoverNode):
    """One request at a time; turning is asked of navigation."""

    config: ImagingConfig

    def __init__(self) -> None:
        super().__init__("imaging", ImagingConfig)

    def build(self) -> None:
        """Subscriptions, camera, catalogue, server."""
        folder = self.get_parameter("run_folder").value or "."
        self.catalogue = Catalogue(Path(folder), self.config.disk_reserve_mb)
        self.poses = PoseListener(self)
        self.sun_map: np.ndarray | None = None
        self.newest: dict[str, dict[float, Image]] = {"left": {}, "right": {}}
        self.waiter: tuple[float, Any] | None = None
        self.busy = False
        self.used = exposure.split(self.config.first_exposure_us, self.config)
        ros.subscription(self, contract.IMAGE_LEFT, lambda m: self._image("left", m))
        ros.subscription(self, contract.IMAGE_RIGHT, lambda m: self._image("right", m))
        ros.subscription(self, contract.SUN, self._sun)
        self.records = ros.publisher(self, contract.IMAGE_RECORD)
        self.camera = self.create_client(SetCameraControls, contract.SET_CAMERA_CONTROLS)
        self.drive = ActionClient(self, DriveTo, contract.DRIVE_TO)
        self.server = self.serve(CaptureImages, contract.CAPTURE_IMAGES, self._capture)

    def shut_down(self) -> None:
        """Close the catalogue."""
        if hasattr(self, "catalogue"):
            self.catalogue.close()

    # -- what comes in ------------------------------------------------------------------------

    def _sun(self, message: Vector3Stamped) -> None:
        where = self.poses.latest
        direction = np.array([message.vector.x, message.vector.y, message.vector.z])
        if where is not None and np.isfinite(direction).all() and direction.any():
            self.sun_map = where.map_T_base[:3, :3] @ direction / np.linalg.norm(direction)

    def _image(self, eye: str, message: Image) -> None:
        kept = self.newest[eye]
        kept[ros.to_seconds(message.header.stamp)] = message
        while len(kept) > 4:
            kept.pop(min(kept))
        self._wake()

    def _wake(self) -> None:
        """Give the one that waits the oldest whole pair that is new enough."""
        if self.waiter is None or self.waiter[1].done():
            return
        after, future = self.waiter
        both = sorted(set(self.newest["left"]) & set(self.newest["right"]))
        for stamp in both:
            if stamp >= after - 1e-6:
                future.set_result((self.newest["left"][stamp], self.newest["right"][stamp]))
                return

    # -- the camera ---------------------------------------------------------------------------

    async def _pair(self, used: exposure.Exposure) -> Shot:
        """One pair with these settings."""
        request = SetCameraControls.Request(auto_exposure=False, rate_hz=_KEEP, trigger=True)
        request.exposure_us, request.gain = used.exposure_us, used.gain
        asked, patience = self.now, self.config.frame_timeout_s
        answer = await self.patiently(self.camera.call_async(request), patience)
        stamp = ros.to_seconds(answer.stamp) if answer is not None else 0.0
        self.waiter = (stamp if stamp > 0.0 else asked, self.future())
        self._wake()
        got = await self.patiently(self.waiter[1], patience)
        self.waiter = None
        if got is None:
            words = "the camera gave no pair" if answer else "camera/set_controls does not answer"
            raise ImagingError(f"{words} within {patience:g} s", Code.NO_FRAME)
        for message in got:
            try:
                ros.from_image(message)
            except ros.MessageError as error:
                raise ImagingError(f"a frame cannot be used: {error}", Code.NO_FRAME) from error
        return Shot(got[0], got[1], used, 0.0)

    async def _metered(self) -> Shot:
        """One pair, well exposed; the best of what the rounds gave."""

        async def take(used: exposure.Exposure) -> tuple[Any, Shot]:
            shot = await self._pair(used)
            return ros.from_image(shot.left), shot

        where = self.poses.latest
        level = None if where is None else where.map_T_base[:3, :3]
        mask = exposure.ground(self.rover.cameras["left"], level)
        taken = await metered(take, mask, self.used, self.config, self.sun_map)
        self.used = taken.used
        return replace(taken.frame, clipped=taken.clipped)

    async def _automatic(self) -> None:
        """Leave the camera as driving wants it."""
        request = SetCameraControls.Request(auto_exposure=True, rate_hz=_KEEP, trigger=False)
        await self.patiently(self.camera.call_async(request), self.config.frame_timeout_s)

    # -- the action ---------------------------------------------------------------------------

    async def _capture(self, handle: Any) -> CaptureImages.Result:
        result = Code()
        kinds = {
            "single": self._plain,
            "stereo": self._plain,
            "burst": self._burst,
            "bracket": self._bracket,
            "panorama": self._panorama,
            "target": self._target,
        }
        kept: list[sidecar.Sidecar] = []
        try:
            self._refuse(handle.request.kind, tuple(kinds))
            self.busy = True
            try:
                await self.sleep(self.config.settle_s)
                await kinds[handle.request.kind](handle, kept)
            finally:
                self.busy = False
                await self._automatic()
        except (ImagingError, pixels.EncodingError) as error:
            result.error_code = getattr(error, "code", Code.UNKNOWN)
            result.error_msg = str(error)
            self.say("capture_failed", str(error), Event.WARNING_LO)
        result.image_ids = [s.id for s in kept]
        result.paths = [s.path for s in kept]
        if result.error_code == Code.CANCELED:
            handle.canceled()
        elif result.error_code:
            handle.abort()
        else:
            handle.succeed()
            self.say("images_taken", f"{len(kept)} for '{handle.request.purpose}'")
        return result

    def _refuse(self, kind: str, kinds: tuple[str, ...]) -> None:
        if kind not in kinds:
            words = f"kind {kind!r} is not one of {', '.join(kinds)}"
            raise ImagingError(words, Code.INVALID_REQUEST)
        if self.busy:
            raise ImagingError("another request is being worked on")

    async def _plain(self, handle: Any, kept: list[sidecar.Sidecar]) -> None:
        shot = await self._metered()
        eyes = ("left",) if handle.request.kind == "single" else ("left", "right")
        self._keep(handle, kept, shot, eyes)

    async def _burst(self, handle: Any, kept: list[sidecar.Sidecar]) -> None:
        shot = await self._metered()
        count = handle.request.count or self.config.burst_count
        for index in range(count):
            self._proceed(handle, index, count, "burst")
            self._keep(handle, kept, shot, ("left",))
            if index + 1 < count:
                shot = await self._pair(shot.used)

    async def _bracket(self, handle: Any, kept: list[sidecar.Sidecar]) -> None:
        middle = (await self._metered()).used
        shots = []
        for used in exposure.bracket(middle, self.config.bracket_stops, self.config):
            self._proceed(handle, len(shots), 3, "bracket")
            shots.append(await self._pair(used))
            self._keep(handle, kept, shots[-1], ("left",))
        light = exposure.merged([s.rgb for s in shots], [s.used for s in shots], self.config)
        scale = 65535.0 / max(float(light.max()), 1e-12)
        where = self.poses.latest
        merged = self._store(
            handle, exposure.displayed(light), "merged", kept, where, {"radiance_scale": scale}
        )
        self.catalogue.store_raw(merged.id, (light * scale + 0.5).astype(np.uint16))

    async def _target(self, handle: Any, kept: list[sidecar.Sidecar]) -> None:
        point = handle.request.target.point
        if not (math.isfinite(point.x) and math.isfinite(point.y)):
            raise ImagingError("target: the place is not finite", Code.INVALID_REQUEST)
        target, here = (point.x, point.y), self._here()
        distance = math.dist(target, here.map_T_base[:2, 3])
        if distance > self.config.view_distance_max_m:
            sun = None if self.sun_map is None else math.atan2(self.sun_map[1], self.sun_map[0])
            xy = (float(here.map_T_base[0, 3]), float(here.map_T_base[1, 3]))
            stand = view.standing_place(target, xy, self.config.view_distance_m, sun)
            assert stand is not None
            pose = ros.pose_stamped(
                self.now, frames.MAP, frames.planar(stand.x, stand.y, stand.yaw)
            )
            await self._drive(handle, DriveTo.Goal(goal=pose, use_heading=True))
        turn = view.bearing(self._here().map_T_base, target)
        if abs(turn) > math.radians(3.0):
            await self._drive(handle, DriveTo.Goal(mode=DriveTo.Goal.TURN, amount=turn))
        self._keep(handle, kept, await self._metered(), ("left", "right"))

    async def _panorama(self, handle: Any, kept: list[sidecar.Sidecar]) -> None:
        goal, camera = handle.request, self.rover.cameras["left"]
        overlap = goal.overlap or self.config.overlap
        planned = panorama.turns(camera.horizontal_fov, overlap, goal.span)
        views = []
        for index, turn in enumerate([0.0, *planned]):
            self._proceed(handle, index, len(planned) + 1, "panorama")
            if turn:
                await self._drive(handle, DriveTo.Goal(mode=DriveTo.Goal.TURN, amount=turn))
            shot = await self._metered()
            self._keep(handle, kept, shot, ("left",))
            light = exposure.radiance(shot.rgb, shot.used, self.config)
            rotation = (self._here().map_T_base @ camera.base_T_optical)[:3, :3]
            views.append(panorama.View(light, rotation, camera.matrix))
        made = panorama.stitched(views)
        self._check(made)
        extra = {
            "projection": "cylinder",
            "first_azimuth_deg": math.degrees(made.first_azimuth),
            "px_per_rad": made.px_per_rad,
            "horizon_row": made.horizon_row,
            "seam_correlation": [round(float(s), 3) for s in made.seams if math.isfinite(s)],
        }
        picture = exposure.displayed(made.light, made.seen)
        self._store(handle, picture, "stitched", kept, self._here(), extra)

    def _check(self, made: panorama.Panorama) -> None:
        seams = made.seams[np.isfinite(made.seams)]
        if len(seams) and float(np.median(seams)) < self.config.stitch_correlation:
            words = f"the frames agree by {np.median(seams):.2f} only; they are kept"
            raise ImagingError(f"panorama: {words}", Code.STITCH_FAILED)

    # -- parts --------------------------------------------------------------------------------

    def _here(self) -> Located:
        where = self.poses.latest
        if where is None:
            raise ImagingError("there is no pose to turn by", Code.TURN_FAILED)
        return where

    def _proceed(self, handle: Any, taken: int, planned: int, state: str) -> None:
        if handle.is_cancel_requested:
            raise ImagingError("cancelled", Code.CANCELED)
        handle.publish_feedback(CaptureImages.Feedback(taken=taken, planned=planned, state=state))

    async def _drive(self, handle: Any, goal: DriveTo.Goal) -> None:
        done = await self.perform(self.drive, goal, cancelled=lambda: handle.is_cancel_requested)
        if done is None or done.error_code:
            why = "navigation does not take the goal" if done is None else done.error_msg
            code = Code.CANCELED if handle.is_cancel_requested else Code.TURN_FAILED
            raise ImagingError(f"cannot look there: {why}", code)
        await self.sleep(self.config.settle_s)

    def _keep(
        self, handle: Any, kept: list[sidecar.Sidecar], shot: Shot, eyes: tuple[str, ...]
    ) -> None:
        where = self.poses.latest
        for eye in eyes:
            message = shot.left if eye == "left" else shot.right
            rgb = pixels.rgb(ros.from_image(message), message.encoding)
            self._store(handle, rgb, eye, kept, where, {}, shot)

    def _store(
        self,
        handle: Any,
        rgb: Any,
        eye: str,
        kept: list[sidecar.Sidecar],
        where: Located | None,
        extra: dict[str, Any],
        shot: Shot | None = None,
    ) -> sidecar.Sidecar:
        facts: dict[str, Any] = {}
        camera = self.rover.cameras.get(eye, self.rover.cameras["left"])
        if where is not None:
            facts |= sidecar.pose_facts(where.map_T_base, where.covariance)
        if shot is not None:
            facts |= {"exposure_us": shot.used.exposure_us, "gain": shot.used.gain}
            facts |= {"clipped_share": shot.clipped, "camera": sidecar.camera_facts(camera)}
        if where is not None and self.sun_map is not None:
            sun = where.map_T_base[:3, :3].T @ self.sun_map
            facts |= sidecar.sun_facts(sun, where.map_T_base, camera)
        if kept:
            facts["group"] = kept[0].group
        time_s = self.now if shot is None else ros.to_seconds(shot.left.header.stamp)
        try:
            record = self.catalogue.store(
                rgb,
                kind=handle.request.kind,
                purpose=handle.request.purpose,
                time_s=time_s,
                eye=eye,
                extra=extra,
                **facts,
            )
        except ImagingError as error:
            raise ImagingError(str(error), Code.STORAGE_FULL) from error
        kept.append(record)
        self._publish(record, where)
        return record

    def _publish(self, record: sidecar.Sidecar, where: Located | None) -> None:
        message = ImageRecord(
            stamp=ros.to_stamp(record.time_s),
            id=record.id,
            kind=record.kind,
            purpose=record.purpose,
            path=record.path,
            sha256=record.sha256,
        )
        if where is not None:
            message.pose.pose = ros.to_pose(where.map_T_base)
            message.pose.covariance = where.covariance.ravel()
        self.records.publish(message)


def main() -> None:
    """Entry point."""
    run(ImagingNode)


if __name__ == "__main__":
    main()
