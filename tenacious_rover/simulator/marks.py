# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What is drawn over a map of a world: rocks, craters, goals, zones, scale, north and sun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Polygon, Rectangle
from matplotlib.patheffects import withStroke

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from tenacious_rover.simulator.ground import World

_SHOWN_ROCK_M = 0.15
_SHOWN_CRATER_M = 1.5
_EDGED = [withStroke(linewidth=2.5, foreground="black")]


@dataclass(frozen=True)
class Plan:
    """What a mission means to do in the world.

    Attributes:
        name: of the mission.
        goals: (name, x, y) in map, m.
        keep_out: polygons (n, 2).
        keep_in: polygons (n, 2).
    """

    name: str = ""
    goals: tuple[tuple[str, float, float], ...] = ()
    keep_out: tuple[NDArray[np.float64], ...] = ()
    keep_in: tuple[NDArray[np.float64], ...] = ()


def populations(axes: Axes, world: World) -> None:
    """Outlines of the larger rocks and craters."""
    large = world.rocks.diameter_m >= _SHOWN_ROCK_M
    stones = [
        Circle((c[0], c[1]), d / 2.0)
        for c, d in zip(world.rocks.center[large], world.rocks.diameter_m[large], strict=True)
    ]
    axes.add_collection(PatchCollection(stones, facecolor="none", edgecolor="#ffb000", lw=0.7))
    wide = world.craters.diameter_m >= _SHOWN_CRATER_M
    bowls = [
        Circle((c[0], c[1]), d / 2.0)
        for c, d in zip(world.craters.center[wide], world.craters.diameter_m[wide], strict=True)
    ]
    axes.add_collection(
        PatchCollection(bowls, facecolor="none", edgecolor="#56b4e9", lw=0.9, linestyle="--")
    )


def draw_plan(axes: Axes, world: World, plan: Plan, colour: str) -> None:
    """Lander, start, goals, zones, patches of soil."""
    zones = world.spec.zones
    out = [np.array(z.polygon_m) for z in zones.keep_out] + list(plan.keep_out)
    inside = [np.array(z.polygon_m) for z in zones.keep_in] + list(plan.keep_in)
    for polygon in out:
        axes.add_patch(Polygon(polygon, fill=False, edgecolor="#ff4d4d", lw=1.6, hatch="//"))
    for polygon in inside:
        axes.add_patch(Polygon(polygon, fill=False, edgecolor="#5ec962", lw=1.4, linestyle="-."))
    for patch in world.spec.soil_patches:
        axes.add_patch(
            Circle((patch.x_m, patch.y_m), patch.radius_m, facecolor="#cc79a7", alpha=0.25)
        )
        axes.add_patch(
            Circle((patch.x_m, patch.y_m), patch.radius_m, fill=False, edgecolor="#cc79a7", lw=1.4)
        )
        axes.annotate(
            patch.soil, (patch.x_m, patch.y_m), color=colour, fontsize=8, ha="center", va="center"
        )
    x, y, yaw = world.spec.start
    length = world.spec.size_m / 22.0
    axes.annotate(
        "",
        (x + length * np.cos(yaw), y + length * np.sin(yaw)),
        (x, y),
        arrowprops={"arrowstyle": "-|>", "color": "#00e5ff", "lw": 2.2, "shrinkA": 0},
    )
    axes.plot([x], [y], "o", color="#00e5ff", ms=4)
    for number, (_, gx, gy) in enumerate(plan.goals, start=1):
        axes.plot([gx], [gy], "*", color="#ffe94d", ms=15, mec="black", mew=0.8)
        axes.annotate(
            str(number),
            (gx, gy),
            (7, 6),
            textcoords="offset points",
            color="#ffe94d",
            fontsize=12,
            fontweight="bold",
        )


def framed(axes: Axes, world: World) -> None:
    """Borders, names and equal scale of the axes."""
    x0, x1, y0, y1 = world.extent
    axes.set(xlim=(x0, x1), ylim=(y0, y1), xlabel="x (east), m", ylabel="y (north), m")
    axes.set_aspect("equal")


def scale_bar(axes: Axes, world: World) -> None:
    """A bar of a round length, low on the left."""
    x0, x1, y0, y1 = world.extent
    length = next(s for s in (1, 2, 5, 10, 20, 50, 100) if s >= (x1 - x0) / 8.0)
    left, low, thick = x0 + 0.03 * (x1 - x0), y0 + 0.03 * (y1 - y0), 0.007 * (y1 - y0)
    axes.add_patch(Rectangle((left, low), length, thick, facecolor="white", edgecolor="black"))
    axes.text(
        left + length / 2.0,
        low + 2 * thick,
        f"{length} m",
        color="white",
        ha="center",
        path_effects=_EDGED,
    )


def key(axes: Axes, plan: Plan) -> None:
    """What the outlines mean."""
    words = {
        "#ffb000": f"rock ≥ {100 * _SHOWN_ROCK_M:.0f} cm",
        "#56b4e9": f"crater ≥ {_SHOWN_CRATER_M:g} m",
        "#00e5ff": "start",
    }
    lines = [Line2D([], [], color=colour, label=text) for colour, text in words.items()]
    lines += [
        Line2D([], [], marker="*", color="#ffe94d", mec="black", ls="", ms=10, label=f"{n} {name}")
        for n, (name, _, _) in enumerate(plan.goals, start=1)
    ]
    axes.legend(handles=lines, loc="upper left", fontsize=8, framealpha=0.8)


def compass(axes: Axes, world: World, sun: NDArray[np.float64]) -> None:
    """North, and where the light comes from."""
    x0, x1, _, y1 = world.extent
    size = 0.05 * (x1 - x0)
    x, y = x1 - 1.6 * size, y1 - 1.6 * size
    flat = np.hypot(sun[0], sun[1]) or 1.0
    for (dx, dy), colour, name in (
        ((0.0, 1.0), "white", "N"),
        ((sun[0] / flat, sun[1] / flat), "#ffd700", "sun"),
    ):
        axes.annotate(
            "",
            (x + dx * size, y + dy * size),
            (x, y),
            arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2, "shrinkA": 0, "shrinkB": 0},
        )
        axes.text(
            x + 1.35 * dx * size,
            y + 1.35 * dy * size,
            name,
            color=colour,
            fontsize=9,
            ha="center",
            va="center",
            path_effects=_EDGED,
        )
