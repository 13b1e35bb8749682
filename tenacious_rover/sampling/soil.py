# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What else pictures and torques tell of the soil: texture, brightness, colour, strength."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Scoop


def texture(
    rgb: NDArray[np.uint8], pixel: tuple[float, float], mm_per_px: float, half_px: int = 60
) -> dict[str, float]:
    """Contrast by grain size, and colour, of the ground around a pixel (u, v).

    The share of contrast in each octave is a difference of two blurs over the mean brightness; the
    grain scale is the octave with the most, which is no sieve analysis but compares samples.
    """
    u, v = round(pixel[0]), round(pixel[1])
    top, left = max(v - half_px, 0), max(u - half_px, 0)
    tile = rgb[top : v + half_px, left : u + half_px].astype(np.float32)
    if tile.shape[0] < 16 or tile.shape[1] < 16:
        return {}
    means = tile.reshape(-1, 3).mean(axis=0) + 1e-6
    grey = tile.mean(axis=2) / float(means.mean())
    scales = [1.0, 2.0, 4.0, 8.0]
    blurs = [grey, *[cv2.GaussianBlur(grey, (0, 0), s) for s in scales]]
    contrast = [float((a - b).std()) for a, b in pairwise(blurs)]
    strongest = scales[int(np.argmax(contrast))]
    return {
        "brightness": float(means.mean()),
        "red_over_green": float(means[0] / means[1]),
        "blue_over_green": float(means[2] / means[1]),
        "contrast": float(grey.std()),
        "grain_scale_mm": strongest * mm_per_px,
    }


def strength(scoop: Scoop, peak_effort_nm: float, depth_m: float) -> dict[str, float]:
    """Force at the edge and mean resistance of the soil on the blade, from the peak torque."""
    lever = scoop.arm_length_m + scoop.blade_length_m
    force = peak_effort_nm / lever
    area = scoop.blade_width_m * max(depth_m, 1e-3)
    return {
        "edge_force_n": force,
        "resistance_kpa": force / area / 1000.0,
        "penetration_m": depth_m,
    }
