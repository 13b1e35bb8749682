# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The slow side of the rover: sun sensor, battery, temperatures, once a second and slower."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover.measurements import Battery, Temperature
from tenacious_rover.rover.urdf import Urdf
from tenacious_rover.simulator.light import SunLight
from tenacious_rover.simulator.power import PowerSystem, Thermal
from tenacious_rover.simulator.sensors import SunSensor
from tenacious_rover.simulator.suite import noise_factor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from tenacious_rover.rover.measurements import Measurement
    from tenacious_rover.rover.model import Rover
    from tenacious_rover.simulator.config import SimulatorConfig
    from tenacious_rover.simulator.dynamics import Dynamics
    from tenacious_rover.simulator.faults import Fault
    from tenacious_rover.simulator.ground import World

PERIOD_S = 1.0
TEMPERATURE_PERIOD_S = 5.0
_SUN_LINK, _PANEL_LINK = "sun_sensor_link", "panel_link"
_CLEAR_M = 0.012


class Housekeeping:
    """Light on the rover, and what it means for power and heat."""

    def __init__(
        self,
        world: World,
        rover: Rover,
        config: SimulatorConfig,
        dynamics: Dynamics,
        rng: Generator,
    ) -> None:
        self._world, self._config, self._dynamics = world, config, dynamics
        self._light = SunLight(world)
        self._sun = SunSensor(config, rng)
        self.power = PowerSystem(config, rover.battery_wh)
        self.thermal = Thermal(rover.temperatures)
        urdf = Urdf(rover.urdf)
        top = rover.chassis.center + np.array([0.0, 0.0, rover.chassis.size[2] / 2.0])
        self._sensor_at, self._panel_at = (
            urdf.base_T_link(link)[:3, 3] + (0.0, 0.0, _CLEAR_M) if link in urdf.links else top
            for link in (_SUN_LINK, _PANEL_LINK)
        )
        self._every = round(PERIOD_S / config.step_s)
        self._heat_every = round(TEMPERATURE_PERIOD_S / config.step_s)
        self._work = self._gathered = 0.0
        self._pictures = 0
        self._motors_w = 0.0
        self.lit = True
        """Whether the sun sensor sees the sun."""

    def photographed(self) -> None:
        """A pair of pictures was taken."""
        self._pictures += 1

    def samples(self, active: Sequence[Fault]) -> list[Measurement]:
        """What is due at the present step."""
        dynamics = self._dynamics
        if dynamics.steps % 25 == 0:
            self._gather()
        if dynamics.steps % self._every:
            return []
        now = dynamics.time_s
        found: list[Measurement] = []
        sun = self._world.spec.sun_direction(now)
        map_T_base = dynamics.map_T_base
        dynamics.settle()
        self.lit = self._sees(map_T_base, self._sensor_at, sun)
        if self.lit:
            seen = map_T_base[:3, :3].T @ sun
            found.append(self._sun.sample(now, seen, noise_factor(active, "sun")))
        panel = self._sees(map_T_base, self._panel_at, sun)
        self._balance(float(map_T_base[:3, 2] @ sun), panel)
        found.append(Battery(now, self.power.voltage_v, self.power.current_a, self.power.charge))
        if dynamics.steps % self._heat_every == 0:
            found += [Temperature(now, part, c) for part, c in self.thermal.celsius.items()]
        return found

    def _sees(self, map_T_base: np.ndarray, at: np.ndarray, sun: np.ndarray) -> bool:
        point = map_T_base[:3, :3] @ at + map_T_base[:3, 3]
        return self._light.lit(self._dynamics, point, sun)

    def _gather(self) -> None:
        """Motor power, 20 times a second."""
        dynamics = self._dynamics
        torque = np.asarray(dynamics.data.actuator_force)
        rate = np.asarray(dynamics.data.actuator_velocity)
        self._work += self.power.motors_w(torque, rate)
        self._gathered += 1.0

    def _balance(self, cosine: float, lit: bool) -> None:
        self._motors_w = self._work / max(self._gathered, 1.0)
        self._work = self._gathered = 0.0
        config = self._config
        load = config.idle_w + self._motors_w + config.camera_j * self._pictures / PERIOD_S
        self._pictures = 0
        self.power.advance(PERIOD_S, self.power.solar_w(cosine, lit), load)
        self.thermal.advance(PERIOD_S, self.thermal.heat_w(lit, config.idle_w, self._motors_w))
