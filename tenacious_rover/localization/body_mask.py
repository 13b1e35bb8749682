# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where a picture shows the rover itself or its shadow, which move with it and lie about motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.rover.model import Camera, Rover

Array = NDArray[np.float64]
Mask = NDArray[np.uint8]

_NEAR_M = 0.02
_MARGIN_PX = 6
_SHADOW_MARGIN_PX = 14


class BodyMask:
    """Masks (h, w) uint8 of one camera: 255 where the ground may be seen."""

    def __init__(self, rover: Rover, camera: Camera) -> None:
        self._camera = camera
        self._ground_z = min(w.position[2] - w.radius_m for w in rover.wheels)
        self._bodies = _bodies(rover)
        self._own = np.full((camera.height_px, camera.width_px), 255, np.uint8)
        for body in self._bodies:
            self._cover(self._own, body, _MARGIN_PX)

    def mask(self, sun_in_base: Array | None) -> Mask:
        """Without the rover, and, where the sun is known, without its shadow on level ground."""
        if sun_in_base is None or sun_in_base[2] < 0.05:
            return self._own
        out = self._own.copy()
        for body in self._bodies:
            # Each corner falls along the sun's ray to the plane under the wheels.
            drop = (body[:, 2] - self._ground_z) / sun_in_base[2]
            self._cover(out, body - drop[:, None] * sun_in_base, _SHADOW_MARGIN_PX)
        return out

    def _cover(self, out: Mask, in_base: Array, margin: int) -> None:
        """Zero the convex hull of points (n, 3) as the camera sees them."""
        optical = frames.points(frames.inverse(self._camera.base_T_optical), in_base)
        edges = _in_front(optical)
        if len(edges) < 3:
            return
        pixels = edges[:, :2] / edges[:, 2:] * [self._camera.fx_px, self._camera.fy_px]
        center = np.array([self._camera.cx_px, self._camera.cy_px])
        pixels = np.clip(pixels + center, -5000, 5000)
        hull = cv2.convexHull(pixels.astype(np.int32))
        cv2.fillConvexPoly(out, hull, 0)
        cv2.polylines(out, [hull], True, 0, 2 * margin)


def _in_front(optical: Array) -> Array:
    """The part of a convex body in front of the eye.

    Corners, and where lines between corners on both sides cross the near plane.
    """
    front = optical[:, 2] > _NEAR_M
    kept = [optical[front]]
    for a in optical[front]:
        for b in optical[~front]:
            share = (_NEAR_M - a[2]) / (b[2] - a[2])
            kept.append((a + share * (b - a))[None])
    return np.concatenate(kept) if front.any() else np.empty((0, 3))


def _bodies(rover: Rover) -> list[Array]:
    """Corner points (n, 3) in base_link of what a camera may see of the rover."""
    boxes = [(rover.chassis.center, rover.chassis.size)]
    boxes += [
        (w.position, np.array([2.0 * w.radius_m, w.width_m, 2.0 * w.radius_m]))
        for w in rover.wheels
    ]
    out = [_corners(center, size) for center, size in boxes]
    if rover.payload is not None:
        x, y, z = rover.payload.size
        local = _corners(np.array([0.0, 0.0, z / 2.0]), np.array([x, y, z]))
        out.append(frames.points(rover.payload.base_T_payload, local))
    if rover.scoop is not None:
        reach = rover.scoop.arm_length_m + rover.scoop.blade_length_m
        half = np.array([0.0, rover.scoop.blade_width_m / 2.0, 0.0])
        middle = rover.scoop.lift_origin + np.array([reach / 2.0, 0.0, 0.0])
        out.append(_corners(middle, np.array([reach, 2.0 * half[1], 0.06])))
    # The mast: from the top of the chassis to the eyes.
    eyes = [camera.base_T_optical[:3, 3] for camera in rover.cameras.values()]
    top = float(rover.chassis.center[2] + rover.chassis.size[2] / 2.0)
    foot = [np.array([eye[0], eye[1], top]) for eye in eyes]
    head = [eye + np.array(d) for eye in eyes for d in ((0.0, 0.02, 0.03), (-0.06, -0.02, 0.03))]
    out.append(np.array([*foot, *head]))
    return out


def _corners(center: Array, size: Array) -> Array:
    signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], float)
    return np.asarray(center + signs * size / 2.0)
