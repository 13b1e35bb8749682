# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Absolute fixes from pictures: a marker, the lander's shape, a visited place - in that order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization import features, lander
from tenacious_rover.localization.body_mask import BodyMask
from tenacious_rover.localization.places import PlaceBook
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig
    from tenacious_rover.localization.estimate import Fix
    from tenacious_rover.localization.landmarks import Landmarks
    from tenacious_rover.rover.measurements import Stereo
    from tenacious_rover.rover.model import Camera, Rover

Array = NDArray[np.float64]
Grey = NDArray[np.uint8]

_SIGHT_M, _SIGHT_PX = 9.0, 5.0
"""Farther away, or with less disparity than that, shapes are too blurred to be told apart."""


_MARGIN_PX = 10


class FixFinder:
    """Looks at a picture every `fix_period_s`; says what it recognises."""

    def __init__(self, rover: Rover, config: LocalizationConfig, known: Landmarks) -> None:
        self._rover, self._period, self._known = rover, config.fix_period_s, known
        self._ground_z = min(w.position[2] - w.radius_m for w in rover.wheels)
        self._last_s = -math.inf
        self._set(rover.cameras["left"], rover.baseline_m)

    def calibrate(self, camera: Camera, baseline_m: float) -> None:
        """Eyes as the running cameras state them; places seen by others are forgotten."""
        if camera is not self._camera or baseline_m != self._baseline:
            self._set(camera, baseline_m)

    def _set(self, camera: Camera, baseline_m: float) -> None:
        self._camera, self._baseline = camera, baseline_m
        self._sight_m = min(_SIGHT_M, camera.fx_px * baseline_m / _SIGHT_PX)
        self._mask = BodyMask(self._rover, camera)
        self.book = PlaceBook(camera, baseline_m, self._ground_z)

    def take(self, sample: Stereo, pose: Array, covariance: Array) -> Fix | None:
        """A fix from a pair at an estimated pose (4, 4) with its (6, 6); mostly none."""
        if sample.right is None or sample.time_s - self._last_s < self._period:
            return None
        self._last_s = sample.time_s
        left, right = features.grey(sample.left), features.grey(sample.right)
        found = lander.by_marker(left, self._camera, pose, sample.time_s, self._known.markers)
        if found is None and self._lander_in_sight(pose):
            cloud = self._cloud(left, right, self._rows(pose))
            found = lander.by_shape(cloud, pose, covariance, sample.time_s, self._known.lander)
        if found is None:
            usable = self._mask.mask(None)
            found = self.book.take(left, right, usable, sample.time_s, pose, covariance)
        return found

    def _lander_in_sight(self, map_T_base: Array) -> bool:
        """Whether a box is near and inside the picture."""
        eye = frames.inverse(map_T_base @ self._camera.base_T_optical)
        for block in self._known.lander:
            x, _, z = (eye @ block.map_T_block[:, 3])[:3]
            if 0.3 < z < self._sight_m and abs(x / z) < math.tan(self._camera.horizontal_fov / 2.0):
                return True
        return False

    def _rows(self, map_T_base: Array) -> int:
        """Rows of the picture, from its top, that what is higher than a rock may be seen in."""
        camera = self._camera
        map_T_eye = map_T_base @ camera.base_T_optical
        ahead = math.atan2(map_T_eye[1, 2], map_T_eye[0, 2])
        bearing, distance = np.meshgrid(
            ahead + camera.horizontal_fov * np.array([-0.5, 0.0, 0.5]), [1.0, self._sight_m]
        )
        points = np.empty((bearing.size, 3))
        points[:, 0] = map_T_eye[0, 3] + (distance * np.cos(bearing)).ravel()
        points[:, 1] = map_T_eye[1, 3] + (distance * np.sin(bearing)).ravel()
        points[:, 2] = map_T_base[2, 3] + lander.MIN_HEIGHT_M
        optical = frames.points(frames.inverse(map_T_eye), points)
        seen = optical[:, 2] > 0.1
        v = camera.fy_px * optical[seen, 1] / optical[seen, 2] + camera.cy_px
        return int(np.clip(v.max(initial=0.0) + _MARGIN_PX, 4 * _MARGIN_PX, camera.height_px))

    def _cloud(self, left: Grey, right: Grey, rows: int) -> Array:
        """Points (n, 3) in base_link of the upper rows, every fourth pixel, by block matching."""
        camera = self._camera
        left, right = left[:rows], right[:rows]
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
        good = (disparity > camera.fx_px * self._baseline / self._sight_m) & (left[::4, ::4] > 12)
        v, u = np.nonzero(good)
        depth = camera.fx_px * self._baseline / disparity[v, u].astype(float)
        x = (4 * u - camera.cx_px) / camera.fx_px * depth
        y = (4 * v - camera.cy_px) / camera.fy_px * depth
        return frames.points(camera.base_T_optical, np.column_stack([x, y, depth]))
