# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Starts the processes of a run, watches them, and ends them within two seconds."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from tenacious_rover.rover.resources import resource

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tenacious_rover.bringup import NodeSpec

LAST = "recording"
"""Ended after the others, so that their last words are in the bag."""
GRACE_S = 0.8
PR_SET_PDEATHSIG = 1
NEEDED_SHM = 1_000_000_000


@dataclass
class Child:
    """A node's process."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        text = self.log.read_text(encoding="utf-8", errors="replace").strip()
        return "\n".join(text.splitlines()[-lines:])


class Supervisor:
    """The processes of one run.

    Args:
        folder: run folder; logs go to `log/`, parameters to `parameters/`.
        namespace: of all nodes.
        log_level: of all nodes.
    """

    def __init__(self, folder: Path, namespace: str = "", log_level: str = "info") -> None:
        self.folder = folder
        self.namespace = namespace
        self.log_level = log_level
        self.children: list[Child] = []
        for name in ("log", "parameters"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def start(self, specs: Iterable[NodeSpec]) -> None:
        """Start a process per node."""
        for spec in specs:
            self.children.append(self._spawn(spec))

    def _spawn(self, spec: NodeSpec) -> Child:
        parameters = self.folder / "parameters" / f"{spec.name}.yaml"
        content = {"/**": {"ros__parameters": _plain(spec.parameters)}}
        parameters.write_text(yaml.safe_dump(content), encoding="utf-8")
        command = [sys.executable, "-m", spec.module, "--ros-args"]
        command += ["--params-file", str(parameters), "--log-level", self.log_level]
        if self.namespace:
            command += ["-r", f"__ns:=/{self.namespace.strip('/')}"]
            # Each rover has a tree of frames of its own, as Nav2 does it.
            command += ["-r", "/tf:=tf", "-r", "/tf_static:=tf_static"]
        log = self.folder / "log" / f"{spec.name}.log"
        environment = {"PYTHONUNBUFFERED": "1", "RCUTILS_COLORIZED_OUTPUT": "0", **transport()}
        environment |= os.environ
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  (no threads at this point)
            )
        return Child(spec.name, process, log)

    def fallen(self) -> list[Child]:
        """Processes that ended although nobody told them to."""
        return [child for child in self.children if child.process.poll() is not None]

    def stop(self) -> None:
        """End all: interrupt, then kill what does not listen; the recorder last."""
        first = [child for child in self.children if child.name != LAST]
        last = [child for child in self.children if child.name == LAST]
        for group in (first, last):
            for child in group:
                if child.process.poll() is None:
                    child.process.send_signal(signal.SIGINT)
            deadline = time.monotonic() + GRACE_S
            for child in group:
                try:
                    child.process.wait(max(deadline - time.monotonic(), 0.01))
                except subprocess.TimeoutExpired:
                    child.process.kill()
                    child.process.wait()


def transport() -> dict[str, str]:
    """Environment that gives Fast DDS room for whole images, where the machine has it."""
    try:
        shared = os.statvfs("/dev/shm")  # noqa: S108
        profiles = resource("config", "fastdds.xml")
    except OSError:
        return {}
    room = shared.f_bavail * shared.f_frsize
    return {"FASTDDS_DEFAULT_PROFILES_FILE": str(profiles)} if room > NEEDED_SHM else {}


def _die_with_parent() -> None:
    """A killed supervisor leaves no rover driving."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in parameters.items()
    }
