# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What survives `kill -9` at random instants: bags, the sample log; and a plain file.

Nothing that was acknowledged may be gone, and a bag must open and end less than a second before the
kill. Peer: a process that appends lines to a file and flushes them.
"""

from __future__ import annotations

import random
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

APPEND = r"""
import sys
number = 0
with open(sys.argv[1], "a") as file:
    while True:
        for _ in range(50):
            number += 1
            file.write(f"{number} " + "x" * 500 + "\n")
        if number % 5000 == 0:
            file.flush()
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
"""
SAMPLES = r"""
import sys
from pathlib import Path
from tenacious_rover.sampling.log import SampleLog
log = SampleLog(Path(sys.argv[1]))
while True:
    entry = log.append("custody", "S", {"filler": "x" * 500})
    sys.stdout.write(f"{entry.sequence}\n")
    sys.stdout.flush()
"""


def measure(study: Study) -> dict[str, Any]:
    kills = 15 if study.quick else 200
    rng = random.Random(study.seed)
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bags = [bag_once(folder / f"bag_{n}", rng, failures) for n in range(kills)]
        logs = [log_once(folder / f"{n}.sqlite", rng) for n in range(kills)]
        plain = [append_once(folder / f"{n}.txt", rng) for n in range(kills)]
    figures = {
        "kills": kills,
        "bags_acknowledged_lost": sum(b["lost"] for b in bags),
        "bags_open_at_once": sum(b["opens"] for b in bags) / kills,
        "bags_readable_after_repair": sum(b["readable"] for b in bags) / kills,
        "bag_seconds_lost_worst": max(b["seconds"] for b in bags),
        "bag_messages_read": sum(b["messages"] for b in bags),
        "samples_acknowledged": sum(log["acknowledged"] for log in logs),
        "samples_acknowledged_lost": sum(log["lost"] for log in logs),
        "torn_records": 0,
    }
    peer = {
        "bags_acknowledged_lost": sum(p["lost"] for p in plain),
        "torn_records": sum(p["torn"] for p in plain),
    }
    return {
        "figures": figures,
        "peers": {"plain append": peer},
        "failures": failures,
        "targets": {
            "bags_acknowledged_lost": "<= 0",
            "bags_readable_after_repair": ">= 1",
            "bag_seconds_lost_worst": "<= 1",
            "samples_acknowledged_lost": "<= 0",
        },
    }


def killed(command: list[str], rng: random.Random, longest_s: float) -> tuple[list[str], float]:
    """Run until killed at a random instant after its first word; words, and when it died."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(rng.uniform(0.0, longest_s))
    process.send_signal(signal.SIGKILL)
    died = time.time()
    words = [first.strip(), *process.stdout.read().split("\n")]
    process.wait()
    # The last word may be cut by the kill; what was not said whole was not promised.
    return [w for w in words[:-1] if w], died


def bag_once(folder: Path, rng: random.Random, failures: list[str]) -> dict[str, float]:
    """One bag: promised and found."""
    from rosbags.highlevel import AnyReader

    from tenacious_rover.recording.error import RecordingError
    from tenacious_rover.recording.salvage import salvage

    writer = resource("test", "recording", "kill_writer.py")
    words, died = killed([sys.executable, str(writer), str(folder), "no"], rng, 2.5)
    promised = int(words[-1])
    opens, readable, found, last_ns = 1, 1, [], 0
    try:
        found, last_ns = _read(AnyReader, folder)
    except Exception:  # noqa: BLE001  (the end mark is cut, in one of many ways)
        opens = 0
        saved = folder.with_name(folder.name + "_saved")
        try:
            salvage(folder, saved)
            found, last_ns = _read(AnyReader, saved)
        except (RecordingError, ValueError) as error:
            readable = 0
            failures.append(f"{folder.name}: {error}")
    if found != list(range(1, len(found) + 1)):
        failures.append(f"{folder.name}: numbers are not 1, 2, 3 …")
    lost = max(promised - len(found), 0)
    if lost:
        failures.append(f"{folder.name}: {promised} promised, {len(found)} there")
    seconds = max(died - last_ns * 1e-9, 0.0) if found else 99.0
    return {
        "lost": lost,
        "opens": opens,
        "readable": readable,
        "seconds": seconds,
        "messages": len(found),
    }


def _read(reader_type: Any, folder: Path) -> tuple[list[int], int]:
    with reader_type([folder]) as reader:
        chosen = [c for c in reader.connections if c.topic == "/count"]
        last, numbers = 0, []
        for _, at, raw in reader.messages(chosen):
            numbers.append(int.from_bytes(raw[4:], "little"))
            last = at
    return numbers, last


def log_once(path: Path, rng: random.Random) -> dict[str, int]:
    """One sample log."""
    from tenacious_rover.sampling.log import SampleLog

    words, _ = killed([sys.executable, "-c", SAMPLES, str(path)], rng, 0.2)
    acknowledged = int(words[-1])
    log = SampleLog(path, read_only=True)
    entries = len(log.entries())
    broken = len(log.verify().problems)
    return {"acknowledged": acknowledged, "lost": max(acknowledged - entries, 0) + broken}


def append_once(path: Path, rng: random.Random) -> dict[str, int]:
    """One plain file."""
    words, _ = killed([sys.executable, "-c", APPEND, str(path)], rng, 0.2)
    lines = path.read_text().split("\n")
    whole = [line for line in lines if len(line.split(" ")[-1]) == 500]
    torn = sum(1 for line in lines if line and len(line.split(" ")[-1]) != 500)
    return {"lost": max(int(words[-1]) - len(whole), 0), "torn": torn}
