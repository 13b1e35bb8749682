# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Configuration of soil sampling."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover.config import bounded


@dataclass(frozen=True)
class SamplingConfig:
    """How a sample is taken."""

    search_radius_m: float = bounded(1.5, 0.2, 10.0, "around the wished place or the rover")
    max_slope_deg: float = bounded(10.0, 1.0, 25.0, "steepest patch")
    max_roughness_m: float = bounded(0.012, 0.002, 0.1, "departure of a patch from its plane")
    max_hazard: float = bounded(0.5, 0.0, 1.0, "largest hazard in patch and standing place")
    attempts: int = bounded(3, 1, 6, "patches tried before giving up")
    approach_speed_mps: float = bounded(0.04, 0.01, 0.1, "speed of the last metre")
    approach_tolerance_m: float = bounded(0.2, 0.005, 0.5, "where the drive to the patch may end")
    joint_speed_radps: float = bounded(0.35, 0.05, 2.0, "speed of the scoop's joints")
    contact_effort_nm: float = bounded(0.12, 0.01, 5.0, "rise of lift effort that means ground")
    rock_effort_nm: float = bounded(0.9, 0.05, 20.0, "effort that means rock: stop, try elsewhere")
    rock_rise_m: float = bounded(
        0.0125, 0.003, 0.05, "rise of the front when digging that means rock or too hard ground"
    )
    stall_error_rad: float = bounded(0.15, 0.02, 1.0, "lag of a joint that means it is stuck")
    stall_time_s: float = bounded(0.8, 0.1, 5.0, "how long a lag must last")
    dig_depth_m: float = bounded(0.03, 0.005, 0.08, "how deep the edge goes below the ground")
    drag_m: float = bounded(0.05, 0.0, 0.3, "way forward with the edge in the ground")
    scoop_timeout_s: float = bounded(60.0, 5.0, 300.0, "longest scooping")
    min_volume_ml: float = bounded(3.0, 0.1, 100.0, "less than this is no sample")
    pose_floor_m: float = bounded(0.01, 0.0, 0.2, "standard deviation of the scoop in base_link")
    settle_s: float = bounded(1.0, 0.0, 10.0, "standing time before pictures")
