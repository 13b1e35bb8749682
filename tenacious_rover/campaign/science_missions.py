# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Whole short missions on varied ground and with faults, flown in one process, judged by the truth.

A mission file and its behaviour tree, the cores of localization, perception, navigation, imaging,
sampling and payload, and the simulator; only ROS is left out.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from py_trees.common import Status

from tenacious_rover.campaign.error import CampaignError
from tenacious_rover.campaign.science_flight import Flight
from tenacious_rover.imaging.error import ImagingError
from tenacious_rover.mission.file import Deploy, Drive, Leave, Mission, Sample, Step, load_mission
from tenacious_rover.mission.tree import Answer, MissionTree
from tenacious_rover.navigation.state import Goal, ShortMove
from tenacious_rover.payload import deploying
from tenacious_rover.payload.error import PayloadError
from tenacious_rover.sampling import collecting, field
from tenacious_rover.sampling.error import SamplingError
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.world import load_world

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from tenacious_rover.simulator.truth import Truth

FAULTS: tuple[dict[str, Any] | None, ...] = (
    None,
    {"kind": "sticking_latch", "tries": 1},
    None,
    {"kind": "frozen_camera", "start_s": 20.0, "end_s": 26.0},
    {"kind": "dropout", "sensor": "sun", "start_s": 0.0},
    {"kind": "slip_patch", "x": 4.0, "y": 0.5, "radius_m": 0.8, "grip": 0.6},
)
"""One after the other over the seeds."""
_CHI2_95 = 5.991
"""Of two degrees of freedom."""
_UPRIGHT = np.radians(15.0)


def mission() -> dict[str, Any]:
    """Everything once, close by."""
    # Nobody has seen the rocks there: the goal is an area, and the work goes on without it. Nor
    # has anyone seen those before the lander: what a straight roll does not do, the drive will.
    near = {"tolerance_m": 0.5, "on_failure": "continue"}
    lander = [[-1.6, -1.6], [1.6, -1.6], [1.6, 1.6], [-1.6, 1.6]]
    return {
        "mission": "science",
        "world": "world.yaml",
        "zones": {"keep_out": [{"name": "lander", "polygon_m": lander}]},
        "steps": [
            {"do": "leave_lander", "distance_m": 0.5, "on_failure": "continue"},
            {"do": "drive", "name": "goal", "to_m": [4.2, 0.7], **near},
            {"do": "collect_sample", "label": "study", "search_radius_m": 2.0, "attempts": 2},
            {"do": "deploy_payload", "search_radius_m": 2.5},
        ],
    }


def world(seed: int) -> dict[str, Any]:
    """Rocks as at Chang'e-3, a slope of up to 8 degrees, one fault.

    The ground has a node every 2 cm, so that a hole of a scoop is a hole.
    """
    rng = np.random.default_rng([seed, 13])
    slope = {"angle_deg": float(rng.uniform(0.0, 8.0)), "uphill_deg": float(rng.uniform(0, 360))}
    fault = FAULTS[seed % len(FAULTS)]
    return {
        "world": f"science_{seed}",
        "seed": seed,
        "size_m": 16,
        "resolution_m": 0.02,
        "epoch_utc": "2025-06-11T19:17:00Z",
        "start": {"x_m": 2.0, "y_m": 0.0, "yaw_deg": 0.0},
        "lander": {"footprint_m": 3.2, "height_m": 2.3},
        "terrain": {"slope": slope},
        "rocks": {"k": 0.0125, "q": 1.743},
        "faults": [] if fault is None else [fault],
    }


def flown(seed: int, folder: Path) -> dict[str, Any]:
    """Fly one; what became of it. The run's folder is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in (("world", world(seed)), ("mission", mission())):
        text = yaml.safe_dump(content, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    began = time.process_time()
    ground = build_world(load_world(str(folder / "world.yaml"), seed), cache=False)
    plan = load_mission(folder / "mission.yaml")
    zones = tuple(np.array(zone.polygon_m) for zone in plan.zones.keep_out)
    flight = Flight(ground, seed, folder, zones)
    try:
        outcomes, ended = _steps(flight, plan)
        found = judged(flight, folder)
    finally:
        flight.close()
    facts: dict[str, Any] = {"seed": seed, "fault": FAULTS[seed % len(FAULTS)], "run": str(folder)}
    facts |= {"slope_deg": world(seed)["terrain"]["slope"]["angle_deg"]}
    facts |= {"outcomes": outcomes, "ended": ended, "events": flight.events[-60:]}
    facts |= {"rover_s": round(flight.now, 1), "cpu_s": round(time.process_time() - began, 1)}
    return facts | found


def _steps(flight: Flight, plan: Mission) -> tuple[list[str], str]:
    """The mission's behaviour tree to its end."""
    tree = MissionTree(plan, Services(flight), on_outcome=lambda o: flight.tell("step_ended", o))
    try:
        while tree.tick(flight.now) == Status.RUNNING:
            pass
    except CampaignError as error:
        return tree.log.outcomes, str(error)
    return tree.log.outcomes, "succeeded" if tree.succeeded else "failed"


