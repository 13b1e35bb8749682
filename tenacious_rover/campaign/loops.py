# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Loops of 100 m for the study of localization: where they go, who drives, the traps at the end.

A loop is a bent circle around the lander with a stop every 20 m. Who drives looks at the truth, who
estimates does not. After the loop the ground loses its grip: the rover slides, digs itself in, and
tries in vain to drive on and to turn.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.campaign.error import CampaignError
from tenacious_rover.campaign.loop_crew import Crew
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.world import load_world

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from tenacious_rover.simulator.world import WorldSpec

    Array = NDArray[np.float64]

SOILS = ("mare", "dense", "loose")
SPEED_MPS, TURN_RADPS = 0.1, 0.25
_STEP_S, _POINT_M = 0.1, 0.05
_REST_EVERY_M, _REST_S = 20.0, 6.0
_HARDLY = 0.1
"""Of the commanded speed: slower is not moving."""
_PATIENCE_S = 6.0
_DRIVEN_RATE_HZ = 2.0


@dataclass(frozen=True)
class Loop:
    """A soil, a seed of world and sensors, a length, the camera's size and rate."""

    soil: str
    seed: int
    length_m: float
    camera: str
    rate_hz: float
    thorough: bool

    @property
    def id(self) -> str:
        """Its name."""
        kind = "all" if self.thorough else "few"
        return f"{self.soil}-{self.seed}-{self.length_m:g}m-{self.camera}-{self.rate_hz:g}hz-{kind}"

    @staticmethod
    def parsed(text: str) -> Loop:
        """The loop of a name.

        Raises:
            CampaignError: not the name of a loop.
        """
        try:
            soil, seed, length, camera, rate, kind = text.split("-")
            numbers = float(length.removesuffix("m")), float(rate.removesuffix("hz"))
            loop = Loop(soil, int(seed), numbers[0], camera, numbers[1], kind == "all")
        except ValueError:
            words = f"case: {text!r} is not of the form mare-0-100m-400x300-2hz-all"
            raise CampaignError(words) from None
        if soil not in SOILS:
            raise CampaignError(f"case: soil {soil!r} is not one of {', '.join(SOILS)}")
        return loop

    def way(self) -> Array:
        """Points (n, 2) every 5 cm of a closed curve around the lander, bent by the seed."""
        rng = np.random.default_rng([self.seed, 17])
        angle = np.linspace(0.0, 2.0 * np.pi, 4000, endpoint=False)
        radius = (
            1.0
            + 0.15 * np.cos(2 * angle + rng.uniform(0, 6))
            + 0.07 * np.cos(3 * angle + rng.uniform(0, 6))
        )
        way = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        way = np.roll(way, rng.integers(4000), axis=0)
        if rng.random() < 0.5:
            way = way[::-1]
        scale = 100.0 / np.linalg.norm(np.diff(way, axis=0, append=way[:1]), axis=1).sum()
        way = scale * np.concatenate([way, way[:1]])
        along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(way, axis=0), axis=1))])
        even = np.arange(0.0, self.length_m, _POINT_M)
        return np.stack([np.interp(even, along, way[:, k]) for k in (0, 1)], axis=1)

    def world(self) -> WorldSpec:
        """Calm mare with the rocks of Chang'e-3, none on the way: the driver does not look."""
        way = self.way()
        yaw = math.atan2(way[4, 1] - way[0, 1], way[4, 0] - way[0, 0])
        return load_world("mare_calm").varied(
            seed=100 + self.seed,
            rock_k=0.0125,
            soil=self.soil,
            start=(float(way[0, 0]), float(way[0, 1]), yaw),
            clear=[{"x_m": float(x), "y_m": float(y), "radius_m": 0.7} for x, y in way[::16]],
        )


def driven(loop: Loop, path: Path, moved: Callable[[float], None]) -> dict[str, Any]:
    """Drive a loop; what is not in the poses, which are stored in `path`.

    Args:
        loop: which.
        path: of the `.npz` with truth and estimates.
        moved: is told the metres done so far.
    """
    began = time.process_time()
    spec = loop.world()
    width, height = loop.camera.split("x")
    rover = load_rover(f"tenacious camera_width:={width} camera_height:={height}")
    simulator = Simulator(build_world(spec), rover, seed=loop.seed)
    simulator.set_camera(rate_hz=loop.rate_hz)
    ground_m = float(simulator.truth.map_T_base[2, 3])
    crew = Crew(rover, spec, ground_m, loop.thorough)
    reached = _followed(simulator, loop.way(), crew, moved)
    alarms = list(crew.alarms)
    columns = {name: np.array(values) for name, values in crew.log.items()}
    fixes = [
        {"time_s": f.time_s, "source": f.source, "used": f.used, "nis": f.innovation, **f.evidence}
        for f in crew.ours.fixes
    ]
    frame_ms = list(crew.frame_ms)
    simulator.set_camera(rate_hz=_DRIVEN_RATE_HZ)
    traps = trapped(simulator, crew) if reached else []
    fresh = path.with_suffix(".new.npz")
    np.savez_compressed(fresh, **columns, fixes=json.dumps(fixes, default=float))  # type: ignore[arg-type]
    fresh.replace(path)
    return {
        "reached": reached,
        "alarms": [{**asdict(alarm), "false": alarm.false} for alarm in alarms],
        "traps": traps,
        "frame_ms": [float(np.median(frame_ms)), float(np.percentile(frame_ms, 95))],
        "frames": len(frame_ms),
        "fixes": len(fixes),
        "fixes_used": sum(fix["used"] for fix in fixes),
        "rover_s": float(columns["time"][-1]),
        "cpu_s": {**crew.cpu_s, "whole": time.process_time() - began},
    }


