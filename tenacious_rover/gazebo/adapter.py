# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""From what Gazebo says to what the contract wants: numbers only, no ROS."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.rover.urdf import Urdf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tenacious_rover.gazebo.config import GazeboConfig
    from tenacious_rover.gazebo.light import Ground
    from tenacious_rover.rover.model import Rover


def charge(percentage: float) -> float:
    """0..1 of Gazebo's 0..100, as its battery system publishes it through the bridge."""
    return min(max(percentage / 100.0, 0.0), 1.0)


def sun_in_base(
    map_T_base: NDArray[np.float64],
    sun: NDArray[np.float64],
    ground: Ground,
    config: GazeboConfig,
    rng: np.random.Generator,
) -> NDArray[np.float64] | None:
    """Unit vector (3,) as the sensor on the deck measures it; `None` in shadow or at night.

    Args:
        map_T_base: (4, 4) of the rover.
        sun: (3,) unit vector in map.
        ground: that may hide it.
        config: noise.
        rng: of the noise.
    """
    sensor = map_T_base[:3, 3] + map_T_base[:3, :3] @ np.array([0.0, 0.0, 0.15])
    inside = map_T_base[:3, :3].T @ sun
    if inside[2] < 0.0 or ground.shadowed(sensor, sun):
        return None
    noisy = inside + rng.normal(0.0, math.radians(config.sun_noise_deg) / math.sqrt(2.0), 3)
    return np.asarray(noisy / np.linalg.norm(noisy))


def temperatures(rover: Rover, running_s: float, config: GazeboConfig) -> dict[str, float]:
    """Part to degrees Celsius: first-order warming of what has power, from the ambient."""
    share = 1.0 - math.exp(-max(running_s, 0.0) / config.warming_s)
    above = {"electronics": 1.0, "motors": 2.0, "battery": 0.5}
    return {
        part: config.ambient_c + config.warming_c * above.get(part, 0.5) * share
        for part in rover.temperatures
    }


class Exposure:
    """Exposure and gain on pictures of a simulator whose own exposure cannot be set.

    Pixels are scaled against the exposure that Gazebo's pictures stand for: an overexposed setting
    clips as on a camera, but what Gazebo clipped itself stays clipped.
    """

    def __init__(self, nominal_us: float) -> None:
        self.nominal_us = nominal_us
        self.automatic, self.exposure_us, self.gain = True, nominal_us, 1.0

    def set(self, automatic: bool, exposure_us: float, gain: float) -> str:
        """Take settings, zero for unchanged; returns what is wrong with them."""
        for name, value, high in (("exposure_us", exposure_us, 1e6), ("gain", gain, 64.0)):
            if not 0.0 <= value <= high:
                return f"{name}: {value:g} is not from 0 to {high:g}"
        self.automatic = automatic
        if automatic:
            self.exposure_us, self.gain = self.nominal_us, 1.0
        else:
            self.exposure_us = exposure_us or self.exposure_us
            self.gain = gain or self.gain
        return ""

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture under the present settings."""
        factor = self.exposure_us * self.gain / self.nominal_us
        if self.automatic or factor == 1.0:
            return pixels
        return np.clip(pixels.astype(np.float32) * factor, 0, 255).astype(np.uint8)


def wrong_trajectory(rover: Rover, names: Sequence[str], points: Sequence[Sequence[float]]) -> str:
    """What is wrong with a command to the scoop; empty when Gazebo may have it."""
    if rover.scoop is None:
        return "this rover has no scoop"
    limits: Mapping[str, Any] = {
        rover.scoop.lift_joint: rover.scoop.lift_limits,
        rover.scoop.tilt_joint: rover.scoop.tilt_limits,
    }
    unknown = sorted(set(names) - set(limits))
    if unknown or not names or not points:
        return f"joints {', '.join(unknown) or 'none'}: known are {', '.join(limits)}"
    for positions in points:
        if len(positions) != len(names):
            return f"{len(positions)} positions for {len(names)} joints"
        for name, value in zip(names, positions, strict=True):
            low, high = limits[name]
            if not low - 0.02 <= value <= high + 0.02:
                return f"{name}: {value:.3g} rad is not from {low:g} to {high:g}"
    return ""


def told_joints(rover: Rover) -> set[str]:
    """Names of joints that `joint_states` is about: all that move."""
    model = Urdf(rover.urdf, rover.name)
    return {joint.name for joint in model.joints.values() if joint.kind != "fixed"}
