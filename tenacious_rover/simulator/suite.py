# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The fast sensors of a rover, each at its own rate: IMU and joints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.simulator.faults import GyroBias, Noise, StuckEncoder
from tenacious_rover.simulator.sensors import ImuSensor, JointSensors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from tenacious_rover.rover.measurements import Measurement
    from tenacious_rover.rover.model import Rover
    from tenacious_rover.simulator.config import SimulatorConfig
    from tenacious_rover.simulator.dynamics import Dynamics
    from tenacious_rover.simulator.faults import Fault


def noise_factor(active: Sequence[Fault], sensor: str) -> float:
    """How much noisier a sensor is than it should be."""
    factor = 1.0
    for one in active:
        if isinstance(one, Noise) and one.sensor == sensor:
            factor *= one.factor
    return factor


class SensorSuite:
    """Samples IMU and joints of the dynamics as time passes."""

    def __init__(
        self,
        rover: Rover,
        config: SimulatorConfig,
        dynamics: Dynamics,
        streams: Sequence[Generator],
    ) -> None:
        self._dynamics = dynamics
        self._imu = ImuSensor(config, streams[0])
        names = tuple(wheel.joint for wheel in rover.wheels)
        if rover.scoop is not None:
            names += (rover.scoop.lift_joint, rover.scoop.tilt_joint)
        self._joints = JointSensors(names, config, streams[1])
        self._q = np.concatenate([dynamics.wheel_q, dynamics.scoop_q])
        self._imu_every = max(round(1.0 / (config.imu_hz * config.step_s)), 1)
        self._joints_every = max(round(1.0 / (config.joints_hz * config.step_s)), 1)
        self._sum = np.zeros(6)

    def feel(self) -> None:
        """After each step: gather what the IMU integrates."""
        self._sum += self._dynamics.sensed

    def samples(self, active: Sequence[Fault]) -> list[Measurement]:
        """What is due at the present step."""
        dynamics = self._dynamics
        found: list[Measurement] = []
        now = dynamics.time_s
        if dynamics.steps % self._imu_every == 0:
            mean = self._sum / self._imu_every
            self._sum[:] = 0.0
            steps = [np.array(one.step_radps) for one in active if isinstance(one, GyroBias)]
            step = np.sum(steps, axis=0) if steps else None
            noise = noise_factor(active, "imu")
            found.append(self._imu.sample(now, mean[3:], mean[:3], noise, step))
        if dynamics.steps % self._joints_every == 0:
            names = self._joints.names
            stuck = tuple(names.index(f.joint) for f in active if isinstance(f, StuckEncoder))
            angle = np.asarray(dynamics.data.qpos[self._q])
            torque = np.asarray(dynamics.data.actuator_force)
            noise = noise_factor(active, "joints")
            found.append(self._joints.sample(now, angle, torque, noise, stuck))
        return found
