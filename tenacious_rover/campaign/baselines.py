# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Other drivers on the same ground: one that follows a line, and one in the manner of GESTALT."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenacious_rover.navigation import arcs, follow
from tenacious_rover.navigation.error import Code
from tenacious_rover.navigation.state import Command, Goal, Motion, Pose
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.navigation.zones import Zones
    from tenacious_rover.perception.terrain_map import TerrainMap
    from tenacious_rover.rover.model import Rover

Array = NDArray[np.float64]
_TURN_RAD = math.radians(35.0)
_ALIGNED_RAD = math.radians(4.0)


class LineDriver:
    """Follows points in map and looks at nothing: straight to the goal, or along an oracle's way.

    It is given the true pose, so it fails by the ground alone.
    """

    def __init__(self, rover: Rover, config: NavigationConfig, points: Array | None = None) -> None:
        self.rover, self.config = rover, config
        self.slip = follow.SlipCompensation()
        self._points = points
        self._sent = follow.STOP
        self._turning = True
        self._goal = Goal(0.0, 0.0)
        self._fine: Array | None = None
        self._at = 0

    def go(self, goal: Goal, zones: Zones) -> None:
        """Zones are not looked at: a line that must keep clear of them does."""
        del zones
        self._goal = goal

    def cycle(
        self, time_s: float, pose: Pose, terrain: TerrainMap | None, motion: Motion
    ) -> Command:
        """Turn towards the next stretch, then along it."""
        del terrain, motion
        base = pose.map_T_odom @ pose.odom_T_base
        here = base[:2, 3]
        if self._fine is None:
            ends = np.array([here, [self._goal.x, self._goal.y]])
            self._fine = _resampled(ends if self._points is None else self._points, 0.05)
        far = float(np.hypot(*(self._fine[-1] - here)))
        if far <= self.config.position_tolerance_m:
            return Command(state="arrived", done=True)
        self.slip.learn(time_s, base, self._sent)
        near = self._fine[self._at : self._at + 20]
        self._at += int(np.hypot(*(near - here).T).argmin())
        ahead = self._fine[min(self._at + 6, len(self._fine) - 1)]
        bearing = math.atan2(*(ahead - here)[::-1])
        error = abs(frames.wrapped(bearing - frames.yaw(base)))
        self._turning = error > (_ALIGNED_RAD if self._turning else _TURN_RAD)
        if self._turning:
            wanted = follow.heading(base, bearing, self.config.turn_rate_radps)
        else:
            rest = self._fine[self._at :]
            wanted = follow.pursue(base, rest, self.config.speed_mps, self.config)
        self._sent = self.slip.command(wanted, self.rover)
        return Command(*self._sent, state="turning" if self._turning else "driving")


def _resampled(points: Array, step: float) -> Array:
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    along = np.linspace(0.0, lengths[-1], max(int(lengths[-1] / step), 2))
    return np.column_stack([np.interp(along, lengths, points[:, i]) for i in (0, 1)])


@dataclass(frozen=True)
class GestaltConfig:
    """As Goldberg, Maimone and Matthies (2002) describe it, scaled to this rover."""

    arc_m: float = 1.2
    step_m: float = 0.35
    goal_weight: float = 1.0
    goodness_weight: float = 1.5
    unknown_goodness: float = 0.5
    least: float = 0.05


