# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The lander recognised: by its boxes in a cloud of stereo points, or by a fiducial on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization import attitude
from tenacious_rover.localization.estimate import Fix
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.localization.landmarks import Block, Marker
    from tenacious_rover.rover.model import Camera

Array = NDArray[np.float64]

_MIN_POINTS, _MOST_POINTS = 120, 800
MIN_HEIGHT_M = 0.35
"""Above the ground under the rover: what may be a rock is left out."""
_INLIER_M = 0.12
_MIN_INLIER_SHARE = 0.8
_FLOOR_M = 0.02
_MAX_SIGMA_M = 0.5
_LOOSE, _LEAST = 4.0, np.diag([0.1, 0.1, math.radians(2.0)]) ** 2
"""The estimate counts for a quarter in the search, and is never taken to be better than that."""
_ROUNDS, _STEP = 25, 1e-4
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
    in_base: Array,
    map_T_base: Array,
    covariance: Array,
    time_s: float,
    blocks: tuple[Block, ...],
) -> Fix | None:
    """A fix of x, y and heading from points (n, 3) in base_link, or `None`.

    The boxes are sought near the estimate: what is known already keeps the search from running
    away along directions that the points do not fix, and is taken out of the answer again.

    Args:
        in_base: stereo points.
        map_T_base: (4, 4) as estimated.
        covariance: (6, 6) of it.
        time_s: of the picture.
        blocks: of the lander.
    """
    parts = (0, 1, 5)
    reach = 0.3 + 3.0 * math.sqrt(float(np.trace(covariance[:2, :2])))
    in_map = frames.points(map_T_base, in_base)
    high = in_map[:, 2] - map_T_base[2, 3] > MIN_HEIGHT_M
    chosen = in_base[high & (box_distance(in_map, blocks) < reach)]
    if len(chosen) < _MIN_POINTS:
        return None
    chosen = chosen[:: len(chosen) // _MOST_POINTS + 1]
    before: Array = np.linalg.inv(_LOOSE * covariance[np.ix_(parts, parts)] + _LEAST)
    change, information = _fitted(chosen, map_T_base, blocks, before)
    left = box_distance(frames.points(_moved(map_T_base, change), chosen), blocks)
    share = float((left < _INLIER_M).mean())
    if share < _MIN_INLIER_SHARE or np.linalg.cond(information) > 1e6:
        return None
    # The answer of the points alone, to first order about what was found.
    seen = change + np.linalg.solve(information, before @ change)
    small = np.linalg.inv(information) + np.diag([_FLOOR_M, _FLOOR_M, 0.01]) ** 2
    if np.sqrt(np.linalg.eigvalsh(small[:2, :2])[0]) > _MAX_SIGMA_M:
        return None
    whole = np.eye(6)
    whole[np.ix_(parts, parts)] = small
    evidence = {
        "points": len(chosen),
        "inlier_share": round(share, 3),
        "rms_m": round(float(np.sqrt((left[left < _INLIER_M] ** 2).mean())), 4),
        "moved_m": [round(float(v), 4) for v in change[:2]],
        "turned_deg": round(float(np.degrees(change[2])), 3),
    }
    return Fix(time_s, _moved(map_T_base, seen), whole, "lander's shape", parts, evidence)


def _moved(map_T_base: Array, change: Array) -> Array:
    """A pose (4, 4) moved by x, y in m and turned about z in rad."""
    out = map_T_base.copy()
    out[:3, :3] = attitude.about_z(change[2]) @ map_T_base[:3, :3]
    out[:2, 3] += change[:2]
    return out


def _fitted(
    points: Array, map_T_base: Array, blocks: tuple[Block, ...], before: Array
) -> tuple[Array, Array]:
    """Change (3,) of x, y, heading that brings points (n, 3) onto boxes, their information (3, 3).

    Gauss-Newton with soft-L1 weights; `before` (3, 3) is the information that there is already.
    """
    # Stereo's error grows with the square of the distance.
    spread = 0.02 + 0.004 * (points**2).sum(axis=1)

    def off(change: Array) -> Array:
        return box_distance(frames.points(_moved(map_T_base, change), points), blocks) / spread

    change = np.zeros(3)
    for _ in range(_ROUNDS):
        now = off(change)
        jacobian = np.stack([(off(change + step) - now) / _STEP for step in _STEP * np.eye(3)], 1)
        weighted = jacobian / np.sqrt(1.0 + now**2)[:, None] / _CORRELATED
        information = weighted.T @ jacobian
        step = -np.linalg.solve(information + before, weighted.T @ now + before @ change)
        change = change + step
        if np.abs(step).max() < 1e-4:
            break
    return change, information


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
