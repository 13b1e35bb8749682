# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""From a step of a mission to an action goal of another node, and back to an answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from geometry_msgs.msg import PointStamped, PoseStamped
from rclpy.action import ActionClient

from tenacious_interfaces.action import CaptureImages, CollectSample, DeployPayload, DriveTo
from tenacious_rover import ros
from tenacious_rover.mission.file import (
    Deploy,
    Drive,
    Leave,
    Panorama,
    Photograph,
    Point,
    Sample,
    Step,
    Turn,
    Wait,
)
from tenacious_rover.mission.tree import Answer
from tenacious_rover.rover import contract, frames

if TYPE_CHECKING:
    from tenacious_rover.node import RoverNode

NO_SERVER = 9002


class ActionRequest:
    """A goal on its way at another node's action server."""

    def __init__(self, node: RoverNode, client: ActionClient, goal: Any, what: str) -> None:
        self._what = what
        self._cancelled = False
        self._answer = Answer(False, activity=what)
        node.executor.create_task(self._run, node, client, goal)

    async def _run(self, node: RoverNode, client: ActionClient, goal: Any) -> None:
        result = await node.perform(client, goal, self._feedback, lambda: self._cancelled)
        if result is None:
            self._answer = Answer(True, NO_SERVER, f"{self._what}: no server took the goal")
        else:
            self._answer = Answer(True, int(result.error_code), result.error_msg, self._what)

    def _feedback(self, feedback: Any) -> None:
        if self._answer.done:
            return
        state = getattr(feedback, "state", "").replace("_", " ")
        reason = getattr(feedback, "reason", "")
        words = ", ".join(word for word in (state, reason) if word)
        distance = getattr(feedback, "distance_remaining_m", None)
        if distance is not None and math.isfinite(distance):
            words += f", {distance:.1f} m to go"
        remaining = getattr(feedback, "estimated_time_remaining_s", math.nan)
        self._answer = Answer(
            False,
            activity=f"{self._what}: {words}" if words else self._what,
            remaining_s=remaining if math.isfinite(remaining) and remaining > 0.0 else None,
        )

    def poll(self) -> Answer:
        """How it stands."""
        return self._answer

    def cancel(self) -> None:
        """Pass a cancellation on."""
        self._cancelled = True


class WaitRequest:
    """Standing still for a while."""

    def __init__(self, node: RoverNode, seconds: float) -> None:
        self._node, self._until = node, node.now + seconds

    def poll(self) -> Answer:
        """Done when the time is over."""
        left = max(self._until - self._node.now, 0.0)
        return Answer(left <= 0.0, activity="waiting", remaining_s=left)

    def cancel(self) -> None:
        """End it now."""
        self._until = self._node.now


class Services:
    """The rover's action servers, as a mission sees them."""

    def __init__(self, node: RoverNode) -> None:
        self._node = node
        self._drive = ActionClient(node, DriveTo, contract.DRIVE_TO)
        self._capture = ActionClient(node, CaptureImages, contract.CAPTURE_IMAGES)
        self._sample = ActionClient(node, CollectSample, contract.COLLECT_SAMPLE)
        self._deploy = ActionClient(node, DeployPayload, contract.DEPLOY_PAYLOAD)

    def missing(self) -> list[str]:
        """Names of the action servers that are not there yet."""
        named = {
            contract.DRIVE_TO: self._drive,
            contract.CAPTURE_IMAGES: self._capture,
            contract.COLLECT_SAMPLE: self._sample,
            contract.DEPLOY_PAYLOAD: self._deploy,
        }
        return [name for name, client in named.items() if not client.server_is_ready()]

    def start(self, step: Step) -> ActionRequest | WaitRequest:
        """Begin what a step asks for."""
        if isinstance(step, Wait):
            return WaitRequest(self._node, step.seconds)
        client, goal = self._goal(step)
        return ActionRequest(self._node, client, goal, step.title)

    def _goal(self, step: Step) -> tuple[ActionClient, Any]:
        if isinstance(step, Leave):
            return self._drive, DriveTo.Goal(
                mode=DriveTo.Goal.STRAIGHT, amount=step.distance_m, **self._limit(step)
            )
        if isinstance(step, Turn):
            return self._drive, DriveTo.Goal(
                mode=DriveTo.Goal.TURN, amount=math.radians(step.angle_deg), **self._limit(step)
            )
        if isinstance(step, Drive):
            return self._drive, self._drive_goal(step)
        if isinstance(step, Panorama):
            return self._capture, CaptureImages.Goal(
                kind="panorama",
                purpose=step.purpose,
                overlap=step.overlap,
                span=math.radians(step.span_deg),
                target=self._point(None),
            )
        if isinstance(step, Photograph):
            return self._capture, CaptureImages.Goal(
                kind=step.kind,
                purpose=step.purpose,
                count=step.count,
                target=self._point(step.target_m),
            )
        if isinstance(step, Sample):
            return self._sample, CollectSample.Goal(
                label=step.label,
                near=self._point(step.near_m),
                search_radius_m=step.search_radius_m,
            )
        assert isinstance(step, Deploy)
        return self._deploy, DeployPayload.Goal(
            near=self._point(step.near_m), search_radius_m=step.search_radius_m, confirm=True
        )

    def _drive_goal(self, step: Drive) -> DriveTo.Goal:
        heading = math.radians(step.heading_deg or 0.0)
        pose: PoseStamped = ros.pose_stamped(
            self._node.now, frames.MAP, frames.planar(*step.to_m, heading)
        )
        return DriveTo.Goal(
            mode=DriveTo.Goal.NAVIGATE,
            goal=pose,
            use_heading=step.heading_deg is not None,
            position_tolerance_m=step.tolerance_m,
            max_speed_mps=step.speed_mps or 0.0,
            **self._limit(step),
        )

    def _limit(self, step: Step) -> dict[str, float]:
        return {} if step.time_limit_s is None else {"time_limit_s": step.time_limit_s}

    def _point(self, place: Point | None) -> PointStamped:
        """A place in map; NaN where the mission leaves the choice to the rover."""
        point = PointStamped(header=ros.header(self._node.now, frames.MAP))
        point.point.x, point.point.y = place or (math.nan, math.nan)
        return point
