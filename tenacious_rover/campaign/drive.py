# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One drive in this process: simulator, localization, perception and navigation, without ROS.

The autonomy gets what the platform measures and nothing else; the score comes from the truth.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tenacious_rover.campaign.baselines import GestaltDriver, LineDriver
from tenacious_rover.campaign.cases import Case, goal_of, world_of
from tenacious_rover.campaign.oracle import Way, best_way
from tenacious_rover.campaign.scoring import Scorer
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.localizer import Localizer
from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.navigation.navigator import Navigator
from tenacious_rover.navigation.state import Command, Goal, Motion, Pose
from tenacious_rover.navigation.zones import Zones
from tenacious_rover.perception.config import PerceptionConfig
from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.mapper import TerrainMapper
from tenacious_rover.perception.soft import mean_slip
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.measurements import Joints, Stereo
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.config import SimulatorConfig
from tenacious_rover.simulator.engine import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacious_rover.perception.terrain_map import TerrainMap
    from tenacious_rover.rover.model import Rover
    from tenacious_rover.simulator.ground import World

SIGHTED = ("tenacious", "gestalt")
"""Drivers that look; the others get the true pose and no camera."""
_TICK_S = 0.1
_SETTLE_S = 2.0


@dataclass(frozen=True)
class DriveConfig:
    """How a drive is run.

    Attributes:
        description: of the rover; with a camera of 400 x 300 by default, which halves the time.
        camera_hz: pictures while driving; `turning_hz` while turning in place.
        tolerance_m: the rover calls the goal reached this near, by its own estimate; the score
            wants it within 0.3 m in truth.
        limit_s: time limit of the score; 0: six times that of the straight way.
    """

    description: str = "tenacious camera_width:=400 camera_height:=300"
    camera_hz: float = 1.0
    turning_hz: float = 2.0
    tolerance_m: float = 0.15
    limit_s: float = 0.0
    navigation: NavigationConfig = field(default_factory=NavigationConfig)
    perception: PerceptionConfig = field(default_factory=PerceptionConfig)
    localization: LocalizationConfig = field(default_factory=LocalizationConfig)


class Driver(Protocol):
    """What drives: the navigator, or a baseline."""

    def go(self, goal: Goal, zones: Zones) -> None:
        """Begin."""
        ...

    def cycle(
        self, time_s: float, pose: Pose, terrain: TerrainMap | None, motion: Motion
    ) -> Command:
        """The command for now."""
        ...


@dataclass
class DriveRecord:
    """What one drive gave; `verdict` of the scorer, `ended` and `reason` of the driver."""

    case: str
    verdict: dict[str, Any]
    ended: str
    reason: str
    recoveries: int
    oracle_m: float
    straight_m: float
    pose_error_m: float
    heading_error_deg: float
    cpu_s: dict[str, float]
    cycle_ms: dict[str, float]
    speed_share: float
    states: dict[str, int] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    @property
    def success(self) -> bool:
        """Judged from truth."""
        return bool(self.verdict["success"])

    def line(self) -> str:
        """One JSON line."""
        return json.dumps(dataclasses.asdict(self), default=float)


