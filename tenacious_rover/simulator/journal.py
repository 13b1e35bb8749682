# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Commands as text and back: with them a run can be run again, bit for bit."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from tenacious_rover.simulator.engine import Command, Simulator
from tenacious_rover.simulator.error import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tenacious_rover.rover.measurements import Measurement

_NAMES = ("drive", "move_scoop", "arm", "release", "set_camera", "inject", "capture")


def line(command: Command) -> str:
    """One command as a line of JSON; numbers that are not finite become words."""
    arguments = [_plain(one) for one in command.arguments]
    return json.dumps({"step": command.step, "name": command.name, "arguments": arguments})


def commands(lines: Iterable[str]) -> list[Command]:
    """Commands of such lines, in order.

    Raises:
        SimulatorError: a line is not one of those.
    """
    found = []
    for number, text in enumerate(lines, 1):
        try:
            content = json.loads(text)
            step, name = int(content["step"]), content["name"]
            arguments = tuple(_read(one) for one in content["arguments"])
        except (ValueError, KeyError, TypeError) as error:
            raise SimulatorError(f"command {number}: {text!r} is not a command: {error}") from error
        if name not in _NAMES:
            raise SimulatorError(f"command {number}: {name!r} is not one of {', '.join(_NAMES)}")
        found.append(Command(step, name, arguments))
    return found


def rerun(
    simulator: Simulator, log: Sequence[Command], steps: Iterable[int]
) -> Iterator[list[Measurement]]:
    """Run commands again in a fresh simulator, stopping at each of `steps`.

    Yields:
        what was measured since the stop before; the simulator then stands at that step.
    """
    waiting = list(log)
    found: list[Measurement] = []
    for stop in steps:
        while waiting and waiting[0].step <= stop:
            command = waiting.pop(0)
            found += _until(simulator, command.step)
            if command.name != "capture" or simulator.cameras:
                getattr(simulator, command.name)(*command.arguments)
            else:
                simulator.photographed()
        found += _until(simulator, stop)
        yield found
        found = []


def _until(simulator: Simulator, step: int) -> list[Measurement]:
    due = step - simulator.dynamics.steps
    return simulator.advance(due * simulator.config.step_s) if due > 0 else []


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _read(one) for key, one in value.items()}
    if value in ("nan", "inf", "-inf"):
        return float(value)
    return value
