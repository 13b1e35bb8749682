# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rover as perception needs it: wheels that stand, boxes that must not touch or be mapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Camera, Rover, Scoop

_EPS = 1e-9


@dataclass(frozen=True)
class Body:
    """Geometry of a rover in base_link, as arrays.

    Attributes:
        wheels: (w, 5) axle centre x, y, z, radius, width.
        side: (w,) +1 left, -1 right.
        boxes: (b, 6) low corner x, y, z, high corner x, y, z of what must stay clear of the
            ground: chassis, payload while it is carried, stowed scoop.
        tilt_rad: the rover's own limit.
    """

    wheels: NDArray[np.float64]
    side: NDArray[np.int64]
    boxes: NDArray[np.float64]
    tilt_rad: float

    @property
    def ground_z(self) -> float:
        """Of level ground under the wheels, in base_link."""
        return float((self.wheels[:, 2] - self.wheels[:, 3]).min())

    @property
    def outline(self) -> NDArray[np.float64]:
        """(4,) lowest x, y and highest x, y of wheels and boxes."""
        low = np.vstack([self.boxes[:, :2], self._wheel_corners(-1.0)]).min(axis=0)
        high = np.vstack([self.boxes[:, 3:5], self._wheel_corners(1.0)]).max(axis=0)
        return np.concatenate([low, high])

    @property
    def solids(self) -> NDArray[np.float64]:
        """(b + w, 6): the boxes, and one around each wheel."""
        half = self.wheels[:, [3, 4, 3]] * (1.0, 0.5, 1.0)
        around = np.hstack([self.wheels[:, :3] - half, self.wheels[:, :3] + half])
        return np.vstack([self.boxes, around])

    def _wheel_corners(self, sign: float) -> NDArray[np.float64]:
        return self.wheels[:, :2] + sign * self.wheels[:, 3:] * (1.0, 0.5)


def body_of(
    rover: Rover, *, payload: bool = True, scoop: tuple[float, float] | None = None
) -> Body:
    """The body of a rover.

    Args:
        rover: its description.
        payload: whether it still carries its payload.
        scoop: lift and tilt in rad; stowed when left out.
    """
    wheels = np.array([[*w.position, w.radius_m, w.width_m] for w in rover.wheels], float)
    half = rover.chassis.size / 2.0
    boxes = [np.concatenate([rover.chassis.center - half, rover.chassis.center + half])]
    if payload and rover.payload is not None:
        boxes.append(_payload_box(rover.payload.base_T_payload, rover.payload.size))
    if rover.scoop is not None:
        boxes += _scoop_boxes(rover.scoop, rover.scoop.stow if scoop is None else scoop)
    side = np.array([w.side for w in rover.wheels], np.int64)
    return Body(wheels, side, np.array(boxes, float), float(rover.limits.tilt_rad))


def _payload_box(
    base_T_payload: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(6,) around the payload, whose origin is the centre of its floor."""
    signs = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])
    corners = frames.points(base_T_payload, signs * size)
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def _scoop_boxes(scoop: Scoop, angles: tuple[float, float]) -> list[NDArray[np.float64]]:
    """Boxes (6,) around arm and blade; both axes are +y, positive angles lower."""
    lift, tilt = angles
    root = np.asarray(scoop.lift_origin, float)
    elbow = root + scoop.arm_length_m * np.array([np.cos(lift), 0.0, -np.sin(lift)])
    total = lift + tilt
    tip = elbow + scoop.blade_length_m * np.array([np.cos(total), 0.0, -np.sin(total)])
    boxes = []
    for ends, width in (((root, elbow), 0.03), ((elbow, tip), scoop.blade_width_m)):
        thick = np.array([0.01, width / 2.0, 0.01])
        low, high = np.minimum(*ends) - thick, np.maximum(*ends) + thick
        boxes.append(np.concatenate([low, high]))
    return boxes


def inside(
    solids: NDArray[np.float64], points: NDArray[np.float64], margin_m: float
) -> NDArray[np.bool_]:
    """Which points (n, 3) of base_link lie in one of the boxes (b, 6) grown by `margin_m`."""
    taken = np.zeros(len(points), bool)
    for box in solids:
        low, high = box[:3] - margin_m - _EPS, box[3:] + margin_m + _EPS
        taken |= np.all((points >= low) & (points <= high), axis=1)
    return taken


def in_view(solids: NDArray[np.float64], camera: Camera, margin_m: float) -> NDArray[np.bool_]:
    """(h, w) pixels of a camera that show one of the boxes (b, 6), grown by `margin_m`."""
    mask = np.zeros((camera.height_px, camera.width_px), np.uint8)
    optical_T_base = frames.inverse(camera.base_T_optical)
    signs = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    for box in solids:
        low, high = box[:3] - margin_m, box[3:] + margin_m
        if np.all((camera.base_T_optical[:3, 3] > low) & (camera.base_T_optical[:3, 3] < high)):
            continue
        corners = frames.points(optical_T_base, low + signs * (high - low))
        ahead = _clipped(corners)
        if len(ahead) < 3:
            continue
        u = camera.fx_px * ahead[:, 0] / ahead[:, 2] + camera.cx_px
        v = camera.fy_px * ahead[:, 1] / ahead[:, 2] + camera.cy_px
        spots = np.clip(np.column_stack([u, v]), -1e4, 1e4).astype(np.float32)
        hull = cv2.convexHull(spots).round().astype(np.int32)
        cv2.fillConvexPoly(mask, hull, 1)
    return mask.astype(bool)


def _clipped(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners (8, 3) of a box in the eye's frame and its edges' crossings with z = 2 cm, ahead."""
    near = 0.02
    found = [c for c in corners if c[2] >= near]
    for i in range(8):
        for bit in (1, 2, 4):
            j = i ^ bit
            a, b = corners[i], corners[j]
            if i < j and (a[2] < near) != (b[2] < near):
                found.append(a + (b - a) * (near - a[2]) / (b[2] - a[2]))
    return np.array(found).reshape(-1, 3)
