# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""All estimators on the same measurements of a loop, and what they say noted beside the truth."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.campaign.loop_peers import Dense, DepthPnp, Kiss, WheelsAlone
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.localizer import Localizer
from tenacious_rover.rover import frames
from tenacious_rover.rover.measurements import Joints, Stereo, Sun

if TYPE_CHECKING:
    from tenacious_rover.rover.measurements import Measurement
    from tenacious_rover.rover.model import Rover
    from tenacious_rover.simulator.engine import Simulator
    from tenacious_rover.simulator.world import WorldSpec

WHEELS, PNP, KISS = "wheels alone", "OpenCV RGB-D (PnP)", "kiss-icp"
_NOTE_EVERY = 5
"""Of the driver's steps of a tenth of a second."""


@dataclass(frozen=True)
class Alarm:
    """The rover was called stuck; `moving` is the true speed of the last second over the command's.

    Called stuck although it made more than a quarter of what was commanded, it is a false alarm.
    """

    time_s: float
    reason: str
    moving: float

    @property
    def false(self) -> bool:
        """Whether it moved."""
        return self.moving > 0.25


class Crew:
    """Ours with and without the sun sensor, and the peers.

    Attributes:
        log: columns of truth and estimates, twice a second.
        alarms: of ours.
        frame_ms: CPU time of ours per pair.
        cpu_s: CPU time by estimator.
    """

    def __init__(self, rover: Rover, spec: WorldSpec, height_m: float, thorough: bool) -> None:
        config = LocalizationConfig(start_yaw_sigma_deg=0.5)
        start = frames.planar(*spec.start, height_m)
        self.ours = Localizer(rover, config, start, spec)
        self.no_sun = Localizer(rover, config, start, spec)
        self.wheels = WheelsAlone(rover, config, start)
        self.pnp, self._dense = DepthPnp(rover, start), Dense(rover)
        self.kiss: Kiss | None = None
        if thorough:
            with contextlib.suppress(ImportError):
                self.kiss = Kiss(start)
        self.log: dict[str, list[Any]] = defaultdict(list)
        self.alarms: list[Alarm] = []
        self.frame_ms: list[float] = []
        self.cpu_s: dict[str, float] = defaultdict(float)
        self._was_stuck = False
        self._speeds: deque[tuple[float, float]] = deque([(0.0, 0.0)], 10)
        self._steps = 0

    @property
    def peers(self) -> dict[str, Any]:
        """Name to estimator."""
        found: dict[str, Any] = {WHEELS: self.wheels, PNP: self.pnp}
        return found if self.kiss is None else {**found, KISS: self.kiss}

    def step(self, simulator: Simulator, linear: float, angular: float, seconds: float) -> None:
        """Let the simulator drive on for a moment, hear what it measures, note."""
        simulator.drive(linear, angular)
        self.ours.command(simulator.time_s, linear, angular)
        self.no_sun.command(simulator.time_s, linear, angular)
        began = time.process_time()
        samples = simulator.advance(seconds)
        self.cpu_s["simulator"] += time.process_time() - began
        for sample in samples:
            self._take(sample)
        truth = simulator.truth
        told, made = (linear, truth.linear[0]) if linear else (angular, truth.angular[2])
        self._speeds.append((abs(told), float(np.sign(told) * made)))
        stuck = self.ours.immobility.immobile
        if stuck and not self._was_stuck:
            told, made = np.mean(self._speeds, axis=0)
            moving = made / max(told, 1e-6)
            self.alarms.append(Alarm(truth.time_s, self.ours.immobility.reason, float(moving)))
        self._was_stuck = stuck
        if self._steps % _NOTE_EVERY == 0:
            self._note(truth)
        self._steps += 1

    def _take(self, sample: Measurement) -> None:
        spent = self._timed("ours", self.ours.take, sample)
        if not isinstance(sample, Sun):
            self._timed("no_sun", self.no_sun.take, sample)
        if isinstance(sample, Joints):
            self._timed(WHEELS, self.wheels.take, sample)
        if isinstance(sample, Stereo):
            self.frame_ms.append(1e3 * spent)
            began = time.process_time()
            depth, grey = self._dense(sample)
            self.cpu_s["dense stereo"] += time.process_time() - began
            self._timed(PNP, self.pnp.take, grey, depth)
            if self.kiss is not None:
                self._timed(KISS, self.kiss.take, self._dense.points(depth))

    def _timed(self, name: str, work: Any, *arguments: Any) -> float:
        began = time.process_time()
        work(*arguments)
        spent = time.process_time() - began
        self.cpu_s[name] += spent
        return spent

    def _note(self, truth: Any) -> None:
        mine, log = self.ours.estimate, self.log
        log["time"].append(truth.time_s)
        log["truth"].append(truth.map_T_base)
        log["ours"].append(mine.map_T_base)
        log["covariance"].append(mine.covariance)
        log["no_sun"].append(self.no_sun.estimate.map_T_base)
        log["map_T_odom"].append(mine.map_T_odom)
        for name, peer in self.peers.items():
            log[name].append(peer.pose.copy())
