# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious payload`: the Moonhouse of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tenacious_rover.cli import refuse
from tenacious_rover.cli.run_folder import RunFolderError, newest

app = typer.Typer(help="The Moonhouse of a run.", no_args_is_help=True)
Run = Annotated[Path | None, typer.Option("--run", help="run folder; default: the newest in runs/")]


@app.callback()
def group() -> None:
    """The Moonhouse of a run."""


@app.command(epilog="Example: tenacious payload status --json")
def status(
    run: Run = None,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False,
) -> None:
    """Where it is, whether it stands, and what guards its release."""
    try:
        path = (run or newest()) / "payload" / "status.json"
        facts = json.loads(path.read_text(encoding="utf-8"))
    except RunFolderError as error:
        raise refuse(error) from error
    except FileNotFoundError as error:
        raise refuse(f"{path}: no deployment was begun in this run") from error
    except (OSError, ValueError) as error:
        raise refuse(f"{path}: {error}") from error
    if as_json:
        typer.echo(json.dumps(facts))
        return
    guards = facts.pop("interlocks", [])
    for key, value in facts.items():
        typer.echo(f"{key:<14} {value}")
    typer.echo("interlocks:")
    for guard in guards:
        typer.echo(f"  {guard['name']:<12} {guard['demand']}")
