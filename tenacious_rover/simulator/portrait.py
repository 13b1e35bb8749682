# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One picture of a world for a person to judge: light, slopes, heights, counts, a view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from tenacious_rover.simulator import marks, sky
from tenacious_rover.simulator.survey import BASELINE_M, facts, shaded, slope_deg
from tenacious_rover.simulator.terrain import craters, rocks
from tenacious_rover.simulator.terrain import spec as spec_

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from tenacious_rover.simulator.ground import World

SLOPES = (0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 90.0)
_SLOPE_COLOURS = ("#3b528b", "#21918c", "#5ec962", "#fde725", "#f98e09", "#bc3754")


def portrait(
    world: World,
    plan: marks.Plan,
    view: NDArray[np.uint8] | None,
    pose: tuple[float, float, float],
    time_s: float,
) -> Figure:
    """The whole picture.

    Args:
        world: what is shown.
        plan: goals and zones drawn on it.
        view: (h, w, 3) what the left camera sees, or None.
        pose: x, y in m and yaw in rad from which that is seen.
        time_s: after the epoch, for the sun.
    """
    figure = Figure(figsize=(20.0, 11.2), facecolor="white")
    sun = world.spec.sun_direction(time_s)
    _light(figure.add_axes((0.035, 0.055, 0.475, 0.85)), world, plan, sun)
    _slopes(figure.add_axes((0.545, 0.53, 0.17, 0.36)), world, plan)
    _heights(figure.add_axes((0.79, 0.53, 0.17, 0.36)), world)
    _counts(figure.add_axes((0.555, 0.055, 0.18, 0.38)), world)
    _view(figure.add_axes((0.755, 0.055, 0.235, 0.38)), view, pose)
    figure.suptitle(_title(world, time_s), fontsize=13, x=0.012, y=0.985, ha="left")
    return figure


def _light(axes: Axes, world: World, plan: marks.Plan, sun: NDArray[np.float64]) -> None:
    picture = shaded(world, sun)
    # Level ground is a middle grey, unless the sun is so low that slopes outshine it.
    level = float(sun[2] / (sun[2] + 1.0)) if sun[2] > 0.0 else 0.0
    white = max(2.2 * level, float(np.percentile(picture, 98.0)), 1e-3)
    axes.imshow(
        np.clip(picture / white, 0.0, 1.0) ** (1.0 / 1.6),
        cmap="gray",
        origin="lower",
        extent=_edges(world),
        vmin=0.0,
        vmax=1.0,
        interpolation="antialiased",
    )
    marks.populations(axes, world)
    marks.draw_plan(axes, world, plan, "white")
    marks.scale_bar(axes, world)
    marks.key(axes, plan)
    marks.compass(axes, world, sun)
    azimuth, elevation = sky.angles(sun)
    axes.set_title(
        f"Sunlight from above: azimuth {azimuth:.0f}°, elevation {elevation:.1f}°", loc="left"
    )
    marks.framed(axes, world)


def _slopes(axes: Axes, world: World, plan: marks.Plan) -> None:
    colours = ListedColormap(list(_SLOPE_COLOURS))
    drawn = axes.imshow(
        slope_deg(world, BASELINE_M),
        cmap=colours,
        norm=BoundaryNorm(SLOPES, colours.N),
        origin="lower",
        extent=_edges(world),
        interpolation="nearest",
    )
    bar = axes.figure.colorbar(
        drawn, ax=axes, ticks=SLOPES[:-1], spacing="uniform", shrink=0.9, fraction=0.05, pad=0.02
    )
    bar.ax.set_yticklabels([f"{s:.0f}" for s in SLOPES[:-1]])
    bar.set_label("slope, deg")
    marks.draw_plan(axes, world, plan, "white")
    axes.set_title(f"Slope over {BASELINE_M * 100:.0f} cm", loc="left")
    marks.framed(axes, world)


