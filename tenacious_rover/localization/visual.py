# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Stereo visual odometry against keyframes: a motion and how sure it is, or why there is none.

Corners get their depth when a keyframe is made, and are then followed from picture to picture,
always compared with the keyframe: standing still does not drift, and errors add up only from
keyframe to keyframe.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization import attitude, features, motion
from tenacious_rover.localization.body_mask import BodyMask
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig
    from tenacious_rover.rover.measurements import Stereo
    from tenacious_rover.rover.model import Camera, Rover

Array = NDArray[np.float64]
Grey = NDArray[np.uint8]

_POOR_RMS = 2.5
"""Normalised residuals above that do not look like one motion seen with noise."""


@dataclass(frozen=True)
class Motion:
    """An answer.

    Attributes:
        known: `key_T_base` and `covariance` hold.
        key_T_base: (4, 4) base_link now, in base_link at the keyframe.
        covariance: (6, 6) of translation and left rotation error in the keyframe's axes.
        new_keyframe: this picture is the keyframe of those that follow.
        sure: so many points agree that the motion stands against wheels and IMU.
        reason: why it is not known.
        noise_m: sigma of the translation without what is wrong the same way in every picture.
    """

    known: bool
    key_T_base: Array
    covariance: Array
    new_keyframe: bool
    sure: bool = False
    reason: str = ""
    inliers: int = 0
    tracked: int = 0
    rms: float = math.nan
    noise_m: float = math.nan

    def renewed(self, reason: str) -> Motion:
        """The same, and its picture is the new keyframe."""
        return replace(self, new_keyframe=True, reason=reason)


@dataclass
class Keyframe:
    """Corners of one picture that have depth; the arrays shrink as corners are lost.

    `points` (n, 3) in base_link then; `pixels` (n, 2) where they were seen last, in `picture`.
    """

    points: Array
    depth_sigma: Array
    pixels: NDArray[np.float32]
    picture: Grey
    started: int
    last: Array = field(default_factory=lambda: np.eye(4))

    def keep(self, good: NDArray[np.bool_]) -> None:
        """Forget the others."""
        self.points, self.depth_sigma = self.points[good], self.depth_sigma[good]
        self.pixels = self.pixels[good]


