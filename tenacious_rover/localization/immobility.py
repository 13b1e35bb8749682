# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Does the rover move as told? Slip per wheel, sinkage from motor torque, and being stuck.

Being stuck is judged from what the wheels cannot fake: visual motion for driving, gyro for turning.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization.wheels import Rolling, WheelReader, slip

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig
    from tenacious_rover.rover.model import Rover

Array = NDArray[np.float64]

_OBEY_S = 1.0
"""From a command's stamp until it must show: its way to the platform, and the wheels' own."""
_WAYS = 400
"""Samples of wheels kept: pictures are worked on when the wheels are up to seconds ahead."""


@dataclass(frozen=True)
class Immobility:
    """As of `time_s`; `slip` and `sinkage_hint_m` (n,) in the order of the rover's wheels."""

    time_s: float
    slip: Array
    sinkage_hint_m: Array
    immobile: bool
    commanded_mps: float
    measured_mps: float
    reason: str = ""


class ImmobilityMonitor:
    """Fed by every part of localization; `newest` is the present judgement."""

    def __init__(self, rover: Rover, config: LocalizationConfig, reader: WheelReader) -> None:
        self._config, self._reader = config, reader
        self._width = rover.wheels[0].width_m
        self._weight_share = rover.mass_kg * rover.gravity_mps2 / len(rover.wheels)
        self._command: tuple[float, float, float] = (-math.inf, 0.0, 0.0)
        self._told_since: float | None = None
        self._still_since: float | None = None
        self._turned = 0.0
        self._seen: tuple[float, float] | None = None
        self._stuck_seen_s = 0.0
        self._rolled_before = False
        self._ways: deque[tuple[float, float, float]] = deque([(-1e9, 0.0, 0.0)], _WAYS)
        self._rolling: Rolling | None = None
        self._slow_turn_s = 0.0
        self._stall_s = 0.0
        self._stuck: dict[str, bool] = {}
        count = len(rover.wheels)
        nothing = np.full(count, np.nan)
        self.newest = Immobility(0.0, nothing, nothing.copy(), False, 0.0, 0.0)

    def command(self, time_s: float, linear: float, angular: float) -> None:
        """What the rover was told, m/s and rad/s."""
        if not (math.isfinite(linear) and math.isfinite(angular)):
            linear = angular = 0.0
        told = abs(linear) >= self._config.stuck_min_mps or abs(angular) >= 0.05
        before = self._command
        reversed_ = before[1] * linear < 0.0 or before[2] * angular < 0.0
        if not told or reversed_:
            self._told_since, self._stuck = None, {}
        elif self._told_since is None:
            self._told_since = time_s
        self._command = (time_s, linear, angular)

    def rolled(self, rolling: Rolling, forward: float, turning: float, pitch: float) -> None:
        """Wheels, with the filter's speed (m/s, rad/s) and pitch (rad, nose down positive)."""
        last = self._rolling
        self._rolling = rolling
        dt = 0.0 if last is None else min(max(rolling.time_s - last.time_s, 0.0), 0.2)
        told_v, told_w = self._told(rolling.time_s)
        _, wheel_way, told_way = self._ways[-1]
        begun = self._told_since is not None and rolling.time_s - self._told_since > _OBEY_S
        due_v = told_v if begun else 0.0
        ahead = (wheel_way + rolling.forward * dt, told_way + due_v * dt)
        self._ways.append((rolling.time_s, *ahead))
        self._judge_turning(rolling, turning, told_v, told_w, dt)
        self._judge_stall(rolling, told_v, told_w, dt)
        self._publish(rolling, forward, turning, told_v, pitch)

    def seen(self, time_s: float, step: Array, seconds: float, sure: float) -> None:
        """Visual motion: `step` (3,) m, `sure` to one sigma, in the `seconds` up to `time_s`."""
        if time_s > self._ways[-1][0] + 0.1:
            # Wheels that have not been heard of yet cannot be compared.
            return
        self._seen = (time_s, float(step[0]) / max(seconds, 1e-3))
        # Forwards is positive: rolling back while the wheels drive forwards is no progress.
        ways = self._way(time_s) - self._way(time_s - seconds)
        due = float(ways[int(np.argmax(np.abs(ways)))])
        progress, due = float(step[0]) * math.copysign(1.0, due), abs(due)
        enough = due > max(4.0 * sure, self._config.stuck_min_mps * seconds)
        # From rest, wheels spin in place until the soil below them has sheared enough to push.
        begun, self._rolled_before = self._rolled_before, enough
        if abs(self._told(time_s)[0]) < self._config.stuck_min_mps and abs(ways[0]) < 0.01:
            self._stuck.pop("seen", None)
            self._stuck_seen_s = 0.0
        elif begun and enough and progress + 2.0 * sure < self._config.stuck_share * due:
            self._stuck_seen_s += seconds
            if self._stuck_seen_s >= 0.95 * self._config.stuck_time_s:
                self._stuck["seen"] = True
        elif progress > 1.5 * self._config.stuck_share * due:
            self._stuck_seen_s = 0.0
            self._stuck.pop("seen", None)

    def blind(self) -> None:
        """The newest picture told nothing: what was seen before it is void."""
        self._stuck_seen_s = 0.0

    # -- inside -------------------------------------------------------------------------------

    def _way(self, time_s: float) -> Array:
        """Signed way (2,) of wheels and command up to a time, m, whenever it is asked."""
        times, wheels, told = zip(*self._ways, strict=True)
        return np.array([np.interp(time_s, times, wheels), np.interp(time_s, times, told)])

    def _told(self, time_s: float) -> tuple[float, float]:
        """The command in force; the contract's time-out ends it."""
        when, linear, angular = self._command
        return (linear, angular) if time_s - when < 0.6 else (0.0, 0.0)

    def _judge_turning(
        self, rolling: Rolling, turning: float, told_v: float, told_w: float, dt: float
    ) -> None:
        """A turn on the spot that the gyro does not see."""
        on_spot = abs(told_w) >= 0.05 and abs(told_v) < self._config.stuck_min_mps
        settled = self._told_since is not None and rolling.time_s - self._told_since > 0.5
        if not (on_spot and settled):
            self._slow_turn_s = 0.0
            self._stuck.pop("turn", None)
        elif abs(turning) < 0.5 * self._config.stuck_share * abs(told_w):
            self._slow_turn_s += dt
            if self._slow_turn_s >= self._config.stuck_time_s:
                self._stuck["turn"] = True
        else:
            self._slow_turn_s = 0.0
            self._stuck.pop("turn", None)

    def _judge_stall(self, rolling: Rolling, told_v: float, told_w: float, dt: float) -> None:
        """Wheels that do not follow the command at all."""
        wanted = np.abs(self._reader.ground_speed(told_v, told_w))
        speed = np.abs(rolling.velocity) * self._reader.radius
        settled = self._told_since is not None and rolling.time_s - self._told_since > 0.3
        slow = speed.max() < 0.1 * wanted.max() if wanted.max() > 0 else False
        if settled and wanted.max() >= self._config.stuck_min_mps and slow:
            self._stall_s += dt
            if self._stall_s >= self._config.stuck_time_s:
                self._stuck["stall"] = True
        else:
            self._stall_s = 0.0
            self._stuck.pop("stall", None)

    def _publish(
        self, rolling: Rolling, forward: float, turning: float, told_v: float, pitch: float
    ) -> None:
        if self._seen is not None and rolling.time_s - self._seen[0] < 1.2:
            forward = self._seen[1]
        speed = rolling.velocity * self._reader.radius
        words = {
            "seen": "the picture does not move as the wheels do",
            "turn": "the gyro does not turn as told",
            "stall": "the wheels do not turn as told",
        }
        self.newest = Immobility(
            rolling.time_s,
            slip(speed, self._reader.ground_speed(forward, turning)),
            self._sinkage(rolling, pitch),
            bool(self._stuck),
            told_v,
            forward,
            "; ".join(words[key] for key in self._stuck),
        )

    def _sinkage(self, rolling: Rolling, pitch: float) -> Array:
        """Sinkage (n,) m whose compaction resistance the torque overcomes, slope taken off.

        Resistance b k z^2 / 2: Bekker, "Introduction to Terrain-Vehicle Systems" (1969), n = 1.
        """
        radius = self._reader.radius
        direction = np.sign(rolling.velocity)
        slope = -self._weight_share * math.sin(pitch) * direction
        resistance = np.maximum(rolling.effort * direction / radius - slope, 0.0)
        sinkage = np.sqrt(2.0 * resistance / (self._width * self._config.soil_stiffness))
        sinkage[np.abs(rolling.velocity) < 0.05] = np.nan
        return np.asarray(sinkage)