def _followed(simulator: Simulator, way: Array, crew: Crew, moved: Callable[[float], None]) -> bool:
    """Pure pursuit by the truth, with rests; whether the end was reached."""
    at, rest_until, next_rest = 0, 4.0, _REST_EVERY_M
    limit_s = 60.0 + 2.5 * len(way) * _POINT_M / SPEED_MPS
    while at < len(way) - 5:
        now, pose = simulator.time_s, simulator.truth.map_T_base
        if now > limit_s:
            return False
        nearby = slice(at, min(at + 40, len(way)))
        at += int(np.argmin(np.linalg.norm(way[nearby] - pose[:2, 3], axis=1)))
        if at * _POINT_M >= next_rest:
            rest_until, next_rest = now + _REST_S, next_rest + _REST_EVERY_M
        aim = frames.inverse(pose) @ [*way[min(at + 9, len(way) - 1)], pose[2, 3], 1.0]
        bend = 2.0 * aim[1] / (aim[0] ** 2 + aim[1] ** 2)
        speed = 0.0 if now < rest_until else SPEED_MPS
        crew.step(simulator, speed, float(np.clip(1.3 * speed * bend, -0.3, 0.3)), _STEP_S)
        moved(at * _POINT_M)
    return True


# -- traps ------------------------------------------------------------------------------------


def trapped(simulator: Simulator, crew: Crew) -> list[dict[str, Any]]:
    """Seconds from not moving as told to being called stuck, for each kind of trap.

    `slide`: next to no grip on a slope, for a while; `dig in`: the wheels dig; `start in` and `turn
    in`: from rest, told to go on.
    """
    _steps(simulator, crew, SPEED_MPS, 0.0, 3.0)
    until_s = simulator.time_s + _PATIENCE_S
    _mire(simulator, grip=0.02, digging=0.0, end_s=until_s)
    found = [{"kind": "slide", **_caught(simulator, crew, SPEED_MPS, 0.0)}]
    _steps(simulator, crew, 0.0, 0.0, max(until_s - simulator.time_s, 0.0))
    _steps(simulator, crew, SPEED_MPS, 0.0, 4.0)
    _mire(simulator, grip=0.1, digging=20.0)
    found.append({"kind": "dig in", **_caught(simulator, crew, SPEED_MPS, 0.0)})
    for kind, linear, angular in (("start in", SPEED_MPS, 0.0), ("turn in", 0.0, TURN_RADPS)):
        _steps(simulator, crew, 0.0, 0.0, 3.0)
        found.append({"kind": kind, **_caught(simulator, crew, linear, angular)})
    return found


def _mire(simulator: Simulator, **more: float) -> None:
    x, y = simulator.truth.map_T_base[:2, 3]
    patch = {"kind": "slip_patch", "x": x, "y": y, "radius_m": 2.0, "start_s": simulator.time_s}
    simulator.inject({**patch, **more})


def _caught(simulator: Simulator, crew: Crew, linear: float, angular: float) -> dict[str, Any]:
    """Drive until called stuck; `delay_s` is `None` when that never comes.

    `before`: called stuck already when told to go; `moved`: the rover went as told all the time.
    """
    before, since, called = crew.ours.immobility.immobile, None, None
    end_s = simulator.time_s + _PATIENCE_S
    while simulator.time_s < end_s - 1e-6:
        crew.step(simulator, linear, angular, _STEP_S)
        truth, now = simulator.truth, simulator.time_s
        share = truth.linear[0] / linear if linear else truth.angular[2] / angular
        if called is None and crew.ours.immobility.immobile:
            called = now
        if share > _HARDLY:
            since = None
        elif since is None:
            since = now - _STEP_S
        if called is not None and since is not None:
            break
    moved = since is None
    delay = None if called is None else max(0.0, called - (called if since is None else since))
    return {"delay_s": delay, "before": before, "moved": moved}


def _steps(simulator: Simulator, crew: Crew, linear: float, angular: float, seconds: float) -> None:
    for _ in range(round(seconds / _STEP_S)):
        crew.step(simulator, linear, angular, _STEP_S)
