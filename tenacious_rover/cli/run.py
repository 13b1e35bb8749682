# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious run` and `tenacious demo`: a rover's processes, watched until the mission ends."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from tenacious_rover.bringup import PLATFORMS, RunOptions, nodes, prepared
from tenacious_rover.cli import DONE, FAILED, MACHINE, domain, refuse, run_folder
from tenacious_rover.cli.run_view import LineView, RunState, TerminalView, clock
from tenacious_rover.notifier import Notifier
from tenacious_rover.rover.config import ConfigError
from tenacious_rover.supervisor import Supervisor

app_run = typer.Typer(invoke_without_command=True)
app_demo = typer.Typer(invoke_without_command=True)

LINGER_S = 0.7
"""After the end of a mission, for the last messages to reach the bag."""

World = Annotated[str, typer.Option(help="world file, or the name of a shipped world")]
Seed = Annotated[int, typer.Option(help="seed of everything random in the simulator")]
Speed = Annotated[
    float, typer.Option(min=0.0, help="at most this many times real time; 0: as nodes can follow")
]
Runs = Annotated[Path, typer.Option(help="where run folders go")]
TimeLimit = Annotated[float, typer.Option(min=0.1, help="minutes of wall time before giving up")]


@app_demo.callback(epilog="Example: tenacious demo --seed 3")
def demo(
    world: World = "first_traverse",
    mission: Annotated[str, typer.Option(help="mission file or name")] = "first_traverse",
    seed: Seed = 0,
    speed: Speed = 0.0,
    runs: Runs = run_folder.RUNS,
    time_limit: TimeLimit = 30.0,
) -> None:
    """One whole mission in the embedded simulator; leaves a bag, images, samples and a report."""
    options = RunOptions(world=world, seed=seed, mission=mission, speed=speed)
    fly(options, runs, time_limit, report=True)


@app_run.callback(epilog="Example: tenacious run --world mare_calm --mission first_traverse")
def run(
    platform: Annotated[str, typer.Option(help=", ".join(PLATFORMS))] = "simulator",
    world: World = "first_traverse",
    mission: Annotated[str, typer.Option(help="mission file or name; none: wait for goals")] = "",
    resume: Annotated[Path | None, typer.Option(help="run folder to go on in")] = None,
    description: Annotated[str, typer.Option(help="rover: name or xacro file")] = "tenacious",
    config: Annotated[
        Path | None, typer.Option(help="parameter file laid over the defaults")
    ] = None,
    seed: Seed = 0,
    speed: Speed = 1.0,
    record: Annotated[bool, typer.Option(help="record a bag")] = True,
    report: Annotated[bool, typer.Option(help="write the HTML report at the end")] = True,
    namespace: Annotated[str, typer.Option(help="of all nodes")] = "",
    log_level: Annotated[str, typer.Option(help="debug, info, warn, error")] = "info",
    parts: Annotated[str, typer.Option(help="only these nodes, with commas")] = "",
    runs: Runs = run_folder.RUNS,
    time_limit: TimeLimit = 600.0,
) -> None:
    """Start a rover: platform, autonomy, recording. Ctrl-C stops everything within two seconds."""
    options = RunOptions(
        platform=platform,
        world=world,
        seed=seed,
        mission=mission,
        resume=resume is not None,
        description=description,
        config=config,
        record=record,
        speed=speed,
        namespace=namespace,
        log_level=log_level,
        parts=tuple(part.strip() for part in parts.split(",") if part.strip()),
        run_folder=resume,
    )
    fly(options, runs, time_limit, report)


