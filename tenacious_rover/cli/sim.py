# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious sim`: the simulator alone as a rover platform; faults while it runs; exact reruns."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.progress import track

from tenacious_rover.bringup import RunOptions
from tenacious_rover.cli import DONE, FAILED, MACHINE, refuse, run_folder

if TYPE_CHECKING:
    from tenacious_rover.simulator.engine import Simulator

app = typer.Typer(invoke_without_command=True, add_completion=False)

_ANSWER_S = 20.0
Json = Annotated[bool, typer.Option("--json", help="for scripts")]


@app.callback(
    epilog="Examples: tenacious sim --world mare_calm --speed 0; then, in a second terminal, "
    "tenacious sim fault slip_patch x=3 y=0 grip=0.2 --for 60"
)
def sim(
    context: typer.Context,
    world: Annotated[str, typer.Option(help="world file, or a name: `tenacious world list`")] = (
        "first_traverse"
    ),
    description: Annotated[str, typer.Option(help="rover: name or xacro file")] = "tenacious",
    config: Annotated[
        Path | None, typer.Option(help="parameter file laid over the defaults")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="of sensor noise and bias")] = 0,
    speed: Annotated[
        float, typer.Option(min=0.0, help="times real time; 0: as fast as nodes follow")
    ] = 1.0,
    record: Annotated[bool, typer.Option(help="record a bag")] = False,
    namespace: Annotated[str, typer.Option(help="of all nodes")] = "",
    runs: Annotated[Path, typer.Option(help="where run folders go")] = run_folder.RUNS,
    time_limit: Annotated[float, typer.Option(min=0.1, help="minutes of wall time")] = 600.0,
) -> None:
    """Run one world as the rover platform, without autonomy. Ctrl-C ends it.

    It offers the topics of the rover contract: drive it with `cmd_vel`, look at its cameras.
    """
    if context.invoked_subcommand is not None:
        return
    from tenacious_rover.cli.run import fly

    parts = ("simulator", "rover_state", *(("recording",) if record else ()))
    options = RunOptions(
        world=world,
        description=description,
        config=config,
        seed=seed,
        speed=speed,
        record=record,
        namespace=namespace,
        parts=parts,
    )
    fly(options, runs, time_limit, report=False)


@app.command(
    epilog="Example: tenacious sim fault stuck_wheel wheel=wheel_front_left_joint --for 30"
)
def fault(
    kind: Annotated[str, typer.Argument(help="what goes wrong; `list` shows the kinds")],
    fields: Annotated[list[str] | None, typer.Argument(help="FIELD=VALUE of the fault")] = None,
    after: Annotated[float, typer.Option(min=0.0, help="seconds of sim time from now")] = 0.0,
    for_: Annotated[
        float | None, typer.Option("--for", min=0.0, help="seconds it lasts; else to the end")
    ] = None,
    namespace: Annotated[str, typer.Option(help="of the simulator")] = "",
    as_json: Json = False,
) -> None:
    """Let something go wrong in the running simulator, or list what can.

    Kinds: dropout, noise, stuck_wheel, stuck_encoder, slip_patch, blackout, brown_out, lens_dust,
    sticking_latch, frozen_camera, gyro_bias. World files take the same under `faults:`.
    """
    from tenacious_rover.simulator.error import SimulatorError
    from tenacious_rover.simulator.faults import KINDS
    from tenacious_rover.simulator.faults import fault as checked

    if kind == "list":
        _list(as_json)
        return
    values: dict[str, Any] = {"kind": kind}
    for word in fields or []:
        name, equals, value = word.partition("=")
        if not equals:
            raise refuse(f"{word!r} is not FIELD=VALUE")
        values[name] = yaml.safe_load(value)
    try:
        checked(values, f"fault {kind}")
    except SimulatorError as error:
        known = ", ".join(KINDS[kind].model_fields) if kind in KINDS else ", ".join(KINDS)
        raise refuse(f"{error}\nknown: {known}") from error
    values["after_s"] = after
    if for_ is not None:
        values["for_s"] = for_
    good, answer = _asked(f"inject {json.dumps(values)}", namespace)
    if not good:
        raise refuse(answer.get("error", answer))
    if as_json:
        typer.echo(json.dumps(answer))
        return
    end = answer["end_s"]
    until = "the end" if end is None else f"{end:.1f} s"
    typer.echo(f"{kind} from {answer['start_s']:.1f} s to {until} of sim time")


@app.command(epilog="Example: tenacious sim status --json")
def status(
    namespace: Annotated[str, typer.Option(help="of the simulator")] = "", as_json: Json = False
) -> None:
    """World, seed, time, times real time, and which node time waits for."""
    _, answer = _asked("status", namespace)
    if as_json:
        typer.echo(json.dumps(answer))
        return
    for key, value in answer.items():
        if key != "config":
            typer.echo(f"{key:<20}{value}")


