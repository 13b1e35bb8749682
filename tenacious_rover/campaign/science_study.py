# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Cases of the study of science, each run in a process of its own and kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from tenacious_rover.campaign import science_missions, science_scenes

WORLDS = ("mare_calm", "rocky_ejecta", "crater_rim", "wrinkle_ridge", "polar_low_sun")
FOLDER = "TENACIOUS_SCIENCE_FOLDER"
"""Environment variable that tells worker processes where runs go."""


def cases(scoops: int, worlds: int, missions: int, seed: int) -> list[str]:
    """Ids, the cheap ones first."""
    listed = [f"scoop-{seed + k}" for k in range(scoops)]
    listed += [f"light-{name}-{seed}" for name in WORLDS[:worlds]]
    return listed + [f"mission-{seed + k}" for k in range(missions)]


def worked(case: str) -> dict[str, Any]:
    """Run a case."""
    kind, *rest = case.split("-")
    seed = int(rest[-1])
    if kind == "scoop":
        return {"case": case, **science_scenes.dug(seed)}
    if kind == "light":
        return {"case": case, "looks": science_scenes.metered(rest[0], seed)}
    folder = Path(os.environ[FOLDER]) / case
    return {"case": case, **science_missions.flown(seed, folder)}


def figures(records: list[dict[str, Any]]) -> dict[str, float]:
    """Of all cases that ran."""
    found: dict[str, float] = {}
    scoops = [r for r in records if r["case"].startswith("scoop") and r.get("true_ml", 0.0) > 0.0]
    if scoops:
        true = np.array([r["true_ml"] for r in scoops])
        seen = np.array([r["seen_ml"] for r in scoops])
        sigma = np.array([r["sigma_ml"] for r in scoops])
        found["scoops"] = len(scoops)
        found["scoop_volume_error_median"] = float(np.median(np.abs(seen / true - 1.0)))
        found["scoop_volume_error_p95"] = float(np.percentile(np.abs(seen / true - 1.0), 95.0))
        found["scoop_volume_inside_2_sigma"] = float(np.mean(np.abs(seen - true) <= 2.0 * sigma))
    looks = [look for r in records for look in r.get("looks", [])]
    for name in WORLDS:
        clipped = [look["clipped"] for look in looks if look["world"] == name]
        if clipped:
            found[f"clipped_worst_{name}"] = max(clipped)
    missions = [r for r in records if r["case"].startswith("mission") and "outcomes" in r]
    if missions:
        inside = [r["inside"] for r in missions if r["inside"] is not None]
        found["missions"] = len(missions)
        found["sample_success"] = float(np.mean([r["sampled"] for r in missions]))
        found["house_standing"] = float(np.mean([r["standing"] for r in missions]))
        found["house_photographed"] = float(np.mean([r["photographed"] for r in missions]))
        if inside:
            found["place_inside_95"] = float(np.mean(inside))
            errors = [r["place_error_m"] for r in missions if r["inside"] is not None]
            found["place_error_median_m"] = float(np.median(errors))
    return found


def failures(records: list[dict[str, Any]]) -> list[str]:
    """Cases that crashed or missed what they were for, with what the rover said."""
    listed = [f"{r['case']}: {r['error']}" for r in records if "error" in r]
    for record in records:
        if record["case"].startswith("mission") and "outcomes" in record:
            bad = [outcome for outcome in record["outcomes"] if ": failed: " in outcome]
            if bad or not record["photographed"]:
                words = "; ".join(bad) or record["ended"]
                listed.append(f"{record['case']} ({record['fault']}): {words}")
        if record["case"].startswith("scoop") and not record.get("done", True):
            listed.append(f"{record['case']}: the scoop stopped")
    return listed
