# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious doctor`: what is missing on this machine, and the command that mends it."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from tenacious_rover.cli import MACHINE

app = typer.Typer(invoke_without_command=True)

LIBRARIES = ("mujoco", "numba", "cv2", "rosbags", "py_trees", "evo", "scipy", "plotly", "rasterio")
FREE_GB = 2.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `remedy` is a command, empty when all is well or optional."""

    what: str
    good: bool
    found: str
    remedy: str = ""
    needed: bool = True


def findings() -> list[Finding]:
    """All that is looked at."""
    return [
        _python(),
        _ros(),
        _interfaces(),
        *(_library(name) for name in LIBRARIES),
        _compiler(),
        _disk(),
        _shared_memory(),
        _cores(),
        _gazebo(),
    ]


def _python() -> Finding:
    return Finding("Python", sys.version_info >= (3, 11), platform.python_version(), "make setup")


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _ros() -> Finding:
    distribution = os.environ.get("ROS_DISTRO", "wheels from PyPI")
    good = _has("rclpy")
    return Finding("ROS 2 (rclpy)", good, distribution if good else "not importable", "make setup")


def _interfaces() -> Finding:
    good = _has("tenacious_interfaces") and _has("tf2_msgs")
    words = "built" if good else "tenacious_interfaces or tf2_msgs not importable"
    return Finding("interfaces", good, words, "make setup")


def _library(name: str) -> Finding:
    good = _has(name)
    return Finding(f"library {name}", good, "importable" if good else "missing", "make setup")


def _compiler() -> Finding:
    found = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    remedy = "apt install build-essential   (needed when interfaces change)"
    return Finding("C++ compiler", found is not None, found or "none", remedy)


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return Finding(
        "disk space",
        free > FREE_GB,
        f"{free:.1f} GB free here",
        "free some: a run's bag takes 1 GB",
    )


def _shared_memory() -> Finding:
    path = Path("/dev/shm")  # noqa: S108
    free = shutil.disk_usage(path).free / 1e6 if path.is_dir() else 0.0
    remedy = "mount -o remount,size=512M /dev/shm   (Fast DDS passes images through it)"
    return Finding("shared memory", free > 64.0, f"{free:.0f} MB", remedy)


def _cores() -> Finding:
    cores = len(os.sched_getaffinity(0))
    return Finding("processor cores", cores >= 2, str(cores), "two cores or more", needed=False)


def _gazebo() -> Finding:
    found = shutil.which("gz")
    remedy = "apt install ros-$ROS_DISTRO-ros-gz   (only for the platform gazebo)"
    return Finding("Gazebo", found is not None, found or "none", remedy, needed=False)


@app.callback(epilog="Example: tenacious doctor --json")
def doctor(as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False) -> None:
    """What is missing on this machine, and the command that mends it (exit code 3 if anything)."""
    found = findings()
    broken = [finding for finding in found if finding.needed and not finding.good]
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        for finding in found:
            mark = "ok " if finding.good else "MISSING" if finding.needed else "optional"
            typer.echo(f"{mark:<9}{finding.what:<22}{finding.found}")
            if not finding.good:
                typer.echo(f"{'':<9}-> {finding.remedy}")
        typer.echo(
            "all that is needed is here" if not broken else f"{len(broken)} thing(s) missing"
        )
    if broken:
        raise typer.Exit(MACHINE)
