# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The navigation study: which drives, and what their records add up to."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tenacious_rover.campaign import statistics
from tenacious_rover.campaign.cases import HELD_OUT, Case
from tenacious_rover.campaign.drive import Drive, DriveConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

ABUNDANCES = (0.0021, 0.0125, 0.05, 0.10, 0.15, 0.20)
SLOPES_DEG = (0.0, 5.0, 10.0, 15.0)
PLAIN = (0.0021, 0.0125)
"""Grounds as at Chang'e-4 and Chang'e-3."""
TARGETS = {
    "success_change": ">= 0.99",
    "success_k5_level": ">= 0.95",
    "success_k10_level": ">= 0.90",
    "path_ratio_change": "<= 1.15",
    "lander_collisions": "<= 0",
    "speed_made_good_change": ">= 0.85",
}


POOLED = tuple((k, slope) for slope in (0.0, 5.0, 10.0) for k in PLAIN)
"""(k, slope) of the cells whose drives share one target: 25 of each are its 150."""
ALONE = ((0.05, 0.0), (0.10, 0.0))
"""(k, slope) of the cells with a target, and 50 drives, of their own."""
NAMED = (*POOLED, *ALONE)
_BASELINES_EVERY = 8


def cells() -> list[tuple[float, float]]:
    """(k, slope) in the order of their weight in the figures."""
    rest = [(k, slope) for k in ABUNDANCES for slope in SLOPES_DEG]
    return list(dict.fromkeys([*NAMED, *rest]))


def cases(
    per_cell: int,
    first_seed: int = HELD_OUT,
    drivers: Iterable[str] = ("tenacious",),
    chosen: Iterable[tuple[float, float]] | None = None,
) -> list[Case]:
    """Round by round over the cells, so that the study can stop at any time and cells grow evenly.

    Cells with a target come first, those of their own twice as fast as those that are pooled, and
    after every few rounds the baselines drive them as well, on the first of the same seeds; all the
    rest comes then.
    """
    others = [d for d in drivers if d != "tenacious"]
    named = [cell for cell in NAMED if chosen is None or cell in chosen]
    pooled, alone = ([c for c in named if c in group] for group in (POOLED, ALONE))
    order = []
    for number in range((per_cell + 1) // 2):
        order += [Case(*cell, first_seed + number) for cell in pooled]
        pair = range(2 * number, min(2 * number + 2, per_cell))
        order += [Case(*cell, first_seed + seed) for seed in pair for cell in alone]
        if number % _BASELINES_EVERY == 1:
            for driver in others:
                early = first_seed + number // _BASELINES_EVERY
                order += [Case(*cell, early, driver) for cell in named]
    order += [
        Case(*cell, first_seed + number, driver)
        for number in range(per_cell)
        for driver in ("tenacious", *others)
        for cell in chosen or cells()
    ]
    return list(dict.fromkeys(order))


def key_of(config: DriveConfig) -> str:
    """Names how drives are run: changes when any number of theirs does."""
    return hashlib.sha256(repr(dataclasses.asdict(config)).encode()).hexdigest()[:12]


def worked(case: str) -> dict[str, Any]:
    """One drive by its id; for the pool."""
    drive = Drive(Case.parsed(case), DriveConfig())
    if drive.case.driver in ("tenacious", "oracle"):
        drive.best()
    record = drive.run()
    return dataclasses.asdict(record)


def summed(records: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What a group of records says, each share and mean as (value, low, high)."""
    kept = [r for r in records if "error" not in r]
    good = [r for r in kept if r["verdict"]["success"]]
    driven = sum(r["verdict"]["driven_m"] for r in kept)
    thinking = sum(r["cpu_s"]["perception"] + r["cpu_s"]["navigation"] for r in kept)
    whole = thinking + sum(r["cpu_s"]["localization"] for r in kept)
    ratios = [
        r["verdict"]["driven_m"] / r["oracle_m"] for r in good if math.isfinite(r["oracle_m"])
    ]
    return {
        "drives": len(kept),
        "success": statistics.share(len(good), len(kept)),
        "path_ratio": statistics.mean(ratios),
        "straight_ratio": statistics.mean(
            [r["verdict"]["driven_m"] / r["straight_m"] for r in good]
        ),
        "speed_made_good": statistics.mean([r["speed_share"] for r in good]),
        "pose_error_m": statistics.mean([r["pose_error_m"] for r in kept]),
        "recoveries": statistics.mean([float(r["recoveries"]) for r in kept]),
        "lander_collisions": sum(bool(r["verdict"]["lander_touched"]) for r in kept),
        "impossible": sum(not math.isfinite(r["oracle_m"]) for r in kept),
        "cpu_s_per_m": thinking / driven if driven else math.nan,
        "cpu_s_per_m_with_localization": whole / driven if driven else math.nan,
    }


def by_cell(records: Iterable[dict[str, Any]]) -> dict[tuple[str, float, float], dict[str, Any]]:
    """(driver, k, slope) to its sums."""
    groups: dict[tuple[str, float, float], list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        case = Case.parsed(record["case"])
        groups[case.driver, case.k, case.slope_deg].append(record)
    return {group: summed(found) for group, found in sorted(groups.items())}


def figures(records: list[dict[str, Any]], driver: str) -> dict[str, float]:
    """The figures of the study for one driver; those without drives are left out."""

    def of(wanted: Any) -> dict[str, Any]:
        return summed(
            r
            for r in records
            if Case.parsed(r["case"]).driver == driver and wanted(Case.parsed(r["case"]))
        )

    plain = of(lambda case: case.k in PLAIN and case.slope_deg <= 10.0)
    k5 = of(lambda case: (case.k, case.slope_deg) == (0.05, 0.0))
    k10 = of(lambda case: (case.k, case.slope_deg) == (0.10, 0.0))
    whole = of(lambda case: True)
    out: dict[str, float] = {"drives": whole["drives"]}
    for name, group in (("change", plain), ("k5_level", k5), ("k10_level", k10)):
        if group["drives"]:
            value, low, high = group["success"]
            out |= {
                f"drives_{name}": group["drives"],
                f"success_{name}": value,
                f"success_{name}_low": low,
                f"success_{name}_high": high,
            }
    out["path_ratio_change"] = plain["path_ratio"][0]
    out["path_ratio"] = whole["path_ratio"][0]
    out["speed_made_good_change"] = plain["speed_made_good"][0]
    out["lander_collisions"] = whole["lander_collisions"]
    out["cpu_s_per_m"] = whole["cpu_s_per_m"]
    out["pose_error_m"] = whole["pose_error_m"][0]
    times = [r["cycle_ms"] for r in records if "cycle_ms" in r and driver in r["case"]]
    if times:
        out["navigation_cycle_ms_p95"] = max(t["navigation_p95"] for t in times)
        out["perception_ms_p95"] = sum(t["perception_p95"] for t in times) / len(times)
    return {name: value for name, value in out.items() if not math.isnan(value)}


def failures(records: Iterable[dict[str, Any]]) -> list[str]:
    """One line each, with the case to run again."""
    lines = []
    for record in records:
        if "error" in record:
            lines.append(f"{record['case']}: crashed: {record['error']}")
        elif not record["verdict"]["success"]:
            against = "; ".join(record["verdict"]["against"])
            reason = f"{record['ended']} {record['reason']}".strip()
            lines.append(f"{record['case']}: {against} ({reason})")
    return lines
