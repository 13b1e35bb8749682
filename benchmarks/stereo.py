# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Stereo on rendered pairs with exact depth: errors at 1, 2, 4 and 8 m, and CPU time per pair.

Peers are OpenCV's matchers on the same pairs, each with as many disparities as the nearest ground
in view needs: StereoBM and StereoSGBM with their defaults else, and the 3-way SGBM with the block
and penalties of OpenCV's own sample. Their depth is taken as it comes; ours as the map takes it.

`valid`: share of pixels at that range, which both eyes have in view, that got a depth. `median` and
`p90`: relative error of depth where there is one, per cent. `wrong`: share of all pixels with a
depth that is off by more than 2 px. `sky`: share of the sky that got a depth below 20 m.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from tenacious_rover.campaign.study import Study

WORLDS = ("mare_calm", "rocky_ejecta", "polar_low_sun")
RANGES_M = (1, 2, 4, 8)
TARGETS = {
    "ours ms": "<= 100.0",
    "ours median 1 m %": "<= 0.28",
    "ours median 2 m %": "<= 0.60",
    "ours median 4 m %": "<= 1.18",
    "ours median 8 m %": "<= 2.31",
}
"""Errors: those of plain 3-way SGBM when the camera model was first tried."""
Match = Callable[[np.ndarray, np.ndarray], np.ndarray]


def measure(study: Study) -> dict[str, Any]:
    """Errors of each matcher, pooled over worlds and poses."""
    from tenacious_rover.rover.description import load_rover

    cv2.setNumThreads(1)
    rover = load_rover("tenacious")
    methods = matchers(rover)
    rows: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in methods}
    spent: dict[str, list[float]] = {name: [] for name in methods}
    worlds, poses = (WORLDS[:2], 3) if study.quick else (WORLDS, 12)
    for world in worlds:
        for left, right, depth in pairs(rover, world, poses, study.seed):
            for name, match in methods.items():
                began = time.process_time()
                disparity = match(left, right)
                spent[name].append(1e3 * (time.process_time() - began))
                rows[name].append(scored(rover, disparity, depth))
    found = {name: summary(rows[name], spent[name]) for name in methods}
    ours = {f"ours {key}": value for key, value in found.pop("ours").items()}
    return {
        "figures": ours,
        "peers": found,
        "targets": TARGETS,
        "seeds": [study.seed],
        "text": table({"ours": {k.removeprefix("ours "): v for k, v in ours.items()}, **found}),
    }


def pairs(rover: Any, name: str, count: int, seed: int) -> Any:
    """Yield left (h, w) uint8, right, true depth (h, w) of the left eye at poses in a world."""
    from tenacious_rover.perception.body import body_of
    from tenacious_rover.perception.clearance import check_poses
    from tenacious_rover.perception.terrain_map import TerrainMap
    from tenacious_rover.rover import frames
    from tenacious_rover.simulator.build import build_world
    from tenacious_rover.simulator.camera.renderer import Renderer
    from tenacious_rover.simulator.camera.sensor import CameraSensor
    from tenacious_rover.simulator.terrain.surface import surface
    from tenacious_rover.simulator.world import load_world

    world = build_world(load_world(name))
    renderer, sun = Renderer(world), world.spec.sun_direction(0.0)
    rng = np.random.default_rng([seed, len(name)])
    step = world.resolution_m
    ground = TerrainMap(step, world.origin - step / 2.0, {"elevation": surface(world)})
    sensors = {e: CameraSensor(rover.cameras[e], rng=rng) for e in ("left", "right")}
    body, half = body_of(rover), 0.3 * world.spec.size_m
    while count:
        pose = np.array([*rng.uniform(-half, half, 2), rng.uniform(-np.pi, np.pi)])
        found = check_poses(ground, body, pose[None])
        if not found.safe[0]:
            continue
        count -= 1
        angles = (float(found.roll[0]), float(found.pitch[0]), pose[2])
        map_T_base = frames.from_rpy((pose[0], pose[1], float(found.z[0])), angles)
        views = {
            eye: renderer.render(camera, map_T_base @ camera.base_T_optical, sun)
            for eye, camera in rover.cameras.items()
        }
        light = sensors["left"].auto(views["left"])
        left, right = (
            cv2.cvtColor(sensors[e].expose(views[e], *light), cv2.COLOR_RGB2GRAY)
            for e in ("left", "right")
        )
        yield left, right, views["left"].depth


