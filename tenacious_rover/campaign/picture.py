# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A picture of what happened on one drive: the ground, the ways, what the rover saw at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from tenacious_rover.rover import frames

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.colors import LightSource
from matplotlib.patches import Ellipse, Polygon, Rectangle

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from tenacious_rover.campaign.drive import Drive, DriveRecord


class Chronicle:
    """Keeps the estimated track and the plans of a drive; give `note` to `Drive.run`."""

    def __init__(self) -> None:
        self.believed: list[tuple[float, float]] = []
        self.marks: list[tuple[float, float, str]] = []
        self._state = ""

    def note(self, drive: Drive) -> None:
        """One tick."""
        if drive.sighted:
            base = drive.localizer.estimate.map_T_base
            self.believed.append((float(base[0, 3]), float(base[1, 3])))
        state = drive.command.state
        if state != self._state and state in ("backing_out", "blocked", "failed"):
            x, y = map(float, drive.simulator.truth.xy)
            self.marks.append((x, y, state))
        self._state = state


def draw(drive: Drive, record: DriveRecord, chronicle: Chronicle, path: Path) -> None:
    """Write the picture as PNG."""
    figure, (whole, near, words) = plt.subplots(
        1, 3, figsize=(19, 8), width_ratios=[1, 1, 0.5], layout="constrained"
    )
    _ground(whole, drive)
    _ways(whole, drive, chronicle)
    whole.legend(loc="upper right", fontsize=8)
    _seen(near, drive)
    words.axis("off")
    verdict = "success" if record.success else "failure"
    lines = [
        record.case,
        f"{verdict}: {record.ended} {record.reason}",
        *record.verdict["against"],
        f"driven {record.verdict['driven_m']:.1f} m, oracle {record.oracle_m:.1f} m",
        f"{record.verdict['time_s']:.0f} s, slip {record.verdict['mean_slip']:.2f}",
        f"pose error {record.pose_error_m:.2f} m, {record.heading_error_deg:.1f} deg",
        "",
        *record.events[-28:],
    ]
    words.text(0.0, 1.0, "\n".join(line[:70] for line in lines), va="top", fontsize=8, wrap=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _ground(axes: Axes, drive: Drive) -> None:
    world = drive.world
    x0, x1, y0, y1 = world.extent
    heights = world.heights.astype(float)
    shade = LightSource(azdeg=315, altdeg=35).hillshade(
        heights, vert_exag=2.0, dx=world.resolution_m, dy=world.resolution_m
    )
    axes.imshow(shade, cmap="gray", origin="lower", extent=(x0, x1, y0, y1), vmin=0.0, vmax=1.0)
    levels = np.arange(np.floor(heights.min() * 4) / 4, heights.max() + 0.25, 0.25)
    axes.contour(
        heights, levels=levels, extent=(x0, x1, y0, y1), colors="k", linewidths=0.3, alpha=0.5
    )
    for center, size in zip(world.rocks.center, world.rocks.diameter_m, strict=True):
        if size >= 0.08:
            colour = "firebrick" if size > 0.2 else "peru"
            axes.add_patch(Ellipse((center[0], center[1]), size, size, color=colour, alpha=0.8))
    for block in world.lander:
        x, y = block.map_T_block[:2, 3]
        corner = (x - block.size[0] / 2, y - block.size[1] / 2)
        axes.add_patch(Rectangle(corner, block.size[0], block.size[1], color="gold", alpha=0.6))
    for zone in drive.zones.keep_out:
        axes.add_patch(Polygon(zone, fill=False, color="red", linestyle="--"))
    axes.set_title(f"{world.spec.world}, seed {world.spec.seed}")
    axes.set_xlabel("x in map, m")
    axes.set_ylabel("y in map, m")


def _ways(axes: Axes, drive: Drive, chronicle: Chronicle) -> None:
    track = np.array([point[1:3] for point in drive.scorer.track] or [drive.world.spec.start[:2]])
    best = drive.best()
    if best.exists:
        axes.plot(*best.points.T, color="lime", linewidth=1.2, label="oracle")
    axes.plot(*track.T, color="deepskyblue", linewidth=1.8, label="driven (truth)")
    if chronicle.believed:
        believed = np.array(chronicle.believed)
        axes.plot(*believed.T, color="magenta", linewidth=0.8, label="driven (estimate)")
    axes.plot(*track[0], "o", color="white", markeredgecolor="k")
    axes.plot(*drive.goal, "*", color="yellow", markersize=14, markeredgecolor="k")
    for state, marker in (("backing_out", "v"), ("blocked", "s"), ("failed", "X")):
        spots = np.array([mark[:2] for mark in chronicle.marks if mark[2] == state])
        if len(spots):
            axes.plot(*spots.T, marker, color="red", markersize=6, label=state.replace("_", " "))


def _seen(axes: Axes, drive: Drive) -> None:
    """The last map around the rover, with the plan."""
    if drive.terrain is None:
        axes.axis("off")
        return
    terrain = drive.terrain
    hazard = np.ma.masked_invalid(terrain.layers["hazard"])
    rows, columns = hazard.shape
    x0, y0 = terrain.origin
    extent = (x0, x0 + columns * terrain.resolution_m, y0, y0 + rows * terrain.resolution_m)
    axes.set_facecolor("lightgray")
    image = axes.imshow(hazard, cmap="RdYlGn_r", origin="lower", extent=extent, vmin=0.0, vmax=1.0)
    plt.colorbar(image, ax=axes, shrink=0.6, label="hazard")
    dark = np.ma.masked_equal(terrain.layers["dark"], 0.0)
    axes.imshow(dark, cmap="binary", origin="lower", extent=extent, vmin=0.0, vmax=1.3)
    estimate = drive.localizer.estimate
    base = estimate.odom_T_base
    x, y, yaw = base[0, 3], base[1, 3], frames.yaw(base)
    axes.plot(x, y, "bo")
    axes.arrow(x, y, 0.4 * np.cos(yaw), 0.4 * np.sin(yaw), color="b", width=0.03)
    if len(drive.command.path):
        axes.plot(*drive.command.path[:, :2].T, "b-", linewidth=1.5)
    goal = frames.inverse(estimate.map_T_odom) @ np.array([*drive.goal, 0.0, 1.0])
    axes.plot(goal[0], goal[1], "k*", markersize=12)
    axes.set_xlim(x - 4, x + 4)
    axes.set_ylim(y - 4, y + 4)
    axes.set_title("last map, in odom; grey: unknown, black: dark")