def fly(options: RunOptions, runs: Path, time_limit_min: float, report: bool) -> NoReturn:
    """A whole run, and the end of this process: 0 when it succeeded or was stopped, else 1.

    Raises:
        typer.Exit: nothing was started: wrong input, or something is missing on the machine.
    """
    from tenacious_rover import ros

    console = Console()
    try:
        options, mission = prepared(options)
        specs = nodes(options)
        label = mission.mission if mission else options.world
        folder = options.run_folder or run_folder.make(
            runs, Path(label).stem, {"options": asdict(options)}
        )
        specs = nodes(replace(options, run_folder=folder.resolve()))
    except (ConfigError, ValueError, FileNotFoundError) as error:
        raise refuse(error) from error
    except run_folder.RunFolderError as error:
        raise refuse(error, MACHINE) from error
    held = None
    if options.platform == "simulator":
        os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        try:
            number, held = domain.claim()
        except domain.DomainError as error:
            raise refuse(error, MACHINE) from error
        if number:
            console.print(f"ROS_DOMAIN_ID={number} (another rover runs on this machine)")
    state = RunState(title=label, folder=str(folder))
    state.steps = [step.title for step in mission.steps] if mission else []
    began = time.monotonic()
    ended = _watched(options, specs, folder, state, console, time_limit_min)
    _written(folder, state, ended, time.monotonic() - began)
    if ended == "stopped":
        console.print(f"  report: tenacious report {folder}", highlight=False, soft_wrap=True)
    elif report and state.rover_time_s > 0.0:
        _report(folder, console)
    _summary(folder, state, ended, time.monotonic() - began, console)
    if held is not None:
        held.close()
    ros.leave(DONE if ended in ("succeeded", "stopped") else FAILED)


def _watched(
    options: RunOptions,
    specs: list,
    folder: Path,
    state: RunState,
    console: Console,
    time_limit_min: float,
) -> str:
    """Start, watch, stop; how it ended: succeeded, failed, cancelled, stopped, fell, timeout."""
    from tenacious_rover.cli.run_watch import ENDED, Watcher

    interrupted: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, frame: interrupted.append(got))
    notifier = Notifier(os.environ)
    supervisor = Supervisor(folder, options.namespace, options.log_level)
    supervisor.start(specs)
    watcher = Watcher(state, options.namespace)
    deadline = time.monotonic() + 60.0 * time_limit_min
    ended = ""
    view = TerminalView(console) if console.is_terminal else LineView(console)
    with view:
        while not ended:
            watcher.listen(0.25 if not interrupted else 0.0)
            fallen = supervisor.fallen()
            if interrupted:
                ended = "stopped"
            elif fallen:
                ended = "fell"
                state.status = "failed"
                names = ", ".join(child.name for child in fallen)
                state.activity = f"{names} ended by itself: {fallen[0].last_words()}"
            elif options.mission and state.status in ENDED:
                ended = state.status
                watcher.listen(LINGER_S)
            elif time.monotonic() > deadline:
                ended = "timeout"
            else:
                notifier.watch(time.monotonic(), {spec.name for spec in specs} - set(state.nodes))
            view.show(state)
    notifier.stopping(ended)
    supervisor.stop()
    watcher.close()
    if ended == "fell":
        typer.secho(state.activity, err=True, fg="red")
    return ended


def _written(folder: Path, state: RunState, ended: str, wall_s: float) -> None:
    run_folder.update(
        folder,
        {
            "ended": ended,
            "outcomes": state.outcomes,
            "wall_s": wall_s,
            "rover_time_s": state.rover_time_s,
            "driven_m": state.driven_m,
            "nodes": {name: {"memory_mb": mb} for name, (_, mb) in state.nodes.items()},
        },
    )


def _report(folder: Path, console: Console) -> None:
    from tenacious_rover.analysis.report import write_report

    with console.status("writing the report …"):
        write_report(folder)


def _summary(folder: Path, state: RunState, ended: str, wall_s: float, console: Console) -> None:
    colour = "green" if ended == "succeeded" else "yellow" if ended == "stopped" else "red"
    speed = state.rover_time_s / wall_s if wall_s > 0 else 0.0
    console.print(
        f"[{colour}]{state.title}: {ended}[/] after {clock(state.rover_time_s)} of rover time, "
        f"{clock(wall_s)} of yours ({speed:.1f} x real time)"
    )
    for outcome in state.outcomes:
        if ": failed: " in outcome:
            console.print(f"  [red]{outcome}[/]")
    for name, what in (
        ("report.html", "report"),
        ("bag", "rosbag2"),
        ("images", "images"),
        ("samples", "sample log"),
        ("log", "logs of the nodes"),
    ):
        if (folder / name).exists():
            console.print(f"  {what:<18}{folder / name}", highlight=False, soft_wrap=True)
