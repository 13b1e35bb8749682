# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Configuration of the adapter."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover.config import bounded, described


@dataclass(frozen=True)
class GazeboConfig:
    """What Gazebo does not say, and how the adapter says it."""

    world: str = described("first_traverse", "exported world: its name or folder")
    drive_rate_hz: float = bounded(20.0, 5.0, 100.0, "commands to the wheels")
    sun_noise_deg: float = bounded(0.5, 0.0, 10.0, "standard deviation of the sun sensor")
    exposure_us: float = bounded(2000.0, 1.0, 1e6, "that Gazebo's pictures stand for, at gain 1")
    ambient_c: float = bounded(20.0, -100.0, 100.0, "temperature of parts that do nothing")
    warming_c: float = bounded(12.0, 0.0, 100.0, "of electronics above that, settled; motors twice")
    warming_s: float = bounded(900.0, 1.0, 1e5, "time constant of warming")