class VisualOdometry:
    """Feed it pictures in order of time."""

    def __init__(self, rover: Rover, config: LocalizationConfig) -> None:
        self._config, self._rover = config, rover
        self._camera = rover.cameras.get("left") or next(iter(rover.cameras.values()))
        self._baseline = rover.baseline_m if "right" in rover.cameras else 0.0
        self._mask = BodyMask(rover, self._camera)
        self._ground_z = min(w.position[2] - w.radius_m for w in rover.wheels)
        self.keyframe: Keyframe | None = None
        self._last_grey: Grey | None = None

    def take(self, sample: Stereo, expected: Array, sun_in_base: Array | None) -> Motion:
        """One picture.

        Args:
            sample: pair, or left with depth.
            expected: (4, 4) motion since the keyframe as the other sensors have it.
            sun_in_base: (3,) to the sun, for the rover's own shadow; `None` when not known.
        """
        grey = features.grey(sample.left)
        trouble = self._trouble(grey, sample)
        if trouble:
            return self._nothing(trouble, new_keyframe=False)
        right = None if sample.right is None else features.grey(sample.right)
        found = self._moved(grey, right, expected) if self.keyframe is not None else None
        if found is None or self._stale(found):
            usable = self._mask.mask(sun_in_base)
            fresh = self._new_keyframe(grey, right, sample, usable)
            if isinstance(fresh, str):
                self.keyframe = None
                why = fresh if found is None or not found.known else ""
                return self._nothing(why, True) if found is None else found.renewed(why)
            self.keyframe = fresh
            if found is None:
                return self._nothing("", new_keyframe=True)
            return found.renewed(found.reason)
        return found

    def calibrate(self, fx_px: float, fy_px: float, cx_px: float, cy_px: float) -> None:
        """Intrinsics as the running camera states them; a keyframe of others is dropped."""
        now = (self._camera.fx_px, self._camera.fy_px, self._camera.cx_px, self._camera.cy_px)
        if np.allclose(now, (fx_px, fy_px, cx_px, cy_px), rtol=0.0, atol=1e-6):
            return
        self._camera = replace(self._camera, fx_px=fx_px, fy_px=fy_px, cx_px=cx_px, cy_px=cy_px)
        self._mask = BodyMask(self._rover, self._camera)
        self.keyframe = None

    def calibrate_baseline(self, baseline_m: float) -> None:
        """Distance between the eyes as the running camera states it."""
        if abs(baseline_m - self._baseline) > 1e-9:
            self._baseline, self.keyframe = baseline_m, None

    @property
    def camera(self) -> Camera:
        """The left eye as it is calibrated now."""
        return self._camera

    @property
    def baseline_m(self) -> float:
        """Between the eyes as they are calibrated now."""
        return self._baseline

    # -- stages -------------------------------------------------------------------------------

    def _trouble(self, grey: Grey, sample: Stereo) -> str:
        shape = (self._camera.height_px, self._camera.width_px)
        last, self._last_grey = self._last_grey, grey
        if grey.shape != shape:
            return f"picture of {grey.shape[1]} x {grey.shape[0]}, {shape[1]} x {shape[0]} due"
        if sample.right is None and sample.depth is None:
            return "one eye and no depth"
        if features.brightness(grey) < self._config.dark_level:
            return "dark"
        if last is not None and last.shape == shape and np.array_equal(last, grey):
            return "frozen"
        return ""

    def _moved(self, grey: Grey, right: Grey | None, expected: Array) -> Motion:
        """Track the keyframe's corners into this picture and solve for the motion."""
        key = self.keyframe
        assert key is not None
        config, camera = self._config, self._camera
        guess = self._guess(key, expected)
        pixels, good = features.tracked(key.picture, grey, key.pixels, guess)
        inside = (pixels > 2).all(axis=1) & (
            pixels < [camera.width_px - 3, camera.height_px - 3]
        ).all(axis=1)
        key.pixels = pixels
        key.keep(good & inside)
        key.picture = grey
        count = len(key.points)
        if count < config.min_features:
            return self._nothing(f"{count} corners followed, {config.min_features} due", False)
        nothing = np.full(count, np.nan)
        sight = motion.Sighting(key.points, key.depth_sigma, key.pixels.astype(float), nothing)
        agree, rough = motion.ransac(sight, camera, expected, 2.0 * config.outlier_px)
        if right is not None:
            sight = self._with_disparity(sight, grey, right, rough)
        solved = self._solved(sight, rough, agree)
        if solved is None or solved.rms > _POOR_RMS:
            # A shadow that moves with the rover may have outvoted the ground.
            near = motion.agreeing(sight, camera, expected, 2.0 * config.outlier_px)
            solved = motion.better(solved, self._solved(sight, expected, near))
        inliers = 0 if solved is None else int(solved.inliers.sum())
        if solved is None or inliers < config.min_features:
            return self._nothing(f"{inliers} of {count} corners agree on a motion", False)
        if inliers < config.min_inlier_share * count:
            return self._nothing(f"only {inliers} of {count} corners agree on a motion", False)
        key.keep(solved.inliers)
        key.last = solved.k_T_b
        return Motion(
            True,
            solved.k_T_b,
            solved.covariance + self._floor(solved.k_T_b),
            False,
            sure=inliers > (0.5 if inliers >= 2 * config.min_features else 0.8) * count,
            inliers=inliers,
            tracked=count,
            rms=solved.rms,
            noise_m=math.sqrt(float(np.trace(solved.covariance[:3, :3]))) + config.visual_floor_m,
        )

    def _solved(
        self, sight: motion.Sighting, start: Array, agree: NDArray[np.bool_]
    ) -> motion.Solved | None:
        config = self._config
        sigma = (config.pixel_sigma, config.disparity_sigma)
        limit_px = 2.5 * config.outlier_px
        return motion.solve(sight, self._camera, self._baseline, start, agree, sigma, limit_px)

    def _guess(self, key: Keyframe, expected: Array) -> NDArray[np.float32]:
        """Pixels (n, 2) where the corners are expected: last seen plus the predicted shift."""
        nothing = np.full(len(key.points), np.nan)
        sight = motion.Sighting(key.points, key.depth_sigma, key.pixels.astype(float), nothing)
        shift = motion.pixels(sight, self._camera, expected) - motion.pixels(
            sight, self._camera, key.last
        )
        shift = np.where(np.isfinite(shift), shift, 0.0)
        return (key.pixels + shift).astype(np.float32)

    def _with_disparity(
        self, sight: motion.Sighting, left: Grey, right: Grey, expected: Array
    ) -> motion.Sighting:
        """The corners' disparities in the present pair as well."""
        depth = np.maximum(motion.depths(sight, self._camera, expected), 0.1)
        guess = self._camera.fx_px * self._baseline / depth
        shift, good = features.disparities(left, right, sight.pixels.astype(np.float32), guess)
        good &= np.abs(shift - guess) < 6.0 + 0.2 * guess
        return motion.Sighting(
            sight.points, sight.depth_sigma, sight.pixels, np.where(good, shift, np.nan)
        )

    def _stale(self, found: Motion) -> bool:
        key = self.keyframe
        assert key is not None
        if not found.known:
            return True
        moved = float(np.linalg.norm(found.key_T_base[:3, 3]))
        turned = float(np.linalg.norm(attitude.log(found.key_T_base[:3, :3])))
        still = moved < 0.01 and turned < 0.01
        few = found.inliers < max(2 * self._config.min_features, 0.4 * key.started)
        return (
            moved > self._config.keyframe_distance_m
            or turned > math.radians(self._config.keyframe_angle_deg)
            or (few and not still)
        )

    def _new_keyframe(
        self,
        grey: Grey,
        right: Grey | None,
        sample: Stereo,
        usable: Grey,
    ) -> Keyframe | str:
        """Corners with depth, or why there are none."""
        config, camera = self._config, self._camera
        found = features.corners(grey, usable, config.features, config.feature_cells)
        if features.sharpness(grey, found) < config.blur_level:
            return f"{len(found)} corners: no texture, or blurred"
        if right is not None:
            flat = features.plane_disparity(found, camera, self._baseline, self._ground_z)
            shift, good = features.disparities(grey, right, found, flat)
            depth = camera.fx_px * self._baseline / np.maximum(shift, 1e-3)
            sigma = depth**2 / (camera.fx_px * self._baseline) * config.disparity_sigma
        else:
            assert sample.depth is not None
            u, v = found[:, 0].astype(int), found[:, 1].astype(int)
            depth = sample.depth[v, u].astype(float)
            good = np.isfinite(depth) & (depth > 0.05)
            sigma = 0.005 + 0.01 * depth
        good &= depth < config.max_depth_m
        if good.sum() < config.min_features:
            return f"{int(good.sum())} corners with depth, {config.min_features} due"
        found, depth, sigma = found[good], depth[good], sigma[good]
        ray = (found - [camera.cx_px, camera.cy_px]) / [camera.fx_px, camera.fy_px]
        optical = np.column_stack([ray, np.ones(len(ray))]) * depth[:, None]
        points = frames.points(camera.base_T_optical, optical)
        slant = np.sqrt(1.0 + (ray**2).sum(axis=1))
        return Keyframe(points, sigma * slant, found, grey, len(points))

    def _floor(self, k_T_b: Array) -> Array:
        """Covariance (6, 6) of what calibration and matching do wrong the same way everywhere.

        Such errors add up and do not average out, which a filter of independent pictures does not
        know: the share is so large that its covariance is honest after 100 m.
        """
        config = self._config
        share = config.visual_floor_share * float(np.linalg.norm(k_T_b[:3, 3]))
        metres = math.hypot(config.visual_floor_m, share)
        turned = config.visual_turn_share * float(np.linalg.norm(attitude.log(k_T_b[:3, :3])))
        angle = math.hypot(math.radians(config.visual_floor_deg), turned)
        return np.diag([metres] * 3 + [angle] * 3) ** 2

    def _nothing(self, reason: str, new_keyframe: bool) -> Motion:
        return Motion(False, np.eye(4), np.eye(6), new_keyframe, reason=reason)
