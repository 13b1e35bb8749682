# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious conformance`: test a running platform against the rover contract, topic by topic."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tenacious_rover.cli import DONE, FAILED, MACHINE, refuse
from tenacious_rover.rover import conformance_trials as trials
from tenacious_rover.rover import contract
from tenacious_rover.rover.conformance import judged
from tenacious_rover.rover.conformance_record import FAILED as BAD
from tenacious_rover.rover.conformance_record import PASSED, SKIPPED, Verdict
from tenacious_rover.rover.description import RoverError, load_rover

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacious_rover.cli.conformance_listen import Listener
    from tenacious_rover.rover.model import Rover

app = typer.Typer(invoke_without_command=True)

COLOURS = {PASSED: "green", BAD: "red", SKIPPED: "yellow"}


@app.callback(epilog="Example: tenacious conformance --drive --json")
def conformance(
    description: Annotated[str, typer.Option(help="rover: name or xacro file")] = "tenacious",
    duration: Annotated[
        float, typer.Option(min=2.0, help="seconds of the platform's clock to listen")
    ] = 12.0,
    drive: Annotated[
        bool, typer.Option("--drive", help="also move wheels (about 0.3 m to and fro) and scoop")
    ] = False,
    release: Annotated[
        bool, typer.Option("--release", help="also open the payload's latch: it falls")
    ] = False,
    namespace: Annotated[str, typer.Option(help="of the platform")] = "",
    json_: Annotated[bool, typer.Option("--json", help="verdicts as JSON")] = False,
) -> None:
    """Test a running platform (simulator, Gazebo, hardware) against the rover contract.

    Start the platform first, for instance `tenacious run --parts simulator`. Without options it
    only listens. Exit code 1 when a check fails.
    """
    try:
        rover = load_rover(description)
    except RoverError as error:
        raise refuse(error) from error
    try:
        from tenacious_rover.cli.conformance_listen import Listener, StalledError
    except ImportError as error:
        raise refuse(f"{error}: run `make setup`", MACHINE) from error
    console = Console(stderr=json_)
    try:
        with console.status("listening …") as status:
            listener = Listener(rover, namespace)
            verdicts = tried(listener, rover, duration, drive, release, status.update)
    except StalledError as error:
        raise refuse(error, FAILED) from error
    except KeyboardInterrupt:
        raise typer.Exit(FAILED) from None
    if json_:
        print(json.dumps([asdict(verdict) for verdict in verdicts], indent=1))
    else:
        _show(console, verdicts)
    raise typer.Exit(FAILED if any(v.outcome == BAD for v in verdicts) else DONE)


def tried(
    listener: Listener,
    rover: Rover,
    duration_s: float,
    drive: bool = False,
    release: bool = False,
    progress: Callable[[str], Any] = lambda words: None,
) -> list[Verdict]:
    """All verdicts: what is heard at rest, then what answers to commands."""
    heard_s = listener.record(duration_s)
    verdicts = judged(rover, listener.observed, heard_s)
    verdicts.append(_camera(listener, progress))
    if drive:
        verdicts += _drives(listener, rover, progress)
        if rover.scoop is not None:
            verdicts += _scoop(listener, rover, progress)
    else:
        verdicts.append(Verdict(contract.CMD_VEL.name, "drives", SKIPPED, "ask with --drive"))
    if rover.payload is not None:
        verdicts += _latch(listener, release, progress)
    return verdicts


def _camera(listener: Listener, progress: Callable[[str], Any]) -> Verdict:
    progress("asking the camera …")
    check = "answers to auto exposure"
    answer = listener.camera(auto_exposure=True, rate_hz=-1.0)
    if answer is None:
        return Verdict(contract.SET_CAMERA_CONTROLS, check, BAD, "no service or no answer")
    return Verdict(contract.SET_CAMERA_CONTROLS, check, BAD if answer else PASSED, answer)


