# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What sensors make of the truth: bias, random walk, noise, quantisation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover.measurements import Imu, Joints, Sun

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from tenacious_rover.simulator.config import SimulatorConfig

    Array = NDArray[np.float64]


class ImuSensor:
    """Gyro and accelerometer whose samples are means over the sampling interval.

    Bias: constant of a normal distribution plus a random walk. White noise: density times the root
    of the rate.
    """

    def __init__(self, config: SimulatorConfig, rng: Generator) -> None:
        self._config, self._rng = config, rng
        self.gyro_bias = config.gyro_bias_radps * rng.standard_normal(3)
        self.accel_bias = config.accel_bias_mps2 * rng.standard_normal(3)

    def sample(
        self,
        time_s: float,
        gyro: Array,
        accel: Array,
        noise: float = 1.0,
        step: Array | None = None,
    ) -> Imu:
        """A sample of the true mean rate and specific force (3,), both in the IMU's frame.

        Args:
            time_s: end of the interval.
            gyro: rad/s.
            accel: m/s^2; +g up at rest.
            noise: factor of the white noise.
            step: added to the gyro, rad/s (3,).
        """
        config, rng = self._config, self._rng
        dt = 1.0 / config.imu_hz
        self.gyro_bias = self.gyro_bias + config.gyro_walk * math.sqrt(dt) * rng.standard_normal(3)
        self.accel_bias = self.accel_bias + config.accel_walk * math.sqrt(dt) * rng.standard_normal(
            3
        )
        root = noise / math.sqrt(dt)
        seen = gyro + self.gyro_bias + config.gyro_noise * root * rng.standard_normal(3)
        felt = accel + self.accel_bias + config.accel_noise * root * rng.standard_normal(3)
        return Imu(time_s, seen if step is None else seen + step, felt)


class JointSensors:
    """Encoders that count whole ticks, and torque from motor current."""

    SPAN = 5
    """Readings over which speed is counted."""

    def __init__(self, names: tuple[str, ...], config: SimulatorConfig, rng: Generator) -> None:
        self.names, self._config, self._rng = names, config, rng
        self.tick = 2.0 * math.pi / config.encoder_counts
        self._past: list[tuple[float, Array]] = []
        self._held: dict[int, float] = {}

    def sample(
        self,
        time_s: float,
        angle: Array,
        torque: Array,
        noise: float = 1.0,
        stuck: tuple[int, ...] = (),
    ) -> Joints:
        """A sample of true angles (n,) rad and motor torques (n,) N m.

        Args:
            time_s: now.
            angle: rad.
            torque: N m.
            noise: factor of the torque's noise.
            stuck: numbers of the joints whose encoder keeps its reading.
        """
        counted = np.floor(angle / self.tick) * self.tick
        for joint in stuck:
            self._held.setdefault(joint, float(counted[joint]))
            counted[joint] = self._held[joint]
        self._held = {joint: value for joint, value in self._held.items() if joint in stuck}
        self._past = [*self._past[-self.SPAN :], (time_s, counted)]
        since, before = self._past[0]
        speed = np.zeros_like(counted)
        if time_s > since:
            speed = (counted - before) / (time_s - since)
        spread = noise * self._config.torque_noise_nm
        felt = torque + spread * self._rng.standard_normal(len(torque))
        return Joints(time_s, self.names, counted, speed, felt)


class SunSensor:
    """Direction to the sun, with an error of the angles about two axes across it."""

    def __init__(self, config: SimulatorConfig, rng: Generator) -> None:
        self._config, self._rng = config, rng

    def sample(self, time_s: float, direction: Array, noise: float = 1.0) -> Sun:
        """A sample of the true unit vector (3,) in base_link."""
        spread = math.radians(self._config.sun_noise_deg) * noise
        seen = direction + spread * np.cross(direction, self._rng.standard_normal(3))
        return Sun(time_s, seen / np.linalg.norm(seen))
