# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Resources: CPU time and memory per node while a short mission drives at the contract's rates.

The simulator paces the mission at no more than real time, so that every topic has its rate. CPU
time of each process comes from its heartbeats; it is divided by rover time, so a machine that is
busy with other work slows the mission, but hardly changes the figures. `light` is the profile
`config/pi.yaml` with pictures of 400 x 300, and what those cost in depth error. `wired` is the
node `hardware` with its real drivers on emulated wires. The simulator is no part of a rover.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenacious_rover.rover.resources import resource

if TYPE_CHECKING:
    from tenacious_rover.campaign.study import Study

SMALL = "tenacious camera_width:=400 camera_height:=300"
LIGHT = ("--description", SMALL, "--config")
DOMAIN = "91"
CLI = (sys.executable, "-m", "tenacious_rover.cli")
STEP = "  - {{do: leave_lander, distance_m: {distance}}}\n  - {{do: turn, angle_deg: 40}}\n"
SKIPPED_S = 5.0
"""Of rover time, while nodes start and kernels load."""
TARGETS = {"full sum CPU %": "<= 200.0", "light sum CPU %": "<= 150.0", "full sum MB": "<= 3000.0"}
"""Half of four cores as fast as these, and 3 of a Pi 5's 8 GB."""


def measure(study: Study) -> dict[str, Any]:
    """Both profiles, one after the other."""
    figures: dict[str, float] = {}
    failures: list[str] = []
    distance = 1.5 if study.quick else 4.0
    profiles = {"full": (), "light": (*LIGHT, str(resource("config", "pi.yaml")))}
    found = {}
    with tempfile.TemporaryDirectory() as name:
        for profile, options in profiles.items():
            folder = Path(name) / profile
            words = flown(folder, options, distance, study.seed)
            if words:
                failures.append(f"{profile}: {words}")
                continue
            found[profile] = spent(next((folder / "runs").iterdir()) / "bag")
        words = wired(Path(name) / "wired", distance)
        if words:
            failures.append(f"wired: {words}")
        else:
            found["wired"] = spent(next((Path(name) / "wired" / "runs").iterdir()) / "bag")
    for profile, nodes in found.items():
        for node, (share, memory) in sorted(nodes.items()):
            figures |= {f"{profile} {node} CPU %": share, f"{profile} {node} MB": memory}
        own = [value for node, value in nodes.items() if node != "simulator"]
        # Only `wired` has the node `hardware`; the others have the simulator in its place.
        figures[f"{profile} sum CPU %"] = sum(share for share, _ in own)
        figures[f"{profile} sum MB"] = sum(memory for _, memory in own)
    figures |= depth_errors(study)
    return {
        "figures": figures,
        "targets": TARGETS,
        "seeds": [study.seed],
        "failures": failures,
        "text": table(found),
    }


def flown(folder: Path, options: tuple[str, ...], distance_m: float, seed: int) -> str:
    """Fly the mission; what went wrong, or nothing."""
    options = ("--world", "mare_calm", "--speed", "1", "--seed", str(seed), *options)
    return ran(folder, options, distance_m)


def wired(folder: Path, distance_m: float) -> str:
    """The same over emulated wires; what went wrong, or nothing."""
    command = [*CLI, "hardware", "emulate", "--world", "mare_calm", "--folder", str(folder)]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 180.0
        while not (folder / "rover.yaml").is_file():
            if time.monotonic() > until or process.poll() is not None:
                return "the wires did not come up"
            time.sleep(0.2)
        options = ("--platform", "hardware", "--config", str(folder / "rover.yaml"))
        return ran(folder, options, distance_m)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20.0)
        except subprocess.TimeoutExpired:
            process.kill()


def ran(folder: Path, options: tuple[str, ...], distance_m: float) -> str:
    """One run of the mission; what went wrong, or nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    mission = folder / "mission.yaml"
    mission.write_text("mission: budget\nsteps:\n" + STEP.format(distance=distance_m))
    command = [*CLI, "run", "--mission", str(mission), "--no-report", *options]
    command += ["--runs", str(folder / "runs"), "--time-limit", "15"]
    ended = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    return "" if ended.returncode == 0 else f"the mission failed: {ended.stdout[-600:]}"


def environment() -> dict[str, str]:
    """Of the processes: a ROS domain of their own, on this machine only."""
    alone = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_DOMAIN_ID": DOMAIN}
    return {**alone, **os.environ, "NUMBA_NUM_THREADS": "2"}


def depth_errors(study: Study) -> dict[str, float]:
    """Median error of stereo depth, per cent, and ms of CPU per pair, at both picture sizes."""
    sys.path.insert(0, str(Path(__file__).parent))
    import stereo

    from tenacious_rover.rover.description import load_rover

    figures = {}
    for profile, description in (("full", "tenacious"), ("light", SMALL)):
        rover = load_rover(description)
        match = stereo.matchers(rover)["ours"]
        rows, spent_ms = [], []
        for left, right, depth in stereo.pairs(rover, "mare_calm", 3 if study.quick else 8, 0):
            began = time.process_time()
            disparity = match(left, right)
            spent_ms.append(1e3 * (time.process_time() - began))
            rows.append(stereo.scored(rover, disparity, depth))
        for key, value in stereo.summary(rows, spent_ms).items():
            if key == "ms" or key.startswith(("median", "valid")):
                figures[f"{profile} stereo {key}"] = value
    return figures


def spent(bag: Path) -> dict[str, tuple[float, float]]:
    """Node to share of a core in per cent of rover time, and most memory in MB."""
    from tenacious_rover.analysis.bag import Bag

    beats: dict[str, list[tuple[float, float, float]]] = {}
    with Bag(bag) as opened:
        for said in opened.messages({"/heartbeat": 0.0}):
            beat = opened.decode(said)
            if beat is not None:
                time_s = beat.stamp.sec + beat.stamp.nanosec * 1e-9
                beats.setdefault(beat.node, []).append((time_s, beat.cpu_s, beat.memory_mb))
    found = {}
    for node, rows in beats.items():
        settled = [row for row in rows if row[0] > rows[0][0] + SKIPPED_S] or rows
        first, last = settled[0], settled[-1]
        share = 100.0 * (last[1] - first[1]) / max(last[0] - first[0], 1e-9)
        found[node] = (share, max(row[2] for row in rows))
    return found


def table(found: dict[str, dict[str, tuple[float, float]]]) -> str:
    """One line per node."""
    lines = [f"{'node':16}" + "".join(f"{profile + ' CPU %  MB':>22}" for profile in found)]
    for node in sorted({node for nodes in found.values() for node in nodes}):
        line = f"{node:16}"
        for nodes in found.values():
            share, memory = nodes.get(node, (0.0, 0.0))
            line += f"{share:14.1f}{memory:8.0f}"
        lines.append(line)
    return "\n".join(lines)
