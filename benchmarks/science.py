# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Sampling, payload and imaging: logs that are killed, command sequences, light, missions.

tenacious bench science             50 missions: half an hour of a core; stop and go on as you like
tenacious bench science --quick     a small honest sample
tenacious bench science --case mission-7        one case again
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.campaign import science_study
from tenacious_rover.campaign.pool import Store, run_all

if TYPE_CHECKING:
    from tenacious_rover.campaign.study import Study

CASES = "a mission, or the light of a world"
TARGETS = {
    "lost": "<= 0",
    "logs_broken": "<= 0",
    "releases_forbidden": "<= 0",
    "volume_error_median": "<= 0.15",
    "sample_success": ">= 0.95",
    "place_inside_95": ">= 0.9",
    "house_photographed": ">= 0.98",
    **{f"clipped_worst_{name}": "<= 0.005" for name in science_study.WORLDS},
}
HELD_OUT = 1000
KEY = "2"
"""Names how missions are flown: what was kept under another is not mixed in."""
WRITER = """
import sys
from pathlib import Path
from tenacious_rover.sampling.log import SampleLog
log = SampleLog(Path(sys.argv[1]))
while True:
    entry = log.append("custody", "S", {"filler": "x" * 500})
    sys.stdout.write(f"{entry.sequence} {entry.hash}\\n")
    sys.stdout.flush()
"""


def measure(study: Study) -> dict[str, Any]:
    os.environ[science_study.FOLDER] = str((study.folder / "missions").resolve())
    if study.case:
        record = science_study.worked(study.case)
        return {"figures": science_study.figures([record]), "text": str(record)}
    figures = killed(20 if study.quick else 200, study.seed)
    figures |= sequences(5000 if study.quick else 100_000, study.seed)
    figures |= volumes(10 if study.quick else 100, study.seed)
    worlds, missions = (1, 1) if study.quick else (5, 50)
    first = study.seed if study.quick else study.seed + HELD_OUT
    due = science_study.cases(worlds, missions, first)
    store = Store(study.folder / "cases.jsonl", KEY)
    records = list(run_all(due, science_study.worked, store, study.jobs, "science").values())
    figures |= science_study.figures(records)
    return {
        "figures": figures,
        "targets": {key: words for key, words in TARGETS.items() if key in figures},
        "seeds": [first, first + missions - 1],
        "failures": science_study.failures(records),
    }


def killed(count: int, seed: int) -> dict[str, float]:
    """`kill -9` of a writing process at random instants; acknowledged entries that are gone."""
    from tenacious_rover.sampling.log import SampleLog

    rng = random.Random(seed)
    lost = broken = acknowledged = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            path = Path(folder) / f"{number // 20}.sqlite"
            command = [sys.executable, "-c", WRITER, str(path)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert process.stdout is not None
            read = b"".join(process.stdout.readline() for _ in range(rng.randrange(1, 60)))
            process.send_signal(signal.SIGKILL)
            read += process.stdout.read()
            process.wait()
            said = [x.split() for x in read.decode().splitlines(keepends=True) if x.endswith("\n")]
            log = SampleLog(path)
            there = {e.sequence: e.hash for e in log.entries()}
            lost += sum(there.get(int(n)) != h for n, h in said)
            broken += bool(log.verify().problems)
            acknowledged += len(said)
            log.close()
    return {"kills": count, "acknowledged": acknowledged, "lost": lost, "logs_broken": broken}


def sequences(count: int, seed: int) -> dict[str, float]:
    """Random command sequences against the gate; releases that its own conditions forbid."""
    from tenacious_rover.payload.config import PayloadConfig
    from tenacious_rover.payload.interlocks import TABLE, Facts, Gate

    config = PayloadConfig()
    rng = random.Random(seed)
    wrong: list[dict[str, Any]] = [
        {"step_active": False},
        {"confirmed": False},
        {"attached": None},
        {"attached": False},
        {"pose_time_s": -9.0},
        {"speed_mps": float("nan")},
        {"speed_mps": 0.1},
        {"turn_radps": 0.3},
        {"tilt_rad": 0.5},
        {"tilt_rad": float("nan")},
    ]
    released = forbidden = 0
    for _ in range(count):
        gate, now, armed, clean = Gate(config), 0.0, None, True
        bad_rate = rng.choice((0.0, 0.02, 0.2))
        for _ in range(60):
            dt = rng.choice((0.1, 0.3, 0.9, 0.9)) if rng.random() > 0.01 else rng.uniform(-5, 30)
            now += dt
            good = {"time_s": now, "pose_time_s": now, "step_active": True, "confirmed": True}
            good |= {"attached": True, "speed_mps": 0.0, "turn_radps": 0.0, "tilt_rad": 0.05}
            facts = Facts(**(good | (rng.choice(wrong) if rng.random() < bad_rate else {})))
            holds = all(item.holds(facts, config) for item in TABLE) and 0.0 <= dt <= 1.0
            clean = clean and holds
            choice = rng.random()
            if choice < 0.15:
                if not gate.arm(facts):
                    armed, clean = now, holds
            elif choice < 0.4:
                if not gate.release(facts):
                    released += 1
                    inside = armed is not None and (
                        config.window_open_s <= now - armed <= config.window_close_s
                    )
                    forbidden += not (inside and clean)
                    armed = None
            elif choice < 0.41:
                gate, armed = Gate(config), None
            else:
                gate.observe(facts)
    return {"sequences": count, "releases": released, "releases_forbidden": forbidden}


def volumes(count: int, seed: int) -> dict[str, float]:
    """Volume of made-up holes (not rendered) with the noise of near stereo, 20-50 ml."""
    from tenacious_rover.sampling import volume

    rng = np.random.default_rng(seed)
    ruler = (np.arange(100) + 0.5) * volume.CELL_M - 0.2
    x, y = np.meshgrid(ruler, ruler)
    errors, inside = [], 0
    for _ in range(count):
        depth, spoil = rng.uniform(0.014, 0.03), rng.uniform(0.0, 0.006)
        hole = depth * np.maximum(1.0 - (x / 0.04) ** 2 - (y / 0.03) ** 2, 0.0)
        gone = hole - spoil * np.exp(-(((x - 0.05) / 0.015) ** 2) - (y / 0.02) ** 2)
        ground = rng.uniform(-0.14, 0.14) * x + 0.01 * np.sin(20 * x) * np.cos(15 * y)
        noise = 0.0008 * rng.standard_normal((2, *x.shape))
        after = ground - gone + noise[1] + rng.uniform(-0.005, 0.005) + 0.01 * x
        after[rng.random(x.shape) < rng.uniform(0.0, 0.3)] = np.nan
        seen = volume.change(ground + noise[0], after, 0.09)
        truth = float(gone.sum()) * volume.CELL_M**2 * 1e6
        errors.append(abs(seen.volume_ml - truth) / truth)
        inside += abs(seen.volume_ml - truth) <= 1.96 * seen.sigma_ml
    return {
        "made_up_hole_error_median": float(np.median(errors)),
        "made_up_hole_error_p95": float(np.percentile(errors, 95)),
        "made_up_hole_inside_95": inside / count,
    }
