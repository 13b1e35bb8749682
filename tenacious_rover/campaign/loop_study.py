# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The localization study: which loops, one of them by its name, table, file of rows and plot."""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from rich.console import Console
from rich.table import Table

from tenacious_rover.campaign import loop_scoring
from tenacious_rover.campaign.loop_crew import PNP, WHEELS
from tenacious_rover.campaign.loops import SOILS, Loop, driven
from tenacious_rover.localization.config import LocalizationConfig

mpl.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TARGETS = {
    "drift_pct": "<= 0.5",
    "drift_pct_p95": "<= 1.0",
    "heading_deg": "<= 0.5",
    "heading_worst_deg": "<= 1.0",
    "heading_no_sun_deg": "<= 3.0",
    "stuck_delay_s": "<= 1.0",
    "false_alarms_per_km": "<= 0",
    "ms_per_frame": "<= 60",
}
ENOUGH = 0.25
"""A loop that got no further than this share of its length is not scored."""
_SAID_EVERY_M = 20.0
_LINES = (("ours", "C0"), (PNP, "C1"), (WHEELS, "C3"))


def loops(first: int, seeds: int, length_m: float, camera: str) -> list[Loop]:
    """Seed by seed over the soils, so that the study can stop at any time.

    The very first loop has pictures at 2 Hz, the others at 1 Hz, which costs half and drifts as
    much. kiss-icp, a third of the cost, runs on the first seed of each soil.
    """
    return [
        Loop(soil, seed, length_m, camera, 2.0 if number == 0 else 1.0, seed == first)
        for number, (seed, soil) in enumerate(
            (seed, soil) for seed in range(first, first + seeds) for soil in SOILS
        )
    ]


def key() -> str:
    """Names how loops are estimated: changes when any number of localization does."""
    return hashlib.sha256(repr(LocalizationConfig()).encode()).hexdigest()[:12]


def worked(name: str, folder: Path) -> dict[str, Any]:
    """One loop by its name; for the pool."""
    loop, said = Loop.parsed(name), [0.0]

    def moved(metres: float) -> None:
        if metres - said[0] >= _SAID_EVERY_M:
            said[0] = metres
            print(f"{loop.id}: {metres:.0f} of {loop.length_m:.0f} m", file=sys.stderr)

    path = folder / f"{loop.id}.npz"
    record = driven(loop, path, moved)
    with np.load(path) as columns:
        found = loop_scoring.scored(columns)
    return {"case": loop.id, "ended": f"{found['ours']['drift_pct']:.2f} %", **record, **found}


def sorted_out(records: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Loops that count, and what went wrong with the others and in them."""
    kept, wrong = [], []
    for record in records:
        if "error" in record:
            wrong.append(f"{record['case']}: {record['error']}")
        elif record["path_m"] < ENOUGH * Loop.parsed(record["case"]).length_m:
            wrong.append(f"{record['case']}: only {record['path_m']:.1f} m driven; not scored")
        else:
            kept.append(record)
            wrong += _wrong(record)
    return kept, wrong


def _wrong(record: dict[str, Any]) -> list[str]:
    lines = []
    if not record["reached"]:
        lines.append(f"{record['case']}: the driver did not get around; scored as far as it came")
    lines += [
        f"{record['case']}: {'false alarm' if a['false'] else 'stuck'} at {a['time_s']:.1f} s, "
        f"moving {a['moving']:.2f} of the command: {a['reason']}"
        for a in record["alarms"]
    ]
    lines += [
        f"{record['case']}: {trap['kind']}: not called stuck within 6 s"
        for trap in record["traps"]
        if trap["delay_s"] is None and not trap["moved"]
    ]
    return lines


def table(records: Sequence[dict[str, Any]]) -> str:
    """A row per loop."""
    made = Table(title="loops")
    for column in ("loop", "m", "ours %", "end %", "no sun %", "heading °", "PnP %", "wheels %"):
        made.add_column(column, justify="left" if column == "loop" else "right")
    for r in records:
        made.add_row(
            r["case"],
            f"{r['path_m']:.1f}",
            f"{r['ours']['drift_pct']:.2f}",
            f"{r['ours']['end_pct']:.2f}",
            f"{r['no_sun']['drift_pct']:.2f}" if "no_sun" in r else "",
            f"{r['ours']['heading_deg']:.2f} / {r['ours']['heading_worst_deg']:.2f}",
            f"{r['peers'][PNP]['drift_pct']:.2f}",
            f"{r['peers'][WHEELS]['drift_pct']:.1f}",
        )
    console = Console(width=110, record=True, file=io.StringIO())
    console.print(made)
    return console.export_text()


def rows(records: Sequence[dict[str, Any]], path: Path) -> None:
    """A file of one row per loop, every estimator's figures in it."""
    lines = []
    for r in records:
        line: dict[str, Any] = {"loop": r["case"], "metres": round(r["path_m"], 2)}
        estimators = {"ours": r["ours"], "no sun": r.get("no_sun", {}), **r["peers"]}
        line |= {
            f"{name} {key}": round(value, 4)
            for name, found in estimators.items()
            for key, value in found.items()
        }
        line |= {f"{t['kind']} delay_s": t["delay_s"] for t in r["traps"]}
        line["false_alarms"] = sum(alarm["false"] for alarm in r["alarms"])
        line |= {key: round(r[key], 3) for key in ("nees_position", "nees_heading")}
        line["ms_per_frame"] = round(r["frame_ms"][0], 2)
        line["cpu_s"] = round(r["cpu_s"]["whole"], 1)
        lines.append(line)
    fields = list(dict.fromkeys(key for line in lines for key in line))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows(lines)


def plot(records: Sequence[dict[str, Any]], folder: Path, path: Path) -> None:
    """Distance from the truth and heading error over the way, a line per loop."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 7), sharex=True)
    for record in records:
        file = folder / f"{record['case']}.npz"
        if not file.exists():
            continue
        with np.load(file) as columns:
            truth = columns["truth"]
            step = np.linalg.norm(np.diff(truth[:, :3, 3], axis=0), axis=1)
            way = np.concatenate([[0.0], np.cumsum(step)])
            for name, colour in _LINES:
                off = columns[name][:, :3, 3] - truth[:, :3, 3]
                off -= off[min(3, len(off) - 1)]
                gap = np.maximum(np.linalg.norm(off, axis=1), 1e-3)
                above.semilogy(way, gap, color=colour, lw=0.8, alpha=0.7)
            for name, colour in (("ours", "C0"), ("no_sun", "C2")):
                if name not in columns:
                    continue
                found = columns[name]
                heading = np.arctan2(found[:, 1, 0], found[:, 0, 0])
                turned = heading - np.arctan2(truth[:, 1, 0], truth[:, 0, 0])
                turned = np.degrees(np.arctan2(np.sin(turned), np.cos(turned)))
                below.plot(way, turned, color=colour, lw=0.8, alpha=0.7)
    drawn = np.linspace(0.2, 100.0, 500)
    above.semilogy(drawn, 0.005 * drawn, "k--", lw=1)
    for number, (name, colour) in enumerate((*_LINES, ("0.5 % of the way", "k"))):
        above.text(0.6, 0.3 - 0.07 * number, name, color=colour, transform=above.transAxes)
    below.text(0.02, 0.92, "with sun", color="C0", transform=below.transAxes)
    below.text(0.02, 0.85, "without", color="C2", transform=below.transAxes)
    above.set_ylabel("distance from the truth, m")
    below.set_ylabel("heading error, deg")
    below.set_xlabel("way, m")
    for axes in (above, below):
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    plt.close(figure)
