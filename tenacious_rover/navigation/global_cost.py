# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Cost-to-go to the goal over known and unknown ground, on a grid in odom that remembers.

It is recomputed where it matters when the map has changed: from the goal to a little beyond the
rover.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenacious_rover.navigation.marching import march
from tenacious_rover.navigation.standing import Standing

if TYPE_CHECKING:
    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.navigation.cost import GroundCost
    from tenacious_rover.navigation.local import PoseCheck
    from tenacious_rover.navigation.zones import Zones
    from tenacious_rover.perception.terrain_map import TerrainMap

Array = NDArray[np.float64]
_STARED = 2
"""Looked at this often and not seen: it will not be seen from here."""
_BESIDE_M = 0.2
"""A rover this near to ground that stays unseen has a wheel on it."""
_NEAR_HAZARD = 0.05
"""Extra cost from which on a cell is near enough to a hazard to ask how the rover stands there."""


class GlobalCost:
    """Cost per metre and cost-to-go in odom.

    Attributes:
        origin: (2,) lower corner of cell (0, 0), m in odom.
        seen: (rows, columns) cost per metre by the map's cells, NaN where nothing was seen.
        standing: where the rover was found to be able to stand.
        zone: (rows, columns) forbidden cells.
        soft: (rows, columns) cells that are known to be soft.
        dark: (rows, columns) cells that are not known because they lie in the dark.
        to_go: (rows, columns) metres of easy ground to the goal, inf where there is no way.
    """

    def __init__(self, config: NavigationConfig) -> None:
        self._config = config
        self.origin = np.zeros(2)
        self.seen: NDArray[np.float32] = np.full((1, 1), np.nan, np.float32)
        self.standing = Standing(config)
        self._easy: NDArray[np.float32] = np.full((1, 1), np.nan, np.float32)
        self.zone: NDArray[np.bool_] = np.zeros((1, 1), bool)
        self.soft: NDArray[np.bool_] = np.zeros((1, 1), bool)
        self.to_go: Array = np.full((1, 1), np.inf)
        self.dark: NDArray[np.bool_] = np.zeros((1, 1), bool)
        self._stared: NDArray[np.uint8] = np.zeros((1, 1), np.uint8)
        self._hidden: NDArray[np.bool_] = np.zeros((1, 1), bool)
        self._marks: list[tuple[float, float, float]] = []

    def cover(self, xy: Array) -> None:
        """Grow until the grid covers the points (n, 2) in odom and the margin about them."""
        res, margin = self._config.grid_m, self._config.grid_margin_m
        shape = np.array(self.seen.shape[::-1])
        inner = 0.5 * margin
        inside = (xy.min(0) - inner >= self.origin).all() and (
            xy.max(0) + inner <= self.origin + shape * res
        ).all()
        if inside and self.seen.size > 1:
            return
        low = np.floor((xy.min(0) - margin) / res)
        high = np.ceil((xy.max(0) + margin) / res)
        if self.seen.size > 1:
            old = np.round(self.origin / res)
            low, high = np.minimum(low, old), np.maximum(high, old + shape)
        columns, rows = (high - low).astype(int)
        c, r = (np.round(self.origin / res) - low).astype(int) if self.seen.size > 1 else (0, 0)

        def grown(old: NDArray[Any], fill: float) -> NDArray[Any]:
            made = np.full((rows, columns), fill, old.dtype)
            if old.size > 1:
                made[r : r + shape[1], c : c + shape[0]] = old
            return made

        self.seen, self._easy = grown(self.seen, np.nan), grown(self._easy, np.nan)
        self._stared, self.dark = grown(self._stared, 0), grown(self.dark, False)
        self.standing.grow(grown)
        self.origin = low * res
        self.zone, self.soft = np.zeros((2, rows, columns), bool)
        self.to_go = np.full((rows, columns), np.inf)
        self._hidden = self._found_hidden()

    def merge(self, terrain: TerrainMap, cost: GroundCost) -> None:
        """Take the cost (rows, columns of the terrain map); what it does not know stays."""
        rows, columns = np.nonzero(np.isfinite(cost.whole))
        inside, cell = self._cells(terrain, rows, columns)
        count = np.bincount(cell, minlength=self.seen.size)
        known = count > 0
        for mean, layer in ((self.seen, cost.whole), (self._easy, cost.easy)):
            values = layer[rows[inside], columns[inside]]
            total = np.bincount(cell, values, minlength=self.seen.size)
            mean.ravel()[known] = (total[known] / count[known]).astype(np.float32)
        if "dark" in terrain.layers:
            _, cell = self._cells(terrain, *np.nonzero(terrain.layers["dark"] > 0.0))
            black = np.bincount(cell, minlength=self.seen.size) > count
            self.dark.ravel()[known | black] = black[known | black]
            self.seen[self.dark] = self._easy[self.dark] = np.nan

    def _cells(
        self, terrain: TerrainMap, rows: NDArray[Any], columns: NDArray[Any]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which cells of the map lie on this grid, and the number of the cell each lies in."""
        res = self._config.grid_m
        x = terrain.origin[0] + (columns + 0.5) * terrain.resolution_m
        y = terrain.origin[1] + (rows + 0.5) * terrain.resolution_m
        c = np.floor((x - self.origin[0]) / res).astype(int)
        r = np.floor((y - self.origin[1]) / res).astype(int)
        inside = (r >= 0) & (c >= 0) & (r < self.seen.shape[0]) & (c < self.seen.shape[1])
        return inside, r[inside] * self.seen.shape[1] + c[inside]

    def stand(self, time_s: float, here: Array, check: PoseCheck) -> None:
        """Ask `check` where around `here` (2,) the rover can stand, a few cells a time."""
        dear = self.seen > self._easy + _NEAR_HAZARD
        self.standing.look(time_s, here, self.origin, dear, check)

    def stare(self, here: Array, half_fov: float) -> None:
        """Note which unknown cells were in view from `here` (3,): shadows, holes, far sides."""
        rows, columns = np.indices(self.seen.shape)
        x = self.origin[0] + (columns + 0.5) * self._config.grid_m - here[0]
        y = self.origin[1] + (rows + 0.5) * self._config.grid_m - here[1]
        far, side = np.hypot(x, y), np.arctan2(y, x) - here[2]
        side = np.abs((side + np.pi) % (2.0 * np.pi) - np.pi)
        near, wide = self._config.blind_m + 0.2, self._config.stare_m
        viewed = (far > near) & (far < wide) & (side < half_fov - np.radians(5.0))
        self._stared[viewed & np.isnan(self.seen) & (self._stared < 255)] += 1
        self._hidden = self._found_hidden()

    def _found_hidden(self) -> NDArray[np.bool_]:
        unseen = np.isnan(self.seen) & ((self._stared > 0) | self.dark)
        return np.asarray(cv2.dilate(unseen.astype(np.uint8), self._disc(_BESIDE_M)), bool)

    def _disc(self, radius_m: float) -> NDArray[np.uint8]:
        size = 2 * round(radius_m / self._config.grid_m) + 1
        return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)

    def _darkened(self, cost: Array) -> None:
        """Ground in the dark, wider than the rover: there it would drive blind, as dear as blocked.

        Beside it half of the ground under the wheels is not seen, and the rest seen badly.
        """
        config = self._config
        dark = self.dark.astype(np.uint8)
        wide = cv2.morphologyEx(dark, cv2.MORPH_OPEN, self._disc(config.dark_m / 2.0))
        if not wide.any():
            return
        far = cv2.distanceTransform(1 - wide, cv2.DIST_L2, 5) * config.grid_m
        share = np.clip((2.0 * _BESIDE_M - far) / _BESIDE_M, 0.0, 1.0)
        cost += share * (config.hazard_cost - 1.0)
        cost[wide > 0] = np.maximum(cost[wide > 0], config.blocked_cost)

    def hidden(self, xy: Array) -> NDArray[np.bool_]:
        """Where (…, 2) a wheel is on ground that was in view and was not seen.

        Looking there again shows no more.
        """
        return self._at(self._hidden, xy)

    def forbidden(self, xy: Array) -> NDArray[np.bool_]:
        """Where (…, 2) the rover's centre is too near to a forbidden zone."""
        return self._at(self.zone, xy)

    def _at(self, cells: NDArray[np.bool_], xy: Array) -> NDArray[np.bool_]:
        at = np.floor((xy - self.origin) / self._config.grid_m).astype(int)
        rows, columns = self.seen.shape
        c, r = np.clip(at[..., 0], 0, columns - 1), np.clip(at[..., 1], 0, rows - 1)
        return cells[r, c]

    def restrict(self, zones: Zones, odom_T_map: Array, reach_m: float = 0.0) -> None:
        """Draw the zones, widened by the margin, by `reach_m` of a rover that is larger."""
        drawn = zones.raster(self.origin, self._config.grid_m, self.seen.shape, odom_T_map)
        reach = max(self._config.zone_margin_m, reach_m) / self._config.grid_m
        if drawn.any() and not drawn.all():
            near = cv2.distanceTransform((~drawn).astype(np.uint8), cv2.DIST_L2, 5)
            drawn = near <= reach
        self.zone = drawn

    def soften(self, places: Array, reach_m: float) -> None:
        """Draw soft ground: within reach of places (n, 2) in odom."""
        if not len(places):
            return
        firm = np.ones(self.seen.shape, np.uint8)
        at = np.floor((places - self.origin) / self._config.grid_m).astype(int)
        inside = ((at >= 0) & (at < self.seen.shape[::-1])).all(axis=1)
        firm[at[inside, 1], at[inside, 0]] = 0
        far = cv2.distanceTransform(firm, cv2.DIST_L2, 5) * self._config.grid_m
        self.soft = np.asarray(far <= reach_m) & inside.any()

    def mark(self, x: float, y: float, until_s: float) -> None:
        """Remember a bad place in odom."""
        self._marks.append((x, y, until_s))

    def forget(self, time_s: float) -> None:
        """Drop marks whose time is over."""
        self._marks = [mark for mark in self._marks if mark[2] > time_s]

    @property
    def marks(self) -> Array:
        """Bad places (n, 2) in odom."""
        return np.array([mark[:2] for mark in self._marks]).reshape(-1, 2)

    def cost(self, here: Array) -> Array:
        """Cost per metre (rows, columns) for a rover at `here` (2,): inf in zones.

        A rover that stands inside a zone may leave it: then the zone is dear, not forbidden.
        """
        config = self._config
        # On a slope all ground is dearer; what is not seen must not look like the way out.
        known = self.seen[np.isfinite(self.seen)]
        usual = float(np.median(known)) if len(known) else 1.0
        usual = min(usual, 0.3 * config.hazard_cost)
        unknown = usual * np.where(self._stared >= _STARED, config.hidden_cost, config.unknown_cost)
        # What was seen to be bad from afar only may be a trick of the far view.
        far = self._easy + config.far_belief * (self.seen - self._easy)
        seen = self.standing.cost(self._easy, far)
        cost = np.where(np.isnan(self.seen), unknown, seen).astype(float)
        rows, columns = np.indices(cost.shape) if self._marks else (None, None)
        for x, y, _ in self._marks:
            c, r = (np.array([x, y]) - self.origin) / config.grid_m - 0.5
            near = np.hypot(rows - r, columns - c) * config.grid_m <= config.mark_radius_m
            cost[near] = np.maximum(cost[near], 2.0 * config.hazard_cost)
        if self.soft.any():
            cost += config.soft_cost * self.soft
        if self.dark.any():
            self._darkened(cost)
        r, c = self.cell(here)
        cost[self.zone] = 4.0 * config.hazard_cost if self.zone[r, c] else np.inf
        return cost

    def solve(self, goal: Array, here: Array) -> Array:
        """Cost-to-go to `goal` (2,), far enough beyond `here` (2,) for the local choice.

        Returns:
            The cost per metre it was solved on (rows, columns).
        """
        config = self._config
        cost = self.cost(here)
        column, row = (goal - self.origin) / config.grid_m - 0.5
        r, c = self.cell(here)
        reach = (config.first_arc_m + config.second_arc_m + 1.0) / config.grid_m
        beyond = reach * max(config.unknown_cost, 3.0)
        self.to_go = config.grid_m * march(cost, row, column, r * cost.shape[1] + c, beyond)
        return cost

    def cell(self, xy: Array) -> tuple[int, int]:
        """Row and column of a point (2,), of the nearest cell when it is outside."""
        c, r = np.floor((xy - self.origin) / self._config.grid_m).astype(int)
        rows, columns = self.seen.shape
        return int(np.clip(r, 0, rows - 1)), int(np.clip(c, 0, columns - 1))

    def sampled(self, grid: Array, xy: Array) -> Array:
        """`grid` at points (…, 2): bilinear, or of the own cell beside an infinite one."""
        at = (xy - self.origin) / self._config.grid_m - 0.5
        rows, columns = grid.shape
        x = np.clip(at[..., 0], 0.0, columns - 1.001)
        y = np.clip(at[..., 1], 0.0, rows - 1.001)
        c, r = x.astype(int), y.astype(int)
        u, v = x - c, y - r
        with np.errstate(invalid="ignore"):
            mixed = (1 - v) * ((1 - u) * grid[r, c] + u * grid[r, c + 1]) + v * (
                (1 - u) * grid[r + 1, c] + u * grid[r + 1, c + 1]
            )
        own = grid[np.round(y).astype(int), np.round(x).astype(int)]
        return np.where(np.isfinite(mixed), mixed, own)
