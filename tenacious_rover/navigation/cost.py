# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a metre of ground costs, from the layers of the terrain map.

In the manner of ENav (arXiv 2011.06022) the cost ranks paths; whether a path is safe is decided by
the rover's geometry on it (`local.py`). So a hazard is dear here, not forbidden; only zones are.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tenacious_rover.perception.config import ClearanceConfig

if TYPE_CHECKING:
    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.perception.slip import SlipModel
    from tenacious_rover.perception.terrain_map import TerrainMap
    from tenacious_rover.rover.model import Rover

Layer = NDArray[np.float32]
NEEDED = ("elevation", "hazard", "slope", "roughness")
"""Layers that the cost is made of."""
_ROUGH_M = 0.03
_EVEN = 0.5
"""Share of that: a plane with small stones is even, one with a rock is not."""
_SLOPES = np.radians(np.arange(0.0, 31.0, 1.0))


class GroundCost(NamedTuple):
    """Cost per metre (rows, columns) for the rover's centre, NaN where nothing was ever seen.

    `easy`: of slope, roughness and slip alone, which hold however well the rover stands there;
    `whole`: with what is near a hazard.
    """

    easy: Layer
    whole: Layer


def ground_cost(
    terrain: TerrainMap, rover: Rover, config: NavigationConfig, slip: SlipModel | None = None
) -> GroundCost:
    """What the rover's centre pays on each cell, at least 1.

    Steps are widened by half the rover's width at full cost and fade out over half its length.
    Slope and roughness are of a square of that width already: widened again, they would close gaps
    that are open.

    Even ground too steep to be climbed out of again is a hazard though the rover would stand there;
    what is steep and rough is rocks, of which its geometry knows more.
    With a model of slip, a slope costs what the wheels must turn more to climb it, and one where
    they are expected to slip beyond the limit is such ground.
    """
    layers, res = terrain.layers, terrain.resolution_m
    seen = np.isfinite(layers["elevation"])
    hazard = np.nan_to_num(layers["hazard"], nan=0.0)
    steepness = np.nan_to_num(layers["slope"], nan=0.0)
    slope = steepness / rover.limits.tilt_rad
    roughness = np.nan_to_num(layers["roughness"], nan=0.0) / _ROUGH_M
    easy = 1.0 + config.slope_weight * np.clip(slope, 0.0, 1.5) ** 2
    easy += config.roughness_weight * np.clip(roughness, 0.0, 1.0) ** 2
    lethal = hazard >= config.hazard_threshold
    step = lethal
    if "step" in layers:
        limit = ClearanceConfig().max_step * rover.wheel_radius_m
        step = layers["step"] >= config.hazard_threshold * limit
    trap = steepness > math.radians(config.climb_deg)
    if slip is not None:
        expected = slip.predict(_SLOPES)[0]
        at = np.interp(steepness, _SLOPES, expected)
        easy += 1.0 / np.maximum(1.0 - np.maximum(at, 0.0), 0.1) - 1.0
        trap |= at > config.slip_limit
    trap &= roughness < _EVEN
    easy = np.where(trap, np.maximum(easy, config.hazard_cost), easy)

    half_width = rover.track_m / 2.0 + rover.wheels[0].width_m / 2.0
    reach = half_width + 0.25
    whole = easy + config.nearly_weight * cv2.blur(hazard.astype(np.float32) ** 2, (5, 5))
    if step.any():
        distance = cv2.distanceTransform((~step).astype(np.uint8), cv2.DIST_L2, 5) * res
        fading = np.clip((reach - distance) / (reach - half_width), 0.0, 1.0)
        whole += config.hazard_weight * fading**2
        lethal = lethal | (distance < half_width)
    whole = np.where(lethal, np.maximum(whole, config.hazard_cost), whole)
    return GroundCost(*(np.where(seen, c, np.nan).astype(np.float32) for c in (easy, whole)))
