# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A drive without pictures and physics: for choosing numbers of navigation on the tuning seeds.

The rover moves as it is told, less a share for its skid. Its map is the true ground where a camera
at its height would see it, with noise that grows with range. A hundred times faster than a drive;
its figures are never reported as results.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from tenacious_rover.campaign.cases import Case, goal_of, world_of
from tenacious_rover.campaign.oracle import Way, best_way, true_terrain
from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.navigation.navigator import Navigator
from tenacious_rover.navigation.state import Command, Goal, Pose
from tenacious_rover.navigation.zones import Zones
from tenacious_rover.perception.body import body_of
from tenacious_rover.perception.clearance import check_poses
from tenacious_rover.perception.config import ClearanceConfig, PerceptionConfig
from tenacious_rover.perception.hazards import with_hazards
from tenacious_rover.perception.terrain_map import TerrainMap
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.simulator.build import build_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_FORWARD, _TURNING = 0.93, 0.55
_WINDOW_M = 12.0
_NEAR_M, _FAR_M = 0.42, 4.5
_TOUCH_M = -0.005


@njit(cache=True)
def visible(z, res, eye, yaw, half_fov, near, far):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Cells (rows, columns) of `z` seen from `eye` (column, row in cells, height in m)."""
    rows, columns = z.shape
    seen = np.zeros(z.shape, np.bool_)
    count = int(2.0 * half_fov * far / res * 1.5)
    for ray in range(count):
        angle = yaw - half_fov + 2.0 * half_fov * ray / (count - 1)
        du, dv = math.cos(angle), math.sin(angle)
        steepest = -1e9
        for k in range(1, int(far / res * 1.25)):
            s = 0.8 * k
            c, r = int(eye[0] + s * du), int(eye[1] + s * dv)
            if not (0 <= c < columns and 0 <= r < rows):
                break
            rise = (z[r, c] - eye[2]) / (s * res)
            if rise >= steepest - 1e-3:
                if s * res >= near:
                    seen[r, c] = True
                steepest = max(steepest, rise)
    return seen


@dataclass(frozen=True)
class _Here:
    time_s: float
    odom_T_base: Array
    map_T_odom: Array


class Rehearsal:
    """One rehearsed drive; `run` returns success, reason and metres."""

    def __init__(
        self,
        case: Case,
        config: NavigationConfig | None = None,
        perception: PerceptionConfig | None = None,
    ) -> None:
        self.case, self.config = case, config or NavigationConfig()
        self.perception = perception or PerceptionConfig()
        self.rover = load_rover("tenacious")
        self.world = build_world(world_of(case))
        spec = self.world.spec
        self.zones = Zones(tuple(np.array(zone.polygon_m) for zone in spec.zones.keep_out))
        self.goal = goal_of(case)
        self.truth = true_terrain(self.world, self.perception.resolution_m)
        self.body = body_of(self.rover)
        self.rng = np.random.default_rng([case.seed, 103])
        z = self.truth.layers["elevation"]
        self.sum = np.zeros(z.shape)
        self.weight = np.zeros(z.shape)
        self.x, self.y, self.yaw = spec.start
        self.time_s = 0.0
        self.driven_m = 0.0
        self.touches = 0
        self.track: list[tuple[float, float, float]] = []
        self.command = Command()
        self.terrain: TerrainMap | None = None

    def best(self) -> Way:
        """The oracle's way."""
        start = np.array(self.world.spec.start[:2])
        return best_way(self.world, self.rover, self.zones, start, np.array(self.goal))

    def _pose(self) -> _Here:
        found = check_poses(
            self.truth,
            self.body,
            np.array([[self.x, self.y, self.yaw]]),
            ClearanceConfig(sigma=0.0, margin_m=0.0),
        )
        self.touches += int(found.clearance_m[0] < _TOUCH_M)
        roll, pitch = float(found.roll[0]), float(found.pitch[0])
        rpy = (roll, pitch, self.yaw) if math.isfinite(roll) else (0.0, 0.0, self.yaw)
        z = float(found.z[0])
        pose = frames.from_rpy((self.x, self.y, z if math.isfinite(z) else 0.0), rpy)
        return _Here(self.time_s, pose, np.eye(4))

    def _look(self, base: Array) -> TerrainMap:
        camera = self.rover.cameras["left"]
        eye = (base @ camera.base_T_optical)[:3, 3]
        res, z = self.truth.resolution_m, self.truth.layers["elevation"]
        at = (eye[:2] - self.truth.origin) / res
        spot = np.array([at[0], at[1], eye[2]])
        half = camera.horizontal_fov / 2.0
        seen = visible(z, res, spot, self.yaw, half, _NEAR_M - 0.16, _FAR_M)
        rows, columns = np.nonzero(seen)
        far = np.hypot(rows + 0.5 - at[1], columns + 0.5 - at[0]) * res
        sigma = 0.003 + 0.0006 * far**2
        weight = 1.0 / sigma**2
        noisy = z[rows, columns] + sigma * self.rng.standard_normal(len(far))
        self.sum[rows, columns] += weight * noisy
        self.weight[rows, columns] += weight
        inside = np.argwhere(self._footprint(base, z.shape))
        self.sum[inside[:, 0], inside[:, 1]] += z[inside[:, 0], inside[:, 1]] / 0.012**2
        self.weight[inside[:, 0], inside[:, 1]] += 1.0 / 0.012**2
        return self._window()

    def _footprint(self, base: Array, shape: tuple[int, int]) -> NDArray[np.bool_]:
        low_x, low_y, high_x, high_y = self.body.outline
        x, y = np.meshgrid(np.arange(low_x, high_x, 0.02), np.arange(low_y, high_y, 0.02))
        flat = frames.points(base, np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)]))
        cells = ((flat[:, :2] - self.truth.origin) / self.truth.resolution_m).astype(int)
        mask = np.zeros(shape, bool)
        inside = (cells >= 0).all(1) & (cells[:, 1] < shape[0]) & (cells[:, 0] < shape[1])
        mask[cells[inside, 1], cells[inside, 0]] = True
        return mask

    def _window(self) -> TerrainMap:
        res = self.truth.resolution_m
        half = int(_WINDOW_M / 2.0 / res)
        c, r = ((np.array([self.x, self.y]) - self.truth.origin) / res).astype(int)
        rows = slice(max(int(r) - half, 0), min(int(r) + half, len(self.sum)))
        columns = slice(max(int(c) - half, 0), min(int(c) + half, len(self.sum.T)))
        weight = self.weight[rows, columns]
        with np.errstate(invalid="ignore", divide="ignore"):
            z = np.where(weight > 0.0, self.sum[rows, columns] / weight, np.nan)
            variance = np.where(weight > 0.0, np.maximum(1.0 / weight, 0.003**2), np.nan)
        layers = {
            "elevation": np.ascontiguousarray(z, np.float32),
            "variance": np.ascontiguousarray(variance, np.float32),
            "top": np.ascontiguousarray(z, np.float32),
        }
        corner = self.truth.origin + np.array([columns.start, rows.start]) * res
        bare = TerrainMap(res, corner, layers, self.time_s)
        return with_hazards(bare, self.body, self.perception)

    def run(self, watch: Callable[[Rehearsal], None] = lambda one: None) -> dict[str, float | str]:
        """From start to end."""
        navigator = Navigator(self.rover, self.config)
        limit = 120.0 + 4.0 * self.case.distance_m / self.config.speed_mps
        navigator.go(Goal(*self.goal, time_limit_s=limit), self.zones)
        tick = 0
        moving = 0
        while not self.command.done:
            pose, terrain = self.look(new=tick % 10 == 0)
            tick += 1
            self.command = navigator.cycle(self.time_s, pose, terrain)
            watch(self)
            self.move(self.command, 0.1)
            moving += self.command.linear_mps > 0.02
        error = math.hypot(self.x - self.goal[0], self.y - self.goal[1])
        return {
            "case": self.case.id,
            "ended": self.command.code.name,
            "reason": self.command.reason,
            "error_m": error,
            "driven_m": self.driven_m,
            "time_s": self.time_s,
            "touches": self.touches,
            "recoveries": self.command.recoveries,
            "moving_share": moving / max(tick, 1),
        }

    def look(self, *, new: bool) -> tuple[Pose, TerrainMap | None]:
        """Where the rover is, and its map, which takes in a picture if it is to be `new`."""
        pose = self._pose()
        if new:
            self.terrain = self._look(pose.odom_T_base)
        return pose, self.terrain

    def move(self, command: Command, dt: float) -> None:
        """Let `dt` s pass."""
        step = _FORWARD * command.linear_mps * dt
        self.time_s += dt
        self.x += step * math.cos(self.yaw)
        self.y += step * math.sin(self.yaw)
        self.yaw = frames.wrapped(self.yaw + _TURNING * command.angular_radps * dt)
        self.driven_m += abs(step)
        self.track.append((self.x, self.y, self.yaw))