@app.command(epilog="Example: tenacious sim rerun runs/20261124T200000Z_first_traverse")
def rerun(
    run: Annotated[Path, typer.Argument(help="run folder with a bag of the simulator")],
    as_json: Json = False,
) -> None:
    """Run a bag's commands again and compare with its ground truth, bit for bit.

    Exit code 1 when the run comes out otherwise, with the first time it does.
    """
    from tenacious_rover.analysis.error import AnalysisError
    from tenacious_rover.simulator.error import SimulatorError
    from tenacious_rover.simulator.terrain.error import WorldError

    try:
        compared, first = _compared(run, Console(stderr=as_json))
    except (AnalysisError, SimulatorError, WorldError, OSError, ValueError) as error:
        raise refuse(error) from error
    if as_json:
        typer.echo(json.dumps({"compared": compared, "first_difference_s": first}))
    elif first is None:
        typer.echo(f"the same in all {compared} true poses")
    else:
        typer.secho(f"comes out otherwise from {first:.2f} s on", fg="red", err=True)
    raise typer.Exit(DONE if first is None and compared else FAILED)


def _list(as_json: bool) -> None:
    from tenacious_rover.simulator.faults import KINDS

    if as_json:
        typer.echo(json.dumps({kind: model.model_json_schema() for kind, model in KINDS.items()}))
        return
    for kind, model in KINDS.items():
        typer.echo(f"{kind:<16}{(model.__doc__ or '').strip()}")
        for name, field in model.model_fields.items():
            if name not in ("kind", "start_s", "end_s"):
                default = "required" if field.is_required() else f"default {field.default}"
                typer.echo(f"{'':<16}{name}: {field.description or ''} ({default})")


def _asked(question: str, namespace: str) -> tuple[bool, dict[str, Any]]:
    """The running simulator's answer.

    Raises:
        typer.Exit: there is no ROS, or no simulator answers.
    """
    try:
        import rclpy

        from tenacious_interfaces.srv import Ask
    except ImportError as error:
        raise refuse(f"{error}: run `make setup`", MACHINE) from error
    rclpy.init(args=[])
    node = rclpy.create_node("sim_question", namespace=namespace)
    try:
        client = node.create_client(Ask, "simulator/ask")
        if not client.wait_for_service(_ANSWER_S):
            words = "no simulator answers: start one with `tenacious sim` or `tenacious run`"
            raise refuse(words, FAILED)
        future = client.call_async(Ask.Request(question=question))
        rclpy.spin_until_future_complete(node, future, timeout_sec=_ANSWER_S)
        if not future.done():
            raise refuse(f"the simulator did not answer within {_ANSWER_S:g} s", FAILED)
        answer = future.result()
        return answer.success, json.loads(answer.answer_json)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def _compared(run: Path, console: Console) -> tuple[int, float | None]:
    """Number of true poses in the bag, and when the first one differs."""
    from tenacious_rover.analysis.bag import Bag
    from tenacious_rover.rover import contract
    from tenacious_rover.simulator import journal

    simulator = _again(run)
    lines: list[str] = []
    poses: list[tuple[int, Any]] = []
    step = simulator.config.step_s
    with Bag(run) as bag:
        names = {t: 0.0 for t in bag.topics if t.endswith(contract.TRUTH_COMMANDS.name)}
        truths = {t: 0.0 for t in bag.topics if t.endswith(contract.TRUTH_ODOMETRY.name)}
        for said in bag.messages({**names, **truths}):
            message = bag.decode(said)
            if message is not None and said.topic in names:
                lines.append(message.data)
            elif message is not None:
                stamp = message.header.stamp
                seconds = stamp.sec + stamp.nanosec * 1e-9
                poses.append((round(seconds / step), message.pose.pose))
    poses.sort(key=lambda item: item[0])
    log = sorted(journal.commands(lines), key=lambda command: command.step)
    runs = journal.rerun(simulator, log, [at for at, _ in poses])
    for (at, pose), _ in zip(
        track(poses, "running it again …", console=console, transient=True), runs, strict=False
    ):
        if not _same(simulator, pose):
            return len(poses), at * step
    return len(poses), None


def _again(run: Path) -> Simulator:
    """A fresh simulator like that of a run."""
    from tenacious_rover.rover.description import load_rover
    from tenacious_rover.simulator.build import build_world
    from tenacious_rover.simulator.config import SimulatorConfig
    from tenacious_rover.simulator.engine import Simulator
    from tenacious_rover.simulator.error import SimulatorError
    from tenacious_rover.simulator.world import load_world

    path = run / "simulator.json"
    if not path.is_file():
        raise SimulatorError(f"{path}: is not there; give the folder of a run of the simulator")
    facts = json.loads(path.read_text(encoding="utf-8"))
    world = build_world(load_world(facts["world"]))
    if world.digest != facts["world_digest"]:
        raise SimulatorError(f"{facts['world']}: the ground is no longer that of the run")
    config = SimulatorConfig(**facts["config"])
    return Simulator(world, load_rover(facts["rover"]), facts["seed"], config, cameras=False)


def _same(simulator: Simulator, pose: Any) -> bool:
    from tenacious_rover.rover import frames

    map_T_base = simulator.truth.map_T_base
    there = (*map_T_base[:3, 3], *frames.quaternion(map_T_base))
    p, q = pose.position, pose.orientation
    return all(a == b for a, b in zip(there, (p.x, p.y, p.z, q.w, q.x, q.y, q.z), strict=True))
