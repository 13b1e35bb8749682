# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Panoramas: where to look, and one cylinder out of what was seen.

Each frame is laid on the cylinder by its known attitude, then moved by what its overlap with the
frames before says (phase correlation of the band near the horizon, where turning a camera that is
off the turning axis shifts little), and blended with a narrow seam.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tenacious_rover.imaging.error import ImagingError

Array = NDArray[np.float64]
_MAX_SHIFT_DEG = 4.0


@dataclass(frozen=True)
class View:
    """A frame: `light` (h, w, 3) radiance, `map_R_optical` (3, 3), `matrix` (3, 3) px."""

    light: NDArray[np.float32]
    map_R_optical: Array
    matrix: Array


@dataclass(frozen=True)
class Panorama:
    """The cylinder.

    Attributes:
        light: (rows, columns, 3) radiance; column 0 looks along `first_azimuth` and azimuth falls
            to the right, as it does in a picture.
        seen: (rows, columns).
        first_azimuth: rad in map.
        px_per_rad: columns per rad; a row is `px_per_rad * tan(elevation)` above `horizon_row`.
        horizon_row: row of elevation zero.
        seams: (n - 1,) correlation of each frame with what lay there before; NaN without overlap.
        shifts_deg: (n, 2) azimuth and elevation each frame was moved by.
    """

    light: NDArray[np.float32]
    seen: NDArray[np.bool_]
    first_azimuth: float
    px_per_rad: float
    horizon_row: float
    seams: Array
    shifts_deg: Array


def turns(fov: float, overlap: float, span: float = 0.0) -> list[float]:
    """Turns in rad between frames (one less than frames), positive to the left.

    Args:
        fov: horizontal field of view, rad.
        overlap: share of it that neighbours have in common.
        span: whole angle to be seen, rad; 0 or a full circle closes the circle with an overlap.
    """
    if not 0.0 <= overlap < 1.0 or fov <= 0.0:
        raise ImagingError(f"panorama: overlap {overlap:g} is not from 0 to below 1")
    step = fov * (1.0 - overlap)
    full = 2.0 * np.pi
    if span <= 0.0 or span >= full - 1e-6:
        count = int(np.ceil(full / step - 1e-9))
        return [full / count] * (count - 1)
    count = max(int(np.ceil((span - fov) / step - 1e-9)), 0)
    return [(span - fov) / count] * count if count else []


def stitched(
    views: list[View], px_per_rad: float | None = None, *, refine: bool = True
) -> Panorama:
    """One cylinder from views taken from (almost) one place.

    Raises:
        ImagingError: no views.
    """
    if not views:
        raise ImagingError("panorama: no frames")
    scale = float(px_per_rad or views[0].matrix[0, 0])
    azimuth, tangent = _extent(views)
    width = round(scale * azimuth[1])
    height = int(np.ceil(scale * (tangent[1] - tangent[0])))
    sheet = _Sheet(width, height, azimuth[0], scale * tangent[1], scale)
    seams, shifts = [], []
    for index, view in enumerate(views):
        image, weight = sheet.projected(view)
        shift, agreement = sheet.compared(image, weight, refine=refine)
        if refine and shift != (0.0, 0.0):
            moved = _moved(image, weight, shift)
            better = sheet.compared(*moved, refine=False)[1]
            # A peak of the correlation may be a rock that looks like another.
            if better > agreement:
                (image, weight), agreement = moved, better
            else:
                shift = (0.0, 0.0)
        sheet.add(image, weight)
        shifts.append([np.degrees(s / scale) for s in shift])
        if index:
            seams.append(agreement)
    light = sheet.total / np.maximum(sheet.weight, 1e-12)[..., None]
    return Panorama(
        light.astype(np.float32),
        sheet.weight > 0.0,
        azimuth[0],
        scale,
        scale * tangent[1],
        np.array(seams),
        np.array(shifts),
    )


def _extent(views: list[View]) -> tuple[tuple[float, float], tuple[float, float]]:
    """(azimuth of the left edge, width in rad), (lowest, highest tangent of elevation)."""
    lefts, rights, tangents = [], [], []
    reference = None
    for view in views:
        h, w = view.light.shape[:2]
        edge = np.array(
            [[u, v, 1.0] for u in (0.0, w / 2.0, w) for v in (0.0, h / 2.0, h)], dtype=float
        )
        rays = edge @ np.linalg.inv(view.matrix).T @ view.map_R_optical.T
        middle = float(np.arctan2(view.map_R_optical[1, 2], view.map_R_optical[0, 2]))
        if reference is None:
            reference = middle
        else:
            reference += float((middle - reference + np.pi) % (2.0 * np.pi) - np.pi)
        around = np.arctan2(rays[:, 1], rays[:, 0]) - middle
        around = (around + np.pi) % (2.0 * np.pi) - np.pi
        lefts.append(reference + around.max())
        rights.append(reference + around.min())
        tangents += list(rays[:, 2] / np.hypot(rays[:, 0], rays[:, 1]))
    width = min(max(lefts) - min(rights), 2.0 * np.pi)
    low, high = max(min(tangents), -1.2), min(max(tangents), 0.6)
    return (max(lefts), width), (low, high)


