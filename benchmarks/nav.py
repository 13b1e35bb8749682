# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Monte-Carlo drives of 20 m: rock abundance by slope, beside three other drivers.

    tenacious bench nav                    the whole study; stop and start it as you like
    tenacious bench nav --quick            a small honest sample
    tenacious bench nav --case k0.05-s0-1003-tenacious      one drive again, with a picture
    tenacious bench nav --case table       what has been driven so far, without driving more
    tenacious bench nav --case costs       CPU time of a cycle at 640x480; memory over an hour

Real rendering, perception and estimated pose for `tenacious` and `gestalt`; `straight` and `oracle`
get the true pose and look at nothing. Success is judged from the truth: goal within 0.3 m, no
contact of the chassis with rock or lander, tilt under the limit, not stuck, inside the time limit.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from tenacious_rover.campaign import nav_costs, nav_plots, nav_study
from tenacious_rover.campaign.cases import HELD_OUT, Case
from tenacious_rover.campaign.drive import Drive, DriveConfig
from tenacious_rover.campaign.picture import Chronicle, draw
from tenacious_rover.campaign.pool import Store, run_all

if TYPE_CHECKING:
    from pathlib import Path

    from tenacious_rover.campaign.study import Study

CASES = "a drive; table: of the drives there are; costs: of a cycle"
PER_CELL = 50
BLIND = ("straight", "oracle")


def measure(study: Study) -> dict[str, Any]:
    if study.case == "costs":
        return costs(study)
    first = HELD_OUT + study.seed
    store = Store(study.folder / "drives.jsonl", nav_study.key_of(DriveConfig()))
    if study.case == "table":
        seeds = sorted({Case.parsed(case).seed for case in store.read()}) or [first]
        return reported(list(store.read().values()), study.folder, [seeds[0], seeds[-1]])
    if study.case:
        return again(study)
    if study.quick:
        chosen = [(0.0125, 0.0), (0.05, 0.0)]
        near = [Case(k, slope, first, d, 6.0) for k, slope in chosen for d in ("tenacious", *BLIND)]
        due = [case.id for case in near]
    else:
        drivers = ("tenacious", "straight", "gestalt", "oracle")
        due = [case.id for case in nav_study.cases(PER_CELL, first, drivers)]
    records = list(run_all(due, nav_study.worked, store, study.jobs, "drives").values())
    return reported(records, study.folder, [first, first + (0 if study.quick else PER_CELL - 1)])


def reported(records: list[dict[str, Any]], folder: Path, seeds: list[int]) -> dict[str, Any]:
    """Figures, peers, table, plots and failures of what has been driven so far."""
    drivers = sorted({Case.parsed(r["case"]).driver for r in records})
    peers = {d: nav_study.figures(records, d) for d in drivers if d != "tenacious"}
    mine = [r for r in records if Case.parsed(r["case"]).driver == "tenacious"]
    folder.mkdir(parents=True, exist_ok=True)
    nav_plots.success(records, folder / "success.png")
    nav_plots.ratios(mine, folder / "path_ratio.png")
    (folder / "table.md").write_text(markdown(records), encoding="utf-8")
    found = nav_study.figures(records, "tenacious")
    missing = [f"{name}: no drive yet" for name in nav_study.TARGETS if name not in found]
    return {
        "figures": found,
        "peers": peers,
        "targets": {k: v for k, v in nav_study.TARGETS.items() if k in found},
        "missing": missing,
        "seeds": seeds,
        "failures": nav_study.failures(mine),
        "cells": [
            {"driver": d, "k": k, "slope_deg": s, **values}
            for (d, k, s), values in nav_study.by_cell(records).items()
        ],
        "text": table(records),
    }


def markdown(records: list[dict[str, Any]]) -> str:
    """The table for a document, and the failures."""
    lines = [
        "| driver | k | slope | drives | reached | 95 % interval | driven / oracle | speed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (driver, k, slope), cell in nav_study.by_cell(records).items():
        value, low, high = cell["success"]
        ratio, speed = cell["path_ratio"][0], cell["speed_made_good"][0]
        count = cell["drives"]
        lines.append(
            f"| {driver} | {100 * k:g} % | {slope:g}° | {count} | {round(value * count)} | "
            f"{low:.2f} to {high:.2f} | {_said(ratio, 3)} | {_said(speed, 2)} |"
        )
    lines += ["", "Failures:", "", *(f"- {line}" for line in nav_study.failures(records))]
    return "\n".join(lines) + "\n"


def _said(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def table(records: list[dict[str, Any]]) -> str:
    """Success with its 95 % interval, path ratio, speed, per cell and driver."""
    made = Table(title="20 m drives, share that succeeded [95 % interval, Wilson]")
    for column in ("driver", "k", "slope", "drives", "success", "path / oracle", "speed"):
        made.add_column(column, justify="right")
    for (driver, k, slope), cell in nav_study.by_cell(records).items():
        value, low, high = cell["success"]
        ratio, speed = cell["path_ratio"][0], cell["speed_made_good"][0]
        made.add_row(
            driver,
            f"{100 * k:g} %",
            f"{slope:g}°",
            str(cell["drives"]),
            "" if math.isnan(value) else f"{value:.2f} [{low:.2f}, {high:.2f}]",
            "" if math.isnan(ratio) else f"{ratio:.3f}",
            "" if math.isnan(speed) else f"{speed:.2f}",
        )
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(made)
    return console.export_text()


def costs(study: Study) -> dict[str, Any]:
    """CPU time from pictures to command, and growth of memory; a tenth of it with --quick."""
    share = 0.1 if study.quick else 1.0
    found = {**nav_costs.cycle_times(100.0 * share + 5.0), **nav_costs.growth(3600.0 * share)}
    return {"figures": found, "targets": nav_costs.TARGETS, "seeds": [nav_costs.CASE.seed]}


def again(study: Study) -> dict[str, Any]:
    """One case, with a picture of what happened."""
    case = Case.parsed(study.case)
    drive, chronicle = Drive(case), Chronicle()
    drive.best()
    record = drive.run(chronicle.note)
    picture = study.folder / f"{case.id}.png"
    draw(drive, record, chronicle, picture)
    lines = [f"picture: {picture}", f"{record.ended}: {record.reason}", *record.events]
    return {
        "figures": {
            "success": float(record.success),
            "driven_m": record.verdict["driven_m"],
            "oracle_m": record.oracle_m,
            "time_s": record.verdict["time_s"],
            "pose_error_m": record.pose_error_m,
        },
        "seeds": [case.seed],
        "failures": list(record.verdict["against"]),
        "text": "\n".join(lines),
    }