def _heights(axes: Axes, world: World) -> None:
    drawn = axes.imshow(
        world.heights,
        cmap="cividis",
        origin="lower",
        extent=_edges(world),
        interpolation="nearest",
    )
    span = float(np.ptp(world.heights))
    step = next(s for s in (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 1e9) if span / s <= 16.0)
    every = max(1, len(world.heights) // 600)
    h = world.heights[::every, ::every]
    x0, x1, y0, y1 = world.extent
    axes.contour(
        np.linspace(x0, x1, h.shape[1]),
        np.linspace(y0, y1, h.shape[0]),
        h,
        levels=np.arange(np.floor(h.min() / step), h.max() / step + 1.0) * step,
        colors="black",
        linewidths=0.4,
        alpha=0.7,
    )
    axes.figure.colorbar(drawn, ax=axes, shrink=0.9, fraction=0.05, pad=0.02).set_label("height, m")
    axes.set_title(f"Height, contours every {step:g} m", loc="left")
    marks.framed(axes, world)


def _counts(axes: Axes, world: World) -> None:
    """Cumulative numbers against the laws asked for."""
    x0, x1, y0, y1 = world.extent
    surface_m2 = (x1 - x0) * (y1 - y0)
    place = world.craters.center
    inside = (place >= (x0, y0)).all(axis=1) & (place <= (x1, y1)).all(axis=1)
    populations = (
        ("craters", world.craters.diameter_m[inside], "#0072b2"),
        ("rocks", world.rocks.diameter_m, "#d55e00"),
    )
    for name, size, colour in populations:
        at, wanted = _law(world, name)
        axes.plot(at, wanted * 1e4, "-", color=colour, lw=1.2, label=f"{name}: law")
        ordered = np.sort(size)[::-1]
        number = np.arange(1, len(ordered) + 1) / surface_m2 * 1e4
        axes.plot(ordered, number, ".", color=colour, ms=3, label=f"{name}: this world")
    axes.set(xscale="log", yscale="log", xlabel="diameter D, m", ylabel="number ≥ D per hectare")
    axes.set_ylim(bottom=0.3e4 / surface_m2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(visible=True, which="both", lw=0.3)
    axes.legend(fontsize=8)
    k, q = rocks.law(world.spec.rocks)
    axes.set_title(f"Populations: rocks k = {100 * k:g} %, q = {q:.2f}/m", loc="left")


def _law(world: World, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Diameters, and the number per m^2 of that size or larger that the file asks for."""
    spec = world.spec
    asked: spec_.Craters | spec_.Rocks = spec.terrain.craters if name == "craters" else spec.rocks
    at = np.geomspace(asked.smallest_m, asked.largest_m, 200)
    if isinstance(asked, spec_.Craters):
        return at, np.array([craters.count(asked, float(d)) for d in at])
    return at, np.array([rocks.count(asked, float(d)) for d in at])


def _view(axes: Axes, view: NDArray[np.uint8] | None, pose: tuple[float, float, float]) -> None:
    axes.set_axis_off()
    if view is None:
        axes.set_title("Camera view: none asked for", loc="left")
        return
    axes.imshow(view)
    x, y, yaw = pose
    axes.set_title(f"Left camera at ({x:g}, {y:g}) m, heading {np.degrees(yaw):.0f}°", loc="left")


def _title(world: World, time_s: float) -> str:
    spec, known = world.spec, facts(world, time_s)
    light = (
        "sun set by the world file"
        if spec.fixed_sun
        else f"{_degrees(spec.site.latitude_deg, 'NS')} {_degrees(spec.site.longitude_deg, 'EW')}, "
        f"{spec.epoch_utc:%Y-%m-%d %H:%M} UTC" + (f" + {time_s:.0f} s" if time_s else "")
    )
    return (
        f"{spec.world} - {spec.description}\n"
        f"{spec.size_m:g} x {spec.size_m:g} m at {100 * spec.resolution_m:g} cm, seed {spec.seed}, "
        f"{light}; slope median {known['slope_median_deg']:.1f}°, "
        f"95 % {known['slope_95_deg']:.1f}°; "
        f"{known['rocks']} rocks, {known['craters']} craters; content {world.digest[:12]}"
    )


def _degrees(angle: float, sides: str) -> str:
    return f"{abs(angle):g}° {sides[angle < 0.0]}"


def _edges(world: World) -> tuple[float, float, float, float]:
    """Borders of the picture whose pixels have the nodes as middles."""
    x0, x1, y0, y1 = world.extent
    half = world.resolution_m / 2.0
    return x0 - half, x1 + half, y0 - half, y1 + half
