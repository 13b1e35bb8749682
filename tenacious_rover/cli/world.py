# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious world`: list, build and look at worlds."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenacious_rover.cli import refuse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tenacious_rover.simulator.ground import World
    from tenacious_rover.simulator.marks import Plan
    from tenacious_rover.simulator.world import WorldSpec

app = typer.Typer(help="List, build and look at worlds.", no_args_is_help=True)
Spec = Annotated[str, typer.Argument(help="world file, or the name of a shipped world")]
Seed = Annotated[int | None, typer.Option(min=0, help="instead of the file's")]
Json = Annotated[bool, typer.Option("--json", help="for scripts")]


@app.callback()
def group() -> None:
    """List, build and look at worlds."""


@app.command(name="list", epilog="Example: tenacious world list --json")
def list_worlds(as_json: Json = False) -> None:
    """Worlds that come with the package."""
    from tenacious_rover.simulator import sky
    from tenacious_rover.simulator.terrain import rocks

    specs = [_loaded(name, None) for name in _names()]
    if as_json:
        typer.echo(json.dumps([json.loads(s.model_dump_json(by_alias=True)) for s in specs]))
        return
    typer.echo(f"{'name':<16} {'size':>6} {'rocks':>6} {'sun':>4}  description")
    for spec in specs:
        high = sky.angles(spec.sun_direction(0.0))[1]
        share = f"{100 * rocks.law(spec.rocks)[0]:g} %"
        typer.echo(
            f"{spec.world:<16} {spec.size_m:4.0f} m {share:>6} {high:3.0f}°  {spec.description}"
        )


@app.command(epilog="Example: tenacious world build crater_rim --seed 3")
def build(
    spec: Spec,
    seed: Seed = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="do not use the cache")] = False,
    as_json: Json = False,
) -> None:
    """Build a world and keep it in the cache; say what it holds."""
    from tenacious_rover.simulator.survey import facts

    loaded = _loaded(spec, seed)
    began = time.perf_counter()
    world = _built(loaded, cache=not fresh, quiet=as_json)
    took = time.perf_counter() - began
    known = {**facts(world), "seconds": round(took, 2)}
    if as_json:
        typer.echo(json.dumps(known))
        return
    for name, value in known.items():
        typer.echo(f"{name:<20} {_shown(value)}")


@app.command(epilog="Example: tenacious world show first_traverse --out world.png")
def show(
    spec: Spec,
    seed: Seed = None,
    out: Annotated[Path | None, typer.Option(help="PNG to write; default WORLD.png")] = None,
    mission: Annotated[
        str, typer.Option(help="draw its goals and zones; default: a shipped one for this world")
    ] = "",
    at: Annotated[
        tuple[float, float, float] | None,
        typer.Option(help="x y (m) and heading (deg) of the camera view; default the start"),
    ] = None,
    hours: Annotated[float, typer.Option(help="after the epoch, for the sun")] = 0.0,
    camera: Annotated[bool, typer.Option("--camera/--no-camera", help="draw a view")] = True,
    as_json: Json = False,
) -> None:
    """A picture to judge a world by: light, slopes, heights, counts, and what the rover sees."""
    import math

    from tenacious_rover.simulator.portrait import portrait
    from tenacious_rover.simulator.survey import facts

    loaded = _loaded(spec, seed)
    pose = loaded.start if at is None else (at[0], at[1], math.radians(at[2]))
    if not max(abs(pose[0]), abs(pose[1])) <= loaded.size_m / 2.0 or not math.isfinite(pose[2]):
        half = loaded.size_m / 2.0
        raise refuse(f"--at: ({pose[0]:g}, {pose[1]:g}) should be within {half:g} m of the origin")
    if not abs(hours) <= 1e6:
        raise refuse(f"--hours: {hours:g} should be between -1e6 and 1e6")
    plan = _plan(mission, loaded.world)
    target = out or Path(f"{loaded.world}.png")
    if not target.parent.is_dir():
        raise refuse(f"--out: {target.parent} is not a folder")
    world = _built(loaded, cache=True, quiet=as_json)
    picture = _view(world, pose, 3600.0 * hours) if camera else None
    figure = portrait(world, plan, picture, pose, 3600.0 * hours)
    try:
        figure.savefig(target, dpi=100)
    except (OSError, ValueError) as error:
        raise refuse(f"--out: {target}: {error}") from error
    if as_json:
        typer.echo(json.dumps({"picture": str(target), **facts(world, 3600.0 * hours)}))
    else:
        typer.echo(str(target))


def _names() -> list[str]:
    from tenacious_rover.simulator.world import known_worlds

    return list(known_worlds())


def _loaded(spec: str, seed: int | None) -> WorldSpec:
    from tenacious_rover.simulator.terrain.error import WorldError
    from tenacious_rover.simulator.world import load_world

    try:
        return load_world(spec, seed)
    except WorldError as error:
        raise refuse(error) from error


def _built(spec: WorldSpec, *, cache: bool, quiet: bool) -> World:
    from rich.console import Console

    from tenacious_rover.simulator.build import build_world
    from tenacious_rover.simulator.terrain.error import WorldError

    console = Console(stderr=True, quiet=quiet)
    try:
        with console.status(f"building {spec.world}"):
            return build_world(spec, cache=cache)
    except WorldError as error:
        raise refuse(error) from error


def _plan(mission: str, world: str) -> Plan:
    """Goals and zones of the mission asked for, or of a shipped one of the world's name."""
    import numpy as np

    from tenacious_rover.mission.file import MissionError, load_mission, places
    from tenacious_rover.rover.resources import named
    from tenacious_rover.simulator.marks import Plan

    try:
        path = named("missions", mission or world)
        flown = load_mission(path)
    except (MissionError, FileNotFoundError) as error:
        if not mission:
            return Plan()
        raise refuse(error) from error
    goals = [(step.title, *point) for step in flown.steps for point in places(step).values()]
    return Plan(
        flown.mission,
        tuple(goals),
        tuple(np.array(zone.polygon_m) for zone in flown.zones.keep_out),
        tuple(np.array(zone.polygon_m) for zone in flown.zones.keep_in),
    )


def _view(world: World, pose: tuple[float, float, float], time_s: float) -> NDArray[np.uint8]:
    """What the left camera of a rover that stands at `pose` sees."""
    from tenacious_rover.rover.description import load_rover
    from tenacious_rover.simulator.camera.renderer import Renderer
    from tenacious_rover.simulator.camera.sensor import CameraSensor
    from tenacious_rover.simulator.survey import standing

    rover = load_rover("tenacious")
    camera = rover.cameras["left"]
    map_T_optical = standing(world, rover.wheel_radius_m, pose) @ camera.base_T_optical
    frame = Renderer(world).render(camera, map_T_optical, world.spec.sun_direction(time_s))
    sensor = CameraSensor(camera)
    return sensor.expose(frame, *sensor.auto(frame))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)
