# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What absolute fixes are tried on: views from anywhere in a world, a drive from a wrong start."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.fixes import FixFinder
from tenacious_rover.localization.landmarks import Block, Landmarks
from tenacious_rover.localization.localizer import Localizer
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.measurements import Stereo
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.camera.renderer import Renderer
from tenacious_rover.simulator.camera.sensor import CameraSensor
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.world import load_world

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.localization.estimate import Fix
    from tenacious_rover.simulator.world import WorldSpec

    Array = NDArray[np.float64]

SURE = np.diag([0.03, 0.03, 0.01, 0.003, 0.003, 0.005]) ** 2
UNSURE = np.diag([0.25, 0.25, 0.03, 0.003, 0.003, 0.012]) ** 2
"""Covariances of pose estimates: of a rover that knows where it is, and of one that has drifted."""
_PARTS = np.ix_((0, 1, 5), (0, 1, 5))


class Scene:
    """A world to stand in anywhere and look."""

    def __init__(self, spec: WorldSpec, camera: str = "400x300") -> None:
        width, height = camera.split("x")
        self.rover = load_rover(f"tenacious camera_width:={width} camera_height:={height}")
        self.spec, self.world = spec, build_world(spec)
        self._renderer = Renderer(self.world)
        self._eyes = [self.rover.cameras[name] for name in ("left", "right")]
        self._sensors = [
            CameraSensor(eye, rng=np.random.default_rng(k)) for k, eye in enumerate(self._eyes)
        ]
        self.known = known(self.world.lander)

    def finder(self, landmarks: bool) -> FixFinder:
        """One that has seen nothing yet, and knows the lander or not."""
        return FixFinder(self.rover, LocalizationConfig(), self.known if landmarks else Landmarks())

    def pose(self, x: float, y: float, yaw: float) -> Array:
        """map_T_base (4, 4) of a rover that stands there."""
        up = np.ravel(self.world.normal(x, y)).astype(float)
        ahead = np.array([math.cos(yaw), math.sin(yaw), 0.0])
        ahead -= (ahead @ up) * up
        ahead /= np.linalg.norm(ahead)
        out = np.eye(4)
        out[:3, :3] = np.column_stack([ahead, np.cross(up, ahead), up])
        out[:3, 3] = [x, y, float(self.world.height(x, y))] + self.rover.wheel_radius_m * up
        return out

    def facing(self, distance_m: float, azimuth: float, turn: float = 0.0) -> Array:
        """A pose (4, 4) that looks at the lander; angles in rad."""
        x, y = distance_m * math.cos(azimuth), distance_m * math.sin(azimuth)
        return self.pose(x, y, azimuth + math.pi + turn)

    def look(self, pose: Array, time_s: float, light_s: float = 0.0) -> Stereo:
        """A pair from a pose, in the light of `light_s` after the world's epoch."""
        sun = self.spec.sun_direction(light_s)
        views = [
            self._renderer.render(eye, pose @ eye.base_T_optical, sun, []) for eye in self._eyes
        ]
        exposure = self._sensors[0].auto(views[0])
        left, right = (s.expose(v, *exposure) for s, v in zip(self._sensors, views, strict=True))
        return Stereo(time_s, left, right)


def known(lander: Any) -> Landmarks:
    """A world's lander as landmarks."""
    return Landmarks(tuple(Block(block.map_T_block, block.size) for block in lander))


def wrong(pose: Array, dx: float, dy: float, turn: float) -> Array:
    """A pose (4, 4) moved in map and turned about z: an estimate of it."""
    out = pose.copy()
    out[:3, :3] = frames.planar(0.0, 0.0, turn)[:3, :3] @ pose[:3, :3]
    out[:2, 3] += dx, dy
    return out


def believed_at(pose: Array, place: Array) -> Array:
    """The estimate (4, 4) of a rover at `pose` that believes to stand at `place`."""
    off = place[:2, 3] - pose[:2, 3]
    return wrong(pose, float(off[0]), float(off[1]), frames.yaw(place) - frames.yaw(pose))


