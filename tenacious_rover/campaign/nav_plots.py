# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Plots of the navigation study."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from tenacious_rover.campaign.nav_study import ABUNDANCES, SLOPES_DEG, by_cell

mpl.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

_COLOURS = {"tenacious": "C0", "gestalt": "C1", "straight": "C3", "oracle": "C2"}


def success(records: list[dict[str, Any]], path: Path) -> None:
    """Share that succeeded over rock abundance, a panel per slope, with 95 % intervals."""
    cells = by_cell(records)
    slopes = [s for s in SLOPES_DEG if any(group[2] == s for group in cells)] or [0.0]
    figure, panels = plt.subplots(
        1, len(slopes), figsize=(4.2 * len(slopes), 4.4), sharey=True, squeeze=False
    )
    for axes, slope in zip(panels[0], slopes, strict=True):
        for number, (driver, colour) in enumerate(_COLOURS.items()):
            rows = [(k, c) for (d, k, s), c in cells.items() if d == driver and s == slope]
            rows = [(k, c) for k, c in rows if c["drives"]]
            if not rows:
                continue
            x = [100 * k * 1.04 ** (number - 1.5) for k, _ in rows]
            y = [c["success"][0] for _, c in rows]
            low = [c["success"][0] - c["success"][1] for _, c in rows]
            high = [c["success"][2] - c["success"][0] for _, c in rows]
            count = sum(c["drives"] for _, c in rows)
            words = f"{driver} ({count} drives)"
            axes.errorbar(x, y, [low, high], fmt="o-", color=colour, capsize=3, label=words)
        _abundances(axes, sorted({k for _, k, s in cells if s == slope}))
        axes.set_ylim(-0.03, 1.03)
        axes.set_title(f"slope {slope:g}°")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, fontsize="small")
        axes.grid(alpha=0.3)
    panels[0][0].set_ylabel("share of drives that succeeded")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def ratios(records: list[dict[str, Any]], path: Path) -> None:
    """Length driven over the oracle's, each drive that reached its goal."""
    figure, axes = plt.subplots(figsize=(6, 4))
    good = [r for r in records if r.get("verdict", {}).get("success")]
    good = [r for r in good if math.isfinite(r["oracle_m"])]
    points = [
        (100 * float(r["case"].split("-")[0][1:]), r["verdict"]["driven_m"] / r["oracle_m"])
        for r in good
    ]
    if points:
        axes.plot(*zip(*points, strict=True), "o", alpha=0.6)
    axes.axhline(1.15, color="gray", linestyle="--", label="target of the mean")
    _abundances(axes, ABUNDANCES)
    axes.set_ylabel("driven / oracle")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _abundances(axes: Axes, those: Sequence[float]) -> None:
    """A logarithmic axis of rock abundance with a tick at each of `those`."""
    axes.set_xscale("log")
    percent = [100.0 * k for k in those]
    axes.set_xticks(percent, [f"{p:.3g}" for p in percent])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("rock abundance k, %")
