# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `payload`, the only writer of the latch: sets the Moonhouse down and proves it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rclpy.action import ActionClient
from std_msgs.msg import Bool, Empty

from tenacious_interfaces.action import CaptureImages, DeployPayload, DriveTo
from tenacious_interfaces.msg import Event
from tenacious_rover import ros
from tenacious_rover.imaging.catalogue import durable, read_picture
from tenacious_rover.imaging.error import ImagingError
from tenacious_rover.imaging.sidecar import parsed
from tenacious_rover.node import RoverNode, run
from tenacious_rover.payload import house, interlocks, photograph, site
from tenacious_rover.payload.config import PayloadConfig
from tenacious_rover.payload.error import PayloadError
from tenacious_rover.pose_listener import Located, PoseListener
from tenacious_rover.rover import contract, frames, pixels
from tenacious_rover.sampling.patch import Patch, ground
from tenacious_rover.sampling.volume import near_depth

if TYPE_CHECKING:
    from geometry_msgs.msg import Vector3Stamped

    from tenacious_interfaces.msg import ElevationMap

Code = DeployPayload.Result
_GATE_HZ = 10.0
_PHOTOS = 3


class PayloadNode(RoverNode):
    """One deployment, ever."""

    config: PayloadConfig

    def __init__(self) -> None:
        super().__init__("payload", PayloadConfig)

    def build(self) -> None:
        """Subscriptions, gate, clients, server."""
        self.folder = Path(self.get_parameter("run_folder").value or ".")
        self.gate = interlocks.Gate(self.config)
        self.poses = PoseListener(self)
        self.terrain: ElevationMap | None = None
        self.attached: bool | None = None
        self.sun_map: np.ndarray | None = None
        self.track: list[np.ndarray] = []
        self.goal: DeployPayload.Goal | None = None
        self.status: dict[str, Any] = {"state": "attached or unknown"}
        ros.subscription(self, contract.TERRAIN_MAP, self._mapped)
        ros.subscription(self, contract.PAYLOAD_ATTACHED, self._latch)
        ros.subscription(self, contract.SUN, self._sun)
        self.arm = ros.publisher(self, contract.PAYLOAD_ARM)
        self.release = ros.publisher(self, contract.PAYLOAD_RELEASE)
        self.drive = ActionClient(self, DriveTo, contract.DRIVE_TO)
        self.capture = ActionClient(self, CaptureImages, contract.CAPTURE_IMAGES)
        self.server = self.serve(DeployPayload, contract.DEPLOY_PAYLOAD, self._deploy)
        self.create_timer(1.0 / _GATE_HZ, self._watch)

    def reconfigured(self) -> None:
        """New limits begin with a locked gate."""
        if hasattr(self, "gate"):
            self.gate = interlocks.Gate(self.config)

    # -- what comes in ------------------------------------------------------------------------

    def _mapped(self, message: ElevationMap) -> None:
        self.terrain = message

    def _latch(self, message: Bool) -> None:
        self.attached = bool(message.data)

    def _sun(self, message: Vector3Stamped) -> None:
        where = self.poses.latest
        direction = np.array([message.vector.x, message.vector.y, message.vector.z])
        if where is not None and np.isfinite(direction).all():
            self.sun_map = where.map_T_base[:3, :3] @ direction

    def _watch(self) -> None:
        self.gate.observe(self._facts())
        where = self.poses.latest
        if where is not None:
            xy = where.odom_T_base[:2, 3]
            if not self.track or np.hypot(*(self.track[-1] - xy)) > 0.1:
                self.track.append(xy)

    def _facts(self) -> interlocks.Facts:
        where, goal = self.poses.latest, self.goal
        return interlocks.Facts(
            time_s=self.now,
            step_active=goal is not None,
            confirmed=goal is not None and bool(goal.confirm),
            attached=self.attached,
            pose_time_s=None if where is None else where.time_s,
            speed_mps=None if where is None else where.speed_mps,
            turn_radps=None if where is None else where.turn_radps,
            tilt_rad=None if where is None else frames.tilt(where.map_T_base),
        )

    # -- the action ---------------------------------------------------------------------------

    async def _deploy(self, handle: Any) -> DeployPayload.Result:
        result = Code()
        try:
            self._refuse(handle.request)
            self.goal = handle.request
            try:
                await self._set_down(handle, result)
            finally:
                self.goal = None
                self.gate.disarm()
                self.arm.publish(Bool(data=False))
        except (PayloadError, ImagingError) as error:
            result.error_code = error.code if isinstance(error, PayloadError) else Code.NO_PROOF
            result.error_msg = str(error)
            self.say("deploy_failed", str(error), Event.WARNING_HI)
            self._note(error=str(error))
        if result.error_code == Code.CANCELED:
            handle.canceled()
        elif result.error_code:
            handle.abort()
        else:
            handle.succeed()
        return result

    def _refuse(self, goal: Any) -> None:
        if not goal.confirm:
            raise PayloadError("the request does not say confirm: true", Code.NOT_CONFIRMED)
        if self.goal is not None:
            raise PayloadError("a deployment is going on")
        if self.rover.payload is None or self.attached is not True:
            raise PayloadError("the latch does not report the house", Code.NOT_ATTACHED)

    async def _set_down(self, handle: Any, result: DeployPayload.Result) -> None:
        """The sequence: site, approach, release, back off, proof, photograph."""
        assert self.rover.payload is not None
        self._state(handle, "choosing", 0.05)
        chosen = self._choose(handle.request)
        self._state(handle, "approaching", 0.1)
        await self._approach(handle, chosen)
        self._state(handle, "releasing", 0.5)
        await self._release(handle)
        placed = self._here().map_T_base @ self.rover.payload.base_T_payload
        result.place = ros.pose_stamped(self.now, frames.MAP, placed)
        self._note(state="released", place_m=_xyz(placed), released_s=self.now)
        self._state(handle, "backing_off", 0.6, cancel=False)
        back = photograph.back_off(
            self.rover, max(self.config.photo_distance_m, self.config.back_off_m)
        )
        goal = DriveTo.Goal(mode=DriveTo.Goal.STRAIGHT, amount=-back)
        goal.max_speed_mps = self.config.back_off_speed_mps
        await self._go(goal, Code.BACK_OFF_FAILED)
        self._state(handle, "proving", 0.75, cancel=False)
        seen, name, score = await self._photographed(placed)
        result.place = ros.pose_stamped(self.now, frames.MAP, seen.map_T_payload)
        result.photograph = name
        result.upright = house.upright(seen, self.rover, math.radians(self.config.upright_deg))
        facing = math.degrees(frames.yaw(seen.map_T_payload))
        self._note(
            state="standing" if result.upright else "fallen",
            upright=result.upright,
            place_m=_xyz(seen.map_T_payload),
            facing_deg=facing,
            lean_deg=math.degrees(seen.lean),
            height_m=seen.height_m,
            photograph=name,
            composition=score,
        )
        if not result.upright:
            words = f"it leans {math.degrees(seen.lean):.0f} deg, top {seen.height_m:.2f} m high"
            raise PayloadError(f"the house is not upright: {words}", Code.NOT_UPRIGHT)
        self.say("house_stands", f"upright, facing {facing:.0f} deg, photograph {name}")

    # -- stages -------------------------------------------------------------------------------

    def _choose(self, goal: Any) -> Patch:
        here = self._here()
        if self.terrain is None:
            raise PayloadError("there is no terrain map yet", Code.NO_SITE)
        odom_T_map = frames.inverse(here.map_T_odom)
        near = None
        if math.isfinite(goal.near.point.x) and math.isfinite(goal.near.point.y):
            wished = np.array([[goal.near.point.x, goal.near.point.y, 0.0]])
            near = frames.points(odom_T_map, wished)[0, :2]
        found = site.sites(
            ground(self.terrain),
            here.odom_T_base,
            self.rover,
            self.config,
            near,
            goal.search_radius_m,
            odom_T_map[:2, 3],
            np.array(self.track),
            None if self.sun_map is None else odom_T_map[:3, :3] @ self.sun_map,
        )
        if not found:
            raise PayloadError("no level, rock-free site near here", Code.NO_SITE)
        return found[0]

    async def _approach(self, handle: Any, chosen: Patch) -> None:
        here = self._here()
        x, y, yaw = chosen.stand
        pose = here.map_T_odom @ frames.planar(x, y, yaw)
        goal = DriveTo.Goal(goal=ros.pose_stamped(self.now, frames.MAP, pose), use_heading=True)
        goal.position_tolerance_m, goal.heading_tolerance = 0.15, math.radians(15.0)
        await self._go(goal, Code.APPROACH_FAILED, handle)

    async def _release(self, handle: Any) -> None:
        """Two steps inside the window; again when the latch sticks; at last leave it attached."""
        why: tuple[str, ...] = ()
        for attempt in range(self.config.release_attempts):
            self._state(handle, "arming", 0.5)
            why = await self._armed(handle)
            if why:
                raise PayloadError(f"interlock: {', '.join(why)}", Code.INTERLOCK)
            self.arm.publish(Bool(data=True))
            await self.sleep(self.config.window_open_s + 0.5)
            self._state(handle, "releasing", 0.55)
            why = self.gate.release(self._facts())
            if why:
                self.arm.publish(Bool(data=False))
                raise PayloadError(f"interlock: {', '.join(why)}", Code.INTERLOCK)
            self.release.publish(Empty())
            self.say("release_commanded", f"attempt {attempt + 1}")
            until = self.now + self.config.release_wait_s
            while self.now < until and self.attached is not False:
                await self.sleep(0.1)
            self.arm.publish(Bool(data=False))
            if self.attached is False:
                return
            self.say("latch_sticks", f"attempt {attempt + 1}", Event.WARNING_LO)
        words = f"the latch did not let go in {self.config.release_attempts} attempts"
        raise PayloadError(f"{words}; the house stays attached", Code.NOT_RELEASED)

    async def _armed(self, handle: Any) -> tuple[str, ...]:
        """Wait for rest, then arm the gate; what stood against it at the end."""
        until = self.now + self.config.rest_time_s + 6.0
        why = self.gate.arm(self._facts())
        while why and self.now < until and not handle.is_cancel_requested:
            await self.sleep(0.2)
            why = self.gate.arm(self._facts())
        return why

    async def _photographed(self, placed: np.ndarray) -> tuple[house.Sighting, str, float]:
        """Pictures until one is well composed and shows the house upright; the best there is."""
        best: tuple[house.Sighting, str, float] | None = None
        limit = math.radians(self.config.upright_deg)
        rank, last = (False, -1.0), None
        for _ in range(_PHOTOS):
            await self.sleep(self.config.settle_s)
            name, paths = await self._picture()
            standing = False
            try:
                seen, score = self._seen(paths)
            except PayloadError as error:
                last = error
                turn = _bearing(self._here().map_T_base, placed)
            else:
                standing = house.upright(seen, self.rover, limit)
                if (standing, score) > rank:
                    best, rank = (seen, name, score), (standing, score)
                turn = seen.bearing
                if standing and score > 0.8 and abs(turn) < math.radians(12.0):
                    break
            if abs(turn) > math.radians(5.0):
                goal = DriveTo.Goal(mode=DriveTo.Goal.TURN, amount=turn)
            elif standing and best is not None and best[0].whole:
                break
            else:
                goal = DriveTo.Goal(mode=DriveTo.Goal.STRAIGHT, amount=-0.15)
            await self._go(goal, Code.BACK_OFF_FAILED)
        if best is None:
            raise PayloadError(f"no proof: {last}", Code.NO_PROOF)
        return best

    async def _picture(self) -> tuple[str, list[Path]]:
        goal = CaptureImages.Goal(kind="stereo", purpose="Moonhouse proof and photograph")
        taken = await self.perform(self.capture, goal)
        if taken is None or taken.error_code or len(taken.paths) < 2:
            why = "imaging does not take the request" if taken is None else taken.error_msg
            raise PayloadError(f"no picture of the house: {why}", Code.NO_PROOF)
        return taken.image_ids[0], [self.folder / p for p in taken.paths[:2]]

    def _seen(self, paths: list[Path]) -> tuple[house.Sighting, float]:
        card = parsed(paths[0].with_suffix(".json").read_text(encoding="utf-8"))
        left, right = [read_picture(path) for path in paths]
        depth = near_depth(
            pixels.gray(left, "rgb8"),
            pixels.gray(right, "rgb8"),
            self.rover.cameras["left"].fx_px,
            self.rover.baseline_m,
        )
        pose = card.map_T_base
        if pose is None:
            raise PayloadError("the picture has no pose", Code.NO_PROOF)
        seen = house.sighted(left, depth, self.rover, pose)
        return seen, photograph.judged(seen, self.rover, pose).score

    # -- parts --------------------------------------------------------------------------------

    def _here(self) -> Located:
        where = self.poses.latest
        if where is None:
            raise PayloadError("there is no pose yet", Code.APPROACH_FAILED)
        return where

    def _state(self, handle: Any, state: str, progress: float, *, cancel: bool = True) -> None:
        if cancel and handle.is_cancel_requested:
            raise PayloadError("cancelled", Code.CANCELED)
        handle.publish_feedback(DeployPayload.Feedback(state=state, progress=progress))
        self._note(state=state)

    async def _go(self, goal: DriveTo.Goal, code: int, handle: Any = None) -> None:
        done = await self.perform(
            self.drive,
            goal,
            cancelled=lambda: handle is not None and handle.is_cancel_requested,
        )
        if done is None or done.error_code:
            why = "navigation does not take the goal" if done is None else done.error_msg
            asked = handle is not None and handle.is_cancel_requested
            raise PayloadError(f"cannot drive: {why}", Code.CANCELED if asked else code)

    def _note(self, **facts: Any) -> None:
        """Keep `payload/status.json` of the run."""
        self.status |= {"time_s": self.now, "attached": self.attached, **facts}
        self.status["interlocks"] = [
            {"name": name, "demand": demand} for name, demand in interlocks.table()
        ]
        folder = self.folder / "payload"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            durable(folder / "status.json", json.dumps(self.status, indent=1).encode())
        except OSError as error:
            self.say("status_not_written", str(error), Event.WARNING_LO)


def _xyz(a_T_b: np.ndarray) -> list[float]:
    return [round(float(v), 4) for v in a_T_b[:3, 3]]


def _bearing(map_T_base: np.ndarray, map_T_thing: np.ndarray) -> float:
    inside = frames.points(frames.inverse(map_T_base), map_T_thing[None, :3, 3])[0]
    return math.atan2(inside[1], inside[0])


def main() -> None:
    """Entry point."""
    run(PayloadNode)


if __name__ == "__main__":
    main()
