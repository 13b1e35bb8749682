# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The best way there is: scikit-image's MCP_Geometric on the true ground, for a given rover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from skimage.graph import MCP_Geometric

from tenacious_rover.perception.body import body_of
from tenacious_rover.perception.clearance import check_poses
from tenacious_rover.perception.config import ClearanceConfig
from tenacious_rover.perception.terrain_map import TerrainMap

if TYPE_CHECKING:
    from tenacious_rover.navigation.zones import Zones
    from tenacious_rover.rover.model import Rover
    from tenacious_rover.simulator.ground import World

Array = NDArray[Any]
CELL_M = 0.1
_FINE_M = 0.04
_HEADINGS = 8
_STRIP_M = 5.0


@dataclass(frozen=True)
class Way:
    """`points` (n, 2) in map from start to goal, `length_m` of it; empty when there is none."""

    points: Array
    length_m: float

    @property
    def exists(self) -> bool:
        """Whether the goal can be reached at all."""
        return len(self.points) > 0


def true_terrain(world: World, resolution_m: float = _FINE_M) -> TerrainMap:
    """The ground with its rocks and the lander as a map without error, in map."""
    x0, x1, y0, y1 = world.extent
    columns, rows = int((x1 - x0) / resolution_m), int((y1 - y0) / resolution_m)
    x = x0 + (np.arange(columns) + 0.5) * resolution_m
    y = y0 + (np.arange(rows) + 0.5) * resolution_m
    z = world.height(*np.meshgrid(x, y)).astype(np.float64)
    for number in range(len(world.rocks)):
        _raise_rock(z, x, y, world, number)
    for block in world.lander:
        _raise_block(z, x, y, block.map_T_block, block.size)
    layer = np.ascontiguousarray(z, np.float32)
    variance = np.full_like(layer, 1e-6)
    layers = {"elevation": layer, "variance": variance, "top": layer.copy()}
    return TerrainMap(resolution_m, np.array([x0, y0]), layers)


def _raise_rock(z: Array, x: Array, y: Array, world: World, number: int) -> None:
    """Top surface of an ellipsoid: the larger root of (p - c)' A (p - c) = 1 in z."""
    center, rotation = world.rocks.center[number], world.rocks.rotation[number]
    axes = world.rocks.semi_axes[number]
    reach = float(axes.max())
    c = slice(*np.searchsorted(x, [center[0] - reach, center[0] + reach]))
    r = slice(*np.searchsorted(y, [center[1] - reach, center[1] + reach]))
    if c.start == c.stop or r.start == r.stop:
        return
    a = rotation @ np.diag(1.0 / axes**2) @ rotation.T
    u, v = np.meshgrid(x[c] - center[0], y[r] - center[1])
    b = a[0, 2] * u + a[1, 2] * v
    rest = a[0, 0] * u**2 + 2 * a[0, 1] * u * v + a[1, 1] * v**2 - 1.0
    root = b**2 - a[2, 2] * rest
    top = center[2] + np.where(root > 0.0, (-b + np.sqrt(np.maximum(root, 0.0))) / a[2, 2], -np.inf)
    z[r, c] = np.maximum(z[r, c], top)


def _raise_block(z: Array, x: Array, y: Array, map_T_block: Array, size: Array) -> None:
    """Under a block nothing can pass: its footprint is as high as its top."""
    corners = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]) / 2.0 * size
    placed = corners @ map_T_block[:3, :3].T + map_T_block[:3, 3]
    low, high = placed.min(0), placed.max(0)
    c = slice(*np.searchsorted(x, [low[0], high[0]]))
    r = slice(*np.searchsorted(y, [low[1], high[1]]))
    if c.start < c.stop and r.start < r.stop:
        z[r, c] = np.maximum(z[r, c], high[2])


