# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What is dangerous to this rover, cell by cell: slope, roughness and steps.

This ranks ground cheaply, in the way of GESTALT (Goldberg, Maimone, Matthies 2002): a plane fitted
to a square of the rover's width gives slope and roughness, the span of heights within a wheel's
reach gives the step. Whether the rover may really stand somewhere is the matter of `clearance`.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.perception.body import Body
    from tenacious_rover.perception.config import PerceptionConfig
    from tenacious_rover.perception.terrain_map import TerrainMap

    Layer = NDArray[np.float32]

_ENOUGH = 0.4
"""Share of a square that must be known for its plane."""


@dataclasses.dataclass(frozen=True)
class Plane:
    """Least-squares planes around each cell, each (rows, columns); NaN where too little is known.

    Attributes:
        slope_x, slope_y: rise per metre.
        height: of the plane at the cell, m.
        roughness: root mean square departure, m.
    """

    slope_x: Layer
    slope_y: Layer
    height: Layer
    roughness: Layer


def with_hazards(terrain: TerrainMap, body: Body, config: PerceptionConfig) -> TerrainMap:
    """The map with layers `slope` (rad), `roughness` (m), `step` (m) and `hazard` (0 to 1).

    Args:
        terrain: layers `elevation`, and `top` when it has one.
        body: size of the squares.
        config: what is lethal.

    Returns:
        `hazard` is the worst of slope, roughness and step, each as a share of what is lethal; NaN
        where the elevation is. Where too little around a cell is known for a plane, `slope` and
        `roughness` are NaN and the hazard rests on the step alone.
    """
    elevation = terrain.layers["elevation"]
    res = terrain.resolution_m
    width = float(np.ptp(body.wheels[:, 1])) + float(body.wheels[:, 4].mean())
    plane = planes(elevation, res, width)
    slope = np.arctan(np.hypot(plane.slope_x, plane.slope_y))
    top = terrain.layers.get("top", elevation)
    radius = float(body.wheels[:, 3].min())
    step = steps(top, plane, res, radius)
    lethal = (
        slope / math.radians(config.max_slope_deg),
        plane.roughness / config.max_roughness_m,
        step / (config.max_step * radius),
    )
    hazard = np.zeros_like(elevation)
    for share in lethal:
        hazard = np.fmax(hazard, share)
    hazard = np.minimum(hazard, 1.0)
    hazard[np.isnan(elevation)] = np.nan
    made = {"slope": slope, "roughness": plane.roughness, "step": step, "hazard": hazard}
    layers = terrain.layers | {k: np.ascontiguousarray(v, np.float32) for k, v in made.items()}
    return dataclasses.replace(terrain, layers=layers)


def planes(elevation: Layer, resolution_m: float, size_m: float) -> Plane:
    """The plane of the square of side `size_m` around each known cell."""
    half = max(round(size_m / resolution_m / 2.0), 1)
    offset = (np.arange(-half, half + 1) * resolution_m).astype(np.float64)
    one = np.ones_like(offset)
    known = np.isfinite(elevation)
    base = float(np.median(elevation[known])) if known.any() else 0.0
    z = np.where(known, elevation.astype(np.float64) - base, 0.0)
    w = known.astype(np.float64)

    def window(values: NDArray[np.float64], x: object, y: object) -> NDArray[np.float64]:
        out = cv2.sepFilter2D(values, cv2.CV_64F, x, y, borderType=cv2.BORDER_CONSTANT)  # type: ignore[call-overload]
        return np.asarray(out)

    n, sx, sy = window(w, one, one), window(w, offset, one), window(w, one, offset)
    sxx, sxy, syy = (
        window(w, offset**2, one),
        window(w, offset, offset),
        window(w, one, offset**2),
    )
    sz, sxz, syz = window(z, one, one), window(z, offset, one), window(z, one, offset)
    szz = window(z * z, one, one)
    safe = np.maximum(n, 1.0)
    # Moments about the centroid of the known cells.
    cxx, cxy, cyy = sxx - sx * sx / safe, sxy - sx * sy / safe, syy - sy * sy / safe
    cxz, cyz, czz = sxz - sx * sz / safe, syz - sy * sz / safe, szz - sz * sz / safe
    determinant = cxx * cyy - cxy * cxy
    side = float(len(offset))
    enough = known & (n >= _ENOUGH * side * side) & (determinant > 1e-12)
    determinant = np.where(enough, determinant, 1.0)
    a = (cxz * cyy - cyz * cxy) / determinant
    b = (cyz * cxx - cxz * cxy) / determinant
    rest = np.sqrt(np.maximum(czz - a * cxz - b * cyz, 0.0) / safe)
    height = base + (sz - a * sx - b * sy) / safe

    def kept(values: NDArray[np.float64]) -> Layer:
        return np.where(enough, values, np.nan).astype(np.float32)

    return Plane(kept(a), kept(b), kept(height), kept(rest))


def steps(top: Layer, plane: Plane, resolution_m: float, reach_m: float) -> Layer:
    """Largest step (rows, columns) of cells against what is `reach_m` before and behind them, m.

    Along each of four directions it is the smaller of the second difference, which is zero on any
    slope, and the larger first difference, which is the height of a thing narrower than the reach.
    Where one side is not known it is the first difference less the plane's.
    """
    k = max(round(reach_m / resolution_m), 1)
    rows, columns = top.shape
    wide = np.pad(top, k, constant_values=np.nan)
    step = np.zeros_like(top)
    slope_x, slope_y = np.nan_to_num(plane.slope_x), np.nan_to_num(plane.slope_y)
    for dr, dc in ((0, k), (k, 0), (k, k), (k, -k)):
        one = wide[k + dr : k + dr + rows, k + dc : k + dc + columns] - top
        two = wide[k - dr : k - dr + rows, k - dc : k - dc + columns] - top
        first, second = np.fmax(np.abs(one), np.abs(two)), np.abs(one + two)
        rise = np.float32(resolution_m) * np.abs(slope_x * dc + slope_y * dr)
        alone = np.maximum(first - rise, np.float32(0.0))
        # fmax leaves out what is not known.
        np.fmax(step, np.where(np.isnan(second), alone, np.minimum(first, second)), out=step)
    step[np.isnan(top)] = np.nan
    return step