def _drives(listener: Listener, rover: Rover, progress: Callable[[str], Any]) -> list[Verdict]:
    def record(name: str, linear: float, angular: float, seconds: float) -> trials.Drive:
        progress(f"driving: {name} …")
        start, end = listener.drive(linear, angular, seconds)
        joints = listener.samples(contract.JOINT_STATES)
        imu = listener.samples(contract.IMU)
        return trials.Drive(name, linear, angular, start, end, joints, imu)

    speed, turn = 0.5 * rover.limits.speed_mps, 0.5 * rover.limits.turn_rate_radps
    ahead = record("ahead", speed, 0.0, 2.5)
    verdicts = [*trials.followed(rover, ahead), trials.stopped(rover, ahead)]
    verdicts.append(trials.speed_is_rate(rover, ahead))
    verdicts += trials.followed(rover, record("astern", -speed, 0.0, 2.5))
    verdicts += trials.followed(rover, record("turn left", 0.0, turn, 2.0))
    verdicts += trials.followed(rover, record("turn right", 0.0, -turn, 2.0))
    verdicts.append(trials.clamped(rover, record("beyond the limit", 20 * speed, 0.0, 1.2)))
    verdicts.append(trials.ignored(rover, record("not a number", math.nan, 0.0, 1.2)))
    return verdicts


def _scoop(listener: Listener, rover: Rover, progress: Callable[[str], Any]) -> list[Verdict]:
    if rover.scoop is None:
        return []
    progress("moving the scoop …")
    lift, tilt = rover.scoop.lift_joint, rover.scoop.tilt_joint
    before = {joint: listener.position(joint) for joint in (lift, tilt)}
    limits = {lift: rover.scoop.lift_limits, tilt: rover.scoop.tilt_limits}
    wanted = {
        joint: before[joint] + (0.3 if before[joint] < sum(limits[joint]) / 2 else -0.3)
        for joint in before
    }
    if not all(map(math.isfinite, wanted.values())):
        name = contract.SCOOP_COMMAND.name
        return [Verdict(name, "moves", BAD, "joint_states do not tell where the scoop is")]
    listener.move_scoop(wanted, 2.0)
    after = {joint: listener.position(joint) for joint in wanted}
    listener.move_scoop(before, 2.0)
    return [trials.reached(j, wanted[j], before[j], after[j]) for j in wanted]


def _latch(listener: Listener, release: bool, progress: Callable[[str], Any]) -> list[Verdict]:
    name = contract.PAYLOAD_RELEASE.name
    if not release:
        return [Verdict(name, "opens the latch", SKIPPED, "ask with --release")]
    progress("releasing the payload …")

    def attached() -> bool | None:
        values = listener.samples(contract.PAYLOAD_ATTACHED)
        return values[-1].attached if values else None

    if attached() is not True:
        return [Verdict(name, "opens the latch", SKIPPED, "no payload on the latch")]
    listener.arm(False)
    listener.advance(0.5)
    listener.release()
    listener.advance(2.0)
    kept = attached() is True
    words = "kept" if kept else "it opened although it was not armed"
    verdicts = [Verdict(name, "ignored while not armed", PASSED if kept else BAD, words)]
    listener.arm(True)
    listener.advance(0.5)
    listener.release()
    listener.advance(3.0)
    gone = attached() is False
    words = "released" if gone else "payload/attached still says true"
    verdicts.append(Verdict(name, "opens the latch", PASSED if gone else BAD, words))
    listener.arm(False)
    return verdicts


def _show(console: Console, verdicts: list[Verdict]) -> None:
    table = Table("topic", "check", "", "found")
    before = ""
    for verdict in sorted(verdicts, key=lambda v: v.topic):
        colour = COLOURS[verdict.outcome]
        name = verdict.topic if verdict.topic != before else ""
        before = verdict.topic
        table.add_row(name, verdict.check, f"[{colour}]{verdict.outcome}[/]", verdict.words)
    console.print(table)
    counts = {o: sum(v.outcome == o for v in verdicts) for o in COLOURS}
    console.print(", ".join(f"[{COLOURS[o]}]{n} {o}[/]" for o, n in counts.items()))
