# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Configuration of the Moonhouse's deployment."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover.config import bounded


@dataclass(frozen=True)
class PayloadConfig:
    """Limits and distances of a deployment."""

    search_radius_m: float = bounded(2.0, 0.2, 10.0, "around the wished place or the rover")
    max_slope_deg: float = bounded(6.0, 0.5, 15.0, "steepest site while there is such a one")
    steepest_deg: float = bounded(9.0, 0.5, 15.0, "steepest site at all; no less than that")
    max_roughness_m: float = bounded(0.008, 0.001, 0.05, "departure of a site from its plane")
    max_hazard: float = bounded(0.5, 0.0, 1.0, "largest hazard in site and standing place")
    lander_clearance_m: float = bounded(2.5, 0.0, 20.0, "from the origin of map to the site")
    release_tilt_deg: float = bounded(10.0, 1.0, 20.0, "interlock: largest tilt of the rover")
    rest_speed_mps: float = bounded(0.01, 0.001, 0.05, "interlock: at rest below this")
    rest_turn_radps: float = bounded(0.05, 0.001, 0.2, "interlock: at rest below this")
    rest_time_s: float = bounded(2.0, 0.5, 20.0, "interlock: at rest for this long")
    pose_age_s: float = bounded(1.0, 0.1, 5.0, "interlock: oldest pose that counts")
    window_open_s: float = bounded(1.0, 0.1, 10.0, "interlock: earliest release after arming")
    window_close_s: float = bounded(15.0, 1.0, 29.0, "interlock: latest release after arming")
    site_attempts: int = bounded(6, 1, 10, "sites tried before the house stays on")
    release_attempts: int = bounded(3, 1, 5, "tries when the latch sticks")
    release_wait_s: float = bounded(4.0, 0.5, 20.0, "for the latch to report that it let go")
    back_off_m: float = bounded(0.3, 0.2, 2.0, "straight back after release")
    back_off_speed_mps: float = bounded(0.03, 0.01, 0.1, "speed of backing off")
    photo_distance_m: float = bounded(0.4, 0.2, 3.0, "from the camera to the house")
    upright_deg: float = bounded(15.0, 2.0, 45.0, "largest lean of a house that stands")
    settle_s: float = bounded(1.0, 0.0, 10.0, "standing time before pictures")