def judged(fix: Fix, true: Array) -> tuple[float, float]:
    """Distance in m from the truth; normalised error squared per degree of freedom."""
    off = np.array([*(fix.map_T_base[:2, 3] - true[:2, 3]), 0.0])
    off[2] = frames.yaw(fix.map_T_base @ frames.inverse(true))
    honest = float(off @ np.linalg.solve(fix.covariance[_PARTS], off)) / 3.0
    return float(np.hypot(off[0], off[1])), honest


def corrected(fix: Fix, pose: Array, covariance: Array) -> tuple[Array, float]:
    """x, y (2,) of an estimate after a fix, and the fix's normalised innovation squared."""
    prior, noise = covariance[_PARTS], fix.covariance[_PARTS]
    gap = np.array([*(fix.map_T_base[:2, 3] - pose[:2, 3]), 0.0])
    gap[2] = frames.yaw(fix.map_T_base @ frames.inverse(pose))
    weighted = np.linalg.solve(prior + noise, gap)
    return pose[:2, 3] + (prior @ weighted)[:2], float(gap @ weighted)


@dataclass(frozen=True)
class Correction:
    """A drive towards the lander from a start that is wrong.

    Attributes:
        before_m, after_m: distance of estimate and truth just before the first fix, and at the end.
        before_deg, after_deg: of the headings.
        odom_step_m: largest step of the pose in odom between two samples: it must not jump.
        map_moved_m: of map_T_odom from the start to the end.
        fixes: each with its evidence.
    """

    before_m: float
    after_m: float
    before_deg: float
    after_deg: float
    odom_step_m: float
    map_moved_m: float
    fixes: list[dict[str, Any]]


def correction(
    seed: int, off: tuple[float, float, float] = (0.35, -0.25, 0.03), seconds: float = 32.0
) -> Correction:
    """Drive 2.5 m towards the lander with a start wrong by `off` (m, m, rad), without the sun."""
    azimuth = float(np.random.default_rng([seed, 5]).uniform(-math.pi, math.pi))
    start = (6.0 * math.cos(azimuth), 6.0 * math.sin(azimuth), azimuth + math.pi)
    clear = [
        {"x_m": s * start[0] / 6.0, "y_m": s * start[1] / 6.0, "radius_m": 0.8} for s in (4, 5)
    ]
    spec = load_world("mare_calm").varied(seed=seed, start=start, clear=clear, size_m=30.0)
    rover = load_rover("tenacious camera_width:=400 camera_height:=300")
    world = build_world(spec)
    simulator = Simulator(world, rover, seed=seed)
    config = LocalizationConfig(start_yaw_sigma_deg=3.0, start_position_sigma_m=0.4)
    first = wrong(frames.planar(*start, float(simulator.truth.map_T_base[2, 3])), *off)
    core = Localizer(rover, config, first, None, known(world.lander))
    errors, odom = [], []
    while simulator.time_s < seconds:
        speed = 0.1 if simulator.time_s > 4.0 else 0.0
        simulator.drive(speed, 0.0)
        core.command(simulator.time_s, speed, 0.0)
        for sample in simulator.advance(0.1):
            core.take(sample)
        truth, mine = simulator.truth.map_T_base, core.estimate
        turn = abs(frames.wrapped(frames.yaw(mine.map_T_base) - frames.yaw(truth)))
        gap = float(np.linalg.norm(mine.map_T_base[:2, 3] - truth[:2, 3]))
        errors.append((gap, math.degrees(turn), bool(any(fix.used for fix in core.fixes))))
        odom.append(mine.odom_T_base[:3, 3])
    before = [error for error in errors if not error[2]][-1]
    moved = core.estimate.map_T_odom
    return Correction(
        before[0],
        errors[-1][0],
        before[1],
        errors[-1][1],
        float(np.linalg.norm(np.diff(odom[20:], axis=0), axis=1).max()),
        float(np.linalg.norm(moved[:2, 3])),
        [
            {
                "time_s": f.time_s,
                "source": f.source,
                "used": f.used,
                "nis": f.innovation,
                **f.evidence,
            }
            for f in core.fixes
        ],
    )
