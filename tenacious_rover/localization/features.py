# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Corners spread over a picture, their depth from the other eye, and tracking between pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tenacious_rover.rover.model import Camera

Array = NDArray[np.float64]
Grey = NDArray[np.uint8]
Points = NDArray[np.float32]
Mask = NDArray[np.bool_]

_WINDOW = (11, 11)
"""Small: the flow of ground ahead is convex, and a patch's mean flow is not that of its centre.
With 17 px the distance driven came out 0.15 to 0.35 % short, with 11 px 0.02 to 0.2 %."""
_LEVELS = 3
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 0.002)
_WEAKEST = 6e-4
"""Smallest eigenvalue of the gradient matrix of a corner, in OpenCV's scale for 8-bit grey."""


def grey(picture: NDArray) -> Grey:
    """(h, w) of a picture, RGB or grey."""
    if picture.ndim == 3:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    return np.ascontiguousarray(picture, np.uint8)


def corners(image: Grey, usable: Grey, count: int, columns: int) -> Points:
    """(n, 2) px: the best corners of each cell of a grid, where `usable` (h, w) is not zero.

    Shadow edges are far stronger than soil texture; a quota per cell keeps them from taking all.
    """
    height, width = image.shape
    strength = cv2.cornerMinEigenVal(image, 5, ksize=3)
    peak = (strength == cv2.dilate(strength, np.ones((7, 7), np.uint8))) & (strength > _WEAKEST)
    peak &= usable > 0
    border = _WINDOW[0] // 2 + 2
    peak[:border], peak[-border:], peak[:, :border], peak[:, -border:] = (False,) * 4
    v, u = np.nonzero(peak)
    found = np.stack([u, v], axis=1).astype(np.float32)
    return found[
        spread(found, np.asarray(strength[v, u], np.float32), (width, height), columns)[:count]
    ]


def spread(
    found: Points, strength: NDArray[np.float32], size: tuple[int, int], columns: int
) -> NDArray[np.intp]:
    """Order (n,) of points (n, 2) of a picture of `size` width, height.

    First every cell's strongest, then every cell's second, and so on.
    """
    width, height = size
    side = width / columns
    rows = max(round(height / side), 1)
    u, v = found[:, 0], found[:, 1]
    row = np.minimum((v * rows / height).astype(int), rows - 1)
    cell = row * columns + (u / side).astype(int)
    order = np.lexsort((-strength, cell))
    cell = cell[order]
    rank = np.arange(len(cell)) - np.searchsorted(cell, cell)
    return order[np.lexsort((-strength[order], rank))]


def tracked(
    before: Grey, after: Grey, points: Points, guess: Points, back_px: float = 0.7
) -> tuple[Points, Mask]:
    """Where `points` (n, 2) of a picture are in another, starting from a guess, and which are good.

    Good: found, inside, and tracked back to within `back_px` of where they came from.
    """
    if not len(points):
        return points.copy(), np.zeros(0, bool)
    found, good, _ = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        points,
        np.ascontiguousarray(guess, np.float32),
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_STOP,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        minEigThreshold=1e-4,
    )
    back, good_back, _ = cv2.calcOpticalFlowPyrLK(
        after,
        before,
        found,
        points.copy(),
        winSize=_WINDOW,
        maxLevel=1,
        criteria=_STOP,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        minEigThreshold=1e-4,
    )
    kept = (good.ravel() > 0) & (good_back.ravel() > 0)
    kept &= np.abs(back - points).max(axis=1) < back_px
    return np.asarray(found, np.float32), kept


def disparities(left: Grey, right: Grey, points: Points, guess: Array) -> tuple[Array, Mask]:
    """Disparity (n,) px of corners of the left eye, from a guess (n,), and which are good."""
    if not len(points):
        return np.empty(0), np.zeros(0, bool)
    start = points.copy()
    start[:, 0] -= guess.astype(np.float32)
    found, good = tracked(left, right, points, start)
    shift = (points - found).astype(float)
    good &= (np.abs(shift[:, 1]) < 0.8) & (shift[:, 0] > 0.3)
    return shift[:, 0], good


def plane_disparity(found: Points, camera: Camera, baseline_m: float, ground_z: float) -> Array:
    """Disparity (n,) px of points (n, 2) on the plane z = `ground_z` of base_link.

    Near zero above the horizon.
    """
    ray = (found - [camera.cx_px, camera.cy_px]) / [camera.fx_px, camera.fy_px]
    down = np.column_stack([ray, np.ones(len(ray))]) @ camera.base_T_optical[2, :3]
    drop = ground_z - camera.base_T_optical[2, 3]
    depth = np.where(down < -0.01, drop / np.minimum(down, -0.01), 50.0)
    return np.asarray(camera.fx_px * baseline_m / np.clip(depth, 0.1, 50.0))


def sharpness(image: Grey, points: Points) -> float:
    """Median gradient, grey levels per px, at corners (n, 2): low when the picture is blurred."""
    if not len(points):
        return 0.0
    u, v = points[:, 0].astype(int), points[:, 1].astype(int)
    picture = image.astype(np.int16)
    across = np.abs(picture[v, u + 1] - picture[v, u - 1])
    down = np.abs(picture[v + 1, u] - picture[v - 1, u])
    return float(np.median(np.maximum(across, down))) / 2.0


def brightness(image: Grey) -> float:
    """Mean of the brightest tenth of a picture, on every fourth pixel of every fourth row."""
    thin = np.sort(image[::4, ::4], axis=None)
    return float(thin[-max(len(thin) // 10, 1) :].mean())
