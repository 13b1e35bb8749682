# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rover's motion from points known in one picture and found in another.

Outliers go by RANSAC on minimal poses; the rest is weighted least squares in which a point counts
as much as its depth is known. Frames: `k` is base_link when the points were measured, `b` now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization import attitude
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.rover.model import Camera

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ROUNDS = 6
_RANSAC_ROUNDS = 120
_FITS_BETTER, _NOT_FEWER = 0.75, 0.6


@dataclass(frozen=True)
class Sighting:
    """Points seen twice.

    Attributes:
        points: (n, 3) m in base_link of the keyframe.
        depth_sigma: (n,) m along the line of sight of the keyframe's camera.
        pixels: (n, 2) in the present left picture.
        disparity: (n,) px in the present pair, NaN where there is none.
    """

    points: Array
    depth_sigma: Array
    pixels: Array
    disparity: Array


@dataclass(frozen=True)
class Solved:
    """A motion.

    Attributes:
        k_T_b: (4, 4).
        covariance: (6, 6) of translation, then left rotation error, in k's axes.
        inliers: (n,) the points that agree.
        rms: root mean square of their normalised residuals.
    """

    k_T_b: Array
    covariance: Array
    inliers: Mask
    rms: float


def ransac(
    sighting: Sighting,
    camera: Camera,
    guess: Array,
    limit_px: float,
    rounds: int = _RANSAC_ROUNDS,
) -> tuple[Mask, Array]:
    """Points (n,) that agree with one motion, and the motion (4, 4).

    Starts from none, and keeps the guess where more points agree with that.
    """
    optical = camera.base_T_optical
    in_camera = frames.points(frames.inverse(optical), sighting.points)
    ok, turn, shift, index = cv2.solvePnPRansac(
        in_camera.astype(np.float64),
        sighting.pixels.astype(np.float64),
        camera.matrix,
        None,
        iterationsCount=rounds,
        reprojectionError=limit_px,
        confidence=0.999,
        flags=cv2.SOLVEPNP_P3P,
    )
    found = np.zeros(len(in_camera), bool)
    if ok and index is not None:
        found[index.ravel()] = True
    guessed = agreeing(sighting, camera, guess, limit_px)
    if guessed.sum() > 1.1 * found.sum() or not found.any():
        return guessed, guess
    # Its pose may be that of a mirrored plane: the nearest one by descent from the guess is tried.
    start = frames.inverse(frames.inverse(optical) @ guess @ optical)
    near = cv2.solvePnP(
        in_camera[found],
        sighting.pixels[found],
        camera.matrix,
        None,
        cv2.Rodrigues(start[:3, :3])[0],
        start[:3, 3].copy(),
        useExtrinsicGuess=True,
        flags=cv2.SOLVEPNP_ITERATIVE,
    )
    poses = [guess, _back(turn, shift, optical), _back(near[1], near[2], optical)]
    errors = [
        float(np.median(np.abs(_residuals(sighting, camera, pose)[0][found]))) for pose in poses
    ]
    return found, poses[int(np.argmin(errors))]


def agreeing(sighting: Sighting, camera: Camera, k_T_b: Array, limit_px: float) -> Mask:
    """Points (n,) that are seen within `limit_px` of where a motion puts them."""
    return np.asarray(np.abs(_residuals(sighting, camera, k_T_b)[0]).max(axis=1) < limit_px)


def better(one: Solved | None, other: Solved | None) -> Solved | None:
    """The other one where its points fit far better and are not far fewer."""
    if one is None or other is None:
        return other if one is None else one
    fits = other.rms < _FITS_BETTER * one.rms
    return other if fits and other.inliers.sum() > _NOT_FEWER * one.inliers.sum() else one


def _back(turn: Any, shift: Any, optical: Array) -> Array:
    """k_T_b (4, 4) of OpenCV's rotation vector and translation from k to b in camera axes."""
    b_T_k = np.eye(4)
    b_T_k[:3, :3], b_T_k[:3, 3] = cv2.Rodrigues(turn)[0], np.ravel(shift)
    return np.asarray(optical @ frames.inverse(b_T_k) @ frames.inverse(optical))


