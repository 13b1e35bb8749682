# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious replay`: run the cores again on a recorded bag and show where they differ from it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path  # noqa: TC003  (typer reads it)
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tenacious_rover.cli import DONE, FAILED, refuse

if TYPE_CHECKING:
    from tenacious_rover.campaign.replay_comparison import Comparison

app = typer.Typer()


@app.command(
    epilog="Example: tenacious replay BAG --set navigation.max_tilt_deg=12 --from 60 --to 90"
)
def replay(
    source: Annotated[Path, typer.Argument(metavar="BAG|RUN", help="run folder or bag")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="CORE.FIELD=VALUE over what was recorded; may come often"),
    ] = None,
    from_s: Annotated[float | None, typer.Option("--from", help="s from the beginning")] = None,
    to_s: Annotated[float | None, typer.Option("--to", help="s from the beginning")] = None,
    cores: Annotated[
        str, typer.Option(help="which to run, with commas")
    ] = "localization,perception,navigation",
    chain: Annotated[
        bool, typer.Option(help="feed each core with what the one before it gives now")
    ] = False,
    description: Annotated[str, typer.Option(help="rover; default: the recorded one")] = "",
    save_case: Annotated[
        str, typer.Option(help="keep this stretch and its outputs as a test of this name")
    ] = "",
    jobs: Annotated[int, typer.Option(min=1, help="cores that run at a time")] = os.cpu_count()
    or 1,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False,
) -> None:
    """Exit code 0: the outputs are those of the recording; 1: they differ."""
    from tenacious_rover.analysis.bag import Bag
    from tenacious_rover.analysis.error import AnalysisError
    from tenacious_rover.campaign import replay_case
    from tenacious_rover.campaign.replay import replay_side_by_side as run
    from tenacious_rover.campaign.replay_setup import CORES, Options, ReplayError, parse_settings
    from tenacious_rover.rover.config import ConfigError

    chosen = tuple(core for core in CORES if core in [c.strip() for c in cores.split(",")])
    unknown = {c.strip() for c in cores.split(",")} - set(CORES)
    if unknown or not chosen:
        raise refuse(f"--cores: {min(unknown or {''})!r} is not one of {', '.join(CORES)}")
    if from_s is not None and to_s is not None and to_s <= from_s:
        raise refuse(f"--to: {to_s:g} s is not after --from {from_s:g} s")
    try:
        options = Options(parse_settings(settings or []), from_s, to_s, chosen, chain, description)
        began = time.monotonic()
        with Bag(source) as bag:
            begin, end = bag.span_s
        with Progress(disable=as_json, transient=True) as progress:
            task = progress.add_task("replaying", total=1.0)
            found = run(source, options, jobs, lambda share: progress.update(task, completed=share))
        spent = time.monotonic() - began
        stretch = min(to_s or end - begin, end - begin) - (from_s or 0.0)
        if save_case:
            folder = replay_case.save(source, options, save_case)
            typer.echo(f"case kept in {folder}; it runs with the tests from now on", err=as_json)
    except (AnalysisError, ReplayError, ConfigError) as error:
        raise refuse(error) from error
    speed = stretch / max(spent, 1e-9)
    if as_json:
        content = {"speed": speed, "cores": [c.plain() for c in found]}
        typer.echo(json.dumps(content, indent=1))
    else:
        _show(found, speed)
    raise typer.Exit(DONE if all(c.same for c in found) else FAILED)


def _show(found: list[Comparison], speed: float) -> None:
    from tenacious_rover.campaign.replay_comparison import UNITS

    console = Console()
    table = Table(title=f"replayed at {speed:.1f} x real time")
    for column in (
        "core",
        "outputs",
        "differ",
        "missing",
        "inputs lost",
        "first at, s",
        "largest",
        "at, s",
    ):
        table.add_column(column, justify="left" if column == "core" else "right")
    for one in found:
        at, size = one.worst
        first = "" if one.first_s is None else f"{one.first_s:.2f}"
        table.add_row(
            one.core,
            str(one.recorded),
            str(one.differing),
            str(one.missing),
            str(one.skipped),
            first,
            f"{size:.2g} {UNITS[one.core]}",
            f"{at:.2f}",
        )
    console.print(table)
    for one in found:
        for detail in one.details[:5]:
            words = ", ".join(f"{k} {v}" for k, v in detail.items() if k != "time_s")
            console.print(
                f"  {one.core} at {detail['time_s']:.2f} s: {words}",
                highlight=False,
                soft_wrap=True,
            )
