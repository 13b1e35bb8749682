# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `navigation`, the only writer of `cmd_vel`: `drive_to`, and goals from RViz."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from geometry_msgs.msg import PoseStamped, TwistStamped
from nav_msgs.msg import Path

from tenacious_interfaces.action import DriveTo
from tenacious_interfaces.msg import Event, NavigationState
from tenacious_rover import ros
from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.navigation.cost import NEEDED
from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.navigation.navigator import Navigator
from tenacious_rover.navigation.state import Command, Goal, Motion, ShortMove
from tenacious_rover.navigation.zones import Zones
from tenacious_rover.node import RoverNode, run
from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.messages import from_elevation_map
from tenacious_rover.perception.soft import mean_slip
from tenacious_rover.pose_listener import PoseListener
from tenacious_rover.rover import contract, frames
from tenacious_rover.rover.config import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from sensor_msgs.msg import JointState
    from std_msgs.msg import Bool

    from tenacious_interfaces.msg import ElevationMap, Immobility
    from tenacious_rover.perception.terrain_map import TerrainMap

_CYCLE_S = 0.1
_ZEROS = 10
_SAY_EVERY = 5


@dataclass
class Active:
    """A goal that is being driven; `handle` and `done` are `None` for one from RViz."""

    handle: Any = None
    done: Any = None


