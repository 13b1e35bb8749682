# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Slip of a wheel per traction, from soil constants: what Gazebo's WheelSlip system takes."""

from __future__ import annotations

import math
from typing import Protocol

TRACTION = 0.15
"""Pull over load where the system's straight line meets the soil's curve: a slope of 9 degrees."""


class Soil(Protocol):
    """Bekker, Wong and Reece, Janosi and Hanamoto; SI units."""

    @property
    def exponent(self) -> float:
        """n, of sinkage."""

    @property
    def k_c(self) -> float:
        """N/m^(n+1)."""

    @property
    def k_phi(self) -> float:
        """N/m^(n+2)."""

    @property
    def cohesion_pa(self) -> float:
        """C."""

    @property
    def friction_deg(self) -> float:
        """phi, degrees."""

    @property
    def shear_k_m(self) -> float:
        """K, shear displacement at 63 % of the strength."""


def sinkage(soil: Soil, load_n: float, radius_m: float, width_m: float) -> float:
    """Static sinkage of a rigid wheel, m (Bekker 1969)."""
    n, modulus = soil.exponent, soil.k_c / width_m + soil.k_phi
    root = 3.0 * load_n / (width_m * (3.0 - n) * modulus * math.sqrt(2.0 * radius_m))
    return float(root ** (2.0 / (2.0 * n + 1.0)))


def traction(soil: Soil, slip: float, load_n: float, radius_m: float, width_m: float) -> float:
    """Pull over load at a slip of 0..1: Janosi and Hanamoto over the contact's length."""
    length = math.sqrt(2.0 * radius_m * sinkage(soil, load_n, radius_m, width_m))
    limit = soil.cohesion_pa * width_m * length / load_n + math.tan(math.radians(soil.friction_deg))
    x = slip * length / soil.shear_k_m
    return limit * (1.0 - (1.0 - math.exp(-x)) / x) if x > 1e-9 else 0.0


def compliance(soil: Soil, load_n: float, radius_m: float, width_m: float) -> float:
    """Slip per traction, of the line through the soil's curve at `TRACTION`."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2.0
        if traction(soil, middle, load_n, radius_m, width_m) < TRACTION:
            low = middle
        else:
            high = middle
    return high / TRACTION
