# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Ground that is not known because it lies in the dark: looked at from near, and black.

From afar a shadow is a few rows of an image, and matching bridges it from one lit side to the
other: the map then holds heights that nobody has seen. From near the same ground is plainly dark.
So what is dark from near and was only ever seen from afar is forgotten, and noted as dark, which is
worth more than unknown: looking again will not help, and going there means going blind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.perception.fusion import RollingMap
    from tenacious_rover.rover.model import Camera

    Float = NDArray[np.float64]

REACH_M = 4.0
"""Nearer ground is a few rows a decimetre in the image: there dark and lit can be told apart."""
FAR_M = 2.5
"""What was seen from nearer was seen well, whatever falls dark later: the rover's own shadow."""
_NEARER = 1.5
"""By this ratio the dark view must be nearer than the lit one to count for more."""
_INSIDE_PX = 5
"""Side of the square of pixels that must all be dark, or lit: heights are uncertain."""
_FRONT_M = 0.3
TWICE = 2
"""A cell that was dark this often is dark."""
_DARK, _LIT = 1, 2


def look(
    ground: RollingMap,
    dark: NDArray[np.bool_],
    camera: Camera,
    odom_T_base: Float,
    own: NDArray[np.bool_],
) -> None:
    """Find the cells near the eye in one frame, which must have been fused already.

    Args:
        ground: its `dark` counts; heights that are known from afar only are forgotten.
        dark: (h, w) pixels too dark to be matched.
        camera: the eye.
        odom_T_base: (4, 4) when the frame was taken.
        own: (h, w) pixels that show the rover.
    """
    odom_T_eye = odom_T_base @ camera.base_T_optical
    far = ground.distance_from(odom_T_eye[:2, 3])
    rows, columns = np.nonzero(far < REACH_M)
    known = np.isfinite(ground.mean)
    if not len(rows) or not known[rows, columns].any():
        return
    part = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    heights = _nearest(ground.mean[part], known[part])
    z = heights[rows - rows.min(), columns - columns.min()]
    xy = ground.origin + (np.column_stack([columns, rows]) + 0.5) * ground.config.resolution_m
    shade = _shade(dark, own)
    seen = _pixels(np.column_stack([xy, z]), odom_T_eye, camera, shade)
    for found in (_DARK, _LIT):
        r, c = rows[seen == found], columns[seen == found]
        if found == _LIT:
            ground.dark[r, c] = 0
            continue
        guess = known[r, c] & ~ground.felt[r, c]
        guess &= ground.seen_m[r, c] > np.maximum(FAR_M, _NEARER * far[r, c])
        ground.forget(r[guess], c[guess])
        black = ~known[r, c] | guess
        count = ground.dark[r[black], c[black]]
        ground.dark[r[black], c[black]] = np.minimum(count, 254) + 1


def _shade(dark: NDArray[np.bool_], own: NDArray[np.bool_]) -> NDArray[np.uint8]:
    square = np.ones((_INSIDE_PX, _INSIDE_PX), np.uint8)
    shade = np.zeros(dark.shape, np.uint8)
    shade[cv2.erode(dark.astype(np.uint8), square) > 0] = _DARK
    shade[cv2.dilate(dark.astype(np.uint8), square) == 0] = _LIT
    shade[own] = 0
    return shade


def _nearest(mean: NDArray[np.float32], known: NDArray[np.bool_]) -> Float:
    """Heights, that of the nearest known cell where there is none."""
    _, label = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    height = np.zeros(int(label.max()) + 1)
    height[label[known]] = mean[known]
    return np.asarray(height[label])


def _pixels(
    points: Float, odom_T_eye: Float, camera: Camera, shade: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """What `shade` is where points (n, 3) in odom appear; 0 out of view."""
    local = (points - odom_T_eye[:3, 3]) @ odom_T_eye[:3, :3]
    front = local[:, 2] > _FRONT_M
    depth = np.where(front, local[:, 2], 1.0)
    u = np.floor(camera.fx_px * local[:, 0] / depth + camera.cx_px + 0.5).astype(int)
    v = np.floor(camera.fy_px * local[:, 1] / depth + camera.cy_px + 0.5).astype(int)
    inside = front & (u >= 0) & (v >= 0) & (u < shade.shape[1]) & (v < shade.shape[0])
    return np.where(inside, shade[v * inside, u * inside], 0).astype(np.uint8)
