# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious bench NAME`: the studies of `benchmarks/`, printed and stored as JSON.

A study is `benchmarks/NAME.py` with `measure(options: Study) -> dict` that holds `figures`
(key to number), and where it applies `peers`, `failures`, `seeds`, `missing`, `text` (printed as
it is) and `targets` (key to "<= 0.5" or ">= 0.99"). Benchmarks never assert: a missed target is
printed as missed. A study whose cases can be run again says with `CASES` what they are called.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tenacious_rover.campaign.error import CampaignError
from tenacious_rover.campaign.study import Study, met
from tenacious_rover.cli import MACHINE, refuse, run_folder
from tenacious_rover.rover.resources import resource

app = typer.Typer()


def studies() -> dict[str, Path]:
    """Name to file of the studies there are."""
    try:
        folder = resource("benchmarks")
    except FileNotFoundError:
        return {}
    return {path.stem: path for path in sorted(folder.glob("[a-z]*.py"))}


@app.command(epilog="Example: tenacious bench sim --quick --json results/sim.json")
def bench(
    name: Annotated[str, typer.Argument(help="; ".join(studies()) or "none found")],
    quick: Annotated[bool, typer.Option(help="a small honest sample, about a minute")] = False,
    seed: Annotated[int, typer.Option(help="first seed")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="processes")] = os.cpu_count() or 1,
    case: Annotated[str, typer.Option(help="run one case of the study again and show it")] = "",
    results: Annotated[Path, typer.Option(help="where studies keep what they measured")] = Path(
        "results"
    ),
    json_file: Annotated[
        Path | None, typer.Option("--json", help="write the figures there; - for the terminal")
    ] = None,
) -> None:
    """Run a study and print its figures beside a peer's on the same input."""
    known = studies()
    if not known:
        raise refuse("benchmarks/ is not here: run this in a clone of the repository", MACHINE)
    if name not in known:
        raise refuse(f"NAME: {name!r} is not one of {', '.join(known)}")
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", known[name])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # for dataclasses, and for processes that a study forks
    spec.loader.exec_module(module)
    began = time.monotonic()
    if case and not hasattr(module, "CASES"):
        raise refuse(f"--case: {name} has no cases to run again")
    study = Study(quick=quick, seed=seed, jobs=jobs, case=case, folder=results / name)
    try:
        found = module.measure(study)
    except CampaignError as error:
        raise refuse(f"{error}; cases of {name}: {module.CASES}" if case else error) from None
    found = {
        "name": name,
        **run_folder.machine(),
        "quick": quick,
        "seeds": found.pop("seeds", [seed]),
        "duration_s": round(time.monotonic() - began, 1),
        **found,
    }
    if str(json_file) == "-":
        typer.echo(json.dumps(found, indent=1, default=str))
        return
    _show(found, Console())
    target = json_file or results / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1, default=str), encoding="utf-8")
    typer.echo(f"stored in {target}")


def _show(found: dict[str, Any], console: Console) -> None:
    if found.get("text"):
        console.print(found["text"], highlight=False)
    peers = found.get("peers", {})
    table = Table(title=f"{found['name']}, seeds {found['seeds']}, {found['duration_s']} s")
    for column in ("figure", "here", *peers, "target"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    targets = found.get("targets", {})
    for key, value in found["figures"].items():
        words = targets.get(key, "")
        if words:
            words += " met" if met(value, words) else " MISSED"
        beside = [_number(peers[peer].get(key)) for peer in peers]
        table.add_row(key, _number(value), *beside, words)
    console.print(table)
    failures = found.get("failures", [])
    console.print(f"failures: {len(failures)}")
    for failure in failures[:20]:
        console.print(f"  {failure}", highlight=False)
    for item in found.get("missing", []):
        console.print(f"not measured: {item}", highlight=False)


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
