# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Which sensor can be believed: silent, frozen, absurd; and whether the rover stands still."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig
    from tenacious_rover.localization.wheels import Rolling
    from tenacious_rover.rover.measurements import Imu

Array = NDArray[np.float64]

_FROZEN_SAMPLES = 20


@dataclass
class Sensor:
    """Health of one sensor: when it was last good, and what was wrong since."""

    patience_s: float
    good_s: float = -math.inf
    trouble: str = ""
    refused: int = 0

    def good(self, time_s: float) -> None:
        """A sample was used."""
        self.good_s, self.trouble = max(self.good_s, time_s), ""

    def bad(self, why: str) -> None:
        """A sample was refused."""
        self.trouble, self.refused = why, self.refused + 1

    def lost(self, now: float) -> bool:
        """Nothing good for longer than patience."""
        return now - self.good_s > self.patience_s

    def status(self, now: float) -> str:
        """`ok`, `never` or `lost …` with the reason."""
        if not self.lost(now):
            return "ok"
        if self.good_s == -math.inf and not self.trouble:
            return "never"
        silent = "" if self.good_s == -math.inf else f" for {now - self.good_s:.1f} s"
        return f"lost{silent}: {self.trouble or 'silent'}"


class ImuGate:
    """Refuses inertial samples that are not finite, out of range, or repeat to the last bit."""

    def __init__(self, config: LocalizationConfig, gravity: float) -> None:
        self._gyro, self._accel = config.gyro_limit, config.accel_limit_g * gravity
        self._last: Array | None = None
        self._same = 0

    def refusal(self, imu: Imu) -> str:
        """Why not, or nothing."""
        both = np.concatenate([imu.gyro, imu.accel])
        if both.shape != (6,) or not np.isfinite(both).all():
            return "not a number"
        repeated = self._last is not None and bool((both == self._last).all())
        self._last, self._same = both, self._same + 1 if repeated else 0
        if self._same >= _FROZEN_SAMPLES:
            return "frozen"
        if np.abs(both[:3]).max() > self._gyro:
            return f"rate of {np.abs(both[:3]).max():.1f} rad/s"
        if np.abs(both[3:]).max() > self._accel:
            return f"force of {np.abs(both[3:]).max():.1f} m/s^2"
        return ""


@dataclass
class Stillness:
    """Wheels stand, nothing is commanded, the gyro shows noise around a constant."""

    config: LocalizationConfig
    since_s: float | None = None
    told_s: float = -math.inf
    gyros: deque[Array] = field(default_factory=lambda: deque(maxlen=20))

    def command(self, time_s: float, linear: float, angular: float) -> None:
        """A command that is not zero ends standing still."""
        if linear != 0.0 or angular != 0.0:
            self.told_s = time_s

    def turned(self, gyro: Array) -> None:
        """Every inertial sample, base axes."""
        self.gyros.append(gyro)

    def moved(self) -> None:
        """Something else saw motion."""
        self.since_s = None

    def rolled(self, rolling: Rolling, gyro_bias: Array, bias_sigma: float) -> bool:
        """Whether the rover stands since `still_time_s`."""
        quiet = bool(np.abs(rolling.velocity).max() < self.config.still_wheel_radps)
        quiet &= rolling.time_s - self.told_s > 0.3
        if len(self.gyros) >= 5:
            mean = np.mean(self.gyros, axis=0)
            off = float(np.abs(mean - gyro_bias).max())
            quiet &= off < self.config.still_gyro_radps + 3.0 * bias_sigma
        if not quiet:
            self.since_s = None
        elif self.since_s is None:
            self.since_s = rolling.time_s
        return self.since_s is not None and (
            rolling.time_s - self.since_s >= self.config.still_time_s
        )

    def mean_gyro(self) -> Array | None:
        """(3,) of the newest samples, if there are enough."""
        return np.mean(self.gyros, axis=0) if len(self.gyros) >= 10 else None