class GestaltDriver:
    """Cell goodness, arcs that vote, a step, and again: GESTALT (Goldberg et al. 2002).

    Each cell's goodness says whether a disc as wide as the rover could stand there, from slope,
    roughness and step; an arc is as good as its worst cell, and the goal votes for directions
    (Morphin, Simmons et al. 1996). There is no plan beyond the arcs and no memory of dead ends.
    """

    def __init__(self, rover: Rover, config: NavigationConfig) -> None:
        self.rover, self.config, self.gestalt = rover, config, GestaltConfig()
        self.slip = follow.SlipCompensation()
        ruler = np.linspace(-1.0, 1.0, 23)
        self._curvature = 1.6 * np.sign(ruler) * np.abs(ruler) ** 1.5
        self._along = np.arange(0.08, self.gestalt.arc_m, 0.08)
        self._arcs = arcs.arc(np.zeros((23, 3)), self._curvature, self._along)
        self._sent = follow.STOP
        self._goal = Goal(0.0, 0.0)
        self._zones: Zones | None = None
        self._terrain: TerrainMap | None = None
        self._goodness: Array | None = None
        self._path: Array | None = None
        self._begun: Array | None = None
        self._turn_to: float | None = None
        self._turns = 0

    def go(self, goal: Goal, zones: Zones) -> None:
        """Begin."""
        self._goal, self._zones = goal, zones

    def cycle(
        self, time_s: float, pose: Pose, terrain: TerrainMap | None, motion: Motion
    ) -> Command:
        """Next command."""
        base = pose.odom_T_base
        target = (frames.inverse(pose.map_T_odom) @ frames.planar(self._goal.x, self._goal.y, 0.0))[
            :2, 3
        ]
        far = float(np.hypot(*(target - base[:2, 3])))
        if far <= self.config.position_tolerance_m:
            return Command(state="arrived", done=True)
        if motion.immobile:
            return Command(state="failed", reason="immobile", done=True, code=Code.STUCK)
        if terrain is None:
            return Command(state="waiting")
        self.slip.learn(time_s, base, self._sent)
        if terrain is not self._terrain:
            self._terrain, self._goodness = terrain, self._judged(terrain, pose)
        wanted = self._wanted(base, target)
        if wanted is None:
            return Command(state="failed", reason="no arc is safe", done=True, code=Code.NO_PATH)
        self._sent = self.slip.command(wanted, self.rover) if any(wanted) else follow.STOP
        state = "turning" if self._turn_to is not None else "driving"
        path = np.zeros((0, 3)) if self._path is None else self._path
        return Command(*self._sent, state=state, path=path)

    def _wanted(self, base: Array, target: Array) -> follow.Speeds | None:
        here, yaw = base[:2, 3], frames.yaw(base)
        if self._turn_to is not None:
            if abs(frames.wrapped(self._turn_to - yaw)) > _ALIGNED_RAD:
                return follow.heading(base, self._turn_to, self.config.turn_rate_radps)
            self._turn_to, self._path = None, None
        done = self._begun is not None and np.hypot(*(here - self._begun)) >= self.gestalt.step_m
        if self._path is None or done:
            self._path = self._voted(here, yaw, target)
            self._begun = here.copy()
            if self._path is None:
                self._turns += 1
                if self._turns > 16:
                    return None
                self._turn_to = yaw + math.radians(45.0)
                return follow.STOP
            self._turns = 0
        return follow.pursue(base, self._path, self.config.speed_mps, self.config)

    def _voted(self, here: Array, yaw: float, target: Array) -> Array | None:
        """The arc with most votes; `None` when none is good enough. May ask for a turn instead."""
        bearing = frames.wrapped(math.atan2(*(target - here)[::-1]) - yaw)
        if abs(bearing) > math.radians(60.0) and self._turns == 0:
            self._turn_to = yaw + bearing
        paths = arcs.placed(self._arcs, float(here[0]), float(here[1]), yaw)
        good = self._at(paths[..., :2])
        worst = good.min(axis=1)
        ends = paths[:, -1, :2]
        nearer = np.hypot(*(target - here)) - np.hypot(*(target - ends).T)
        far = float(np.hypot(*(target - here)))
        if far < self.gestalt.arc_m:
            reach = np.hypot(paths[..., 0] - target[0], paths[..., 1] - target[1]).min(axis=1)
            nearer = far - reach
        votes = self.gestalt.goal_weight * nearer / self.gestalt.arc_m
        votes = votes + self.gestalt.goodness_weight * worst
        votes[worst <= self.gestalt.least] = -np.inf
        best = int(votes.argmax())
        return paths[best] if np.isfinite(votes[best]) else None

    def _judged(self, terrain: TerrainMap, pose: Pose) -> Array:
        """Goodness (rows, columns): 1 - hazard, worst within the rover's radius; zones are 0."""
        hazard = terrain.layers["hazard"]
        good = np.where(np.isnan(hazard), self.gestalt.unknown_goodness, 1.0 - hazard)
        body = self.rover.track_m / 2.0 + self.rover.wheels[0].width_m / 2.0
        cells = 2 * math.ceil(body / terrain.resolution_m) + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (cells, cells))
        wide: Any = cv2.erode(good.astype(np.float32), disc)
        if self._zones is not None:
            drawn = self._zones.raster(
                terrain.origin,
                terrain.resolution_m,
                hazard.shape,
                frames.inverse(pose.map_T_odom),
            )
            wide[cv2.dilate(drawn.astype(np.uint8), disc) > 0] = 0.0
        return np.asarray(wide, float)

    def _at(self, xy: Array) -> Array:
        assert self._terrain is not None
        assert self._goodness is not None
        cells = np.floor((xy - self._terrain.origin) / self._terrain.resolution_m).astype(int)
        rows, columns = self._goodness.shape
        c, r = cells[..., 0], cells[..., 1]
        inside = (r >= 0) & (c >= 0) & (r < rows) & (c < columns)
        value = self._goodness[np.clip(r, 0, rows - 1), np.clip(c, 0, columns - 1)]
        return np.where(inside, value, self.gestalt.unknown_goodness)