def passable(
    world: World,
    terrain: TerrainMap,
    rover: Rover,
    zones: Zones,
    config: ClearanceConfig,
    strip: tuple[Array, Array, float] | None = None,
) -> tuple[NDArray[np.bool_], Array]:
    """Cells (rows, columns) where the rover can stand with some heading, and their origin.

    With a `strip` of two ends (2,) and a half width, m, only cells nearer than that to the line
    between the ends are looked at; the others count as not passable.
    """
    x0, x1, y0, y1 = world.extent
    rows, columns = int((y1 - y0) / CELL_M), int((x1 - x0) / CELL_M)
    x = x0 + (np.arange(columns) + 0.5) * CELL_M
    y = y0 + (np.arange(rows) + 0.5) * CELL_M
    grid = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    body = body_of(rover)
    free = np.zeros(len(grid), bool)
    inside = np.ones(len(grid), bool) if strip is None else _near_line(grid, *strip)
    for heading in np.arange(_HEADINGS) * 2.0 * np.pi / _HEADINGS:
        left = np.flatnonzero(~free & inside)
        poses = np.column_stack([grid[left], np.full(len(left), heading)])
        free[left] = check_poses(terrain, body, poses, config).safe
    free &= ~zones.forbidden(grid)
    return free.reshape(rows, columns), np.array([x0, y0])


def _near_line(points: Array, a: Array, b: Array, reach_m: float) -> NDArray[np.bool_]:
    """Which points (n, 2) are nearer than `reach_m` to the line from a to b."""
    along = b - a
    share = np.clip((points - a) @ along / (along @ along), 0.0, 1.0)
    off = points - (a + share[:, None] * along)
    return np.asarray(np.hypot(off[:, 0], off[:, 1]) < reach_m)


def best_way(world: World, rover: Rover, zones: Zones, start: Array, goal: Array) -> Way:
    """The shortest way over passable ground, its corners pulled straight where that is free.

    It is sought in a strip first: a way that leaves a strip of half width w about a line of
    length d is longer than sqrt(d^2 + 4 w^2), so a shorter one found inside is the shortest.
    """
    terrain = true_terrain(world)
    far = float(np.hypot(*(goal - start)))
    found = _shortest(world, terrain, rover, zones, start, goal, _STRIP_M)
    if found.length_m <= np.hypot(far, 2.0 * _STRIP_M):
        return found
    return _shortest(world, terrain, rover, zones, start, goal, np.inf)


def _shortest(
    world: World,
    terrain: TerrainMap,
    rover: Rover,
    zones: Zones,
    start: Array,
    goal: Array,
    reach_m: float,
) -> Way:
    strip = (start, goal, reach_m)
    free, origin = passable(world, terrain, rover, zones, ClearanceConfig(), strip)
    ends = [tuple(((xy - origin) / CELL_M).astype(int)[::-1]) for xy in (start, goal)]
    for end in ends:
        free[end] = True
    search = MCP_Geometric(np.where(free, 1.0, -1.0))
    costs, _ = search.find_costs([ends[0]], [ends[1]])
    if not np.isfinite(costs[ends[1]]):
        return Way(np.zeros((0, 2)), np.inf)
    cells = np.array(search.traceback(ends[1]))
    points = origin + (cells[:, ::-1] + 0.5) * CELL_M
    points[0], points[-1] = start, goal
    pulled = _pulled(points, free, origin)
    return Way(pulled, float(np.hypot(*np.diff(pulled, axis=0).T).sum()))


def _pulled(points: Array, free: NDArray[np.bool_], origin: Array) -> Array:
    """Leave out corners as long as the straight line between the others is free."""
    kept = [0]
    while kept[-1] < len(points) - 1:
        far = len(points) - 1
        while far > kept[-1] + 1 and not _clear(points[kept[-1]], points[far], free, origin):
            far = kept[-1] + max((far - kept[-1]) // 2, 1) if far - kept[-1] > 8 else far - 1
        kept.append(far)
    return points[kept]


def _clear(a: Array, b: Array, free: NDArray[np.bool_], origin: Array) -> bool:
    count = max(int(np.hypot(*(b - a)) / (0.5 * CELL_M)), 1)
    line = a + np.linspace(0.0, 1.0, count + 1)[:, None] * (b - a)
    cells = ((line - origin) / CELL_M).astype(int)
    return bool(free[cells[:, 1], cells[:, 0]].all())
