# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Configuration of perception: how the ground is seen, kept and judged."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover.config import bounded, described


@dataclass(frozen=True)
class PerceptionConfig:
    """From images to the map and its hazards. Angles in deg, lengths in m unless named px."""

    # Stereo matching.
    matching_scale: float = bounded(1.0, 0.25, 1.0, "size of the matched images, share of full")
    near_m: float = bounded(0.52, 0.1, 2.0, "nearest matched thing at eye height; ground always is")
    block_px: int = bounded(3, 1, 15, "side of a matched block, odd")
    uniqueness_percent: int = bounded(5, 0, 50, "by how much the best match must win")
    speckle_px: int = bounded(150, 0, 2000, "smaller islands of disparity are dropped")
    left_right_px: float = bounded(1.0, 0.0, 8.0, "largest left-right disagreement; 0 is off")
    min_brightness: float = bounded(10.0, 0.0, 255.0, "darker ground is unknown, grey levels")
    min_contrast: float = bounded(1.2, 0.0, 50.0, "standard deviation in a block, grey levels")
    min_correlation: float = bounded(0.55, -1.0, 1.0, "of both eyes' blocks; less is no match")
    max_change_px: float = bounded(0.75, 0.1, 8.0, "of disparity per row; more is an edge")
    max_side_change_px: float = bounded(0.35, 0.1, 8.0, "the same per column")
    disparity_floor_px: float = bounded(0.12, 0.01, 2.0, "standard deviation of a perfect match")
    far_m: float = bounded(7.0, 1.0, 50.0, "farther points are dropped")
    depth_sigma: float = bounded(0.01, 0.0, 0.2, "of a depth camera, share of depth at 1 m")

    # The map.
    resolution_m: float = bounded(0.04, 0.01, 0.2, "of a cell")
    size_m: float = bounded(12.0, 2.0, 60.0, "side of the square around the rover")
    max_gap_px: float = bounded(0.7, 0.0, 5.0, "disparity step within one surface; see docs")
    drift: float = bounded(
        0.005, 0.0, 0.2, "vertical drift of odom over 1 m, m; grows with the root"
    )
    attitude_sigma_deg: float = bounded(0.15, 0.0, 5.0, "roll and pitch of one frame")
    min_sigma_m: float = bounded(0.003, 0.0, 0.05, "below this a cell's deviation never falls")
    outlier_sigma: float = bounded(5.0, 1.0, 20.0, "a cell this far off is seen afresh")
    body_margin_m: float = bounded(0.03, 0.0, 0.2, "around the own body, left out of the map")
    max_tilt_deg: float = bounded(45.0, 5.0, 80.0, "frames taken at more tilt are not used")
    stand: bool = described(True, "the ground under the standing wheels counts as known")

    # Hazards.
    max_slope_deg: float = bounded(20.0, 1.0, 45.0, "lethal slope of the ground under the rover")
    max_step: float = bounded(0.75, 0.1, 2.0, "lethal step, share of the wheel radius")
    max_roughness_m: float = bounded(0.03, 0.002, 0.3, "lethal departure from a plane, rms")

    # Publishing.
    max_wait_s: float = bounded(0.5, 0.0, 5.0, "an image waits this long for its pose")
    points_step_px: int = bounded(4, 1, 64, "every n-th pixel becomes a published point")


@dataclass(frozen=True)
class ClearanceConfig:
    """What a pose must keep. The tilt limit is the rover's own (`Limits.tilt_rad`)."""

    sigma: float = bounded(1.0, 0.0, 5.0, "standard deviations of the map that bounds allow for")
    margin_m: float = bounded(0.010, 0.0, 0.2, "least clearance of body, payload and scoop")
    tilt_share: float = bounded(0.9, 0.1, 1.0, "share of the rover's tilt limit that is used")
    max_articulation_deg: float = bounded(13.0, 0.0, 45.0, "of a rocker against the chassis")
    max_step: float = bounded(0.75, 0.1, 2.0, "step within a wheel's print, share of its radius")
    max_unknown: float = bounded(0.35, 0.0, 1.0, "share of the pose's ground that may be unknown")
    max_wheel_unknown: float = bounded(0.6, 0.0, 1.0, "the same for any one wheel's print")
    unknown_sigma_m: float = bounded(0.02, 0.0, 0.2, "deviation of ground that is not known")
