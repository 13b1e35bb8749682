# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Absolute fixes from pictures: a marker, the lander's shape, a visited place - in that order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization import lander
from tenacious_rover.localization.body_mask import BodyMask
from tenacious_rover.localization.places import PlaceBook
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig
    from tenacious_rover.localization.estimate import Fix
    from tenacious_rover.localization.landmarks import Landmarks
    from tenacious_rover.rover.measurements import Stereo
    from tenacious_rover.rover.model import Rover

Array = NDArray[np.float64]
Grey = NDArray[np.uint8]

_SIGHT_M = 9.0


class FixFinder:
    """Looks at a picture every `fix_period_s`; says what it recognises."""

    def __init__(self, rover: Rover, config: LocalizationConfig, known: Landmarks) -> None:
        self._camera = rover.cameras["left"]
        self._baseline = rover.baseline_m
        self._period, self._known = config.fix_period_s, known
        self._mask = BodyMask(rover, self._camera)
        self._last_s = -math.inf
        self.book = PlaceBook(self._camera, self._baseline)

    def take(self, sample: Stereo, pose: Array, covariance: Array) -> Fix | None:
        """A fix from a pair at an estimated pose (4, 4) with its (6, 6); mostly none."""
        if sample.right is None or sample.time_s - self._last_s < self._period:
            return None
        self._last_s = sample.time_s
        left, right = _grey(sample.left), _grey(sample.right)
        found = lander.by_marker(left, self._camera, pose, sample.time_s, self._known.markers)
        if found is None and self._lander_in_sight(pose):
            reach = 0.3 + 3.0 * math.sqrt(float(np.trace(covariance[:2, :2])))
            cloud = self._cloud(left, right)
            found = lander.by_shape(cloud, pose, sample.time_s, self._known.lander, reach)
        if found is None:
            usable = self._mask.mask(None)
            found = self.book.take(left, right, usable, sample.time_s, pose, covariance)
        return found

    def _lander_in_sight(self, map_T_base: Array) -> bool:
        """Whether a box is near and inside the picture."""
        eye = frames.inverse(map_T_base @ self._camera.base_T_optical)
        for block in self._known.lander:
            x, _, z = (eye @ block.map_T_block[:, 3])[:3]
            if 0.3 < z < _SIGHT_M and abs(x / z) < math.tan(self._camera.horizontal_fov / 2.0):
                return True
        return False

    def _cloud(self, left: Grey, right: Grey) -> Array:
        """Points (n, 3) in base_link, every fourth pixel, from semi-global matching."""
        camera = self._camera
        count = 16 * math.ceil(camera.fx_px * self._baseline / 0.8 / 16.0)
        matcher: Any = cv2.StereoSGBM_create(  # type: ignore[attr-defined]
            minDisparity=0,
            numDisparities=count,
            blockSize=5,
            P1=200,
            P2=800,
            disp12MaxDiff=1,
            uniquenessRatio=10,
            speckleWindowSize=100,
            speckleRange=2,
            mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
        )
        disparity = matcher.compute(left, right).astype(np.float32)[::4, ::4] / 16.0
        # Black sky has no texture, and what is matched there is noise.
        good = (disparity > camera.fx_px * self._baseline / _SIGHT_M) & (left[::4, ::4] > 12)
        v, u = np.nonzero(good)
        depth = camera.fx_px * self._baseline / disparity[v, u].astype(float)
        x = (4 * u - camera.cx_px) / camera.fx_px * depth
        y = (4 * v - camera.cy_px) / camera.fy_px * depth
        return frames.points(camera.base_T_optical, np.column_stack([x, y, depth]))


def _grey(picture: NDArray) -> Grey:
    if picture.ndim == 3:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    return np.ascontiguousarray(picture, np.uint8)
