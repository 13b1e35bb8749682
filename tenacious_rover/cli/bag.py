# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious bag`: record, inspect, cut, merge, export and mend bags."""

from __future__ import annotations

import fnmatch
import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tenacious_rover.cli import DONE, FAILED, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenacious_rover.analysis.bag import Bag

app = typer.Typer(help="Record, inspect and convert bags.", no_args_is_help=True)

Source = Annotated[Path, typer.Argument(metavar="BAG", help="run folder, bag folder or bag file")]
Target = Annotated[Path, typer.Option("--output", "-o", help="fresh folder to write to")]
Topics = Annotated[str, typer.Option(help="only these topics, with commas; * stands for anything")]
Json = Annotated[bool, typer.Option("--json", help="for scripts")]
_COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}


@app.callback()
def group() -> None:
    """Record, inspect and convert bags: rosbag2 with MCAP or sqlite3, ROS 1 to read."""


def chosen(topics: str) -> Callable[[str], bool]:
    """A filter from `/imu/*,/events`."""
    patterns = [p.strip() for p in topics.split(",") if p.strip()]
    if not patterns:
        return lambda topic: True
    return lambda topic: any(
        fnmatch.fnmatch(topic, p) or fnmatch.fnmatch(topic.lstrip("/"), p) for p in patterns
    )


@contextmanager
def opened(path: Path) -> Iterator[Bag]:
    """A bag, or a refusal."""
    from tenacious_rover.analysis.bag import Bag
    from tenacious_rover.analysis.error import AnalysisError

    try:
        with Bag(path) as bag:
            yield bag
    except AnalysisError as error:
        raise refuse(error) from error


@app.command(epilog="Example: tenacious bag record --profile flight --quota-mb 2000")
def record(
    profile: Annotated[str, typer.Option(help="flight, science or everything")] = "science",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="folder of the bag")] = None,
    quota_mb: Annotated[float, typer.Option(help="the bag never grows beyond this")] = 20_000.0,
    split_mb: Annotated[float, typer.Option(help="a file ends at this size")] = 1000.0,
    split_s: Annotated[float, typer.Option(help="and after this much of the clock")] = 900.0,
    namespace: Annotated[str, typer.Option(help="of the rover")] = "",
    sim_time: Annotated[bool, typer.Option(help="times of the bag are those of /clock")] = False,
) -> None:
    """Record what is being said, until Ctrl-C."""
    from tenacious_rover.recording.config import RecordingConfig
    from tenacious_rover.rover.config import ConfigError, configured

    values = {"profile": profile, "quota_mb": quota_mb, "split_mb": split_mb, "split_s": split_s}
    try:
        configured(RecordingConfig, values)
    except ConfigError as error:
        raise refuse(error) from error
    if output is not None:
        values["output"] = str(output)
    command = [sys.executable, "-m", "tenacious_rover.recording.node", "--ros-args"]
    for key, value in {**values, "use_sim_time": str(sim_time).lower()}.items():
        command += ["-p", f"{key}:={value}"]
    if namespace:
        command += ["-r", f"__ns:=/{namespace.strip('/')}"]
    typer.echo(f"recording {profile}; Ctrl-C ends the bag")
    os.execv(sys.executable, command)  # noqa: S606


@app.command(epilog="Example: tenacious bag info runs/20261124T200000Z_first_traverse --json")
def info(source: Source, as_json: Json = False) -> None:
    """What a bag holds and says about itself."""
    with opened(source) as bag:
        begin, end = bag.span_s
        if as_json:
            content = {
                "path": str(bag.path),
                "start_s": begin,
                "duration_s": end - begin,
                "messages": sum(bag.counts.values()),
                "topics": [
                    {"name": n, "type": bag.topics[n], "messages": bag.counts[n]}
                    for n in sorted(bag.topics)
                ],
                "facts": bag.facts,
                "notes": bag.notes,
            }
            typer.echo(json.dumps(content, indent=1))
            return
        console = Console()
        console.print(f"{bag.path}: {sum(bag.counts.values())} messages, {end - begin:.1f} s")
        for key, value in bag.facts.items():
            if key not in ("parameters", "recording"):
                console.print(f"  {key:<20}{value}", highlight=False)
        table = Table()
        for column in ("topic", "type", "messages", "Hz"):
            table.add_column(column, justify="left" if column in ("topic", "type") else "right")
        for name in sorted(bag.topics):
            count = bag.counts[name]
            rate = f"{count / (end - begin):.1f}" if end > begin and count > 1 else ""
            table.add_row(name, bag.topics[name], str(count), rate)
        console.print(table)
        for note in bag.notes:
            console.print(f"[yellow]{note}[/]", highlight=False)