class Drive:
    """A case on its way; `step` until `done`.

    Attributes:
        command: the newest.
        terrain: the newest map, in odom.
        events: what happened, for a person.
    """

    def __init__(self, case: Case, config: DriveConfig | None = None) -> None:
        self.case, self.config = case, config or DriveConfig()
        self.rover: Rover = load_rover(self.config.description)
        self.world: World = build_world(world_of(case))
        spec = self.world.spec
        self.zones = Zones(tuple(np.array(zone.polygon_m) for zone in spec.zones.keep_out))
        self.goal = goal_of(case)
        self.sighted = case.driver in SIGHTED
        self.simulator = Simulator(
            self.world,
            self.rover,
            case.seed,
            SimulatorConfig(camera_hz=self.config.camera_hz if self.sighted else 0.0),
            cameras=self.sighted,
        )
        self.localizer = Localizer(
            self.rover,
            self.config.localization,
            frames.planar(
                *spec.start[:2], spec.start[2], float(self.world.height(*spec.start[:2]))
            ),
            spec,
        )
        self.mapper = TerrainMapper(self.rover, self.config.perception)
        self.way: Way | None = None
        self.driver = self._driver()
        self.command = Command()
        self.terrain: TerrainMap | None = None
        self.effort = math.nan
        self.cpu_s = dict.fromkeys(("simulator", "localization", "perception", "navigation"), 0.0)
        self.cycles_ms: list[float] = []
        self.thought_ms: list[float] = []
        self.states: dict[str, int] = {}
        self.events: list[str] = []
        speed = self.config.navigation.speed_mps
        self.limit_s = self.config.limit_s or 120.0 + 4.0 * case.distance_m / speed
        tilt = self.rover.limits.tilt_rad
        self.scorer = Scorer(self.goal, tilt, self.limit_s)
        self.began_s = 0.0

    def _driver(self) -> Driver:
        config = self.config.navigation
        if self.case.driver == "tenacious":
            return Navigator(self.rover, config)
        if self.case.driver == "gestalt":
            return GestaltDriver(self.rover, config)
        if self.case.driver == "straight":
            return LineDriver(self.rover, config)
        return LineDriver(self.rover, config, self.best().points)

    def best(self) -> Way:
        """The oracle's way."""
        if self.way is None:
            start = np.array(self.world.spec.start[:2])
            self.way = best_way(self.world, self.rover, self.zones, start, np.array(self.goal))
        return self.way

    def run(self, watch: Callable[[Drive], None] = lambda drive: None) -> DriveRecord:
        """From start to end."""
        if self.case.driver == "oracle" and not self.best().exists:
            self.command = Command(state="failed", done=True, code=Code.NO_PATH, reason="no way")
            return self.record()
        self._settle()
        try:
            goal = Goal(
                *self.goal,
                position_tolerance_m=self.config.tolerance_m,
                time_limit_s=self.limit_s,
            )
            self.driver.go(goal, self.zones)
        except NavigationError as error:
            self.command = Command(state="failed", done=True, code=error.code, reason=str(error))
        while not self.command.done and self.simulator.time_s < self.limit_s + 5.0:
            self.step()
            watch(self)
        return self.record()

    def _settle(self) -> None:
        """Stand, so that the rover knows down and sees its first ground."""
        self._sense(_SETTLE_S)
        self.began_s = self.simulator.time_s

    def step(self) -> None:
        """A tenth of a second."""
        before = self.command
        self._sense(_TICK_S)
        began = time.process_time()
        terrain = self.terrain
        self.command = self.driver.cycle(
            self.simulator.time_s, self._pose(), terrain, self._motion()
        )
        spent = time.process_time() - began
        self.cpu_s["navigation"] += spent
        self.cycles_ms.append(1000.0 * spent)
        command = self.command
        self.simulator.drive(command.linear_mps, command.angular_radps)
        self.localizer.command(self.simulator.time_s, command.linear_mps, command.angular_radps)
        self.scorer.observe(self.simulator.truth, (command.linear_mps, command.angular_radps))
        self.states[command.state] = self.states.get(command.state, 0) + 1
        if (command.state, command.reason) != (before.state, before.reason):
            if command.state != before.state and self.sighted:
                self._camera(command.state)
            if command.state not in ("driving", "turning"):
                words = f"{self.simulator.time_s:.1f} s: {command.state}: {command.reason}"
                self.events.append(words)

    def _camera(self, state: str) -> None:
        rate = self.config.turning_hz if state == "turning" else self.config.camera_hz
        self.simulator.set_camera(rate_hz=rate)

    def _sense(self, seconds: float) -> None:
        """Let time pass and take in what was measured."""
        clock = time.process_time
        began = clock()
        samples = self.simulator.advance(seconds)
        self.cpu_s["simulator"] += clock() - began
        if not self.sighted:
            return
        for sample in samples:
            began = clock()
            self.localizer.take(sample)
            self.cpu_s["localization"] += clock() - began
            if isinstance(sample, Stereo):
                self._map(sample)
            elif isinstance(sample, Joints):
                self._feel(sample)

    def _map(self, frame: Stereo) -> None:
        began = time.process_time()
        estimate = self.localizer.estimate
        try:
            if self.mapper.stereo(frame, estimate.odom_T_base, estimate.covariance) is not None:
                self.terrain = self.mapper.terrain
        except PerceptionError as error:
            self.events.append(f"{frame.time_s:.1f} s: picture not used: {error}")
        spent = time.process_time() - began
        self.cpu_s["perception"] += spent
        self.thought_ms.append(1000.0 * spent)

    def _feel(self, joints: Joints) -> None:
        names = {wheel.joint for wheel in self.rover.wheels}
        efforts = [
            abs(float(e)) for n, e in zip(joints.names, joints.effort, strict=True) if n in names
        ]
        self.effort = max(efforts, default=math.nan)

    def _pose(self) -> Pose:
        if self.sighted:
            return self.localizer.estimate
        truth = self.simulator.truth
        return _True(truth.time_s, truth.map_T_base, np.eye(4))

    def _motion(self) -> Motion:
        if not self.sighted:
            return Motion()
        seen = self.localizer.immobility
        slip = mean_slip(seen.slip)
        return Motion(bool(seen.immobile), slip, self.effort)

    def record(self) -> DriveRecord:
        """What there is to say at the end."""
        truth = self.simulator.truth
        verdict = self.scorer.verdict(truth)
        pose = self._pose()
        error = frames.inverse(truth.map_T_base) @ (pose.map_T_odom @ pose.odom_T_base)
        elapsed = max(truth.time_s - self.began_s, 1e-3)
        cycles = np.array(self.cycles_ms or [0.0])
        seen = np.array(self.thought_ms or [0.0])
        return DriveRecord(
            case=self.case.id,
            verdict=verdict,
            ended=self.command.code.name if self.command.done else "TIMEOUT",
            reason=self.command.reason,
            recoveries=self.command.recoveries,
            oracle_m=self.way.length_m if self.way is not None else math.nan,
            straight_m=self.case.distance_m,
            pose_error_m=float(np.hypot(*error[:2, 3])),
            heading_error_deg=math.degrees(abs(frames.yaw(error))),
            cpu_s={name: round(spent, 3) for name, spent in self.cpu_s.items()},
            cycle_ms={
                "navigation_p50": float(np.percentile(cycles[cycles > 3.0], 50))
                if (cycles > 3.0).any()
                else 0.0,
                "navigation_p95": float(np.percentile(cycles, 95)),
                "navigation_max": float(cycles.max()),
                "perception_p50": float(np.percentile(seen, 50)),
                "perception_p95": float(np.percentile(seen, 95)),
            },
            speed_share=self.scorer.driven_m / elapsed / self.config.navigation.speed_mps,
            states=self.states,
            events=self.events[-40:],
        )


@dataclass(frozen=True)
class _True:
    """The true pose, for drivers that are given it."""

    time_s: float
    odom_T_base: np.ndarray
    map_T_odom: np.ndarray


def driven(case: Case, config: DriveConfig | None = None) -> DriveRecord:
    """Run a case."""
    return Drive(case, config).run()
