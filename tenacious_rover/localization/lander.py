# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The lander recognised: by its boxes in a cloud of stereo points, or by a fiducial on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from tenacious_rover.localization import attitude
from tenacious_rover.localization.estimate import Fix
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.localization.landmarks import Block, Marker
    from tenacious_rover.rover.model import Camera

Array = NDArray[np.float64]

_MIN_POINTS = 120
_MIN_HEIGHT_M = 0.35
"""Above the ground under the rover: what may be a rock is left out."""
_INLIER_M = 0.12
_MIN_INLIER_SHARE = 0.6
_FLOOR_M = 0.02
_MAX_SIGMA_M = 0.5
_CORRELATED = 12.0
"""Neighbouring stereo points err together: so many of them count as one."""


def box_distance(points: Array, blocks: tuple[Block, ...]) -> Array:
    """Distance (n,) m of points (n, 3) in map from the surface of the nearest box."""
    nearest = np.full(len(points), np.inf)
    for block in blocks:
        local = np.abs(frames.points(frames.inverse(block.map_T_block), points)) - block.size / 2.0
        outside = np.linalg.norm(np.maximum(local, 0.0), axis=1)
        inside = np.minimum(local.max(axis=1), 0.0)
        nearest = np.minimum(nearest, np.abs(outside + inside))
    return nearest


def by_shape(
    in_base: Array, map_T_base: Array, time_s: float, blocks: tuple[Block, ...], reach_m: float
) -> Fix | None:
    """A fix of x, y and heading from points (n, 3) in base_link, or `None`.

    Args:
        in_base: stereo points.
        map_T_base: (4, 4) as estimated.
        time_s: of the picture.
        blocks: of the lander.
        reach_m: how wrong the estimate may be.
    """
    in_map = frames.points(map_T_base, in_base)
    low = in_map[:, 2] - map_T_base[2, 3] < _MIN_HEIGHT_M
    near = box_distance(in_map, blocks) < reach_m
    chosen = in_base[near & ~low]
    if len(chosen) < _MIN_POINTS:
        return None
    if len(chosen) > 800:
        chosen = chosen[:: len(chosen) // 800 + 1]
    # Stereo's error grows with the square of the distance.
    spread = 0.02 + 0.004 * (chosen**2).sum(axis=1)

    def moved(change: Array) -> Array:
        out = map_T_base.copy()
        out[:3, :3] = attitude.about_z(change[2]) @ map_T_base[:3, :3]
        out[:2, 3] += change[:2]
        return out

    def residuals(change: Array) -> Array:
        return box_distance(frames.points(moved(change), chosen), blocks) / spread

    found = least_squares(residuals, np.zeros(3), loss="soft_l1", diff_step=1e-4)
    pose = moved(found.x)
    left = box_distance(frames.points(pose, chosen), blocks)
    share = float((left < _INLIER_M).mean())
    information = found.jac.T @ found.jac / _CORRELATED
    if share < _MIN_INLIER_SHARE or np.linalg.cond(information) > 1e6:
        return None
    small = np.linalg.inv(information) + np.diag([_FLOOR_M, _FLOOR_M, 0.01]) ** 2
    if np.sqrt(np.linalg.eigvalsh(small[:2, :2])[0]) > _MAX_SIGMA_M:
        return None
    covariance = np.eye(6)
    parts = (0, 1, 5)
    covariance[np.ix_(parts, parts)] = small
    evidence = {
        "points": len(chosen),
        "inlier_share": round(share, 3),
        "rms_m": round(float(np.sqrt((left[left < _INLIER_M] ** 2).mean())), 4),
        "moved_m": [round(float(v), 4) for v in found.x[:2]],
        "turned_deg": round(float(np.degrees(found.x[2])), 3),
    }
    return Fix(time_s, pose, covariance, "lander's shape", parts, evidence)


def by_marker(
    grey: NDArray[np.uint8],
    camera: Camera,
    map_T_base: Array,
    time_s: float,
    markers: tuple[Marker, ...],
) -> Fix | None:
    """A fix of position and heading from the nearest known ArUco marker, or `None`."""
    known = {marker.number: marker for marker in markers}
    if not known:
        return None
    words = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    corners, numbers, _ = cv2.aruco.ArucoDetector(words).detectMarkers(grey)
    seen: list[tuple[float, Marker, Array]] = []
    for found, number in zip(corners, [] if numbers is None else numbers.ravel(), strict=True):
        if int(number) in known:
            pixels = found.reshape(4, 2).astype(float)
            seen.append((float(np.ptp(pixels)), known[int(number)], pixels))
    if not seen:
        return None
    size_px, marker, pixels = max(seen, key=lambda item: item[0])
    solved = _marker_pose(pixels, marker, camera, map_T_base)
    if solved is None:
        return None
    pose, error = solved
    distance = float(np.linalg.norm(pose[:3, 3] - marker.map_T_marker[:3, 3]))
    # A third of a pixel at each corner, over the size of the marker in the picture.
    angle = 0.33 / size_px * 2.0
    sigma = np.array([0.01 + angle * distance] * 3 + [angle + 0.01] * 3)
    evidence: dict[str, Any] = {
        "marker": marker.number,
        "size_px": round(size_px, 1),
        "error_px": round(error, 3),
        "distance_m": round(distance, 3),
    }
    return Fix(time_s, pose, np.diag(sigma**2), "marker", (0, 1, 2, 5), evidence)


def _marker_pose(
    pixels: Array, marker: Marker, camera: Camera, map_T_base: Array
) -> tuple[Array, float] | None:
    """map_T_base (4, 4) nearest to the estimate in attitude, and the error in px."""
    half = marker.size_m / 2.0
    square = np.array([[-half, half, 0], [half, half, 0], [half, -half, 0], [-half, -half, 0]])
    count, turns, shifts, errors = cv2.solvePnPGeneric(
        square, pixels, camera.matrix, None, flags=cv2.SOLVEPNP_IPPE_SQUARE
    )
    best: tuple[float, Array, float] | None = None
    for k in range(count):
        optical_T_marker = np.eye(4)
        optical_T_marker[:3, :3] = cv2.Rodrigues(turns[k])[0]
        optical_T_marker[:3, 3] = shifts[k].ravel()
        base_T_marker = camera.base_T_optical @ optical_T_marker
        pose = marker.map_T_marker @ frames.inverse(base_T_marker)
        off = float(np.linalg.norm(attitude.log(pose[:3, :3] @ map_T_base[:3, :3].T)))
        error = float(np.ravel(errors[k])[0])
        if error < 2.0 and (best is None or off < best[0]):
            best = (off, pose, error)
    return None if best is None else (best[1], best[2])