class NavigationNode(RoverNode):
    """Ten times a second: newest pose and map in, one command out."""

    config: NavigationConfig
    replayable = True

    def __init__(self) -> None:
        super().__init__("navigation", NavigationConfig)

    def build(self) -> None:
        """The navigator, what it listens to, and the action."""
        self.zones = self._zones()
        self.navigator = Navigator(self.rover, self.config)
        self.poses = PoseListener(self)
        self.terrain: TerrainMap | None = None
        self.immobile, self.slip, self.effort = False, math.nan, math.nan
        self.active: Active | None = None
        self.count = 0
        self.zeros = 0
        self.said = ("", "")
        self.wheels = {wheel.joint for wheel in self.rover.wheels}
        ros.subscription(self, contract.TERRAIN_MAP, self._mapped)
        ros.subscription(self, contract.IMMOBILITY, self._immobile)
        ros.subscription(self, contract.JOINT_STATES, self._joints)
        ros.subscription(self, contract.GOAL_POSE, self._pointed)
        ros.subscription(self, contract.PAYLOAD_ATTACHED, self._latched)
        self.commands = ros.publisher(self, contract.CMD_VEL)
        self.plans = ros.publisher(self, contract.PLAN)
        self.states = ros.publisher(self, contract.NAVIGATION_STATE)
        self.server = self.serve(DriveTo, contract.DRIVE_TO, self._drive)
        self.create_timer(_CYCLE_S, self._cycle)

    def reconfigured(self) -> None:
        """From the next goal on."""
        self.zones = self._zones()
        if hasattr(self, "navigator"):
            self.navigator.configure(self.config)

    def shut_down(self) -> None:
        """Stop the wheels, if that still goes out."""
        if hasattr(self, "commands") and self.context.ok():
            self._send(0.0, 0.0)

    def _zones(self) -> Zones:
        try:
            return Zones.parsed(self.config.keep_out, self.config.keep_in)
        except NavigationError as error:
            raise ConfigError(f"navigation: {error}") from error

    # -- what comes in ------------------------------------------------------------------------

    def _mapped(self, message: ElevationMap) -> None:
        if message.header.frame_id not in ("", frames.ODOM):
            return
        try:
            terrain = from_elevation_map(message)
        except PerceptionError as error:
            self.say("map_refused", str(error), Event.WARNING_LO)
            return
        lacking = set(NEEDED) - set(terrain.layers)
        if lacking:
            words = f"map message: no layers {', '.join(sorted(lacking))}"
            self.say("map_refused", words, Event.WARNING_LO)
            return
        if self.terrain is None or terrain.time_s >= self.terrain.time_s:
            self.terrain = terrain

    def _immobile(self, message: Immobility) -> None:
        self.slip = mean_slip(message.slip)
        self.immobile = bool(message.immobile)

    def _joints(self, message: JointState) -> None:
        if len(message.effort) == len(message.name):
            efforts = [
                abs(effort)
                for name, effort in zip(message.name, message.effort, strict=True)
                if name in self.wheels and math.isfinite(effort)
            ]
            self.effort = max(efforts, default=math.nan)

    def _latched(self, message: Bool) -> None:
        self.navigator.attached(bool(message.data))

    def _pointed(self, message: PoseStamped) -> None:
        """A goal from RViz replaces what is being driven."""
        try:
            goal = self._goal(DriveTo.Goal(goal=message, use_heading=True))
            self._begin(goal, Active())
        except NavigationError as error:
            self.say("goal_refused", str(error), Event.WARNING_LO)

    # -- the action ---------------------------------------------------------------------------

    async def _drive(self, handle: Any) -> DriveTo.Result:
        active = Active(handle, self.future())
        try:
            self._begin(self._goal(handle.request), active)
        except NavigationError as error:
            handle.abort()
            return DriveTo.Result(error_code=int(error.code), error_msg=str(error))
        ended: Command = await active.done
        result = DriveTo.Result(error_code=int(ended.code), error_msg="")
        if ended.code is not Code.NONE:
            result.error_msg = ended.reason
        result.distance_driven_m = float(ended.distance_driven_m)
        result.duration_s = float(ended.elapsed_s)
        result.number_of_recoveries = ended.recoveries
        where = self.poses.latest
        if where is not None:
            result.final_pose = ros.pose_stamped(where.time_s, frames.MAP, where.map_T_base)
        if ended.code is Code.CANCELED:
            handle.canceled()
        elif ended.code is Code.NONE:
            handle.succeed()
        else:
            handle.abort()
        return result

    def _goal(self, request: Any) -> Goal | ShortMove:
        limits = {"speed_mps": request.max_speed_mps, "time_limit_s": request.time_limit_s}
        limits["heading_tolerance"] = request.heading_tolerance
        for name, value in {**limits, "position_tolerance_m": request.position_tolerance_m}.items():
            if not (math.isfinite(value) and value >= 0.0):
                raise NavigationError(f"{name}: {value} is not 0 or more", Code.INVALID_GOAL)
        modes = DriveTo.Goal
        if request.mode == modes.NAVIGATE:
            x, y, yaw = self._place(request.goal, bool(request.use_heading))
            return Goal(x, y, yaw, request.position_tolerance_m, **limits)
        if request.mode == modes.STRAIGHT:
            return ShortMove(request.amount, 0.0, request.position_tolerance_m, **limits)
        if request.mode == modes.TURN:
            return ShortMove(0.0, request.amount, request.position_tolerance_m, **limits)
        words = f"mode: {request.mode} is not one of 0 NAVIGATE, 1 STRAIGHT, 2 TURN"
        raise NavigationError(words, Code.INVALID_GOAL)

    def _place(self, goal: PoseStamped, use_heading: bool) -> tuple[float, float, float | None]:
        """In map."""
        if not use_heading:
            goal.pose.orientation.w, goal.pose.orientation.z = 1.0, 0.0
            goal.pose.orientation.x = goal.pose.orientation.y = 0.0
        try:
            a_T_goal = ros.from_pose(goal.pose)
        except ros.MessageError as error:
            raise NavigationError(f"goal: {error}", Code.INVALID_GOAL) from error
        frame = goal.header.frame_id
        if frame == frames.ODOM:
            if self.poses.latest is None:
                words = "goal: in odom, but there is no pose yet"
                raise NavigationError(words, Code.NO_LOCALIZATION)
            a_T_goal = self.poses.latest.map_T_odom @ a_T_goal
        elif frame not in ("", frames.MAP):
            words = f"goal: frame {frame!r} is not one of {frames.MAP}, {frames.ODOM}"
            raise NavigationError(words, Code.INVALID_GOAL)
        yaw = frames.yaw(a_T_goal) if use_heading else None
        return float(a_T_goal[0, 3]), float(a_T_goal[1, 3]), yaw

    def _begin(self, goal: Goal | ShortMove, active: Active) -> None:
        """Drive `goal` from the next cycle on, in place of what was being driven."""
        self.navigator.go(goal, self.zones)
        before, self.active = self.active, active
        if before is not None:
            self._settle(before, Command(code=Code.PREEMPTED, reason="another goal came"))
        # A goal travels as an action, which bags do not hold; a replay needs to know it.
        self.note_moment("begin")
        if isinstance(goal, Goal):
            kind, words = "goal", f"to {goal.x:.2f} m east, {goal.y:.2f} m north"
        else:
            turn = math.degrees(goal.turn)
            kind, words = "short_move", f"{goal.straight:+.2f} m, {turn:+.0f} deg"
        self.say("drive_begun", words, Event.ACTIVITY_LO, kind=kind, **asdict(goal))
        self.zeros = 0

    def _settle(self, active: Active, ended: Command) -> None:
        words = ended.reason or "there"
        if ended.code is Code.NONE:
            self.say("drive_done", f"{words}, {ended.distance_driven_m:.2f} m driven")
        else:
            self.say("drive_ended", f"{ended.code.name}: {words}", Event.WARNING_LO)
        if active.done is not None and not active.done.done():
            active.done.set_result(ended)

    # -- the cycle ----------------------------------------------------------------------------

    def _cycle(self) -> None:
        self.count += 1
        active = self.active
        if active is None:
            self._idle()
            return
        if active.handle is not None and active.handle.is_cancel_requested:
            self.note_moment("stop")
            self.navigator.stop()
            self.active = None
            self._send(0.0, 0.0)
            self._settle(active, Command(code=Code.CANCELED, reason="cancelled"))
            return
        began = time.process_time()
        motion = Motion(self.immobile, self.slip, self.effort)
        self.note_moment("cycle")
        command = self.navigator.cycle(self.now, self.poses.latest, self.terrain, motion)
        spent_ms = 1000.0 * (time.process_time() - began)
        self._send(command.linear_mps, command.angular_radps)
        self._tell(command, active, spent_ms)
        if command.done:
            self.active = None
            self._settle(active, command)

    def _idle(self) -> None:
        """A second of zeros, then silence, so that somebody else may drive."""
        if self.zeros < _ZEROS:
            self.zeros += 1
            self._send(0.0, 0.0)
        if self.count % (2 * _SAY_EVERY) == 0:
            self.states.publish(NavigationState(stamp=ros.to_stamp(self.now), state="idle"))

    def _send(self, linear: float, angular: float) -> None:
        message = TwistStamped(header=ros.header(self.now, frames.BASE))
        message.twist.linear.x, message.twist.angular.z = float(linear), float(angular)
        self.commands.publish(message)

    def _tell(self, command: Command, active: Active, spent_ms: float) -> None:
        changed = (command.state, command.reason) != self.said
        self.said = (command.state, command.reason)
        if changed and command.state in ("backing_out", "blocked", "waiting"):
            self.say(command.state, command.reason, Event.ACTIVITY_LO)
        if self.count % _SAY_EVERY and not command.done and not changed:
            return
        remaining = command.time_remaining_s
        state = NavigationState(
            stamp=ros.to_stamp(self.now),
            state=command.state,
            reason=command.reason,
            distance_remaining_m=command.distance_remaining_m,
            distance_driven_m=command.distance_driven_m,
            estimated_time_remaining_s=remaining,
            number_of_recoveries=command.recoveries,
            cycle_ms=spent_ms,
        )
        self.states.publish(state)
        where = self.poses.latest
        if where is None:
            return
        self.plans.publish(_path(where.time_s, command.path))
        if active.handle is not None:
            feedback = DriveTo.Feedback(state=command.state, reason=command.reason)
            feedback.current_pose = ros.pose_stamped(where.time_s, frames.MAP, where.map_T_base)
            feedback.distance_remaining_m = command.distance_remaining_m
            feedback.navigation_time_s = command.elapsed_s
            feedback.estimated_time_remaining_s = remaining
            feedback.number_of_recoveries = command.recoveries
            active.handle.publish_feedback(feedback)


def _path(time_s: float, poses: np.ndarray) -> Path:
    path = Path(header=ros.header(time_s, frames.ODOM))
    for x, y, yaw in poses:
        path.poses.append(ros.pose_stamped(time_s, frames.ODOM, frames.planar(x, y, yaw)))
    return path


def main() -> None:
    """Entry point."""
    run(NavigationNode)


if __name__ == "__main__":
    main()
