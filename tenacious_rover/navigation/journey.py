# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One drive to a goal: cost-to-go, choice of manoeuvre, following, getting out of trouble."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.navigation import arcs, follow, local
from tenacious_rover.navigation.arrival import Arrival
from tenacious_rover.navigation.cost import ground_cost
from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.navigation.global_cost import GlobalCost
from tenacious_rover.navigation.way_out import WayOut
from tenacious_rover.perception.soft import SoftGround
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.navigation.follow import Steering
    from tenacious_rover.navigation.local import Checks
    from tenacious_rover.navigation.recovery import Trail
    from tenacious_rover.navigation.state import Goal, Pose
    from tenacious_rover.navigation.zones import Zones
    from tenacious_rover.perception.slip import SlipModel
    from tenacious_rover.perception.terrain_map import TerrainMap
    from tenacious_rover.rover.model import Rover

Array = NDArray[np.float64]
_TURN_DONE_RAD = math.radians(2.0)
_ASTRAY_M = 0.2
_ASTRAY_RAD = math.radians(25.0)
_NEAR_TURN_M = 0.25
_ASIDE_M = 0.08
"""It stays this near to where it believes to be; 95 of 100 drives are no farther off."""


class Journey:
    """A drive to one goal; `Navigator` gives it pose and map and guards what it wants.

    Raises:
        NavigationError: the goal is no place, or a forbidden one.
    """

    def __init__(
        self,
        goal: Goal,
        zones: Zones,
        rover: Rover,
        config: NavigationConfig,
        slip: SlipModel | None = None,
        soft: SoftGround | None = None,
    ) -> None:
        if not all(map(math.isfinite, (goal.x, goal.y, goal.yaw or 0.0))):
            raise NavigationError(f"goal: {goal.x}, {goal.y} is no place", Code.INVALID_GOAL)
        if zones.forbidden(np.array([[goal.x, goal.y]]))[0]:
            words = f"goal: {goal.x:.2f}, {goal.y:.2f} lies in a forbidden zone"
            raise NavigationError(words, Code.GOAL_IN_KEEP_OUT)
        self._zones, self._rover, self._config = zones, rover, config
        self._arrival = Arrival(goal, config)
        self._slip = slip
        self._paths = arcs.library(config)
        self._half_fov = rover.cameras["left"].horizontal_fov / 2.0
        self._plan = GlobalCost(config)
        self.speed_mps = min(goal.speed_mps or config.speed_mps, rover.limits.speed_mps)
        self._soft = soft or SoftGround()
        self._out = WayOut(config)
        self.path: Array = np.zeros((0, 3))
        self.time_limit_s = goal.time_limit_s or math.inf
        self._cost: Array | None = None
        self._terrain: TerrainMap | None = None
        self._thought_s = -math.inf
        self._turning: float | None = None
        self._turned_at: Array | None = None
        self._turned_s = -math.inf
        self._clear_m = 0.0
        self._progress: Array | None = None
        self._direction: float | None = None

    @property
    def getting_out(self) -> bool:
        """Whether the rover is on its way out of trouble."""
        return self._out.going

    @property
    def recoveries(self) -> int:
        """How often it was in trouble."""
        return self._out.recoveries

    def remaining_m(self, pose: Pose) -> float:
        """Straight distance to the goal."""
        return float(np.hypot(*(self._arrival.target(pose)[:2, 3] - pose.odom_T_base[:2, 3])))

    def think_again(self) -> None:
        """The present path is not to be followed any further."""
        self._thought_s = -math.inf
        self._turning = None
        self.path = np.zeros((0, 3))

    def steer(
        self, time_s: float, pose: Pose, terrain: TerrainMap, checks: Checks, trail: Trail
    ) -> Steering:
        """The wanted motion now.

        Raises:
            NavigationError: there is no way.
        """
        if self.time_limit_s == math.inf:
            way = self.remaining_m(pose) / self.speed_mps
            self.time_limit_s = 120.0 + self._config.time_factor * way
        if self._out.going:
            return self._go_out(time_s, pose)
        arriving = self._arrive(pose, checks)
        if arriving is not None:
            return arriving
        if self._turning is not None:
            return self._turn(time_s, pose)
        new = terrain is not self._terrain
        if new or time_s - self._thought_s > self._config.replan_s:
            self._refresh(time_s, pose, terrain, checks, new=new)
            found = self._think(pose, checks)
            # What a turn was made for must be in the map before another one is worth thinking of.
            early = (
                terrain.time_s < self._turned_s and time_s < self._turned_s + self._config.replan_s
            )
            if early and (not found or self._turning is not None):
                self.path, self._turning = np.zeros((0, 3)), None
            elif not found:
                return self._stand(time_s, pose, checks, trail)
            elif self._turning is not None:
                return self._turn(time_s, pose)
        if len(self.path) == 0:
            return follow.STOP, "turning", "looking along the new way"
        return self._follow(pose)

    # -- stages ---------------------------------------------------------------------------------

    def _arrive(self, pose: Pose, checks: Checks) -> Steering | None:
        arriving = self._arrival.steer(pose, checks.plan, self.speed_mps)
        if arriving is not None and self._arrival.path is not None:
            self.path, self._turning = self._arrival.path, None
        return arriving

    def _refresh(
        self, time_s: float, pose: Pose, terrain: TerrainMap, checks: Checks, *, new: bool
    ) -> None:
        """Cost where the map is new, then the cost-to-go."""
        here, goal = pose.odom_T_base[:2, 3], self._arrival.target(pose)[:2, 3]
        odom_T_map = frames.inverse(pose.map_T_odom)
        self._plan.cover(np.vstack([here, goal]))
        if new:
            cost = ground_cost(terrain, self._rover, self._config, self._slip)
            self._plan.merge(terrain, cost)
            self._plan.stand(time_s, here, checks.tight)
            self._plan.stare(frames.flat(pose.odom_T_base), self._half_fov)
        self._terrain = terrain
        self._plan.restrict(self._zones, odom_T_map, self._rover.turning_reach_m + _ASIDE_M)
        self._plan.soften(self._soft.places, self._soft.config.reach_m)
        self._plan.forget(time_s)
        self._cost = self._plan.solve(goal, here)
        self._thought_s = time_s
        r, c = self._plan.cell(here)
        if not np.isfinite(self._plan.to_go[r, c]):
            raise NavigationError("zones leave no way to the goal", Code.NO_PATH)

    def _think(self, pose: Pose, checks: Checks) -> bool:
        """Choose the next manoeuvre."""
        assert self._cost is not None
        self._arrival.judge(pose, checks.plan)
        choice = local.choose(
            self._paths,
            self._plan,
            self._cost,
            frames.flat(pose.odom_T_base),
            checks,
            self._config,
            self._half_fov,
            self._direction,
            self._dislike_of_turns(pose),
            self._rest(pose),
        )
        if choice is None:
            return False
        self._out.found()
        self.path, self._clear_m = choice.poses, choice.clear_m
        self._direction = choice.direction
        self._progress = pose.odom_T_base
        self._turning = None
        if choice.turn:
            self._turning = frames.yaw(pose.odom_T_base) + choice.turn
        return True

    def _rest(self, pose: Pose) -> Array | None:
        """What is left (n, 3) of the path that is being followed; `None` when the rover left it."""
        if len(self.path) == 0:
            return None
        here = frames.flat(pose.odom_T_base)
        far = np.hypot(*(self.path[:, :2] - here[:2]).T)
        nearest = int(far.argmin())
        aside = abs(frames.wrapped(float(self.path[nearest, 2] - here[2])))
        if far[nearest] > _ASTRAY_M or aside > _ASTRAY_RAD:
            return None
        return self.path[nearest:]

    def _dislike_of_turns(self, pose: Pose) -> float:
        """Cost of a turn in place here, where one was just made or would dig the wheels in."""
        here, config = pose.odom_T_base[:2, 3], self._config
        # On a slope a turn lets the rover slide down by a hand's breadth.
        steep = frames.tilt(pose.odom_T_base) > math.radians(config.slow_tilt_deg)
        if steep or self._soft.near(here)[0]:
            return config.turn_soft_cost
        at = self._turned_at
        near = at is not None and np.hypot(*(at - here)) < _NEAR_TURN_M
        return config.turn_again_cost if near else 0.0

    def _follow(self, pose: Pose) -> Steering:
        config = self._config
        assert self._progress is not None
        driven = float(np.hypot(*(pose.odom_T_base - self._progress)[:2, 3]))
        speed = follow.stopping_speed(self._clear_m - driven, self.speed_mps, config)
        if frames.tilt(pose.odom_T_base) > math.radians(config.slow_tilt_deg):
            speed *= 0.5
        if speed < 0.005:
            return follow.STOP, "waiting", "the ground ahead is not seen yet"
        return follow.pursue(pose.odom_T_base, self.path, speed, config), "driving", "on the path"

    def _turn(self, time_s: float, pose: Pose) -> Steering:
        assert self._turning is not None
        error = frames.wrapped(self._turning - frames.yaw(pose.odom_T_base))
        if abs(error) < _TURN_DONE_RAD:
            self._turning = None
            self._turned_s = time_s
            self._turned_at = pose.odom_T_base[:2, 3].copy()
            self._thought_s = -math.inf
            return follow.STOP, "turning", "looking along the new way"
        turn = follow.heading(pose.odom_T_base, self._turning, self._config.turn_rate_radps)
        return turn, "turning", "towards the path"

    def _stand(self, time_s: float, pose: Pose, checks: Checks, trail: Trail) -> Steering:
        """No way is seen: look again, then around, or from farther back."""
        self.path = np.zeros((0, 3))
        self._thought_s = -math.inf
        turn = self._out.look(time_s, pose, checks.guard, trail)
        if turn is not None:
            self._turning = frames.yaw(pose.odom_T_base) + turn
            return self._turn(time_s, pose)
        if self._out.going:
            return self._go_out(time_s, pose)
        return follow.STOP, "blocked", "no safe way is seen; looking again"

    def recover(
        self, time_s: float, pose: Pose, checks: Checks, trail: Trail, code: Code, words: str
    ) -> None:
        """Stop, mark the place, get out.

        Raises:
            NavigationError: this happened too often.
        """
        config = self._config
        here = frames.flat(pose.odom_T_base)
        ahead = 0.5 * self._rover.wheelbase_m * (-1.0 if self._out.backwards else 1.0)
        x, y = here[:2] + ahead * np.array([np.cos(here[2]), np.sin(here[2])])
        guard = self._outside_zones(checks.guard)
        self._out.begin(pose, guard, trail, code, words, self.remaining_m(pose))
        # A mark on the goal would keep the rover circling around it.
        if np.hypot(*(self._arrival.target(pose)[:2, 3] - (x, y))) > 2.0 * config.mark_radius_m:
            self._plan.mark(float(x), float(y), time_s + config.mark_s)
        self.think_again()

    def _outside_zones(self, guard: local.PoseCheck) -> local.PoseCheck:
        """`guard` that calls forbidden ground unsafe: a way out does not lead there either."""

        def check(poses: Array) -> local.Checked:
            found = guard(poses)
            return local.Checked(found.safe & ~self._plan.forbidden(poses[:, :2]), found.known)

        return check

    def _go_out(self, time_s: float, pose: Pose) -> Steering:
        way = self._out.steer(time_s, pose, min(self.speed_mps, self._config.speed_mps))
        if way is None:
            self.think_again()
            return follow.STOP, "backing_out", "far enough"
        return way
