# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious calibrate`: cameras from a board, IMU and wheels from a recorded drive."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator  # noqa: TC003
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.progress import track

from tenacious_rover.cli import refuse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

app = typer.Typer(no_args_is_help=True)

BAG = Annotated[Path, typer.Argument(metavar="BAG", help="bag or run folder")]
ROVER = Annotated[str, typer.Option(help="description of the rover")]
OUT = Annotated[Path, typer.Option(help="config file to write or to add to")]
JSON = Annotated[bool, typer.Option("--json", help="figures for scripts")]


@app.command(epilog="Example: tenacious calibrate camera board_bag --board 9x6 --square-m 0.025")
def camera(
    source: BAG,
    board: Annotated[str, typer.Option(help="inner corners, across x down")] = "9x6",
    square_m: Annotated[float, typer.Option(help="side of a square")] = 0.025,
    folder: Annotated[Path, typer.Option(help="left.yaml and right.yaml go here")] = Path("config"),
    as_json: JSON = False,
) -> None:
    """Intrinsics of both eyes and their distance, from pictures of a chessboard."""
    from tenacious_rover.localization.calibration import camera as calibration
    from tenacious_rover.localization.error import LocalizationError

    try:
        across, down = (int(part) for part in board.lower().split("x"))
    except ValueError:
        raise refuse(f"--board: {board!r} is not such as 9x6") from None
    try:
        found = calibration.calibrate(_pairs(source, not as_json), (across, down), square_m)
    except LocalizationError as error:
        raise refuse(error) from error
    folder.mkdir(parents=True, exist_ok=True)
    for name, eye in (("left", found.left), ("right", found.right)):
        content = calibration.camera_info(eye, f"camera_{name}", found.size)
        _write(folder / f"{name}.yaml", content)
    figures = {
        "error_px": found.error_px,
        "views": found.views,
        "coverage": found.coverage,
        "baseline_m": found.baseline_m,
        "fx_px": float(found.left.projection[0, 0]),
    }
    notes = ["error above 0.5 px: look for blur and a bent board"] if found.error_px > 0.5 else []
    if found.coverage < 0.7:
        notes.append("corners leave parts of the picture empty: show the board there too")
    _say(figures, notes, f"{folder}/left.yaml, {folder}/right.yaml", as_json)


@app.command(epilog="Example: tenacious calibrate imu rest_bag --out config/my_rover.yaml")
def imu(
    source: BAG,
    rover: ROVER = "tenacious",
    out: OUT = Path("config/calibration.yaml"),
    as_json: JSON = False,
) -> None:
    """Gyro bias and noise from rest; accelerometer bias from rest in six attitudes or more."""
    import numpy as np

    from tenacious_rover.localization.calibration import imu as calibration
    from tenacious_rover.localization.error import LocalizationError

    machine = _rover(rover)
    times, gyro, accel = _imu(source)
    try:
        found = calibration.calibrate(times, gyro, accel, machine.gravity_mps2)
    except LocalizationError as error:
        raise refuse(error) from error
    values: dict[str, Any] = {"gyro_bias": [float(v) for v in np.round(found.gyro_bias, 7)]}
    notes = []
    if found.accel_bias is not None:
        values["accel_bias"] = [float(v) for v in np.round(found.accel_bias, 6)]
    else:
        notes.append(f"accelerometer bias: {found.poses} attitude(s) seen, six are due")
    _parameters(out, values)
    figures = {
        **values,
        "gyro_noise": found.gyro_noise,
        "accel_noise": found.accel_noise,
        "gravity_excess_mps2": found.gravity_excess,
        "rest_s": found.rest_s,
    }
    _say(figures, notes, str(out), as_json)


@app.command(epilog="Example: tenacious calibrate wheels drive_bag --distance-m 5.02")
def wheels(
    source: BAG,
    distance_m: Annotated[
        float, typer.Option(help="driven, by tape; leave out for turns")
    ] = math.nan,
    rover: ROVER = "tenacious",
    out: OUT = Path("config/calibration.yaml"),
    as_json: JSON = False,
) -> None:
    """Effective wheel radius over a measured distance; effective track from turns and gyro."""
    import numpy as np

    from tenacious_rover.localization.calibration import imu as rest
    from tenacious_rover.localization.calibration import wheels as calibration
    from tenacious_rover.localization.error import LocalizationError

    machine = _rover(rover)
    times, gyro, accel = _imu(source)
    names = [wheel.joint for wheel in machine.wheels]
    try:
        bias = rest.calibrate(times, gyro, accel, machine.gravity_mps2).gyro_bias
        rate = (gyro - bias) @ machine.base_T_imu[2, :3]
        joints = _joints(source, names)
        found = calibration.calibrate(machine, joints, (np.asarray(times), rate), distance_m)
    except LocalizationError as error:
        raise refuse(error) from error
    values = {"wheel_radius_scale": found.radius_scale, "track_scale": found.track_scale}
    kept = {key: round(value, 5) for key, value in values.items() if not math.isnan(value)}
    if not kept:
        raise refuse("; ".join(found.notes))
    _parameters(out, kept)
    figures = {
        **kept,
        "track_scale_sigma": found.track_sigma,
        "rolled_m": found.rolled_m,
        "turned_deg": found.turned_deg,
    }
    _say(figures, list(found.notes), str(out), as_json)


