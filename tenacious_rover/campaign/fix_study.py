# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The study of absolute fixes: one case of views or one drive, and what they add up to."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from tenacious_rover.campaign import fix_scenes
from tenacious_rover.campaign.fix_scenes import SURE, UNSURE, Scene
from tenacious_rover.rover import frames
from tenacious_rover.simulator.world import load_world

WORLDS = ("mare_calm", "first_traverse", "rocky_ejecta", "crater_rim")
LIGHT_H = (0.0, 1.0, 24.0, 168.0)
TARGETS = {"lander_false": "<= 0", "place_false": "<= 0"}


def looked(case: str) -> dict[str, Any]:
    """One world with a seed: four looks at the lander and four at places, and where neither is."""
    world, seed = case.split("-")
    if world == "drive":
        made = fix_scenes.correction(int(seed))
        return {"case": case, "drive": made.__dict__, "ended": f"{made.after_m:.2f} m"}
    scene = _scene(world, int(seed))
    rng = np.random.default_rng([int(seed), 23])
    lander, places, false = [], [], {"lander": 0, "place": 0}
    for light in LIGHT_H:
        lander.append(_lander(scene, rng, light))
        places.append(_place(scene, rng, light, false))
        nowhere = _somewhere(scene, rng, 9.0)
        guess = fix_scenes.believed_at(nowhere, scene.facing(rng.uniform(3, 6), rng.uniform(-3, 3)))
        fix = scene.finder(True).take(scene.look(nowhere, 1.0, 3600.0 * light), guess, UNSURE)
        false["lander"] += fix is not None
    return {"case": case, "lander": lander, "places": places, "false": false, "looks": len(LIGHT_H)}


def _lander(scene: Scene, rng: np.random.Generator, light_h: float) -> dict[str, Any]:
    distance = rng.uniform(3.0, 6.0)
    true = scene.facing(distance, rng.uniform(-math.pi, math.pi), rng.uniform(-0.3, 0.3))
    guess = _off(true, rng)
    fix = scene.finder(True).take(scene.look(true, 1.0, 3600.0 * light_h), guess, UNSURE)
    if fix is None:
        return {"distance_m": distance, "found": False}
    after, innovation = fix_scenes.corrected(fix, guess, UNSURE)
    return {
        "distance_m": distance,
        "found": True,
        "believed": innovation < 16.27,
        "off_m": float(np.hypot(*(after - true[:2, 3]))),
        "nees": fix_scenes.judged(fix, true)[1],
    }


def _place(
    scene: Scene, rng: np.random.Generator, light_h: float, false: dict[str, int]
) -> dict[str, Any]:
    finder, there = scene.finder(False), _somewhere(scene, rng, 4.0)
    finder.take(scene.look(there, 1.0), there, SURE)
    dx, dy, turn = rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3), rng.uniform(-0.2, 0.2)
    again = scene.pose(there[0, 3] + dx, there[1, 3] + dy, frames.yaw(there) + turn)
    guess = _off(again, rng)
    fix = finder.take(scene.look(again, 100.0, 3600.0 * light_h), guess, UNSURE)
    elsewhere = _somewhere(scene, rng, 4.0)
    while np.hypot(*(elsewhere[:2, 3] - there[:2, 3])) < 5.0:
        elsewhere = _somewhere(scene, rng, 4.0)
    picture = scene.look(elsewhere, 200.0, 3600.0 * light_h)
    guess = fix_scenes.believed_at(elsewhere, again)
    false["place"] += finder.take(picture, guess, UNSURE) is not None
    if fix is None:
        return {"hours": light_h, "found": False}
    off, nees = fix_scenes.judged(fix, again)
    return {"hours": light_h, "found": True, "off_m": off, "nees": nees}


def _off(pose: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An estimate that is as wrong as `UNSURE` says."""
    dx, dy, turn = rng.normal(0.0, [0.25, 0.25, 0.012])
    return fix_scenes.wrong(pose, float(dx), float(dy), float(turn))


def _somewhere(scene: Scene, rng: np.random.Generator, least_m: float) -> np.ndarray:
    """Away from the lander, with 3 m to the border."""
    half = scene.spec.size_m / 2.0 - 3.0
    x, y = rng.uniform(-half, half, 2)
    while np.hypot(x, y) < least_m:
        x, y = rng.uniform(-half, half, 2)
    return scene.pose(float(x), float(y), float(rng.uniform(-math.pi, math.pi)))


@functools.lru_cache(1)
def _scene(world: str, seed: int) -> Scene:
    return Scene(load_world(world).varied(seed=1000 + seed, size_m=36.0))


def figures(views: list[dict[str, Any]], drives: list[dict[str, Any]]) -> dict[str, float]:
    """Of all cases of views and all drives."""
    lander = [one for r in views for one in r["lander"]]
    places = [one for r in views for one in r["places"]]
    out: dict[str, float] = {}
    for name, all_ in (("lander", lander), ("place", places)):
        found = [one for one in all_ if one["found"]]
        off = [one["off_m"] for one in found]
        out[f"{name}_views"] = len(all_)
        out[f"{name}_found"] = len(found)
        if found:
            out[f"{name}_off_m"] = float(np.median(off))
            out[f"{name}_off_p95_m"] = float(np.percentile(off, 95))
            out[f"{name}_nees"] = float(np.mean([one["nees"] for one in found]))
        out[f"{name}_looks_elsewhere"] = sum(r["looks"] for r in views)
        out[f"{name}_false"] = sum(r["false"][name] for r in views)
    out["lander_refused"] = sum(one["found"] and not one["believed"] for one in lander)
    for hours in LIGHT_H:
        here = [one["found"] for one in places if one["hours"] == hours]
        out[f"place_found_after_{hours:g}h"] = sum(here) / max(len(here), 1)
    if drives:
        made = [r["drive"] for r in drives]
        for key in ("before_m", "after_m", "before_deg", "after_deg", "odom_step_m"):
            out[f"drive_{key}"] = float(np.median([one[key] for one in made]))
        out["drives"] = len(made)
        out["drive_worst_after_m"] = max(one["after_m"] for one in made)
    return out
