# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious report`: one HTML page from a run, a bag, or several side by side."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003  (typer reads it)
from typing import Annotated

import typer
from rich.console import Console

from tenacious_rover.cli import refuse

app = typer.Typer()


@app.command(epilog="Example: tenacious report runs/before runs/after -o comparison.html")
def report(
    sources: Annotated[
        list[Path], typer.Argument(metavar="BAG|RUN…", help="run folders, bag folders, bag files")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="default: report.html in the first")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the figures, for scripts")] = False,
) -> None:
    """One self-contained page: map, drift, slip, power, decisions, events, pictures, samples."""
    from tenacious_rover.analysis.error import AnalysisError
    from tenacious_rover.analysis.metrics import summary
    from tenacious_rover.analysis.report import REPORT, write_page

    first = sources[0]
    target = output or ((first if first.is_dir() else first.parent) / REPORT)
    console = Console(stderr=True)
    try:
        with console.status("reading …") as status:
            subjects = write_page(sources, target, lambda words: status.update(f"{words} …"))
    except AnalysisError as error:
        raise refuse(error) from error
    if as_json:
        content = [
            {
                "name": s.drive.name,
                "figures": summary(s.drive),
                "outcomes": s.drive.outcomes,
                "missing": s.drive.notes,
            }
            for s in subjects
        ]
        typer.echo(json.dumps({"report": str(target), "drives": content}, indent=1))
        return
    for subject in subjects:
        for note in subject.drive.notes:
            console.print(f"[yellow]{subject.drive.name}: {note}[/]", highlight=False)
    typer.echo(str(target))
