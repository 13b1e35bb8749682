# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious`: the one command line. Each group of commands is a file in this folder.

Groups load when they are asked for, so that `tenacious --help` answers at once.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

DONE, FAILED, WRONG_INPUT, MACHINE = 0, 1, 2, 3

GROUPS = {
    "demo": ("run", "One whole mission in the embedded simulator, with a report at the end."),
    "run": ("run", "Start a rover: platform, autonomy, recording; fly a mission."),
    "drive": ("drive", "Send the running rover to a place."),
    "mission": ("mission", "Check mission files."),
    "world": ("world", "List, build and look at worlds."),
    "sim": ("sim", "The simulator alone; faults."),
    "images": ("images", "Query the image catalogue of a run."),
    "samples": ("samples", "The soil-sample log of a run."),
    "payload": ("payload", "The Moonhouse of a run."),
    "bag": ("bag", "Record, inspect and convert bags."),
    "report": ("report", "One HTML page from a run or a bag."),
    "replay": ("replay", "Run the cores again on a recorded bag."),
    "bench": ("bench", "Measures, beside a peer on the same input."),
    "calibrate": ("calibrate", "Cameras, IMU and wheels from a recorded drive."),
    "conformance": ("conformance", "Test a running platform against the rover contract."),
    "gazebo": ("gazebo", "Export worlds and rover for Gazebo."),
    "hardware": ("hardware", "Find, name and exercise the parts of a physical rover."),
    "doctor": ("doctor", "What is missing on this machine, and the command that mends it."),
}
"""Command: the file that holds it and its line of help. A file offers `app`, or `app_<command>`."""


class LazyGroup(TyperGroup):
    """Imports a command's file when the command is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All that this installation has, in the order above."""
        del ctx
        return [name for name, (file, _) in GROUPS.items() if _spec(file) is not None]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Name and line of help, for the list of commands."""
        del ctx
        if cmd_name not in GROUPS or _spec(GROUPS[cmd_name][0]) is None:
            return None
        return TyperCommand(cmd_name, help=GROUPS[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, loaded, when it is used."""
        name = args[0] if args else ""
        if self.get_command(ctx, name) is None:
            return super().resolve_command(ctx, args)
        file, words = GROUPS[name]
        module = importlib.import_module(f"tenacious_rover.cli.{file}")
        app = getattr(module, f"app_{name}", None) or module.app
        command = typer.main.get_command(app)
        command.name = name
        command.help = command.help or words
        return name, command, args[1:]


def _spec(file: str) -> Any:
    return importlib.util.find_spec(f"tenacious_rover.cli.{file}")


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def tenacious() -> None:
    """Drive a small rover: in simulation, in Gazebo, on the ground.

    Begin with `tenacious demo`. Exit codes: 0 done, 1 the rover failed, 2 the input was wrong,
    3 this machine lacks something.
    """


def refuse(message: object, code: int = WRONG_INPUT) -> typer.Exit:
    """What to raise, after saying what is wrong."""
    typer.secho(str(message), err=True, fg="red")
    return typer.Exit(code)


def main() -> None:
    """Entry point."""
    app()
