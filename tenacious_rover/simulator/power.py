# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Energy and heat: sunlight in, motors and electronics out, and what parts make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.config import SimulatorConfig

SOLAR_W_PER_M2 = 1361.0
"""At 1 au; the Moon's year moves it by 3.4 %."""
STEFAN_BOLTZMANN = 5.670374419e-8
_EMPTY_V, _FULL_V, _RESISTANCE_OHM = 9.6, 12.4, 0.15
"""Three lithium-ion cells in series, linear between empty and full: assumed."""
ZERO_C = 273.15


class PowerSystem:
    """Battery of `capacity_wh`, charged by a level panel."""

    def __init__(self, config: SimulatorConfig, capacity_wh: float) -> None:
        self._config, self._capacity_j = config, capacity_wh * 3600.0
        self.charge = config.battery_start
        """0..1."""
        self.net_w = 0.0
        """Into the battery."""

    def solar_w(self, cosine: float, lit: bool) -> float:
        """Of the panel: `cosine` between its normal and the sun."""
        config = self._config
        share = max(cosine, 0.0) if lit else 0.0
        return SOLAR_W_PER_M2 * config.panel_area_m2 * config.panel_efficiency * share

    def motors_w(self, torque: NDArray[np.float64], rate: NDArray[np.float64]) -> float:
        """Drawn by motors with torques N m and rates rad/s (n,); braking gives nothing back."""
        config = self._config
        work = float(np.maximum(torque * rate, 0.0).sum()) / config.motor_efficiency
        turning = int(np.count_nonzero(np.abs(rate) > 0.01))
        return work + turning * config.motor_idle_w

    def advance(self, seconds: float, solar_w: float, load_w: float) -> None:
        """Energy balance over `seconds`; a full battery takes no more."""
        self.net_w = solar_w - load_w
        charge = self.charge + self.net_w * seconds / self._capacity_j
        self.charge = min(max(charge, 0.0), 1.0)
        if charge > 1.0:
            self.net_w = 0.0

    @property
    def voltage_v(self) -> float:
        """At the terminals."""
        open_v = _EMPTY_V + (_FULL_V - _EMPTY_V) * self.charge
        # P = V I with V = open + R I.
        root = max(open_v * open_v + 4.0 * _RESISTANCE_OHM * self.net_w, 0.0)
        return 0.5 * (open_v + float(np.sqrt(root)))

    @property
    def current_a(self) -> float:
        """Negative when discharging."""
        return self.net_w / self.voltage_v


class Thermal:
    """Each part one lump: its share of waste heat and sunlight in, radiation out.

    C dT/dt = q - e A sigma (T^4 - T_space^4)
    """

    CAPACITY_J_PER_K = 450.0
    AREA_M2 = 0.02
    EMISSIVITY = 0.6
    ABSORPTION = 0.25
    SUNLIT_M2 = 0.012
    SPACE_K = 3.0
    GROUND_W = 2.0
    """From the sunlit ground around, per part; assumed like all of these."""

    def __init__(self, parts: tuple[str, ...], start_c: float = 15.0) -> None:
        self.parts = parts
        self.kelvin = np.full(len(parts), start_c + ZERO_C)

    def heat_w(self, lit: bool, idle_w: float, motors_w: float) -> NDArray[np.float64]:
        """Into each part (n,), W."""
        sun = SOLAR_W_PER_M2 * self.ABSORPTION * self.SUNLIT_M2 if lit else 0.0
        out = np.full(len(self.parts), sun + self.GROUND_W)
        for number, part in enumerate(self.parts):
            if "motor" in part:
                out[number] += 0.6 * motors_w
            elif "battery" in part:
                out[number] += 0.15 * (idle_w + motors_w)
            else:
                out[number] += 0.7 * idle_w
        return out

    def advance(self, seconds: float, heat_w: NDArray[np.float64]) -> None:
        """One step of heat balance; stable for steps up to minutes."""
        gone = self.EMISSIVITY * self.AREA_M2 * STEFAN_BOLTZMANN
        slope = 4.0 * gone * self.kelvin**3
        rate = heat_w - gone * (self.kelvin**4 - self.SPACE_K**4)
        # Linearised implicit Euler.
        self.kelvin += rate * seconds / (self.CAPACITY_J_PER_K + slope * seconds)

    @property
    def celsius(self) -> dict[str, float]:
        """By part."""
        return {part: float(k - ZERO_C) for part, k in zip(self.parts, self.kelvin, strict=True)}
