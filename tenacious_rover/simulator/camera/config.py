# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Configuration of the camera: how the scene is drawn, and how the sensor sees it."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover.config import bounded, described


@dataclass(frozen=True)
class RenderConfig:
    """How the scene is drawn."""

    micro_relief: bool = described(True, "relief and tone below the height field's resolution")
    pebbles_per_m2: float = bounded(14.0, 0.0, 200.0, "small stones that only the camera knows")
    pebble_min_m: float = bounded(0.012, 0.003, 0.05, "diameter of the smallest")
    pebble_max_m: float = bounded(0.045, 0.005, 0.1, "diameter of the largest")
    antialias: bool = described(True, "more rays at outlines")
    bounce: float = bounded(0.09, 0.0, 1.0, "share of sunlight that lit ground sends back")
    far_km: float = bounded(1.0, 0.2, 5.0, "how far the land goes on around the world")
    far_relief_m: float = bounded(6.0, 0.0, 100.0, "deviation of the hills there")


@dataclass(frozen=True)
class SensorConfig:
    """How the sensor sees: a linear 8-bit colour camera."""

    full_well_e: float = bounded(12000.0, 500.0, 1e6, "electrons that saturate a pixel")
    read_noise_e: float = bounded(9.0, 0.0, 500.0, "deviation of the read-out")
    sensitivity: float = bounded(
        30.0, 0.01, 1e5, "electrons per us of a white surface that faces the sun"
    )
    response_nonuniformity: float = bounded(0.006, 0.0, 0.2, "deviation between pixels")
    vignetting: float = bounded(0.35, 0.0, 1.0, "loss of light in the corners")
    psf_sigma_px: float = bounded(0.55, 0.0, 5.0, "blur of lens and pixel")
    exposure_min_us: float = bounded(20.0, 1.0, 1e6, "shortest exposure")
    exposure_max_us: float = bounded(20000.0, 10.0, 1e6, "longest exposure before gain is used")
    gain_max: float = bounded(16.0, 1.0, 64.0, "largest gain")
    peak: float = bounded(0.82, 0.1, 0.98, "wanted level of the brightest terrain, of full scale")
    highlight: float = bounded(
        1.5, 1.0, 10.0, "brightest terrain over the lit pixels' 90th percentile, at most"
    )
    peak_share: float = bounded(0.003, 0.0, 0.05, "share of lit pixels allowed above that level")
