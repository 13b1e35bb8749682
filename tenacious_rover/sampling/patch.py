# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Which patch of ground to work on: flat, free of rocks, and with a place to stand before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_HEADINGS = 16


@dataclass(frozen=True)
class Ground:
    """What is asked of a terrain map; `perception.terrain_map.TerrainMap` is one as well.

    Attributes:
        resolution_m: of a cell.
        origin: (2,) lower corner of cell (0, 0), m.
        layers: `elevation` (m) and `hazard` (0 free to 1 lethal), (rows, columns), NaN unknown.
    """

    resolution_m: float
    origin: NDArray[np.float64]
    layers: dict[str, NDArray[np.float32]]


def ground(message: Any) -> Ground:
    """Of an `ElevationMap` message."""
    shape = (len(message.layers), message.height, message.width)
    values = np.asarray(message.data, np.float32).reshape(shape)
    layers = dict(zip(message.layers, values, strict=True))
    origin = np.array([message.origin_x, message.origin_y])
    return Ground(float(message.resolution), origin, layers)


@dataclass(frozen=True)
class Wish:
    """What a patch must be.

    Attributes:
        center: (2,) in the map's frame, m: preferred place.
        radius_m: around it.
        reach_m: from base_link forward to the patch, when the rover stands before it.
        size_m: side of the patch.
        body_m: length and width of the rover, which stands level and free of hazards.
        max_slope: rad.
        max_roughness_m: root mean square departure from a plane.
        max_hazard: in patch and under the body.
        lateral_m: from base_link to the left to the patch, when the rover stands before it.
        behind_m: ground behind the rover that is free as well: it will back off.
        behind_seen: and known to be; else what is not known there does not count.
    """

    center: NDArray[np.float64]
    radius_m: float
    reach_m: float
    size_m: float
    body_m: tuple[float, float]
    max_slope: float
    max_roughness_m: float
    max_hazard: float
    lateral_m: float = 0.0
    behind_m: float = 0.0
    behind_seen: bool = True
    headings: tuple[float, ...] = ()
    """Wished yaw of the rover before the patch, rad, the nearest of these counts; else the way it
    comes from."""
    sun: NDArray[np.float64] | None = None
    """(3,) direction to the sun in the map's frame: the rover shall not stand in the patch's light;
    `None` when that does not matter or is not known."""
    shade: NDArray[np.float64] | None = None
    """(6,) low and high corner, in base_link over the ground, of what casts the rover's shadow."""


@dataclass(frozen=True)
class Patch:
    """A patch in the frame of the terrain map.

    Attributes:
        place: (3,) its centre.
        stand: (x, y, yaw) of base_link before it.
        slope: rad.
        roughness_m: root mean square.
        cost: smaller is better.
    """

    place: NDArray[np.float64]
    stand: tuple[float, float, float]
    slope: float
    roughness_m: float
    cost: float


def patches(
    terrain: Ground,
    here: NDArray[np.float64],
    wish: Wish,
    allowed: Callable[[NDArray[np.float64]], NDArray[np.bool_]] | None = None,
    most: int = 10,
    standing: Callable[[NDArray[np.float64]], NDArray[np.bool_]] | None = None,
) -> list[Patch]:
    """Patches that fit, best first; neighbours closer than a patch's size are left out.

    Args:
        terrain: the map.
        here: odom_T_base (4, 4), in the map's frame.
        wish: what is asked.
        allowed: points (n, 2) to (n,): outside of keep-out zones and of earlier tries.
        most: how many.
        standing: points (n, 2) to (n,): where the rover may stand before a patch.
    """
    res, height = terrain.resolution_m, np.asarray(terrain.layers["elevation"], float)
    fits, slope, residual, hazard = _fitting(terrain, wish)
    rows, columns = np.mgrid[: height.shape[0], : height.shape[1]]
    x = terrain.origin[0] + (columns + 0.5) * res
    y = terrain.origin[1] + (rows + 0.5) * res
    distance = np.hypot(x - wish.center[0], y - wish.center[1])
    good = fits & (distance <= wish.radius_m)
    cells = np.argwhere(good)
    if not len(cells):
        return []
    xy = np.column_stack([x[good], y[good]])
    if allowed is not None:
        keep = allowed(xy)
        cells, xy = cells[keep], xy[keep]
    cost = (
        distance[tuple(cells.T)]
        + 2.0 * slope[tuple(cells.T)] / wish.max_slope
        + 2.0 * residual[tuple(cells.T)] / wish.max_roughness_m
    )
    found: list[Patch] = []
    for index in np.argsort(cost, kind="stable"):
        if any(np.hypot(*(xy[index] - p.place[:2])) < wish.size_m for p in found):
            continue
        stand = _stand(terrain, hazard, xy[index], here, wish, standing)
        if stand is None:
            continue
        cell = tuple(cells[index])
        place = np.array([*xy[index], height[cell]])
        found.append(
            Patch(place, stand, float(slope[cell]), float(residual[cell]), float(cost[index]))
        )
        if len(found) == most:
            break
    return found


