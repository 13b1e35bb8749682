# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The end of a drive: the last half metre, the heading, and whether one can stand there at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.navigation import follow
from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.navigation.follow import Steering
    from tenacious_rover.navigation.local import PoseCheck
    from tenacious_rover.navigation.state import Goal, Pose

Array = NDArray[np.float64]
_FINAL_M = 0.5
_ASIDE_RAD = math.radians(25.0)
"""Farther aside than that the rover turns to the goal in place."""
_JUDGED_M = 1.5
"""From nearer the ground at the goal is seen well enough to give it up."""
_SEEN_BAD = 4


class Arrival:
    """Arriving at one goal.

    Attributes:
        path: (n, 3) straight to the goal in odom, while it is driven.
    """

    def __init__(self, goal: Goal, config: NavigationConfig) -> None:
        self._goal, self._config = goal, config
        self.path: Array | None = None
        self._bad_goal = 0
        self._there = False

    def steer(self, pose: Pose, check: PoseCheck, speed_mps: float) -> Steering | None:
        """The last half metre and the goal's heading; `None` when it is farther or not free."""
        config, goal = self._config, self._goal
        self.path = None
        odom_T_goal = self.target(pose)
        tolerance = goal.position_tolerance_m or config.position_tolerance_m
        here, end = frames.flat(pose.odom_T_base), odom_T_goal[:2, 3]
        far = float(np.hypot(*(end - here[:2])))
        if far <= tolerance or self._there:
            self._there = goal.yaw is not None and far <= tolerance + 0.15
            return self._facing(pose, odom_T_goal) if self._there else (None, "arrived", "there")
        if far > _FINAL_M:
            return None
        bearing = frames.wrapped(math.atan2(*(end - here[:2])[::-1]) - here[2])
        back = abs(bearing) > math.pi / 2.0 and far < 0.3
        heading = here[2] if back else here[2] + bearing
        shares = np.linspace(0.0, 1.0, 6)[1:, None]
        line = np.column_stack([here[:2] + shares * (end - here[:2]), np.full(5, heading)])
        if not check(line).safe.all():
            return None
        self.path = line
        slow = min(speed_mps, 0.02 + 0.3 * far)
        if back:
            return follow.pursue(pose.odom_T_base, line, -slow, config), "driving", "last step back"
        if abs(bearing) > _ASIDE_RAD:
            return (
                follow.heading(pose.odom_T_base, heading, config.turn_rate_radps),
                "turning",
                "facing the goal",
            )
        return follow.pursue(pose.odom_T_base, line, slow, config), "driving", "last steps"

    def _facing(self, pose: Pose, odom_T_goal: Array) -> Steering:
        tolerance = self._goal.heading_tolerance or math.radians(self._config.heading_tolerance_deg)
        yaw = frames.yaw(odom_T_goal)
        if abs(frames.wrapped(yaw - frames.yaw(pose.odom_T_base))) <= tolerance:
            return None, "arrived", "there"
        turn = follow.heading(pose.odom_T_base, yaw, self._config.turn_rate_radps)
        return turn, "turning", "to the heading asked for"

    def judge(self, pose: Pose, check: PoseCheck) -> None:
        """Give up a goal that is seen to be no place to stand.

        Raises:
            NavigationError: it was seen so several times.
        """
        goal = self.target(pose)[:2, 3]
        if np.hypot(*(goal - pose.odom_T_base[:2, 3])) > _JUDGED_M:
            return
        reach = 0.8 * (self._goal.position_tolerance_m or self._config.position_tolerance_m)
        ring = np.radians(np.arange(0, 360, 45))
        spots = np.vstack([goal, goal + reach * np.column_stack([np.cos(ring), np.sin(ring)])])
        poses = np.array([[*spot, yaw] for spot in spots for yaw in np.radians((0, 45, 90, 135))])
        checked = check(poses)
        self._bad_goal = self._bad_goal + 1 if not (checked.safe | ~checked.known).any() else 0
        if self._bad_goal >= _SEEN_BAD:
            raise NavigationError("the goal lies on a hazard", Code.NO_PATH)

    def target(self, pose: Pose) -> Array:
        """odom_T_goal (4, 4)."""
        goal = self._goal
        map_T_goal = frames.planar(goal.x, goal.y, goal.yaw or 0.0)
        return frames.inverse(pose.map_T_odom) @ map_T_goal