class Done:
    """A request that was worked on to its end when it was made."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def poll(self) -> Answer:
        """How it ended."""
        return self._answer

    def cancel(self) -> None:
        """Too late."""


class Services:
    """What a mission needs of a rover, of a flight."""

    def __init__(self, flight: Flight) -> None:
        self._flight = flight

    def start(self, step: Step) -> Done:
        """Do what a step asks for.

        Raises:
            CampaignError: a kind of step that this study does not have, or out of time.
        """
        try:
            field.run(self._work(step))
        except (SamplingError, PayloadError) as error:
            return Done(Answer(True, int(error.code), str(error), step.title))
        except (field.FieldError, ImagingError) as error:
            return Done(Answer(True, 1, str(error), step.title))
        return Done(Answer(True, activity=step.title))

    def _work(self, step: Step) -> Coroutine[Any, Any, Any]:
        flight = self._flight
        if isinstance(step, Leave):
            return flight.drive(ShortMove(straight=step.distance_m))
        if isinstance(step, Drive):
            return flight.drive(Goal(*step.to_m, position_tolerance_m=step.tolerance_m))
        if isinstance(step, Sample):
            collector = collecting.Collecting(
                flight.rover, flight.config.sampling, flight.log, flight.folder
            )
            asked = collecting.Request(step.label, search_radius_m=step.search_radius_m)
            return collector.collect(flight, asked)
        if isinstance(step, Deploy):
            wish = deploying.Request(confirm=True, search_radius_m=step.search_radius_m)
            return flight.deploying.deploy(flight, wish)
        raise CampaignError(f"the study has no step {step.title!r}")


def judged(flight: Flight, folder: Path) -> dict[str, Any]:
    """Each claim of the rover against the truth."""
    truth = flight.simulator.truth
    error = flight.localizer.estimate.map_T_base[:2, 3] - truth.map_T_base[:2, 3]
    found: dict[str, Any] = {
        "pose_error_m": float(np.hypot(*error)),
        "sampled": False,
        "inside": None,
        "standing": False,
        "photographed": False,
        "hits": sorted(f"{part} on {other}" for part, other in truth.hits),
    }
    found |= _sample(flight, truth)
    status = folder / "payload" / "status.json"
    house = truth.map_T_payload
    if status.is_file() and house is not None:
        said = json.loads(status.read_text(encoding="utf-8"))
        tilt = math.acos(min(max(float(house[2, 2]), -1.0), 1.0))
        found["house_tilt_deg"] = math.degrees(tilt)
        found["standing"] = bool(not truth.attached and tilt < _UPRIGHT)
        found["photographed"] = bool(found["standing"] and said.get("upright"))
        found["composition"] = said.get("composition")
        if said.get("upright") is not None and said.get("place_m") is not None:
            away = np.array(said["place_m"])[:2] - house[:2, 3]
            found["house_error_m"] = float(np.hypot(*away))
    return found


def _sample(flight: Flight, truth: Truth) -> dict[str, Any]:
    entries = flight.log.entries(kind="sample")
    if not entries or not truth.digs:
        return {"sampled_false": bool(entries)}
    facts = entries[-1].facts
    dig = min(truth.digs, key=lambda d: float(np.hypot(*(d.place[:2] - facts["place_m"][:2]))))
    place = np.array(facts["place_m"])[:2]
    spread = np.array(facts["covariance_m2"]).reshape(3, 3)[:2, :2]
    away = dig.place[:2] - place
    inside = float(away @ np.linalg.solve(spread, away)) <= _CHI2_95
    return {
        "sampled": bool(truth.carried_ml > 0.0),
        "inside": inside,
        "place_error_m": float(np.hypot(*away)),
        "sigma_m": [float(v) for v in np.sqrt(np.diag(spread))],
        "true_ml": float(dig.volume_ml),
        "carried_ml": float(truth.carried_ml),
        "seen_ml": float(facts["volume_ml"]),
        "sigma_ml": float(facts["volume_sigma_ml"]),
        "attempts": len(flight.log.entries(kind="attempt")) + 1,
    }
