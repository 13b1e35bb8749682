# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder of a run: its name, its `run.json`, the newest one."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tenacious_rover

RUNS = Path("runs")
NEEDED_GB = 1.5


class RunFolderError(OSError):
    """No place for a run."""


def make(parent: Path, label: str, facts: dict[str, Any]) -> Path:
    """A fresh folder with `run.json`.

    Raises:
        RunFolderError: not writable, or not enough space for a bag.
    """
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}_{label}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(parent).free / 1e9
        folder = _fresh(parent.resolve() / name)
    except OSError as error:
        raise RunFolderError(f"{parent / name}: {error.strerror}") from error
    if free < NEEDED_GB:
        folder.rmdir()
        raise RunFolderError(
            f"{parent.resolve()}: {free:.1f} GB free, a run's bag needs {NEEDED_GB:g} GB; "
            "free some or choose another place with --runs FOLDER"
        )
    update(folder, {"started": datetime.now(UTC).isoformat(), **machine(), **facts})
    return folder


def _fresh(wished: Path) -> Path:
    """A folder made now; the second one of a second gets a number."""
    for number in range(2, 1000):
        try:
            wished.mkdir()
        except FileExistsError:
            wished = wished.with_name(f"{wished.name.split('~')[0]}~{number}")
        else:
            return wished
    raise FileExistsError(f"{wished} and a thousand others exist")


def update(folder: Path, facts: dict[str, Any]) -> None:
    """Add facts to `run.json`, in one step."""
    path = folder / "run.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({**known, **facts}, indent=1, default=str), encoding="utf-8")
    fresh.replace(path)


def machine() -> dict[str, Any]:
    """Version, commit and machine, for every artefact."""
    return {
        "version": tenacious_rover.__version__,
        "commit": commit(),
        "machine": f"{platform.machine()} {platform.system()} Python {platform.python_version()}",
    }


def commit() -> str:
    """The commit of the source tree, `+` when changed; empty outside of one."""
    root = Path(tenacious_rover.__file__).resolve().parents[1]
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def newest(parent: Path = RUNS) -> Path:
    """The latest run.

    Raises:
        RunFolderError: there is none.
    """
    runs = sorted(path for path in parent.glob("*") if (path / "run.json").is_file())
    if not runs:
        raise RunFolderError(f"{parent.resolve()}: no run in here; make one with `tenacious demo`")
    return runs[-1]