class _Sheet:
    """The cylinder under work."""

    def __init__(self, width: int, height: int, left: float, horizon: float, scale: float) -> None:
        self.left, self.horizon, self.scale = left, horizon, scale
        self.total = np.zeros((height, width, 3))
        self.weight = np.zeros((height, width))
        azimuth = left - (np.arange(width) + 0.5) / scale
        tangent = (horizon - np.arange(height) - 0.5) / scale
        self._rays = np.empty((height, width, 3))
        self._rays[..., 0], self._rays[..., 1] = np.cos(azimuth), np.sin(azimuth)
        self._rays[..., 2] = tangent[:, None]

    def projected(self, view: View) -> tuple[NDArray[np.float32], Array]:
        """A view on the cylinder, and its weight: nought outside, one at its centre."""
        rays = self._rays @ view.map_R_optical
        ahead = rays[..., 2] > 0.1
        z = np.where(ahead, rays[..., 2], 1.0)
        u = rays[..., 0] / z * view.matrix[0, 0] + view.matrix[0, 2]
        v = rays[..., 1] / z * view.matrix[1, 1] + view.matrix[1, 2]
        h, w = view.light.shape[:2]
        inside = ahead & (u > 1.0) & (u < w - 2.0) & (v > 1.0) & (v < h - 2.0)
        image = cv2.remap(view.light, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)
        centred = 1.0 - np.abs(u / (w / 2.0) - 1.0)
        weight = np.where(inside, np.clip(centred, 1e-3, 1.0) ** 6, 0.0)
        return np.asarray(image, np.float32), weight

    def compared(
        self, image: NDArray[np.float32], weight: Array, *, refine: bool
    ) -> tuple[tuple[float, float], float]:
        """Shift (columns, rows) that lays `image` on what is there, and their correlation."""
        both = (weight > 0.0) & (self.weight > 0.0)
        row = int(self.horizon)
        both[: max(row - int(0.05 * self.scale), 0)] = False
        both[row + int(0.35 * self.scale) :] = False
        columns = np.flatnonzero(both.sum(axis=0) > 10)
        if len(columns) < 32:
            return (0.0, 0.0), float("nan")
        window = _longest(columns)
        rows = np.flatnonzero(both[:, window].any(axis=1))
        box = np.ix_(np.arange(rows[0], rows[-1] + 1), window)
        known = np.log(self.total[box].mean(-1) / np.maximum(self.weight[box], 1e-12) + 1e-6)
        fresh = np.log(image[box].mean(-1).astype(float) + 1e-6)
        mask = both[box]
        a, b = _flattened(known, mask), _flattened(fresh, mask)
        agreement = float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum() + 1e-12))
        if not refine:
            return (0.0, 0.0), agreement
        hann = cv2.createHanningWindow((a.shape[1], a.shape[0]), cv2.CV_64F)
        (du, dv), peak = cv2.phaseCorrelate(b, a, hann)
        limit = np.radians(_MAX_SHIFT_DEG) * self.scale
        if peak < 0.05 or np.hypot(du, dv) > limit:
            return (0.0, 0.0), agreement
        return (float(du), float(dv)), agreement

    def add(self, image: NDArray[np.float32], weight: Array) -> None:
        """Blend."""
        self.total += image * weight[..., None]
        self.weight += weight


def _longest(columns: NDArray[np.int64]) -> NDArray[np.int64]:
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    return max(runs, key=len)


def _flattened(values: Array, mask: NDArray[np.bool_]) -> Array:
    """Log light without its slow part and without what only one frame saw; zero mean."""
    filled = np.where(mask, values, values[mask].mean())
    detail = filled - cv2.GaussianBlur(filled, (0, 0), 12.0)
    return np.asarray(np.clip(np.where(mask, detail, 0.0), -1.0, 1.0))


def _moved(
    image: NDArray[np.float32], weight: Array, shift: tuple[float, float]
) -> tuple[NDArray[np.float32], Array]:
    matrix = np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]])
    size = (image.shape[1], image.shape[0])
    moved = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_WRAP)
    return np.asarray(moved, np.float32), np.asarray(
        cv2.warpAffine(weight, matrix, size, borderMode=cv2.BORDER_WRAP), float
    )
