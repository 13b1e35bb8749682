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
_NEAREST_M, _PLAN_M, _CELL_M = 0.6, (2.4, 2.4), 0.008
"""Of the plan of the ground ahead: from there on, its length and width, and its cells."""
_SAME_WORD = 64
_RANSAC_ROUNDS = 400
_MIN_INLIERS, _MIN_SHARE = 25, 0.15
_SAME_TILT_RAD = math.radians(2.0)
"""Gravity tells the tilt to a fraction of that: a pose that leans otherwise is of another place."""


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

    def __init__(self, camera: Camera, baseline_m: float, ground_z: float) -> None:
        self._camera, self._baseline, self._ground_z = camera, baseline_m, ground_z
        self._orb: Any = cv2.ORB_create(600, fastThreshold=5)  # type: ignore[attr-defined]
        self._plan_H_picture = self._plan()
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
        pixels, words = self._described(left, usable)
        if len(pixels) < _MIN_INLIERS:
            return None
        for place in sorted(candidates, key=lambda p: p.time_s):
            found = self._recognised(place, (left, right), pixels, words, time_s, pose)
            if found is not None:
                return found
        if new:
            self._remember(left, right, pixels, words, (time_s, pose, covariance))
        return None

    def _described(self, grey: Grey, usable: Grey) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Points (n, 2) of a picture and their words (n, 32).

        Described as seen from the picture and as seen from above: from half a metre beside, ground
        a metre ahead looks different, but its plan does not.
        """
        pixels, words = [], []
        size = (round(_PLAN_M[1] / _CELL_M), round(_PLAN_M[0] / _CELL_M))
        views = (
            (grey, usable, np.eye(3)),
            (
                cv2.warpPerspective(grey, self._plan_H_picture, size, flags=cv2.INTER_AREA),
                cv2.warpPerspective(usable, self._plan_H_picture, size, flags=cv2.INTER_NEAREST),
                np.linalg.inv(self._plan_H_picture),
            ),
        )
        for view, mask, back in views:
            keys, found = self._orb.detectAndCompute(view, mask)
            if found is not None:
                at = np.array([[key.pt for key in keys]], np.float64)
                pixels.append(cv2.perspectiveTransform(at, back)[0].astype(np.float32))
                words.append(found)
        if not words:
            return np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8)
        return np.concatenate(pixels), np.concatenate(words)

    def _plan(self) -> Array:
        """Homography (3, 3) from the picture to the ground plane seen from above."""
        camera = self._camera
        far, half = _NEAREST_M + _PLAN_M[0], _PLAN_M[1] / 2.0
        corners = np.array(
            [[far, half], [far, -half], [_NEAREST_M, -half], [_NEAREST_M, half]], float
        )
        ground = np.column_stack([corners, np.full(4, self._ground_z)])
        optical = frames.points(frames.inverse(camera.base_T_optical), ground)
        seen = optical[:, :2] / optical[:, 2:] * [camera.fx_px, camera.fy_px]
        seen += [camera.cx_px, camera.cy_px]
        rows, columns = _PLAN_M[0] / _CELL_M, _PLAN_M[1] / _CELL_M
        drawn = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
        return np.asarray(cv2.getPerspectiveTransform(seen.astype(np.float32), drawn), float)

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
        flat = features.plane_disparity(pixels, camera, self._baseline, self._ground_z)
        shift, good = features.disparities(left, right, pixels, flat)
        good &= shift > 2.0
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
        eyes: tuple[Grey, Grey],
        pixels: NDArray[np.float32],
        words: NDArray[np.uint8],
        time_s: float,
        pose: Array,
    ) -> Fix | None:
        matches = [m for m in self._matcher.match(place.words, words) if m.distance < _SAME_WORD]
        if len(matches) < _MIN_INLIERS:
            return None
        then = np.array([m.queryIdx for m in matches])
        now = np.array([m.trainIdx for m in matches])
        nothing = np.full(len(matches), np.nan)
        sight = motion.Sighting(
            place.points[then], place.sigma[then], pixels[now].astype(float), nothing
        )
        guess = frames.inverse(place.map_T_base) @ pose
        agree, rough = motion.ransac(sight, self._camera, guess, 3.0, _RANSAC_ROUNDS)
        if agree.sum() < max(_MIN_INLIERS, _MIN_SHARE * len(matches)):
            return None
        sight = self._with_disparity(sight, eyes, rough)
        solved = motion.solve(sight, self._camera, self._baseline, rough, agree, (0.8, 0.8), 4.0)
        if solved is None or solved.inliers.sum() < _MIN_INLIERS:
            return None
        there = place.map_T_base @ solved.k_T_b
        tilt = math.acos(min(float((there[:3, :3].T @ pose[:3, :3])[2, 2]), 1.0))
        if tilt > _SAME_TILT_RAD:
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
            "tilt_off_deg": round(math.degrees(tilt), 2),
            "moved_m": round(float(np.linalg.norm(solved.k_T_b[:3, 3])), 3),
        }
        return Fix(time_s, there, covariance, "visited place", (0, 1, 5), evidence)

    def _with_disparity(
        self, sight: motion.Sighting, eyes: tuple[Grey, Grey], rough: Array
    ) -> motion.Sighting:
        """The points' disparities in the present pair as well."""
        depth = np.maximum(motion.depths(sight, self._camera, rough), 0.1)
        guess = self._camera.fx_px * self._baseline / depth
        shift, good = features.disparities(*eyes, sight.pixels.astype(np.float32), guess)
        return motion.Sighting(
            sight.points, sight.depth_sigma, sight.pixels, np.where(good, shift, np.nan)
        )
