# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a world holds, in numbers and as rasters: for pictures, studies and scoring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.simulator import sky
from tenacious_rover.simulator.camera.ground import make_ground
from tenacious_rover.simulator.camera.shadow import bake
from tenacious_rover.simulator.terrain import rocks
from tenacious_rover.simulator.terrain.surface import surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.ground import World

BASELINE_M = 0.32
"""Over which slopes are taken: the rover's wheelbase."""


def facts(world: World, time_s: float = 0.0) -> dict[str, Any]:
    """Numbers that describe a world."""
    azimuth, elevation = sky.angles(world.spec.sun_direction(time_s))
    slopes = slope_deg(world, BASELINE_M)
    k, q = rocks.law(world.spec.rocks)
    x0, x1, y0, y1 = world.extent
    inside = np.all((world.craters.center >= (x0, y0)) & (world.craters.center <= (x1, y1)), axis=1)
    return {
        "world": world.spec.world,
        "seed": world.spec.seed,
        "size_m": world.spec.size_m,
        "resolution_m": world.resolution_m,
        "nodes": int(world.heights.size),
        "height_range_m": [float(world.heights.min()), float(world.heights.max())],
        "slope_median_deg": float(np.median(slopes)),
        "slope_95_deg": float(np.percentile(slopes, 95)),
        "rocks": len(world.rocks),
        "rocks_10cm": int((world.rocks.diameter_m >= 0.1).sum()),
        "largest_rock_m": float(world.rocks.diameter_m.max(initial=0.0)),
        "rock_k": k,
        "rock_q": q,
        "craters": int(inside.sum()),
        "craters_1m": int((world.craters.diameter_m[inside] >= 1.0).sum()),
        "largest_crater_m": float(world.craters.diameter_m[inside].max(initial=0.0)),
        "crater_depth_ratio": float(world.craters.depth_ratio[inside].mean())
        if inside.any()
        else 0,
        "sun_azimuth_deg": azimuth,
        "sun_elevation_deg": elevation,
        "digest": world.digest,
    }


def slope_deg(world: World, baseline_m: float) -> NDArray[np.float64]:
    """Slope (rows, columns) of the bare ground over a baseline, degrees."""
    half = max(1, round(baseline_m / world.resolution_m / 2.0))
    h = np.pad(world.heights, half, mode="edge").astype(np.float64)
    run = 2.0 * half * world.resolution_m
    gx = (h[half:-half, 2 * half :] - h[half:-half, : -2 * half]) / run
    gy = (h[2 * half :, half:-half] - h[: -2 * half, half:-half]) / run
    return np.asarray(np.degrees(np.arctan(np.hypot(gx, gy))))


def shaded(world: World, sun: NDArray[np.float64]) -> NDArray[np.float64]:
    """Brightness (rows, columns), 0 in shadow, as seen from above: Lommel-Seeliger's law."""
    top = surface(world)
    ground = make_ground(top, (float(world.origin[0]), float(world.origin[1])), world.resolution_m)
    bake(ground, sun)
    gy, gx = np.gradient(top.astype(np.float64), world.resolution_m)
    up = 1.0 / np.sqrt(1.0 + gx * gx + gy * gy)
    incidence = np.maximum((sun[2] - gx * sun[0] - gy * sun[1]) * up, 0.0)
    lit = np.clip((top - ground.shadow) / 0.01 + 0.5, 0.0, 1.0)
    return np.asarray(lit * incidence / (incidence + up + 1e-9))


def standing(world: World, axle_m: float, pose: tuple[float, float, float]) -> NDArray[np.float64]:
    """map_T_base (4, 4) of a rover on the ground's plane around it.

    Args:
        world: on which it stands.
        axle_m: height of base_link above level ground.
        pose: x, y in m and yaw in rad.
    """
    x, y, yaw = pose
    turn = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    up = world.normal(x + 0.2 * np.cos(turn), y + 0.2 * np.sin(turn)).mean(axis=0)
    up /= np.linalg.norm(up)
    forward = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    forward -= up * (forward @ up)
    forward /= np.linalg.norm(forward)
    map_T_base = np.eye(4)
    map_T_base[:3, :3] = np.column_stack([forward, np.cross(up, forward), up])
    map_T_base[:3, 3] = np.array([x, y, float(world.height(x, y))]) + axle_m * up
    return map_T_base
