# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Base of the nodes that drive somewhere and do something there: pose, map, sun, drives, pictures.

`Errand` is `sampling.field.Field` over ROS, for one goal of the node's action.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rclpy.action import ActionClient

from tenacious_interfaces.action import CaptureImages, DriveTo
from tenacious_interfaces.msg import Event
from tenacious_rover import ros
from tenacious_rover.imaging.sidecar import Sidecar, parsed
from tenacious_rover.navigation.state import Goal, ShortMove
from tenacious_rover.node import RoverNode
from tenacious_rover.perception.soft import SoftGround
from tenacious_rover.pose_listener import PoseListener
from tenacious_rover.rover import contract, frames
from tenacious_rover.sampling import patch
from tenacious_rover.sampling.field import FieldError

if TYPE_CHECKING:
    from collections.abc import Callable

    from geometry_msgs.msg import Vector3Stamped

    from tenacious_interfaces.msg import ElevationMap, Immobility
    from tenacious_rover.rover.located import Located


class FieldNode(RoverNode):
    """Knows where it is and what the ground is like; can ask for drives and pictures."""

    def build(self) -> None:
        """Subscriptions and clients."""
        self.folder = Path(self.get_parameter("run_folder").value or ".")
        self.poses = PoseListener(self)
        self.terrain: ElevationMap | None = None
        self.sun_map: np.ndarray | None = None
        ros.subscription(self, contract.TERRAIN_MAP, self._mapped)
        ros.subscription(self, contract.SUN, self._sun)
        self.soft = SoftGround()
        ros.subscription(self, contract.IMMOBILITY, self._felt)
        self.drives = ActionClient(self, DriveTo, contract.DRIVE_TO)
        self.capture = ActionClient(self, CaptureImages, contract.CAPTURE_IMAGES)

    def _mapped(self, message: ElevationMap) -> None:
        self.terrain = message

    def _felt(self, message: Immobility) -> None:
        where = self.poses.latest
        if where is not None and message.immobile:
            self.soft.add(where.odom_T_base[:2, 3])

    def _sun(self, message: Vector3Stamped) -> None:
        where = self.poses.latest
        direction = np.array([message.vector.x, message.vector.y, message.vector.z])
        if where is not None and np.isfinite(direction).all() and direction.any():
            self.sun_map = where.map_T_base[:3, :3] @ direction / np.linalg.norm(direction)


def near(place: Any) -> np.ndarray | None:
    """(2,) in map of a `PointStamped`; `None` where a goal leaves the choice to the rover."""
    xy = np.array([place.point.x, place.point.y])
    return xy if np.isfinite(xy).all() else None


class Errand:
    """A field for one goal.

    Args:
        node: whose goal it is.
        handle: of the goal.
        feedback: makes the action's feedback of a state and its progress.
    """

    def __init__(self, node: FieldNode, handle: Any, feedback: Callable[[str, float], Any]) -> None:
        self.node, self.handle, self._feedback = node, handle, feedback

    @property
    def now(self) -> float:
        """Time, s."""
        return self.node.now

    @property
    def where(self) -> Located | None:
        """The newest pose."""
        return self.node.poses.latest

    @property
    def terrain(self) -> patch.Ground | None:
        """The newest map, in odom."""
        return None if self.node.terrain is None else patch.ground(self.node.terrain)

    @property
    def sun_map(self) -> np.ndarray | None:
        """(3,) direction to the sun in map."""
        return self.node.sun_map

    def soft_m(self, xy: np.ndarray) -> np.ndarray:
        """From points (n, 2) in odom to where the wheels were felt to sink (n,)."""
        return self.node.soft.away_m(xy)

    def tell(self, name: str, words: str, *, warning: bool = False, **facts: Any) -> None:
        """Publish an event."""
        self.node.say(name, words, Event.WARNING_LO if warning else Event.ACTIVITY_HI, **facts)

    def state(self, state: str, progress: float, *, cancel: bool = True) -> None:
        """Publish feedback."""
        if cancel and self.handle.is_cancel_requested:
            raise FieldError("cancelled", cancelled=True)
        self.handle.publish_feedback(self._feedback(state, progress))

    async def sleep(self, seconds: float) -> None:
        """Wait on the node's clock."""
        await self.node.sleep(seconds)

    async def drive(self, goal: Goal | ShortMove, *, cancel: bool = True) -> None:
        """Ask navigation."""
        asked = _request(self.now, goal)
        done = await self._perform(self.node.drives, asked, cancel=cancel)
        if done is None or done.error_code:
            why = "navigation does not take the goal" if done is None else done.error_msg
            raise FieldError(why, cancelled=cancel and bool(self.handle.is_cancel_requested))

    async def stereo(self, purpose: str) -> tuple[Sidecar, Sidecar]:
        """Ask imaging."""
        asked = CaptureImages.Goal(kind="stereo", purpose=purpose)
        taken = await self._perform(self.node.capture, asked)
        if taken is None or taken.error_code or len(taken.paths) < 2:
            why = "imaging does not take the request" if taken is None else taken.error_msg
            raise FieldError(why, cancelled=bool(self.handle.is_cancel_requested))
        paths = [self.node.folder / path for path in taken.paths[:2]]
        cards = [parsed(p.with_suffix(".json").read_text(encoding="utf-8")) for p in paths]
        return cards[0], cards[1]

    async def _perform(self, client: ActionClient, goal: Any, *, cancel: bool = True) -> Any:
        cancelled = (lambda: self.handle.is_cancel_requested) if cancel else (lambda: False)
        return await self.node.perform(client, goal, cancelled=cancelled)


def _request(now: float, goal: Goal | ShortMove) -> DriveTo.Goal:
    modes = DriveTo.Goal
    limits = {"max_speed_mps": goal.speed_mps, "time_limit_s": goal.time_limit_s}
    limits["heading_tolerance"] = goal.heading_tolerance
    if isinstance(goal, ShortMove):
        mode = modes.STRAIGHT if goal.straight else modes.TURN
        amount = goal.straight or goal.turn
        tolerance = goal.tolerance_m
        return modes(mode=mode, amount=amount, position_tolerance_m=tolerance, **limits)
    yaw = 0.0 if goal.yaw is None else goal.yaw
    assert math.isfinite(goal.x)
    return modes(
        goal=ros.pose_stamped(now, frames.MAP, frames.planar(goal.x, goal.y, yaw)),
        use_heading=goal.yaw is not None,
        position_tolerance_m=goal.position_tolerance_m,
        **limits,
    )
