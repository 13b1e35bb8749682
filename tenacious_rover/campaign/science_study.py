# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Cases of the study of science, kept as they end.

Seeds below 1000 are for tuning, from 1000 on for figures that are reported.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from tenacious_rover.campaign import science_missions, science_scenes
from tenacious_rover.campaign.error import CampaignError

WORLDS = ("mare_calm", "rocky_ejecta", "crater_rim", "wrinkle_ridge", "polar_low_sun")
FOLDER = "TENACIOUS_SCIENCE_FOLDER"
"""Environment variable that tells worker processes where runs go."""


def cases(worlds: int, missions: int, seed: int) -> list[str]:
    """Ids, the cheap ones first."""
    listed = [f"light-{name}-{seed}" for name in WORLDS[:worlds]]
    return listed + [f"mission-{seed + k}" for k in range(missions)]


def worked(case: str) -> dict[str, Any]:
    """Run a case.

    Raises:
        CampaignError: it is none.
    """
    match case.split("-"):
        case ["light", str(name), str(number)] if name in WORLDS and number.isdecimal():
            return {"case": case, "looks": science_scenes.metered(name, int(number))}
        case ["mission", str(number)] if number.isdecimal():
            seed = int(number)
        case _:
            words = f"case: {case!r} is neither of the form mission-7 nor light-{WORLDS[0]}-7"
            raise CampaignError(f"{words}; worlds: {', '.join(WORLDS)}")
    folder = Path(os.environ[FOLDER]) / case
    return {"case": case, **science_missions.flown(seed, folder)}


def figures(records: list[dict[str, Any]]) -> dict[str, float]:
    """Of all cases that ran."""
    found: dict[str, float] = {}
    looks = [look for r in records for look in r.get("looks", [])]
    for name in WORLDS:
        clipped = [look["clipped"] for look in looks if look["world"] == name]
        if clipped:
            found[f"clipped_worst_{name}"] = max(clipped)
    missions = [r for r in records if r["case"].startswith("mission") and "outcomes" in r]
    return found | (_of_missions(missions) if missions else {})


def _of_missions(missions: list[dict[str, Any]]) -> dict[str, float]:
    """Counts as well as shares: 50 missions are few."""
    found: dict[str, float] = {"missions": len(missions)}
    for name, key in (
        ("sample_success", "sampled"),
        ("house_standing", "standing"),
        ("house_photographed", "photographed"),
    ):
        done = sum(bool(r[key]) for r in missions)
        found |= {f"{name}_count": done, name: done / len(missions)}
    taken = [r for r in missions if r["sampled"]]
    if taken:
        errors = np.array([abs(r["seen_ml"] / r["true_ml"] - 1.0) for r in taken])
        off = np.array([abs(r["seen_ml"] - r["true_ml"]) for r in taken])
        sigma = np.array([r["sigma_ml"] for r in taken])
        found["volume_error_median"] = float(np.median(errors))
        found["volume_error_within_15"] = float(np.mean(errors <= 0.15))
        found["volume_error_p90"] = float(np.percentile(errors, 90.0))
        found["volume_inside_2_sigma"] = float(np.mean(off <= 2.0 * sigma))
        found["place_inside_95_count"] = sum(bool(r["inside"]) for r in taken)
        found["place_inside_95"] = found["place_inside_95_count"] / len(taken)
        found["place_error_median_m"] = float(np.median([r["place_error_m"] for r in taken]))
    found["attempts_mean"] = float(np.mean([r.get("attempts", 0) for r in missions]))
    found["cpu_s_per_mission"] = float(np.mean([r["cpu_s"] for r in missions]))
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
    return listed
