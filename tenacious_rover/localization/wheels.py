# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Skid-steer odometry from joint velocities, and the slip of each wheel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig
    from tenacious_rover.rover.measurements import Joints
    from tenacious_rover.rover.model import Rover

Array = NDArray[np.float64]

_SANE_FACTOR = 5.0
"""A wheel faster than this many times the rover's top speed is a broken reading."""


@dataclass(frozen=True)
class Rolling:
    """What the wheels do: arrays (n,) in the order of the rover's wheels."""

    time_s: float
    position: Array
    """rad"""
    velocity: Array
    """rad/s"""
    effort: Array
    """N m, NaN where there is none"""
    forward: float
    """m/s of base_link along x, as if nothing slipped"""
    turning: float
    """rad/s about z, as if nothing slipped but what `track_scale` says"""


class WheelReader:
    """Joint samples to `Rolling`, or the reason why one cannot be used."""

    def __init__(self, rover: Rover, config: LocalizationConfig) -> None:
        self._names = [wheel.joint for wheel in rover.wheels]
        self._side = np.array([float(wheel.side) for wheel in rover.wheels])
        self.radius = rover.wheel_radius_m * config.wheel_radius_scale
        self._track = rover.track_m * config.track_scale
        top = rover.limits.speed_mps + rover.limits.turn_rate_radps * self._track
        self._sane_radps = _SANE_FACTOR * top / self.radius
        self._order: tuple[tuple[str, ...], list[int]] | None = None
        self._frozen_since: float | None = None
        self._last: Rolling | None = None

    def read(self, joints: Joints) -> Rolling | str:
        """The wheels' part of a sample; a text says why it is refused."""
        indices = self._indices(joints.names)
        if isinstance(indices, str):
            return indices
        if len(joints.velocity) != len(joints.names) or len(joints.position) != len(joints.names):
            return "positions or velocities are missing"
        velocity = np.asarray(joints.velocity, float)[indices]
        position = np.asarray(joints.position, float)[indices]
        effort = np.full(len(indices), np.nan)
        if len(joints.effort) == len(joints.names):
            effort = np.asarray(joints.effort, float)[indices]
        if not (np.isfinite(velocity).all() and np.isfinite(position).all()):
            return "not a number"
        if np.abs(velocity).max() > self._sane_radps:
            return f"a wheel at {np.abs(velocity).max():.0f} rad/s"
        speed = velocity * self.radius
        left, right = speed[self._side > 0].mean(), speed[self._side < 0].mean()
        rolling = Rolling(
            joints.time_s,
            position,
            velocity,
            effort,
            float(left + right) / 2.0,
            float(right - left) / self._track,
        )
        return self._unfrozen(rolling)

    def ground_speed(self, forward: float, turning: float) -> Array:
        """(n,) m/s of each wheel's axle along x, of a body that moves like that."""
        return forward - turning * self._side * self._half_track

    @property
    def _half_track(self) -> float:
        return self._track / 2.0

    def _indices(self, names: tuple[str, ...]) -> list[int] | str:
        if self._order is None or self._order[0] != names:
            missing = [name for name in self._names if name not in names]
            if missing:
                return f"joint {missing[0]} is missing"
            self._order = (names, [names.index(name) for name in self._names])
        return self._order[1]

    def _unfrozen(self, rolling: Rolling) -> Rolling | str:
        """Refuse wheels that claim speed while their angles stand still for a third of a second."""
        last, self._last = self._last, rolling
        moved = last is None or bool((rolling.position != last.position).any())
        if moved or np.abs(rolling.velocity).max() < 0.1:
            self._frozen_since = None
        elif self._frozen_since is None:
            self._frozen_since = rolling.time_s
        elif rolling.time_s - self._frozen_since > 0.3:
            return "frozen"
        return rolling


def slip(rolling_mps: Array, ground_mps: Array, floor_mps: float = 0.005) -> Array:
    """Slip (n,), 1 - ground / wheel; NaN where a wheel stands; 1 is spinning in place."""
    out = np.full(rolling_mps.shape, np.nan)
    turning = np.abs(rolling_mps) > floor_mps
    out[turning] = 1.0 - ground_mps[turning] / rolling_mps[turning]
    return np.asarray(np.clip(out, -2.0, 2.0))
