# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Configuration of imaging."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover.config import bounded


@dataclass(frozen=True)
class ImagingConfig:
    """How pictures are taken."""

    overlap: float = bounded(0.3, 0.05, 0.9, "panorama: share of the field of view two frames show")
    burst_count: int = bounded(5, 1, 50, "burst: frames when the request does not say")
    bracket_stops: float = bounded(2.0, 0.5, 4.0, "bracket: exposure steps, factors of two")
    frame_timeout_s: float = bounded(10.0, 0.5, 120.0, "wall time to wait for a triggered frame")
    settle_s: float = bounded(1.0, 0.0, 10.0, "standing time before a picture after a move")
    first_exposure_us: float = bounded(4000.0, 10.0, 1e6, "where metering begins")
    exposure_min_us: float = bounded(20.0, 1.0, 1e6, "shortest exposure of the camera")
    exposure_max_us: float = bounded(50000.0, 10.0, 1e6, "longest exposure before gain is used")
    gain_max: float = bounded(8.0, 1.0, 64.0, "largest gain of the camera")
    metering_rounds: int = bounded(6, 1, 12, "frames that metering may spend")
    peak_target: float = bounded(215.0, 100.0, 250.0, "wanted value of bright terrain, of 255")
    peak_share: float = bounded(0.003, 0.0, 0.05, "share of terrain allowed above that value")
    clipped_share: float = bounded(0.004, 0.0, 0.1, "share of terrain that may be clipped")
    clipped_from: int = bounded(250, 200, 255, "pixel value that counts as clipped")
    gamma: float = bounded(1.0, 1.0, 3.0, "response of the camera: value = light ** (1 / gamma)")
    view_distance_m: float = bounded(1.5, 0.3, 20.0, "target: wanted distance")
    view_distance_max_m: float = bounded(4.0, 0.5, 50.0, "target: drive closer when farther")
    stitch_correlation: float = bounded(0.35, 0.0, 1.0, "panorama: least agreement at a seam")
    disk_reserve_mb: float = bounded(200.0, 0.0, 1e5, "free space that pictures must leave")
