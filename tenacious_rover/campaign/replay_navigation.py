# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The navigation lane of a replay."""

from __future__ import annotations

import json
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.campaign.replay_comparison import Comparison
from tenacious_rover.campaign.replay_setup import NEEDS, map_to_odom, pose_matrix
from tenacious_rover.navigation.error import NavigationError
from tenacious_rover.navigation.navigator import Navigator
from tenacious_rover.navigation.state import Goal, Motion, ShortMove
from tenacious_rover.navigation.zones import Zones
from tenacious_rover.perception.soft import mean_slip
from tenacious_rover.rover import contract

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.campaign.replay_lanes import LocalizationLane, PerceptionLane
    from tenacious_rover.campaign.replay_setup import Setup
    from tenacious_rover.perception.terrain_map import TerrainMap

_KEPT = 400


def _s(stamp: Any) -> float:
    return float(stamp.sec + stamp.nanosec * 1e-9)


@dataclass(frozen=True)
class _Pose:
    time_s: float
    odom_T_base: NDArray[np.float64]
    map_T_odom: NDArray[np.float64]


class NavigationLane:
    """`Navigator`, compared by `cmd_vel`.

    One cycle for each that the node told; without such word, one for each recorded command.
    """

    outputs = frozenset({contract.CMD_VEL.name, contract.EVENTS.name})
    inputs = frozenset(t.name for t in NEEDS["navigation"]) - outputs

    def __init__(
        self,
        setup: Setup,
        upstream: LocalizationLane | None,
        mapping: PerceptionLane | None,
        exact: bool,
    ) -> None:
        config = setup.configs["navigation"]
        self.setup, self.upstream, self.mapping = setup, upstream, mapping
        self.exact = exact
        self.goals: deque[dict[str, Any]] = deque()
        self.told: dict[int, tuple[float, float]] = {}
        self.given: dict[int, tuple[float, float, str]] = {}
        self.navigator = Navigator(setup.rover, config)
        self.zones = Zones.parsed(config.keep_out, config.keep_in)
        self.comparison = Comparison("navigation", len(setup.stamps["navigation"]))
        self.pose: _Pose | None = None
        self.map_T_odom: NDArray[np.float64] | None = None
        self.terrain: TerrainMap | None = None
        self.immobile, self.slip, self.effort = False, math.nan, math.nan
        self.wheels = {wheel.joint for wheel in setup.rover.wheels}
        if setup.start_goal is not None:
            self._begin(setup.start_goal)

    def take(self, name: str, message: Any) -> None:
        """As the node does; each command is a cycle."""
        if name == contract.TF.name:
            self.map_T_odom = map_to_odom(
                message, np.eye(4) if self.map_T_odom is None else self.map_T_odom
            )
        elif name == contract.ODOMETRY.name and self.map_T_odom is not None:
            odom_T_base = pose_matrix(message.pose.pose)
            self.pose = _Pose(_s(message.header.stamp), odom_T_base, self.map_T_odom)
        elif name == contract.TERRAIN_MAP.name:
            self._mapped(message)
        elif name == contract.IMMOBILITY.name:
            self.slip = mean_slip(message.slip)
            self.immobile = bool(message.immobile)
        elif name == contract.JOINT_STATES.name and len(message.effort) == len(message.name):
            efforts = [
                abs(float(effort))
                for joint, effort in zip(message.name, message.effort, strict=True)
                if joint in self.wheels and math.isfinite(effort)
            ]
            self.effort = max(efforts, default=math.nan)
        elif name == contract.EVENTS.name and message.source == "navigation":
            self._heard(message)
        elif name == contract.CMD_VEL.name:
            self._commanded(message)

    def _mapped(self, message: Any) -> None:
        from tenacious_rover.perception.messages import from_elevation_map

        if self.mapping is not None:
            self.terrain = self.mapping.newest
            return
        terrain = from_elevation_map(message)
        if self.terrain is None or terrain.time_s >= self.terrain.time_s:
            self.terrain = terrain

    def _heard(self, event: Any) -> None:
        if event.name == "drive_begun":
            facts = json.loads(event.data_json)
            if self.exact:
                self.goals.append(facts)
            else:
                self._begin(facts)
        elif (
            not self.exact and event.name == "drive_ended" and event.message.startswith("CANCELED")
        ):
            self.navigator.stop()

    def moment(self, name: str, ns: int) -> bool:
        """A cycle, a new goal or a stop."""
        if name == "begin":
            if not self.goals:
                return False
            self._begin(self.goals.popleft())
        elif name == "stop":
            self.navigator.stop()
        else:
            key = round(ns / 1000)
            linear, angular, words = self._cycled(ns * 1e-9)
            self.given[key] = (linear, angular, words)
            self._compare()
        return True

    def finish(self, last_ns: int) -> None:
        """Every cycle gave one command."""
        del last_ns
        self.comparison.recorded = len(self.comparison.rows) + len(self.given)

    def _begin(self, facts: dict[str, Any]) -> None:
        facts = dict(facts)
        kind = Goal if facts.pop("kind") == "goal" else ShortMove
        try:
            self.navigator.go(kind(**facts), self.zones)
        except (NavigationError, TypeError) as error:
            self.setup.notes.append(f"a goal cannot be driven again: {error}")

    def _commanded(self, message: Any) -> None:
        """A recorded command."""
        told = (float(message.twist.linear.x), float(message.twist.angular.z))
        time_s = _s(message.header.stamp)
        key = round(time_s * 1e6)
        self.told[key] = told
        if not self.exact:
            self.given[key] = self._cycled(time_s)
        self._compare()

    def _cycled(self, time_s: float) -> tuple[float, float, str]:
        pose: Any = self.pose
        if self.upstream is not None and self.upstream.core.timeline is not None:
            pose = self.upstream.core.estimate
        if not self.navigator.busy:
            return 0.0, 0.0, "idle"
        motion = Motion(self.immobile, self.slip, self.effort)
        command = self.navigator.cycle(time_s, pose, self.terrain, motion)
        words = f"{command.state}: {command.reason}"
        return command.linear_mps, command.angular_radps, words

    def _compare(self) -> None:
        for key in [k for k in self.given if k in self.told]:
            told = self.told.pop(key)
            linear, angular, words = self.given.pop(key)
            self.comparison.add(
                key * 1e-6,
                max(abs(linear - told[0]), abs(angular - told[1])),
                recorded=[round(v, 4) for v in told],
                now=[round(linear, 4), round(angular, 4)],
                state=words,
            )
        while len(self.told) > _KEPT:
            del self.told[min(self.told)]
