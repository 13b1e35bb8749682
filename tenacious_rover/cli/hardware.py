# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious hardware check`: finds, names and exercises each part of a physical rover."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tenacious_rover.cli import DONE, FAILED, refuse, run_folder
from tenacious_rover.rover.config import ConfigError, configured, load_parameters

app = typer.Typer(no_args_is_help=True)


@app.callback()
def hardware() -> None:
    """The parts of a physical rover."""


@app.command(epilog="Example: tenacious hardware check --config my_rover.yaml --wheels-free")
def check(
    config: Annotated[
        Path | None, typer.Option(help="parameter file with a section 'hardware'")
    ] = None,
    description: Annotated[str, typer.Option(help="rover: name or xacro file")] = "tenacious",
    wheels_free: Annotated[
        bool, typer.Option(help="the wheels are off the ground and may turn")
    ] = False,
    latch_free: Annotated[bool, typer.Option(help="the payload may be let go")] = False,
    gravity: Annotated[float, typer.Option(min=0.1, help="m/s^2, where you are")] = 9.81,
    report: Annotated[Path, typer.Option(help="where the report goes")] = Path(
        "hardware_check.json"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="print the report only")] = False,
) -> None:
    """Go through the parts one by one and write a report. Exit code 1 when a part is not well.

    Nothing moves unless you say that it may: put the rover on a stand, then --wheels-free.
    """
    from tenacious_rover.hardware.check import Checker, Step
    from tenacious_rover.hardware.config import HardwareConfig
    from tenacious_rover.rover.description import load_rover

    try:
        values: dict = {}
        if config is not None:
            chosen = load_parameters(config)
            values = chosen.get("hardware", {})
        settings = configured(HardwareConfig, values, f"{config}: hardware: ")
        rover = load_rover(description)
        checker = Checker(rover, settings, wheels_free, latch_free, gravity)
    except (ConfigError, ValueError, FileNotFoundError) as error:
        raise refuse(error) from error

    def told(step: Step) -> None:
        if as_json:
            return
        colour = {"ok": "green", "failed": "red", "missing": "red"}.get(step.verdict, "yellow")
        typer.secho(f"{step.verdict:<11}", fg=colour, nl=False)
        typer.echo(f"{step.part:<9}{step.what}: {step.found}")
        if step.remedy:
            typer.echo(f"{'':<20}-> {step.remedy}")

    steps = checker.run(told)
    bad = [step for step in steps if step.verdict in ("failed", "missing")]
    content = {
        "rover": rover.name,
        "time": datetime.now(UTC).isoformat(),
        **run_folder.machine(),
        "config": asdict(settings),
        "steps": [asdict(step) for step in steps],
    }
    text = json.dumps(content, indent=1)
    report.write_text(text, encoding="utf-8")
    if as_json:
        typer.echo(text)
    else:
        typer.echo(f"{len(steps) - len(bad)} of {len(steps)} well; report in {report}")
    raise typer.Exit(FAILED if bad else DONE)


@app.command(
    epilog="Example: tenacious hardware emulate --world mare_calm --folder /tmp/rover, then "
    "tenacious run --platform hardware --config /tmp/rover/rover.yaml"
)
def emulate(
    world: Annotated[str, typer.Option(help="world file, or a shipped world")] = "first_traverse",
    description: Annotated[str, typer.Option(help="rover: name or xacro file")] = "tenacious",
    motors: Annotated[str, typer.Option(help="framed, roboclaw")] = "framed",
    folder: Annotated[Path, typer.Option(help="where the wires appear")] = Path("emulated_rover"),
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
) -> None:
    """A rover of emulated parts in real time: the simulator behind serial, I2C and camera wires.

    The platform `hardware` then drives it through its real drivers, bytes and all.
    """
    import signal

    from tenacious_rover.emulation.bench import EmulatedRover

    if motors not in ("framed", "roboclaw"):
        raise refuse(f"--motors: {motors!r} is not one of framed, roboclaw")
    ended: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, frame: ended.append(got))
    try:
        rover = EmulatedRover(folder.resolve(), world, description, seed, motors)
    except (ValueError, FileNotFoundError) as error:
        raise refuse(error) from error
    typer.echo(f"wires are up; configuration: {folder / 'rover.yaml'}")
    rover.run(lambda: bool(ended))
    rover.close()