def fits(terrain: Ground, place: NDArray[np.float64], wish: Wish) -> bool:
    """Whether a patch at `place` (2,) is flat, free and known, as far as `wish` asks for it."""
    column, row = np.floor((place - terrain.origin) / terrain.resolution_m).astype(int)
    fitting = _fitting(terrain, wish)[0]
    inside = 0 <= row < fitting.shape[0] and 0 <= column < fitting.shape[1]
    return bool(inside and fitting[row, column])


def _fitting(
    terrain: Ground, wish: Wish
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of each cell: whether its patch fits, slope and roughness of that; hazard of the cell."""
    res = terrain.resolution_m
    height = np.asarray(terrain.layers["elevation"], float)
    slope_x, slope_y, residual, known = planes(height, res, wish.size_m)
    slope = np.arctan(np.hypot(slope_x, slope_y))
    hazard = np.nan_to_num(np.asarray(terrain.layers["hazard"], float), nan=1.0)
    side = max(round(wish.size_m / res), 1)
    near = ndimage.maximum_filter(hazard, size=side + 2, mode="constant", cval=1.0)
    good = known & (slope <= wish.max_slope) & (residual <= wish.max_roughness_m)
    return good & (near <= wish.max_hazard), slope, residual, hazard


def planes(
    height: NDArray[np.float64], resolution_m: float, size_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Least-squares plane of the square around each cell.

    Returns:
        slope along x, slope along y, root mean square departure in m, and where enough cells
        (80 %) were known; each (rows, columns).
    """
    half = max(round(size_m / resolution_m / 2.0), 1)
    side = 2 * half + 1
    offset = np.arange(-half, half + 1) * resolution_m
    known = np.isfinite(height)
    base = float(np.median(height[known])) if known.any() else 0.0
    z = np.where(known, height - base, 0.0)
    ones, ramp = np.ones(side), offset

    def window(values: NDArray[np.float64], column: object, row: object) -> NDArray[np.float64]:
        out = ndimage.correlate1d(values, column, axis=0, mode="constant")
        return np.asarray(ndimage.correlate1d(out, row, axis=1, mode="constant"))

    w = known.astype(float)
    n = window(w, ones, ones)
    sx, sy = window(w, ones, ramp), window(w, ramp, ones)
    sxx, syy, sxy = (
        window(w, ones, ramp**2),
        window(w, ramp**2, ones),
        window(w, ramp, ramp),
    )
    sz, szz = window(z, ones, ones), window(z * z, ones, ones)
    sxz, syz = window(z, ones, ramp), window(z, ramp, ones)
    enough = n >= 0.8 * side * side
    normal = np.stack(
        [np.stack([n, sx, sy], -1), np.stack([sx, sxx, sxy], -1), np.stack([sy, sxy, syy], -1)], -2
    )
    normal[~enough] = np.eye(3)
    right = np.stack([sz, sxz, syz], -1)
    fit = np.linalg.solve(normal, right[..., None])[..., 0]
    residual = np.sqrt(np.maximum(szz - (fit * right).sum(-1), 0.0) / np.maximum(n, 1.0))
    return np.asarray(fit[..., 1]), np.asarray(fit[..., 2]), np.asarray(residual), enough


def stand_before(
    place: NDArray[np.float64], yaw: float, reach_m: float, lateral_m: float
) -> tuple[float, float]:
    """(x, y) of a rover heading `yaw` that has `place` at (reach_m, lateral_m) in base_link."""
    c, s = float(np.cos(yaw)), float(np.sin(yaw))
    x, y = float(place[0]), float(place[1])
    return x - reach_m * c + lateral_m * s, y - reach_m * s - lateral_m * c


def aim(inside: NDArray[np.float64], reach_m: float, lateral_m: float) -> tuple[float, float]:
    """The turn (rad) and then the way straight ahead (m) that bring a point to its place.

    Args:
        inside: the point in base_link now, (2,) or (3,).
        reach_m: where it shall be, along x of base_link.
        lateral_m: and along y; a point nearer than that can only be brought abeam.
    """
    away = max(float(np.hypot(inside[0], inside[1])), abs(lateral_m))
    ahead = float(np.sqrt(away**2 - lateral_m**2))
    turn = float(np.arctan2(inside[1], inside[0]) - np.arctan2(lateral_m, ahead))
    return float(np.arctan2(np.sin(turn), np.cos(turn))), ahead - reach_m


def _stand(
    terrain: Ground,
    hazard: NDArray[np.float64],
    place: NDArray[np.float64],
    here: NDArray[np.float64],
    wish: Wish,
    standing: Callable[[NDArray[np.float64]], NDArray[np.bool_]] | None,
) -> tuple[float, float, float] | None:
    """Where base_link stands to have `place` within reach; the way it comes from, if free."""
    toward = float(np.arctan2(place[1] - here[1, 3], place[0] - here[0, 3]))
    length, width = wish.body_m
    along, across = np.meshgrid(
        np.arange(-length / 2 - wish.behind_m, length / 2 + 1e-9, terrain.resolution_m),
        np.arange(-width / 2, width / 2 + 1e-9, terrain.resolution_m),
    )
    body = np.column_stack([along.ravel(), across.ravel()])
    for yaw in _yaws(toward, wish.headings):
        if _shaded(wish, yaw):
            continue
        c, s = np.cos(yaw), np.sin(yaw)
        x, y = stand_before(place, yaw, wish.reach_m, wish.lateral_m)
        if standing is not None and not standing(np.array([[x, y]]))[0]:
            continue
        points = body @ np.array([[c, s], [-s, c]]) + (x, y)
        column = np.floor((points[:, 0] - terrain.origin[0]) / terrain.resolution_m).astype(int)
        row = np.floor((points[:, 1] - terrain.origin[1]) / terrain.resolution_m).astype(int)
        inside = (row >= 0) & (row < hazard.shape[0]) & (column >= 0) & (column < hazard.shape[1])
        under_rover = np.hypot(points[:, 0] - here[0, 3], points[:, 1] - here[1, 3]) < length
        values = np.ones(len(points))
        values[inside] = hazard[row[inside], column[inside]]
        values[under_rover & ~inside] = 0.0
        unknown = inside.copy()
        unknown[inside] = np.isnan(terrain.layers["elevation"][row[inside], column[inside]])
        values[under_rover & unknown] = 0.0
        if not wish.behind_seen:
            values[(body[:, 0] < -length / 2) & (unknown | ~inside)] = 0.0
        if values.max() <= wish.max_hazard:
            return x, y, float(np.arctan2(np.sin(yaw), np.cos(yaw)))
    return None


def _yaws(toward: float, wished: tuple[float, ...]) -> list[float]:
    """Headings all around, those nearest to a wish, or to where the rover comes from, first."""
    turns = 2.0 * np.pi * np.arange(_HEADINGS) / _HEADINGS

    def apart(yaw: float, other: float) -> float:
        return abs(float(np.arctan2(np.sin(yaw - other), np.cos(yaw - other))))

    first = min(wished, key=lambda yaw: apart(yaw, toward), default=toward)
    return sorted((float(first + turn) for turn in turns), key=lambda yaw: apart(yaw, first))


def _shaded(wish: Wish, yaw: float) -> bool:
    """Whether a rover that heads `yaw` throws its shadow on the patch: a ray and a box."""
    if wish.sun is None or wish.shade is None:
        return False
    c, s = np.cos(yaw), np.sin(yaw)
    ray = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]) @ wish.sun
    ray = np.where(np.abs(ray) < 1e-9, 1e-9, ray)
    patch = np.array([wish.reach_m, wish.lateral_m, 0.0])
    grown = wish.size_m / 2.0 * np.array([1.0, 1.0, 0.0])
    ends = np.stack([wish.shade[:3] - grown - patch, wish.shade[3:] + grown - patch]) / ray
    enters, leaves = float(ends.min(axis=0).max()), float(ends.max(axis=0).min())
    return leaves >= max(enters, 0.0)
