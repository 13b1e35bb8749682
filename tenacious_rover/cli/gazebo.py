# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious gazebo`: worlds and rover for Gazebo, kept in step with their sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tenacious_rover.cli import DONE, FAILED, refuse
from tenacious_rover.gazebo.bridge import as_yaml, lines
from tenacious_rover.gazebo.error import GazeboError
from tenacious_rover.gazebo.sdf import document
from tenacious_rover.gazebo.session import exported, exports_folder
from tenacious_rover.gazebo.vehicle import Wheels, models
from tenacious_rover.gazebo.world import MAX_ROCKS
from tenacious_rover.gazebo_worlds import MOON_MPS2, export_world, wheels_on, world_key
from tenacious_rover.rover.description import RoverError, load_rover
from tenacious_rover.simulator.terrain.error import WorldError
from tenacious_rover.simulator.world import known_worlds, load_world

app = typer.Typer(
    help="Worlds and rover for Gazebo, from the same files as the embedded simulator's.",
    no_args_is_help=True,
)
Worlds = Annotated[list[str] | None, typer.Argument(help="world files or names; all if none")]
Out = Annotated[Path | None, typer.Option(help="folder for the worlds; the user's cache if none")]
Json = Annotated[bool, typer.Option("--json", help="for scripts")]
Description = Annotated[str, typer.Option(help="rover: name or xacro file")]


@app.callback()
def group() -> None:
    """Worlds and rover for Gazebo."""


@app.command(name="export", epilog="Example: tenacious gazebo export mare_calm")
def export_worlds(
    worlds: Worlds = None,
    out: Out = None,
    gravity: Annotated[float, typer.Option(min=0.01, help="m/s^2")] = MOON_MPS2,
    rocks: Annotated[int, typer.Option(min=0, help="at most so many, the largest")] = MAX_ROCKS,
    as_json: Json = False,
) -> None:
    """Export worlds: a folder each with world.sdf and all its files. `gz sim FOLDER/world.sdf`."""
    console = Console(stderr=True)
    done = []
    for name in worlds or sorted(known_worlds()):
        stem = Path(name).stem
        folder = (out or exports_folder()) / stem
        try:
            with console.status(f"exporting {stem} …"):
                facts = export_world(name, folder, gravity, rocks)
        except (WorldError, GazeboError) as error:
            raise refuse(error) from error
        done.append({**facts, "folder": str(folder)})
        if not as_json:
            left = facts["rocks_left_out"]
            note = f", {left} smaller than {facts['smallest_rock_m']:.2f} m left out" * bool(left)
            typer.echo(f"{stem}: {folder}/world.sdf ({facts['rocks']} rocks{note})")
    if as_json:
        typer.echo(json.dumps(done, indent=1))


@app.command(epilog="Example: tenacious gazebo check mare_calm")
def check(worlds: Worlds = None, as_json: Json = False) -> None:
    """Whether exported worlds are in step with their world files. Exit code 1 when one is stale."""
    found = {}
    for name in worlds or sorted(known_worlds()):
        try:
            spec = load_world(name)
            export = exported(name)
        except WorldError as error:
            raise refuse(error) from error
        except GazeboError as error:
            if worlds:
                raise refuse(error) from error
            found[Path(name).stem] = "not exported"
            continue
        stale = export.stale(world_key(spec, export.facts["gravity_mps2"]))
        found[Path(name).stem] = f"{'stale' if stale else 'in step'}: {export.folder}"
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        for name, words in found.items():
            typer.echo(f"{name:<16} {words}")
    raise typer.Exit(FAILED if any(w.startswith("stale") for w in found.values()) else DONE)


@app.command(epilog="Example: tenacious gazebo rover --description my_rover.urdf.xacro > my.sdf")
def rover(
    description: Description = "tenacious",
    name: Annotated[str, typer.Option(help="of the model and its topics")] = "",
    world: Annotated[str, typer.Option(help="whose soil its wheels slip on")] = "mare_calm",
) -> None:
    """Print the rover, and its payload, as SDF."""
    try:
        found = load_rover(description)
        wheels = wheels_on(found, load_world(world)) if world else Wheels()
    except (RoverError, WorldError) as error:
        raise refuse(error) from error
    typer.echo(document(*models(found, name or found.name, wheels)[:1]), nl=False)


@app.command(epilog="Example: tenacious gazebo bridge > config/gazebo_bridge.yaml")
def bridge(
    description: Description = "tenacious",
    name: Annotated[str, typer.Option(help="of the model")] = "",
) -> None:
    """Print the configuration of ros_gz_bridge for a rover."""
    try:
        found = load_rover(description)
    except RoverError as error:
        raise refuse(error) from error
    scoop, payload = found.scoop is not None, found.payload is not None
    typer.echo(as_yaml(lines(name or found.name, scoop=scoop, payload=payload)), nl=False)
