# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The house in the pictures: red by colour; where it stands and whether upright by stereo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tenacious_rover.payload.error import PayloadError
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Rover

_MIN_PIXELS = 150
_EDGE = 2
_DIM = 15
"""Red of a wall in its own shadow, of 255."""
_GROUND_PIXELS = 20
_WALLS = 0.25
"""Least height of red walls, of the house's."""
_TAPER, _DARKER, _BLUER = 0.6, 0.65, 1.15


@dataclass(frozen=True)
class Sighting:
    """The house as seen.

    Attributes:
        mask: (h, w) its red in the left picture.
        box: (left, top, right, bottom) px.
        map_T_payload: (4, 4); x is the normal of the side that is seen best.
        lean: rad from upright.
        height_m: of the top of its red above the ground beside it.
        width_m: of its red, level and across the line of sight.
        taper: width of its red at the top, of that at the foot.
        roofed: a roof stands right above its red.
        bearing: rad of its middle from the rover's x axis.
        whole: no part is cut off by the picture's border.
        sharpness: variance of the Laplacian over the house.
    """

    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    map_T_payload: NDArray[np.float64]
    lean: float
    height_m: float
    width_m: float
    taper: float
    roofed: bool
    bearing: float
    whole: bool
    sharpness: float


def red(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(h, w) of the largest red thing in a picture; all false when there is none.

    Regolith is grey to within some 20 % between red and green; paint is far beyond that.
    """
    values = rgb.astype(np.float32)
    strong = (values[..., 0] > 1.5 * values[..., 1]) & (values[..., 0] > 1.5 * values[..., 2])
    strong &= values[..., 0] > _DIM
    opened = cv2.morphologyEx(strong.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    # The white corners part the red; what is near belongs together.
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    if count < 2:
        return np.zeros(strong.shape, bool)
    best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    found = (labels == best) & (opened > 0)
    return found if found.sum() >= _MIN_PIXELS else np.zeros(strong.shape, bool)


def sighted(
    left_rgb: NDArray[np.uint8],
    depth_m: NDArray[np.float32],
    rover: Rover,
    map_T_base: NDArray[np.float64],
) -> Sighting:
    """Find and measure the house.

    Args:
        left_rgb: (h, w, 3).
        depth_m: (h, w) z of the left eye, NaN unknown.
        rover: camera and the house's size.
        map_T_base: (4, 4).

    Raises:
        PayloadError: not seen, or too little depth on it.
    """
    assert rover.payload is not None
    mask = red(left_rgb)
    if not mask.any():
        raise PayloadError("no red house in the picture")
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1]))
    points = _points(mask & np.isfinite(depth_m), depth_m, rover, map_T_base)
    if len(points) < _MIN_PIXELS // 2:
        raise PayloadError(f"the house shows only {len(points)} pixels with depth")
    size = rover.payload.size
    points = _together(points, float(np.linalg.norm(size)))
    ground = _ground(mask, box, depth_m, rover, map_T_base, points)
    low, high = np.percentile(points[:, 2], [2.0, 98.0])
    floor = ground if np.isfinite(ground) else float(low)
    normal = _side(points)
    eye = (map_T_base @ rover.cameras["left"].base_T_optical)[:3, 3]
    middle = np.median(points, axis=0)
    if normal @ (eye - middle) < 0.0:
        normal = -normal
    flat = normal * np.array([1.0, 1.0, 0.0])
    yaw = float(np.arctan2(flat[1], flat[0]))
    half = float(min(size[0], size[1])) / 2.0
    center = middle - half * np.array([np.cos(yaw), np.sin(yaw), 0.0])
    pose = frames.planar(float(center[0]), float(center[1]), yaw, floor)
    in_base = frames.points(frames.inverse(map_T_base), center[None])[0]
    h, w = mask.shape
    whole = box[0] > _EDGE and box[1] > _EDGE and box[2] < w - 1 - _EDGE and box[3] < h - 1 - _EDGE
    crop = left_rgb[box[1] : box[3] + 1, box[0] : box[2] + 1]
    return Sighting(
        mask,
        box,
        pose,
        max(_lean(normal), _lean_across(mask, rover, map_T_base)),
        float(high - floor),
        _width(points, normal),
        _taper(mask, box),
        _roofed(left_rgb, box),
        float(np.arctan2(in_base[1], in_base[0])),
        whole,
        float(cv2.Laplacian(crop, cv2.CV_64F).var()),
    )


def upright(seen: Sighting, rover: Rover, limit: float) -> bool:
    """Whether the house stands, by its red walls and its dark roof.

    It leans less than `limit` rad, is not higher than wide, and shows one of two things: a gable,
    whose red is narrow at the top and wide at the foot, or an eaves side, whose red ends half-way
    up below a dark roof. A house on its roof, its back or a gable shows neither.
    """
    assert rover.payload is not None
    share = seen.height_m / float(rover.payload.size[2])
    gable = 0.6 <= share <= 1.2 and seen.taper <= _TAPER
    eaves = _WALLS <= share <= 0.7 and seen.roofed
    return seen.lean <= limit and seen.height_m <= 1.3 * seen.width_m and (gable or eaves)


def _taper(mask: NDArray[np.bool_], box: tuple[int, int, int, int]) -> float:
    """Width of the red in the upper fifth of its box, of that in the lower half."""
    rows = np.flatnonzero(mask[box[1] : box[3] + 1].any(axis=1)) + box[1]
    widths = np.array([np.ptp(np.flatnonzero(mask[row])) + 1 for row in rows], float)
    high = rows < box[1] + 0.2 * (box[3] - box[1])
    low = rows > box[1] + 0.5 * (box[3] - box[1])
    if not (high.any() and low.any()):
        return 1.0
    return float(np.median(widths[high]) / np.median(widths[low]))


def _roofed(left_rgb: NDArray[np.uint8], box: tuple[int, int, int, int]) -> bool:
    """Whether what stands right above the red is a roof: darker than the ground, or less brown.

    The sun may light its slate as bright as regolith, which is redder than slate at any brightness.
    """
    width, height = box[2] - box[0] + 1, box[3] - box[1] + 1
    rows = slice(max(box[1] - int(0.45 * height), 0), max(box[1] - int(0.08 * height), 1))
    inner, outer, middle = int(0.3 * width), int(0.9 * width), (box[0] + box[2]) // 2
    above = left_rgb[rows, middle - inner : middle + inner + 1].reshape(-1, 3)
    left = left_rgb[rows, max(box[0] - outer, 0) : max(box[0] - inner, 1)].reshape(-1, 3)
    right = left_rgb[rows, box[2] + inner : box[2] + outer].reshape(-1, 3)
    beside = np.concatenate([left, right])
    if not (len(above) and len(beside)):
        return False
    roof, soil = (
        np.maximum(np.median(part.astype(float), axis=0), 1.0) for part in (above, beside)
    )
    darker = roof.max() <= _DARKER * soil.max()
    bluer = roof[2] / roof[0] >= _BLUER * soil[2] / soil[0]
    return bool(darker or bluer)


def _width(points: NDArray[np.float64], normal: NDArray[np.float64]) -> float:
    """Extent (m) of points along the level direction of their wall."""
    across = np.array([-normal[1], normal[0], 0.0])
    length = float(np.linalg.norm(across))
    if length < 1e-6:
        return 0.0
    low, high = np.percentile(points @ (across / length), [2.0, 98.0])
    return float(high - low)


def _points(
    mask: NDArray[np.bool_],
    depth_m: NDArray[np.float32],
    rover: Rover,
    map_T_base: NDArray[np.float64],
) -> NDArray[np.float64]:
    camera = rover.cameras["left"]
    v, u = np.nonzero(mask)
    z = depth_m[v, u].astype(float)
    rays = np.column_stack(
        [(u - camera.cx_px) / camera.fx_px, (v - camera.cy_px) / camera.fy_px, np.ones(len(u))]
    )
    return frames.points(map_T_base @ camera.base_T_optical, rays * z[:, None])


def _together(points: NDArray[np.float64], diagonal: float) -> NDArray[np.float64]:
    """Without points farther from the middle than the house is big."""
    away = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    return points[away <= diagonal]


def _ground(
    mask: NDArray[np.bool_],
    box: tuple[int, int, int, int],
    depth_m: NDArray[np.float32],
    rover: Rover,
    map_T_base: NDArray[np.float64],
    walls: NDArray[np.float64],
) -> float:
    """Height in map of the ground to both sides of the house's foot; NaN when not seen.

    Only ground as near as `walls` (n, 3) count: in the glare with the sun behind, stereo finds
    little to match and much that is wrong.
    """
    beside = np.zeros_like(mask)
    width = max(box[2] - box[0], 10)
    foot = slice(max(box[3] - 3, 0), box[3] + 8)
    gap = width // 5
    beside[foot, max(box[0] - gap - width // 2, 0) : max(box[0] - gap, 0)] = True
    beside[foot, box[2] + gap : box[2] + gap + width // 2] = True
    beside &= np.isfinite(depth_m) & ~mask
    ground = _points(beside, depth_m, rover, map_T_base)
    middle, size = np.median(walls, axis=0), float(np.ptp(walls[:, :2], axis=0).max())
    away = ground - middle
    near = np.hypot(away[:, 0], away[:, 1]) < 2.0 * size
    low = np.abs(away[:, 2]) < 1.5 * size
    ground = ground[near & low]
    return float(np.median(ground[:, 2])) if len(ground) >= _GROUND_PIXELS else float("nan")


def _side(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit normal of the plane most points lie in (RANSAC, then least squares)."""
    rng = np.random.default_rng(0)
    best, votes = points[:, 0] < np.inf, -1
    for _ in range(120):
        a, b, c = points[rng.choice(len(points), 3, replace=False)]
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal)
        if length < 1e-9 or abs(normal[2]) > 0.9 * length:
            continue  # the roof says nothing of where the house faces
        near = np.abs((points - a) @ (normal / length)) < 0.006
        if near.sum() > votes:
            best, votes = near, int(near.sum())
    chosen = points[best] - points[best].mean(axis=0)
    return np.asarray(np.linalg.svd(chosen, full_matrices=False)[2][2])


def _lean(normal: NDArray[np.float64]) -> float:
    """A wall's normal is level when the house stands."""
    return float(np.arcsin(np.clip(abs(normal[2]), 0.0, 1.0)))


def _lean_across(mask: NDArray[np.bool_], rover: Rover, map_T_base: NDArray[np.float64]) -> float:
    """Lean about the line of sight, which a wall's normal does not show: from the outline."""
    v, u = np.nonzero(mask)
    corners = np.column_stack([u, v]).astype(np.float32)
    angle = np.radians(cv2.minAreaRect(corners)[2] % 90.0)
    up = (map_T_base @ rover.cameras["left"].base_T_optical)[2, :3]
    apart = (angle - float(np.arctan2(up[0], -up[1]))) % (np.pi / 2.0)
    return float(min(apart, np.pi / 2.0 - apart))