# -- reading ----------------------------------------------------------------------------------


def _rover(name: str) -> Any:
    from tenacious_rover.rover.description import RoverError, load_rover

    try:
        return load_rover(name)
    except RoverError as error:
        raise refuse(error) from error


def _messages(source: Path, topics: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Topic without namespace and message, of the topics that end like one of `topics`."""
    from tenacious_rover.analysis.bag import Bag
    from tenacious_rover.analysis.error import AnalysisError

    try:
        with Bag(source) as bag:
            wanted = {
                have: topic for have in bag.topics for topic in topics if have.endswith("/" + topic)
            }
            if not wanted:
                raise refuse(f"{source}: holds no topic {' or '.join(topics)}")
            for said in bag.messages(dict.fromkeys(wanted, 0.0)):
                message = bag.decode(said)
                if message is not None:
                    yield wanted[said.topic], message
    except AnalysisError as error:
        raise refuse(error) from error


def _stamp(message: Any) -> float:
    return float(message.header.stamp.sec + message.header.stamp.nanosec * 1e-9)


def _imu(source: Path) -> tuple[NDArray[np.float64], ...]:
    import numpy as np

    from tenacious_rover.rover import contract

    rows = [
        (
            _stamp(m),
            *(getattr(m.angular_velocity, axis) for axis in "xyz"),
            *(getattr(m.linear_acceleration, axis) for axis in "xyz"),
        )
        for _, m in _messages(source, (contract.IMU.name,))
    ]
    table = np.array(rows, float).reshape(-1, 7)
    return table[:, 0], table[:, 1:4], table[:, 4:7]


def _joints(source: Path, names: list[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import numpy as np

    from tenacious_rover.rover import contract

    times, angles = [], []
    for _, message in _messages(source, (contract.JOINT_STATES.name,)):
        known = list(message.name)
        missing = [name for name in names if name not in known]
        if missing:
            raise refuse(f"{source}: joint_states: joint {missing[0]} is missing")
        times.append(_stamp(message))
        angles.append([message.position[known.index(name)] for name in names])
    return np.array(times), np.array(angles)


def _pairs(source: Path, show: bool) -> Iterator[tuple[Any, Any]]:
    """Grey pictures of the same stamp."""
    from tenacious_rover.analysis.pictures import message_grey
    from tenacious_rover.rover import contract

    names = (contract.IMAGE_LEFT.name, contract.IMAGE_RIGHT.name)
    waiting: dict[tuple[str, float], Any] = {}
    found = _messages(source, names)
    for topic, message in track(found, "Looking for the board") if show else found:
        grey = message_grey(message)
        other = names[1] if topic == names[0] else names[0]
        partner = waiting.pop((other, _stamp(message)), None)
        if partner is None:
            waiting[topic, _stamp(message)] = grey
            if len(waiting) > 8:
                del waiting[min(waiting, key=lambda key: key[1])]
        elif grey is not None:
            yield (grey, partner) if topic == names[0] else (partner, grey)


# -- writing ----------------------------------------------------------------------------------


def _parameters(path: Path, values: dict[str, Any]) -> None:
    """Put values of `localization` into a ROS parameter file; what else it holds stays."""
    content: Any = {}
    if path.exists():
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (OSError, yaml.YAMLError) as error:
            raise refuse(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise refuse(f"{path}: not a ROS parameter file")
    node = content.setdefault("localization", {})
    node.setdefault("ros__parameters", {}).update(values)
    _write(path, content)


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    fresh.replace(path)


def _say(figures: dict[str, Any], notes: list[str], where: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**figures, "notes": notes, "written": where}))
        return
    console = Console()
    for key, value in figures.items():
        words = f"{value:.5g}" if isinstance(value, float) else str(value)
        console.print(f"{key:>20}  {words}", highlight=False)
    for note in notes:
        console.print(f"note: {note}", style="yellow", highlight=False)
    console.print(f"written to {where}", highlight=False)
