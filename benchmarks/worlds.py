# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Worlds: how long they take to build, how much memory, and how well they follow their laws.

Time is CPU time of a process of its own with the compiled code in place; memory is the most that
process ever held. Goodness of fit is over many seeds: chi-square per size bin of the counts that
the built worlds hold, not of the sampler alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from tenacious_rover.campaign.study import Study

CHILD = """
import json, resource, sys, time
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.world import load_world
name, size, resolution, k, seed = json.loads(sys.argv[1])
spec = load_world(name)
build_world(spec.varied(size_m=14.0, rock_k=0.0021, lander=None, terrain={}), cache=False)
spec = spec.varied(size_m=size, resolution_m=resolution, rock_k=k, seed=seed)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cpu, wall = time.process_time(), time.perf_counter()
world = build_world(spec, cache=False)
print(json.dumps({
    "cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "held_mb": before / 1024, "rocks": len(world.rocks), "digest": world.digest,
}))
"""
CASES = {
    "40m_k1": (40.0, 0.05, 0.0125),
    "40m_k20": (40.0, 0.05, 0.20),
    "100m_k1": (100.0, 0.05, 0.0125),
    "100m_k20": (100.0, 0.05, 0.20),
    "40m_2cm5_k1": (40.0, 0.025, 0.0125),
}
TARGETS = {
    "build_100m_k1_cpu_s": "<= 20",
    "build_40m_k20_cpu_s": "<= 2",
    "build_100m_k20_peak_mb": "<= 1500",
    "same_in_two_processes": ">= 1",
    "rocks_fit_p": ">= 0.001",
    "craters_fit_p": ">= 0.001",
    "crater_depth_ratio_mean": ">= 0.055",
}


def measure(study: Study) -> dict[str, Any]:
    figures: dict[str, float] = {}
    for name, (size, resolution, k) in CASES.items():
        if study.quick and name == "40m_2cm5_k1":
            continue
        found = built("mare_calm", size, resolution, k, study.seed)
        figures[f"build_{name}_cpu_s"] = round(found["cpu_s"], 3)
        figures[f"build_{name}_wall_s"] = round(found["wall_s"], 3)
        figures[f"build_{name}_peak_mb"] = round(found["peak_mb"], 1)
    pair = [built("first_traverse", 36.0, 0.05, 0.0125, 7)["digest"] for _ in range(2)]
    figures["same_in_two_processes"] = float(pair[0] == pair[1])
    seeds = list(range(study.seed, study.seed + (12 if study.quick else 60)))
    return {"figures": figures | fits(seeds), "targets": TARGETS, "seeds": seeds}


def built(name: str, size: float, resolution: float, k: float, seed: int) -> dict[str, Any]:
    """What a process of its own needs for one world."""
    argument = json.dumps([name, size, resolution, k, seed])
    command = [sys.executable, "-c", CHILD, argument]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def fits(seeds: list[int]) -> dict[str, float]:
    """Chi-square probability of rock and crater counts of whole worlds against the laws."""
    from tenacious_rover.simulator.build import build_world
    from tenacious_rover.simulator.terrain import craters, rocks
    from tenacious_rover.simulator.world import load_world

    spec = load_world("mare_calm").varied(size_m=40.0, rock_k=0.0125, lander=None)
    surface = 40.0**2
    rock_bins = np.geomspace(0.05, 1.5, 12)
    crater_bins = np.concatenate([np.geomspace(0.05, 8.0, 18), [20.0]])
    rock_seen, crater_seen = np.zeros(len(rock_bins) - 1), np.zeros(len(crater_bins) - 1)
    ratios: list[float] = []
    for seed in seeds:
        world = build_world(spec.varied(seed=seed), cache=False)
        rock_seen += np.histogram(world.rocks.diameter_m, rock_bins)[0]
        inside = (np.abs(world.craters.center) <= 20.0).all(axis=1)
        crater_seen += np.histogram(world.craters.diameter_m[inside], crater_bins)[0]
        ratios.append(float(world.craters.depth_ratio[inside].mean()))
    wanted = {
        "rocks": np.array([rocks.count(spec.rocks, d) for d in rock_bins]),
        "craters": np.array([craters.count(spec.terrain.craters, d) for d in crater_bins]),
    }
    out = {"crater_depth_ratio_mean": float(np.mean(ratios))}
    for name, seen in (("rocks", rock_seen), ("craters", crater_seen)):
        mean = (wanted[name][:-1] - wanted[name][1:]) * surface * len(seeds)
        chi2 = float(np.sum((seen - mean) ** 2 / mean))
        out[f"{name}_fit_p"] = float(stats.chi2.sf(chi2, len(mean)))
        out[f"{name}_counted"] = float(seen.sum())
        out[f"{name}_worst_bin_sigma"] = float(np.abs((seen - mean) / np.sqrt(mean)).max())
    return out