@app.command(epilog="Example: tenacious bag check runs/…/bag --description tenacious")
def check(
    source: Source,
    description: Annotated[
        str, typer.Option(help="rover whose frames are expected; empty: do not judge frames")
    ] = "tenacious",
    as_json: Json = False,
) -> None:
    """Gaps, stamps, clock, calibration, frames and rates; exit code 1 when something is wrong."""
    from tenacious_rover.analysis.check import check as checked
    from tenacious_rover.rover.description import load_rover

    frames = None
    if description:
        try:
            frames = load_rover(description).frames
        except (ValueError, FileNotFoundError) as error:
            raise refuse(f"--description: {error}") from error
    with opened(source) as bag:
        verdict = checked(bag, frames)
    if as_json:
        typer.echo(json.dumps(verdict.plain(), indent=1))
    else:
        console = Console()
        for finding in verdict.findings:
            colour = _COLOURS[finding.severity]
            console.print(
                f"[{colour}]{finding.severity:<8}[/]{finding.topic:<32} {finding.words}",
                highlight=False,
                soft_wrap=True,
            )
        count = sum(w.count for w in verdict.watches.values())
        console.print(f"{count} messages read: {'sound' if verdict.sound else 'not sound'}")
    raise typer.Exit(DONE if verdict.sound else FAILED)


@app.command(epilog="Example: tenacious bag cut BAG --from 60 --to 90 -o slip_event")
def cut(
    source: Source,
    output: Target,
    from_s: Annotated[float | None, typer.Option("--from", help="s from the beginning")] = None,
    to_s: Annotated[float | None, typer.Option("--to", help="s from the beginning")] = None,
    topics: Topics = "",
) -> None:
    """A stretch of a bag as a new bag; latched topics come along."""
    from tenacious_rover.analysis.edit import cut as cut_out
    from tenacious_rover.analysis.error import AnalysisError

    if from_s is not None and to_s is not None and to_s <= from_s:
        raise refuse(f"--to: {to_s:g} s is not after --from {from_s:g} s")
    try:
        count = cut_out(source, output, from_s, to_s, chosen(topics))
    except AnalysisError as error:
        raise refuse(error) from error
    typer.echo(f"{count} messages in {output}")


@app.command(epilog="Example: tenacious bag merge morning evening -o day")
def merge(
    sources: Annotated[list[Path], typer.Argument(metavar="BAG…", help="two or more bags")],
    output: Target,
) -> None:
    """One bag of several, in the order of their times."""
    from tenacious_rover.analysis.edit import merge as merge_all
    from tenacious_rover.analysis.error import AnalysisError

    try:
        count = merge_all(sources, output)
    except AnalysisError as error:
        raise refuse(error) from error
    typer.echo(f"{count} messages in {output}")


@app.command(
    epilog="Example: tenacious bag export BAG --format csv --topics 'imu/*,odometry' -o out"
)
def export(
    source: Source,
    output: Annotated[Path, typer.Option("--output", "-o", help="folder to write to")],
    form: Annotated[
        str, typer.Option("--format", help="csv, parquet, images, video, tum, geotiff, geojson")
    ],
    topics: Topics = "",
    as_json: Json = False,
) -> None:
    """Tables, pictures, video, trajectories for evo, the map as GeoTIFF, samples as GeoJSON."""
    from tenacious_rover.analysis.error import AnalysisError
    from tenacious_rover.analysis.export import FORMATS
    from tenacious_rover.analysis.export import export as exported

    if form not in FORMATS:
        raise refuse(f"--format: {form!r} is not one of {', '.join(FORMATS)}")
    try:
        written = exported(source, output, form, chosen(topics))
    except AnalysisError as error:
        raise refuse(error) from error
    if as_json:
        typer.echo(json.dumps(written))
        return
    for name, count in sorted(written.items()):
        typer.echo(f"{count:>9}  {output / name}")


@app.command(epilog="Example: tenacious bag repair runs/…/bag -o saved")
def repair(
    source: Source,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="default: beside the bag, with _repaired")
    ] = None,
) -> None:
    """A clean bag of one that was cut off; the broken one stays as it is."""
    from tenacious_rover.analysis.bag import located
    from tenacious_rover.analysis.error import AnalysisError
    from tenacious_rover.recording.error import RecordingError
    from tenacious_rover.recording.salvage import salvage

    try:
        found = located(source)
        target = output or found.with_name(f"{found.stem}_repaired")
        saved = salvage(found, target)
    except (AnalysisError, RecordingError) as error:
        raise refuse(error) from error
    typer.echo(f"{target}: {saved.words}")
