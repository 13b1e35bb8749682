# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Autonomy drives through the real drivers: bytes on wires, a simulated rover behind them.

All of it runs in real time. Where a machine is too busy for that, the emulated rover falls behind
and the wires tell of another world than the clock: the test says so and is skipped, unless all
went well.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
WORLD = ROOT / "test" / "mission" / "short_world.yaml"
TENACIOUS = [sys.executable, "-m", "tenacious_rover.cli"]
MISSION = """
mission: bench
steps:
  - {do: leave_lander, distance_m: 0.6}
  - {do: photograph, kind: stereo, purpose: proof}
  - {do: turn, angle_deg: 25}
"""
pytestmark = [pytest.mark.mission, pytest.mark.ros, pytest.mark.timeout(600)]


def environment():
    return {**os.environ, "NUMBA_NUM_THREADS": "2"}


def appeared(path, seconds=180.0):
    until = time.monotonic() + seconds
    while not path.is_file() and time.monotonic() < until:
        time.sleep(0.2)
    return path.is_file()


@pytest.fixture
def emulated(tmp_path):
    folder = tmp_path / "rover"
    command = [*TENACIOUS, "hardware", "emulate", "--world", str(WORLD), "--folder", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment())
    assert appeared(folder / "rover.yaml")
    yield folder
    process.send_signal(signal.SIGINT)
    try:
        process.wait(20.0)
    finally:
        process.kill()


def lost_share(seen):
    """Share of real time that the emulated rover could not keep up with."""
    first, last = seen[0], seen[-1]
    return 1.0 - (last["time_s"] - first["time_s"]) / (last["wall_s"] - first["wall_s"])


def track(folder):
    lines = (folder / "truth.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def test_a_mission_through_the_wires(emulated, tmp_path):
    mission = tmp_path / "mission.yaml"
    mission.write_text(MISSION)
    runs = tmp_path / "runs"
    command = [*TENACIOUS, "run", "--platform", "hardware", "--mission", str(mission)]
    command += ["--config", str(emulated / "rover.yaml"), "--runs", str(runs)]
    command += ["--time-limit", "6", "--no-report"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    seen = track(emulated)
    lost, wrong = lost_share(seen), differences(ended, seen)
    if wrong and lost > 0.1:
        pytest.skip(f"no real time here, {lost:.0%} of it was lost to others: {wrong}")
    assert not wrong
    (folder,) = runs.iterdir()
    assert len(list((folder / "images").glob("*_left.png"))) == 1


def differences(ended, seen):
    """What is not as the mission wanted it."""
    if ended.returncode != 0:
        return [ended.stdout[-3000:] + ended.stderr[-2000:]]
    first, last = np.array(seen[0]["place_m"]), np.array(seen[-1]["place_m"])
    driven = float(np.hypot(*(last - first)[:2]))
    turned = float(np.degrees(np.unwrap([one["yaw"] for one in seen])[-1] - seen[0]["yaw"]))
    wrong = []
    if abs(driven - 0.6) > 0.08:
        wrong.append(f"drove {driven:.2f} m instead of 0.6 m")
    if abs(turned - 25.0) > 5.0:
        wrong.append(f"turned {turned:.1f} degrees instead of 25")
    return wrong
