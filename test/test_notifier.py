# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What systemd hears of a run, at a real datagram socket."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tenacious_rover.notifier import Notifier

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def manager(tmp_path):
    """The other end of the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(60.0)
        yield line


def heard(line):
    line.setblocking(False)
    words = []
    while True:
        try:
            words += line.recv(4096).decode().splitlines()
        except BlockingIOError:
            return words


def test_ready_only_when_all_are_up_then_alive_three_times_per_limit(manager):
    environment = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "3000000"}
    notifier = Notifier(environment)
    assert environment == {}
    notifier.watch(0.0, {"b", "a"})
    notifier.watch(0.2, {"b", "a"})
    assert heard(manager) == ["STATUS=waiting for a, b"]
    notifier.watch(0.5, set())
    assert heard(manager) == ["READY=1", "STATUS=all nodes are up", "WATCHDOG=1"]
    for tenth in range(6, 37):
        notifier.watch(tenth / 10, set())
    assert heard(manager) == ["WATCHDOG=1"] * 3
    notifier.stopping("stopped")
    assert heard(manager) == ["STOPPING=1", "STATUS=stopped"]


def test_an_abstract_name():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0rover-test-{os.getpid()}")
        Notifier({"NOTIFY_SOCKET": f"@rover-test-{os.getpid()}"}).watch(0.0, set())
        assert heard(line)[0] == "READY=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_nobody_listens(environment):
    notifier = Notifier(environment)
    notifier.watch(0.0, set())
    notifier.stopping("done")


@pytest.mark.ros
def test_a_run_tells_when_it_is_up_and_that_it_stops(manager, tmp_path):
    environment = {**os.environ, "NOTIFY_SOCKET": manager.getsockname()}
    environment["WATCHDOG_USEC"] = "600000"
    command = [sys.executable, "-m", "tenacious_rover.cli", "run", "--platform", "hardware"]
    command += ["--parts", "rover_state", "--no-record", "--no-report", "--runs", str(tmp_path)]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        words = []
        while "WATCHDOG=1" not in words:
            words += manager.recv(4096).decode().splitlines()
        assert words.index("READY=1") < words.index("WATCHDOG=1")
        process.send_signal(signal.SIGINT)
        while "STOPPING=1" not in words:
            words += manager.recv(4096).decode().splitlines()
        assert process.wait(20.0) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_the_unit_is_one_that_systemd_understands():
    unit = ROOT / "deploy" / "systemd" / "tenacious-rover.service"
    found = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    # Its program is not installed here; systemd before 254 does not know the growing back-off.
    known = ("is not executable", "RestartSteps", "RestartMaxDelaySec")
    lines = [s for s in found.stderr.splitlines() if not any(word in s for word in known)]
    assert lines == []