def matchers(rover: Any) -> dict[str, Match]:
    """Name to a function of a grey pair that gives disparity (h, w) in px, NaN unknown."""
    from tenacious_rover.perception.config import PerceptionConfig
    from tenacious_rover.perception.stereo import StereoMatcher, ground_disparity

    ours = StereoMatcher(rover, PerceptionConfig())
    half = StereoMatcher(rover, PerceptionConfig(matching_scale=0.5))
    slope, offset = ground_disparity(rover)
    nearest = slope * rover.cameras["left"].height_px + offset
    count = int(np.ceil(nearest / 16)) * 16
    penalty = 5 * 5

    def opencv(matcher: Any) -> Match:
        def match(left: np.ndarray, right: np.ndarray) -> np.ndarray:
            found = matcher.compute(left, right).astype(np.float32) / 16.0
            return np.where(found > 0.0, found, np.nan)

        return match

    three_way = cv2.StereoSGBM.create(
        numDisparities=count,
        blockSize=5,
        P1=8 * penalty,
        P2=32 * penalty,
        disp12MaxDiff=1,
        uniquenessRatio=10,
        speckleWindowSize=100,
        speckleRange=32,
        mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    )
    return {
        "ours": lambda a, b: ours.match(a, b).disparity,
        "ours at half size": lambda a, b: half.match(a, b).disparity,
        "OpenCV StereoBM": opencv(cv2.StereoBM.create(numDisparities=count)),
        "OpenCV StereoSGBM": opencv(cv2.StereoSGBM.create(numDisparities=count)),
        "OpenCV SGBM 3-way, sample": opencv(three_way),
    }


def scored(rover: Any, disparity: np.ndarray, depth: np.ndarray) -> dict[str, np.ndarray]:
    """Per range: relative errors and how many pixels there are; and what is in the sky."""
    scale = rover.cameras["left"].fx_px * rover.baseline_m
    true = scale / np.where(np.isfinite(depth), depth, np.inf)
    both = np.isfinite(depth) & (np.arange(depth.shape[1]) - true >= 0.0)
    out: dict[str, np.ndarray] = {}
    for distance in RANGES_M:
        there = both & (np.abs(depth / distance - 1.0) < 0.15)
        found = disparity[there]
        out[f"all {distance}"] = np.array([there.sum()])
        error = np.abs(true[there] / found - 1.0)
        out[f"error {distance}"] = error[np.isfinite(error)]
    near = both & (depth < 20.0)
    off = np.abs(disparity - true)[near]
    out["off"], out["near"] = np.array([(off > 2.0).sum()]), np.array([np.isfinite(off).sum()])
    sky = ~np.isfinite(depth)
    out["sky"] = np.array([(disparity[sky] > scale / 20.0).sum()])
    out["all sky"] = np.array([sky.sum()])
    return out


def summary(rows: list[dict[str, np.ndarray]], spent: list[float]) -> dict[str, float]:
    """Figures of one matcher."""
    pooled = {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}
    figures = {"ms": float(np.median(spent))}
    for distance in RANGES_M:
        error, count = pooled[f"error {distance}"], max(int(pooled[f"all {distance}"].sum()), 1)
        figures[f"valid {distance} m %"] = 100.0 * len(error) / count
        figures[f"median {distance} m %"] = 100.0 * float(np.median(error))
        figures[f"p90 {distance} m %"] = 100.0 * float(np.percentile(error, 90.0))
    figures["wrong %"] = 100.0 * float(pooled["off"].sum() / pooled["near"].sum())
    figures["sky %"] = 100.0 * float(pooled["sky"].sum() / pooled["all sky"].sum())
    return figures


def table(found: dict[str, dict[str, float]]) -> str:
    """One line per matcher: valid / median / p90 per cent at each range."""
    head = f"{'valid / median / p90 error, %':28}" + "".join(f"{d:>16} m" for d in RANGES_M)
    lines = [head + f"{'wrong':>9}{'sky':>9}{'ms':>8}"]
    for name, figures in found.items():
        line = f"{name:28}"
        for d in RANGES_M:
            one, two, three = (figures[f"{k} {d} m %"] for k in ("valid", "median", "p90"))
            line += f"{one:8.1f} {two:.2f} {three:.1f}".rjust(18)
        lines.append(line + f"{figures['wrong %']:9.2f}{figures['sky %']:9.2f}{figures['ms']:8.1f}")
    return "\n".join(lines)