def solve(
    sighting: Sighting,
    camera: Camera,
    baseline_m: float,
    guess: Array,
    inliers: Mask,
    sigma: tuple[float, float],
    limit_px: float,
) -> Solved | None:
    """Gauss-Newton with Cauchy weights from a guess of k_T_b.

    Args:
        sighting: points and where they are now.
        camera: the left eye.
        baseline_m: to the right eye.
        guess: (4, 4).
        inliers: (n,) to start with.
        sigma: px, of a tracked corner and of a disparity.
        limit_px: residual, plus what depth explains, beyond which a point is an outlier.

    Returns:
        `None` when the points do not fix a motion.
    """
    k_T_b = guess.copy()
    kept = inliers.copy()
    for number in range(_ROUNDS):
        residual, jacobian, spread = _linear(sighting, camera, baseline_m, k_T_b, sigma)
        normal = residual / spread
        square = np.nansum(normal**2, axis=1)
        if number > 1:
            span = limit_px / sigma[0]
            kept = np.isfinite(square) & (square < span**2)
        weight = np.where(kept, 1.0 / (1.0 + square / 9.0), 0.0)
        rows = np.where(np.isfinite(normal), 1.0, 0.0) * np.sqrt(weight)[:, None]
        a = (np.nan_to_num(jacobian / spread[:, :, None]) * rows[:, :, None]).reshape(-1, 6)
        b = (np.nan_to_num(normal) * rows).ravel()
        information = a.T @ a
        if kept.sum() < 6 or np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, a.T @ b)
        k_T_b[:3, 3] += step[:3]
        k_T_b[:3, :3] = attitude.exp(step[3:]) @ k_T_b[:3, :3]
        if np.abs(step).max() < 1e-7 and number > 1:
            break
    count = max(int(kept.sum()), 7)
    rms = float(np.sqrt(square[kept].sum() / (2.0 * count))) if kept.any() else np.inf
    # What the residuals say beyond the assumed noise widens the covariance, never narrows it.
    covariance = np.linalg.inv(information) * max(1.0, rms) ** 2
    return Solved(k_T_b, covariance, kept, rms)


def _project(sighting: Sighting, camera: Camera, k_T_b: Array) -> tuple[Array, Array, Array]:
    """Points in b (n, 3), in the camera (n, 3), and their pixels (n, 2)."""
    in_base = (sighting.points - k_T_b[:3, 3]) @ k_T_b[:3, :3]
    optical = (in_base - camera.base_T_optical[:3, 3]) @ camera.base_T_optical[:3, :3]
    z = np.where(optical[:, 2] > 0.02, optical[:, 2], np.nan)
    u = camera.fx_px * optical[:, 0] / z + camera.cx_px
    v = camera.fy_px * optical[:, 1] / z + camera.cy_px
    return in_base, optical, np.stack([u, v], axis=1)


def pixels(sighting: Sighting, camera: Camera, k_T_b: Array) -> Array:
    """(n, 2) where the points are seen after a motion; NaN behind the eye."""
    return _project(sighting, camera, k_T_b)[2]


def depths(sighting: Sighting, camera: Camera, k_T_b: Array) -> Array:
    """(n,) m along the camera's axis after a motion."""
    return _project(sighting, camera, k_T_b)[1][:, 2]


def _residuals(sighting: Sighting, camera: Camera, k_T_b: Array) -> tuple[Array, Array]:
    _, optical, seen = _project(sighting, camera, k_T_b)
    error = sighting.pixels - seen
    return np.where(np.isfinite(error), error, 1e6), optical


def _linear(
    sighting: Sighting, camera: Camera, baseline_m: float, k_T_b: Array, sigma: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """Residual (n, 3) of u, v, disparity; Jacobian (n, 3, 6); spread (n, 3), all px."""
    rotation = k_T_b[:3, :3]
    in_k = sighting.points - k_T_b[:3, 3]
    _, optical, seen = _project(sighting, camera, k_T_b)
    x, y = optical[:, 0], optical[:, 1]
    z = np.where(optical[:, 2] > 0.02, optical[:, 2], np.nan)
    fx, fy = camera.fx_px, camera.fy_px
    disparity = fx * baseline_m / z
    residual = np.column_stack([sighting.pixels - seen, sighting.disparity - disparity])
    n = len(z)
    by_optical = np.zeros((n, 3, 3))
    by_optical[:, 0, 0], by_optical[:, 0, 2] = fx / z, -fx * x / z**2
    by_optical[:, 1, 1], by_optical[:, 1, 2] = fy / z, -fy * y / z**2
    by_optical[:, 2, 2] = -disparity / z
    optical_R_k = camera.base_T_optical[:3, :3].T @ rotation.T
    by_k = by_optical @ optical_R_k
    jacobian = np.empty((n, 3, 6))
    jacobian[:, :, :3] = -by_k
    # by_k @ skew(in_k), row by row.
    jacobian[:, :, 3:] = np.cross(by_k, in_k[:, None, :])
    # How a depth error of the keyframe moves the prediction.
    eye = camera.base_T_optical[:3, 3]
    ray = sighting.points - eye
    ray = ray / np.linalg.norm(ray, axis=1, keepdims=True)
    depth = np.einsum("nij,nj->ni", by_k, ray) * sighting.depth_sigma[:, None]
    noise = np.array([sigma[0], sigma[0], sigma[1]])
    return residual, jacobian, np.sqrt(noise**2 + depth**2)
