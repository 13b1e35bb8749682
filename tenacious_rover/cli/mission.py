# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious mission`: check mission files before they fly."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tenacious_rover.cli import refuse

app = typer.Typer(help="Check mission files.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Check mission files."""


@app.command(epilog="Example: tenacious mission validate missions/first_traverse.yaml")
def validate(
    file: Annotated[str, typer.Argument(help="mission file, or the name of a shipped mission")],
    as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False,
) -> None:
    """Check a mission file; say field by field what is wrong and what is allowed."""
    from tenacious_rover.mission import estimate
    from tenacious_rover.mission.file import MissionError, load_mission
    from tenacious_rover.rover.description import load_rover
    from tenacious_rover.rover.resources import named

    try:
        path = named("missions", file)
        mission = load_mission(path)
    except (MissionError, FileNotFoundError) as error:
        raise refuse(error) from error
    speed = 0.8 * load_rover("tenacious").limits.speed_mps
    seconds = estimate.durations(mission, (0.0, 0.0), speed)
    if as_json:
        steps = [
            {"do": s.do, "title": s.title, "seconds": round(t)}
            for s, t in zip(mission.steps, seconds, strict=True)
        ]
        typer.echo(json.dumps({"mission": mission.mission, "steps": steps}))
        return
    typer.echo(f"{path}: good. {mission.mission}: about {sum(seconds) / 60:.0f} min")
    for number, (step, duration) in enumerate(zip(mission.steps, seconds, strict=True)):
        typer.echo(f"  {number}  {step.do:<16} {step.title:<28} {duration:4.0f} s")


@app.command(name="list", epilog="Example: tenacious mission list")
def list_missions() -> None:
    """Missions that come with the package."""
    from tenacious_rover.mission.file import load_mission
    from tenacious_rover.rover.resources import roots

    shown = set()
    for path in (p for root in roots() for p in sorted((root / "missions").glob("*.yaml"))):
        if path.stem not in shown:
            shown.add(path.stem)
            typer.echo(f"{path.stem:<20} {load_mission(path).description}")
