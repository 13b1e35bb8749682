# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Places seen before, recognised near where they were seen: ORB words, checked by PnP."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization import features, motion
from tenacious_rover.localization.estimate import Fix
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.rover.model import Camera

Array = NDArray[np.float64]
Grey = NDArray[np.uint8]

_SPACING_M, _SPACING_RAD = 1.5, math.radians(40.0)
_NEAR_M, _NEAR_RAD = 1.0, math.radians(30.0)
_OLD_S = 60.0
_MOST = 300
_MIN_INLIERS, _MIN_SHARE = 25, 0.25


@dataclass(frozen=True)
class Place:
    """`points` (n, 3) in base_link with `sigma` (n,) of depth, `words` (n, 32)."""

    time_s: float
    map_T_base: Array
    covariance: Array
    points: Array
    sigma: Array
    words: NDArray[np.uint8]


class PlaceBook:
    """Remembers a place every metre and a half; says when one is seen again."""

    def __init__(self, camera: Camera, baseline_m: float) -> None:
        self._camera, self._baseline = camera, baseline_m
        self._orb: Any = cv2.ORB_create(600, fastThreshold=8)  # type: ignore[attr-defined]
        self._matcher = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)
        self.places: list[Place] = []

    def take(
        self, left: Grey, right: Grey, usable: Grey, time_s: float, pose: Array, covariance: Array
    ) -> Fix | None:
        """A picture at a pose: a fix if an old place is in it; remembered if the place is new."""
        candidates = [p for p in self.places if self._candidate(p, time_s, pose, covariance)]
        new = all(self._apart(p, pose) for p in self.places)
        if not candidates and not new:
            return None
        keys, words = self._orb.detectAndCompute(left, usable)
        if words is None or len(keys) < _MIN_INLIERS:
            return None
        pixels = np.array([key.pt for key in keys], np.float32)
        for place in sorted(candidates, key=lambda p: p.time_s):
            found = self._recognised(place, pixels, words, time_s, pose)
            if found is not None:
                return found
        if new:
            self._remember(left, right, pixels, words, (time_s, pose, covariance))
        return None

    def _candidate(self, place: Place, time_s: float, pose: Array, covariance: Array) -> bool:
        reach = _NEAR_M + 3.0 * math.sqrt(float(np.trace(covariance[:2, :2])))
        gap = frames.inverse(place.map_T_base) @ pose
        worse = np.trace(covariance[:2, :2]) > 1.5 * np.trace(place.covariance[:2, :2])
        return (
            time_s - place.time_s > _OLD_S
            and bool(worse)
            and float(np.hypot(gap[0, 3], gap[1, 3])) < reach
            and abs(frames.yaw(gap)) < _NEAR_RAD
        )

    def _apart(self, place: Place, pose: Array) -> bool:
        gap = frames.inverse(place.map_T_base) @ pose
        far = float(np.hypot(gap[0, 3], gap[1, 3])) > _SPACING_M
        return far or abs(frames.yaw(gap)) > _SPACING_RAD

    def _remember(
        self,
        left: Grey,
        right: Grey,
        pixels: NDArray[np.float32],
        words: NDArray[np.uint8],
        where: tuple[float, Array, Array],
    ) -> None:
        camera = self._camera
        shift, good = features.disparities(left, right, pixels, np.full(len(pixels), 12.0))
        good &= shift > 3.0
        if good.sum() < 2 * _MIN_INLIERS:
            return
        depth = camera.fx_px * self._baseline / shift[good]
        ray = (pixels[good] - [camera.cx_px, camera.cy_px]) / [camera.fx_px, camera.fy_px]
        optical = np.column_stack([ray, np.ones(len(ray))]) * depth[:, None]
        points = frames.points(camera.base_T_optical, optical)
        sigma = depth / shift[good] * 0.4
        time_s, pose, covariance = where
        self.places.append(Place(time_s, pose, covariance, points, sigma, words[good]))
        del self.places[:-_MOST]

    def _recognised(
        self,
        place: Place,
        pixels: NDArray[np.float32],
        words: NDArray[np.uint8],
        time_s: float,
        pose: Array,
    ) -> Fix | None:
        matches = self._matcher.match(place.words, words)
        if len(matches) < _MIN_INLIERS:
            return None
        then = np.array([m.queryIdx for m in matches])
        now = np.array([m.trainIdx for m in matches])
        nothing = np.full(len(matches), np.nan)
        sight = motion.Sighting(
            place.points[then], place.sigma[then], pixels[now].astype(float), nothing
        )
        guess = frames.inverse(place.map_T_base) @ pose
        agree, rough = motion.ransac(sight, self._camera, guess, 3.0)
        if agree.sum() < max(_MIN_INLIERS, _MIN_SHARE * len(matches)):
            return None
        solved = motion.solve(sight, self._camera, self._baseline, rough, agree, (0.8, 0.8), 4.0)
        if solved is None or solved.inliers.sum() < _MIN_INLIERS:
            return None
        # The place is known as well as it was then, and its error is in today's too: the fix must
        # not make the pose better known than the place.
        covariance = (
            2.0 * place.covariance + solved.covariance + np.diag([0.01] * 3 + [0.005] * 3) ** 2
        )
        evidence = {
            "place_time_s": round(place.time_s, 2),
            "matches": len(matches),
            "inliers": int(solved.inliers.sum()),
            "rms": round(solved.rms, 2),
            "moved_m": round(float(np.linalg.norm(solved.k_T_b[:3, 3])), 3),
        }
        there = place.map_T_base @ solved.k_T_b
        return Fix(time_s, there, covariance, "visited place", (0, 1, 5), evidence)
