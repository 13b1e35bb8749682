# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious samples`: the soil-sample log of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenacious_rover.cli import FAILED, refuse
from tenacious_rover.cli.run_folder import RunFolderError, newest

if TYPE_CHECKING:
    from tenacious_rover.sampling.log import SampleLog

app = typer.Typer(help="The soil-sample log of a run.", no_args_is_help=True)
Run = Annotated[Path | None, typer.Option("--run", help="run folder; default: the newest in runs/")]
Json = Annotated[bool, typer.Option("--json", help="for scripts")]
Name = Annotated[str, typer.Argument(help="id, such as S001")]


@app.callback()
def group() -> None:
    """The soil-sample log of a run."""


def _opened(run: Path | None) -> tuple[SampleLog, Path]:
    from tenacious_rover.sampling.error import SamplingError
    from tenacious_rover.sampling.log import SampleLog

    try:
        folder = run or newest()
        return SampleLog(folder / "samples" / "samples.sqlite", read_only=True), folder
    except (SamplingError, RunFolderError) as error:
        raise refuse(error) from error


@app.command(name="ls", epilog="Example: tenacious samples ls --json")
def list_samples(run: Run = None, as_json: Json = False) -> None:
    """Samples: where, how much, verified or not."""
    from tenacious_rover.sampling.export import row

    log, _ = _opened(run)
    rows = [row(entry) for entry in log.entries(kind="sample")]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for r in rows:
        place = f"{r['x_m']:8.3f} {r['y_m']:8.3f} ± {max(r['sigma_x_m'], r['sigma_y_m']):.3f} m"
        volume = f"{r['volume_ml']:6.1f} ± {r['volume_sigma_ml']:.1f} ml"
        typer.echo(f"{r['sample']}  {place}  {volume}  {r['label']}")
    if not rows:
        typer.echo("no samples in this log")


@app.command(epilog="Example: tenacious samples show S001")
def show(name: Name, run: Run = None, as_json: Json = False) -> None:
    """All that is recorded of one sample."""
    from tenacious_rover.sampling.error import SamplingError
    from tenacious_rover.sampling.export import lines

    log, _ = _opened(run)
    try:
        entry = log.sample(name)
    except SamplingError as error:
        raise refuse(error) from error
    if as_json:
        events = [e.facts for e in log.entries(name, "custody")]
        typer.echo(json.dumps(entry.facts | {"hash": entry.hash, "custody": events}))
        return
    for key, value in lines(entry, log.verify().head):
        typer.echo(f"{key:<18} {value}")


@app.command(epilog="Example: tenacious samples verify --head HASH_FROM_THE_CERTIFICATE")
def verify(
    run: Run = None,
    head: Annotated[str, typer.Option(help="hash known from elsewhere")] = "",
    as_json: Json = False,
) -> None:
    """Check the chain, its length and the pictures; exit code 1 when something is wrong."""
    log, folder = _opened(run)
    verdict = log.verify(head, folder)
    if as_json:
        facts = {"entries": verdict.entries, "head": verdict.head}
        typer.echo(json.dumps(facts | {"problems": verdict.problems}))
    elif not verdict.problems:
        typer.echo(f"sound: {verdict.entries} entries, head {verdict.head}")
    else:
        for problem in verdict.problems:
            typer.secho(problem, fg="red")
    if verdict.problems:
        raise typer.Exit(FAILED)


@app.command(epilog="Example: tenacious samples export samples.geojson")
def export(
    path: Annotated[Path, typer.Argument(help="file ending in .csv or .geojson")], run: Run = None
) -> None:
    """Write every sample as CSV or GeoJSON."""
    from tenacious_rover.sampling.export import as_csv, as_geojson

    writers = {".csv": as_csv, ".geojson": as_geojson}
    if path.suffix not in writers:
        raise refuse(f"{path}: the ending is not one of {', '.join(writers)}")
    log, _ = _opened(run)
    try:
        path.write_text(writers[path.suffix](log), encoding="utf-8")
    except OSError as error:
        raise refuse(f"{path}: {error.strerror}") from error
    typer.echo(f"{path}")


@app.command(epilog="Example: tenacious samples certificate S001 --out S001.pdf")
def certificate(
    name: Name,
    run: Run = None,
    out: Annotated[Path | None, typer.Option(help=".html, .pdf or .png")] = None,
) -> None:
    """One page with place, volume, checksums and pictures; HTML and PDF beside the log."""
    from tenacious_rover.sampling.error import SamplingError
    from tenacious_rover.sampling.export import html, pdf

    log, folder = _opened(run)
    paths = [out] if out else [folder / "samples" / f"{name}{s}" for s in (".html", ".pdf")]
    try:
        entry = log.sample(name)
        for path in paths:
            if path.suffix == ".html":
                path.write_text(html(entry, log, folder), encoding="utf-8")
            elif path.suffix in (".pdf", ".png"):
                pdf(entry, log, folder, path)
            else:
                raise refuse(f"{path}: the ending is not one of .html, .pdf, .png")
            typer.echo(f"{path}")
    except (SamplingError, OSError) as error:
        raise refuse(error) from error
