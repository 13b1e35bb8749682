# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Whole short missions with all nodes, on varied ground and with faults, judged by the truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from tenacious_rover.campaign.error import CampaignError
from tenacious_rover.rover import contract
from tenacious_rover.sampling.log import SampleLog

if TYPE_CHECKING:
    from pathlib import Path

FAULTS: tuple[dict[str, Any] | None, ...] = (
    None,
    {"kind": "sticking_latch", "tries": 1},
    None,
    {"kind": "frozen_camera", "start_s": 20.0, "end_s": 26.0},
    {"kind": "dropout", "sensor": "sun", "start_s": 0.0},
)
"""One after the other over the seeds."""
_CHI2_95 = 5.991
"""Of two degrees of freedom."""


def mission() -> dict[str, Any]:
    """Everything once, close by."""
    lander = [[-1.6, -1.6], [1.6, -1.6], [1.6, 1.6], [-1.6, 1.6]]
    return {
        "mission": "science",
        "world": "world.yaml",
        "zones": {"keep_out": [{"name": "lander", "polygon_m": lander}]},
        "steps": [
            {"do": "leave_lander", "distance_m": 0.8},
            {"do": "drive", "name": "goal", "to_m": [4.5, 0.8], "attempts": 2},
            {"do": "collect_sample", "label": "study", "search_radius_m": 2.0, "attempts": 2},
            {"do": "deploy_payload", "search_radius_m": 2.5},
        ],
    }


def world(seed: int) -> dict[str, Any]:
    """Rocks as at Chang'e-3, a slope of up to 8 degrees, one fault."""
    rng = np.random.default_rng([seed, 13])
    slope = {"angle_deg": float(rng.uniform(0.0, 8.0)), "uphill_deg": float(rng.uniform(0, 360))}
    fault = FAULTS[seed % len(FAULTS)]
    return {
        "world": f"science_{seed}",
        "seed": seed,
        "size_m": 20,
        "resolution_m": 0.05,
        "epoch_utc": "2025-06-11T19:17:00Z",
        "start": {"x_m": 2.0, "y_m": 0.0, "yaw_deg": 0.0},
        "lander": {"footprint_m": 3.2, "height_m": 2.3},
        "terrain": {"slope": slope},
        "rocks": {"k": 0.0125, "q": 1.743},
        "faults": [] if fault is None else [fault],
    }


def flown(seed: int, folder: Path) -> dict[str, Any]:
    """Fly one; what became of it.

    Raises:
        CampaignError: the run left no folder: something of the machine is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("world", world(seed)), ("mission", mission())):
        text = yaml.safe_dump(content, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "tenacious_rover.cli", "run", "--speed", "0"]
    command += ["--world", str(folder / "world.yaml"), "--mission", str(folder / "mission.yaml")]
    command += ["--seed", str(seed), "--runs", str(folder / "runs"), "--no-report"]
    command += ["--time-limit", "20"]
    environment = {key: value for key, value in os.environ.items() if key != "ROS_DOMAIN_ID"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    runs = sorted((folder / "runs").glob("*"))
    if not runs:
        raise CampaignError(f"seed {seed}: no run: {ended.stderr.strip()[-500:]}")
    return {"seed": seed, "fault": FAULTS[seed % len(FAULTS)], **judged(runs[-1])}


def judged(run: Path) -> dict[str, Any]:
    """Of a run's folder: outcomes, and each claim against the truth of its bag."""
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    holes, house = _truth(run)
    found: dict[str, Any] = {
        "run": str(run),
        "ended": facts.get("ended"),
        "outcomes": facts.get("outcomes", []),
        "sampled": False,
        "inside": None,
        "standing": False,
        "photographed": False,
    }
    found |= _sample(run, holes)
    status = run / "payload" / "status.json"
    if status.is_file() and house is not None:
        said = json.loads(status.read_text(encoding="utf-8"))
        found["standing"] = bool(house[1] < np.radians(15.0)) and said.get("attached") is False
        found["photographed"] = bool(found["standing"] and said.get("upright"))
        if said.get("place_m") is not None:
            found["house_error_m"] = float(np.hypot(*(np.array(said["place_m"])[:2] - house[0])))
    return found


def _sample(run: Path, holes: list[np.ndarray]) -> dict[str, Any]:
    path = run / "samples" / "samples.sqlite"
    if not path.is_file() or not holes:
        return {}
    log = SampleLog(path, read_only=True)
    entries = log.entries(kind="sample")
    log.close()
    if not entries:
        return {}
    facts = entries[-1].facts
    place = np.array(facts["place_m"])[:2]
    spread = np.array(facts["covariance_m2"]).reshape(3, 3)[:2, :2]
    away = min((hole - place for hole in holes), key=lambda d: float(np.hypot(*d)))
    inside = float(away @ np.linalg.solve(spread, away)) <= _CHI2_95
    return {"sampled": True, "inside": inside, "place_error_m": float(np.hypot(*away))}


def _truth(run: Path) -> tuple[list[np.ndarray], tuple[np.ndarray, float] | None]:
    """Centres of holes (2,), and the house's last place (2,) and tilt in rad."""
    from tenacious_rover.analysis.bag import Bag

    holes: list[np.ndarray] = []
    house = None
    dig, payload = f"/{contract.TRUTH_DIG.name}", f"/{contract.TRUTH_PAYLOAD.name}"
    with Bag(run) as bag:
        for said in bag.messages({dig: 0.0, payload: 0.0}):
            message = bag.decode(said)
            if message is None:
                continue
            if said.topic == dig:
                holes.append(np.array([message.point.x, message.point.y]))
                continue
            p, q = message.pose.position, message.pose.orientation
            up = 1.0 - 2.0 * (q.x**2 + q.y**2)
            house = (np.array([p.x, p.y]), float(np.arccos(np.clip(up, -1.0, 1.0))))
    return holes, house
