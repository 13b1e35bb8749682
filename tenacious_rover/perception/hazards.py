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
    step = steps(elevation, top, plane, res)
    radius = float(body.wheels[:, 3].min())
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


def steps(elevation: Layer, top: Layer, plane: Plane, resolution_m: float) -> Layer:
    """Largest step (rows, columns) between a cell and its eight neighbours, m.

    The slope of the plane is taken out, so that a smooth slope has none.
    """
    sx, sy = (np.nan_to_num(s) * np.float32(resolution_m) for s in (plane.slope_x, plane.slope_y))
    rows, columns = elevation.shape
    step = np.zeros_like(elevation)
    for dr, dc in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)):
        here = np.s_[max(-dr, 0) : rows - max(dr, 0), max(-dc, 0) : columns - max(dc, 0)]
        there = np.s_[max(dr, 0) : rows + min(dr, 0), max(dc, 0) : columns + min(dc, 0)]
        across = np.float32(dc) * sx[here] + np.float32(dr) * sy[here]
        up = np.abs(top[there] - elevation[here] - across)
        down = np.abs(top[here] - elevation[there] + across)
        part = step[here]
        # fmax leaves out neighbours that are not known.
        np.fmax(part, np.minimum(up, down), out=part)
    step[np.isnan(elevation)] = np.nan
    return step
