# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""How much soil is gone: two stereo pairs, one before and one after, cell by cell.

The ground around the hole did not change, so it shows both the misfit of the two surfaces (a shift
and a plane, taken out) and the noise (which becomes the volume's uncertainty).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy import ndimage

from tenacious_rover.rover import frames
from tenacious_rover.sampling.error import SamplingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Rover, Scoop

CELL_M = 0.004
_NO_HOLE_M = 0.12
"""No scoop digs so deep: stereo was wrong."""
_LEAST_CELLS = 200
_DARK, _EVEN_PX = 3, 9.0
_MOST_CELLS = 4
"""Shift sideways that is sought between two surfaces: the rover's pose is as good as that."""
_CORRELATED_CELLS = 25.0
"""Cells that err together: stereo smooths over its window."""


@dataclass(frozen=True)
class Change:
    """What was dug.

    Attributes:
        volume_ml: soil gone (hole less spoil).
        sigma_ml: one standard deviation.
        significance: depth of the hole's middle over the noise.
        depth_m: largest smoothed depth.
        center: (2,) of the hole in the grid's frame, m; NaN when nothing was dug.
        drop: (rows, columns) before minus after, m; NaN unknown.
    """

    volume_ml: float
    sigma_ml: float
    significance: float
    depth_m: float
    center: NDArray[np.float64]
    drop: NDArray[np.float64]


def near_depth(
    left: NDArray[np.uint8], right: NDArray[np.uint8], fx_px: float, baseline_m: float
) -> NDArray[np.float32]:
    """Depth z (h, w) in m of the near ground from a grey pair; NaN unknown.

    Semi-global matching over disparities that a scoop's reach can have: to 0.2 m near.
    """
    most = int(np.ceil(fx_px * baseline_m / 0.2 / 16.0) * 16)
    block = 7
    matcher = cv2.StereoSGBM.create(
        minDisparity=0,
        numDisparities=most,
        blockSize=block,
        P1=8 * block * block,
        P2=32 * block * block,
        disp12MaxDiff=1,
        uniquenessRatio=8,
        speckleWindowSize=120,
        speckleRange=1,
        mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    )
    even = [_evened(image) for image in (left, right)]
    # Room on the left, so that the columns whose partner lies far left are searched as well.
    pad = ((0, 0), (most, 0))
    wide = [np.pad(image, pad, mode="edge") for image in even]
    disparity = matcher.compute(*wide).astype(np.float32)[:, most:] / 16.0
    columns = np.arange(left.shape[1])[None]
    good = (disparity > 2.0) & (disparity <= columns) & (left > _DARK)
    with np.errstate(divide="ignore"):
        return np.where(good, fx_px * baseline_m / disparity, np.nan).astype(np.float32)


def _evened(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Contrast alike everywhere: a hole lies in the shade of its rim and has little texture."""
    grey = image.astype(np.float32)
    mean = cv2.GaussianBlur(grey, (0, 0), _EVEN_PX)
    spread = np.sqrt(cv2.GaussianBlur((grey - mean) ** 2, (0, 0), _EVEN_PX)) + 1.5
    return np.asarray(np.clip(128.0 + 40.0 * (grey - mean) / spread, 0.0, 255.0), np.uint8)


def surface(
    depth: NDArray[np.float32],
    rover: Rover,
    frame_T_base: NDArray[np.float64],
    center: NDArray[np.float64],
    radius_m: float,
) -> NDArray[np.float64]:
    """Heights (n, n) on a grid of `CELL_M` around `center` (2,) in a level frame; NaN unknown."""
    camera = rover.cameras["left"]
    v, u = np.nonzero(np.isfinite(depth))
    z = depth[v, u].astype(float)
    rays = np.column_stack(
        [(u - camera.cx_px) / camera.fx_px, (v - camera.cy_px) / camera.fy_px, np.ones(len(u))]
    )
    points = frames.points(frame_T_base @ camera.base_T_optical, rays * z[:, None])
    n = int(2 * radius_m / CELL_M)
    column = np.floor((points[:, 0] - center[0] + radius_m) / CELL_M).astype(int)
    row = np.floor((points[:, 1] - center[1] + radius_m) / CELL_M).astype(int)
    inside = (column >= 0) & (column < n) & (row >= 0) & (row < n)
    cell = row[inside] * n + column[inside]
    count = np.bincount(cell, minlength=n * n)
    total = np.bincount(cell, points[inside, 2], minlength=n * n)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(count > 0, total / count, np.nan).reshape(n, n))


def reach_m(scoop: Scoop) -> float:
    """Radius in which a scoop changes the ground: its blade, its drag, and edges that slump, m."""
    return scoop.blade_width_m / 2.0 + 0.06


def change(before: NDArray[np.float64], after: NDArray[np.float64], hole_radius_m: float) -> Change:
    """Compare two surfaces (n, n) of one grid, the hole expected within a radius of its middle.

    Raises:
        SamplingError: too little of the ground around the hole was seen in both.
    """
    n = len(before)
    ruler = (np.arange(n) + 0.5) * CELL_M - n * CELL_M / 2.0
    x, y = np.meshgrid(ruler, ruler)
    distance = np.hypot(x, y)
    drop = before - _registered(before, after, x, y, distance > hole_radius_m)
    drop[np.abs(drop) > _NO_HOLE_M] = np.nan
    ring = np.isfinite(drop) & (distance > hole_radius_m)
    if ring.sum() < _LEAST_CELLS:
        raise SamplingError("too little of the ground was seen both before and after")
    drop = drop - _plane(x, y, drop, ring)
    noise = 1.4826 * float(np.median(np.abs(drop[ring])))
    noise = max(noise, 1e-4)
    disc = distance <= hole_radius_m
    filled, guessed = _filled(drop, disc)
    smooth = ndimage.gaussian_filter(filled, 2.0)
    calm = noise / 3.0 + 3e-4
    core = disc & (np.abs(smooth) > 3.0 * calm)
    # A hole has shallow edges that no single cell shows: with one found, all around it counts.
    touched = disc if core.any() else core
    area_ml = CELL_M**2 * 1e6
    volume = float(filled[touched].sum()) * area_ml
    cells = int(touched.sum())
    random = noise * np.sqrt(max(cells, 1) * _CORRELATED_CELLS)
    offset = noise * cells * np.sqrt(_CORRELATED_CELLS / float(ring.sum())) * 2.0
    unseen = 0.5 * float(np.abs(filled[touched & guessed]).sum())
    sigma = float(np.sqrt(random**2 + offset**2 + unseen**2)) * area_ml
    hole = disc & (smooth > 3.0 * calm)
    center = np.array([np.nan, np.nan])
    depth = float(max(smooth[disc].max(), 0.0)) if disc.any() else 0.0
    if hole.any():
        w = smooth[hole]
        center = np.array([(x[hole] * w).sum(), (y[hole] * w).sum()]) / w.sum()
    return Change(volume, max(sigma, 0.1), depth / calm, depth, center, drop)


def _registered(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    outside: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """`after` shifted sideways to where the ground around the hole fits best, to a part of a cell.

    Noise over whole cells of shift, then a parabola's vertex about the least along each axis.
    """

    def misfit(row: float, column: float) -> float:
        drop = before - _shifted(after, row, column)
        ring = outside & np.isfinite(drop) & (np.abs(drop) < _NO_HOLE_M)
        if ring.sum() < _LEAST_CELLS:
            return np.inf
        rest = (drop - _plane(x, y, drop, ring))[ring]
        return float(np.median(np.abs(rest)))

    reach = range(-_MOST_CELLS, _MOST_CELLS + 1)
    noise = np.array([[misfit(row, column) for column in reach] for row in reach])
    if not np.isfinite(noise).any():
        return after
    r, c = (int(i) for i in np.unravel_index(np.argmin(noise), noise.shape))
    best = (_vertex(noise[:, c], r) - _MOST_CELLS, _vertex(noise[r], c) - _MOST_CELLS)
    return _shifted(after, *best)


def _shifted(values: NDArray[np.float64], rows: float, columns: float) -> NDArray[np.float64]:
    """Linear between the known ones of four neighbours; NaN where they are few."""
    known = np.isfinite(values)
    total = ndimage.shift(np.where(known, values, 0.0), (rows, columns), order=1)
    weight = ndimage.shift(known.astype(float), (rows, columns), order=1)
    return np.where(weight >= 0.5, total / np.maximum(weight, 0.5), np.nan)


def _vertex(values: NDArray[np.float64], least: int) -> float:
    """Where a parabola through the least value and its neighbours has its vertex."""
    if not 0 < least < len(values) - 1:
        return float(least)
    a, b, c = values[least - 1 : least + 2] ** 2
    bend = a - 2.0 * b + c
    return least + (0.5 * float((a - c) / bend) if np.isfinite(bend) and bend > 0.0 else 0.0)


def _plane(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    drop: NDArray[np.float64],
    ring: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Robust plane of the misfit over the ring, (n, n)."""
    use = ring.copy()
    fit: NDArray[np.floating] = np.zeros(3)
    for _ in range(4):
        terms = np.column_stack([np.ones(int(use.sum())), x[use], y[use]])
        fit = np.linalg.lstsq(terms, drop[use], rcond=None)[0]
        rest = drop - (fit[0] + fit[1] * x + fit[2] * y)
        spread = 1.4826 * np.median(np.abs(rest[ring])) + 1e-5
        use = ring & (np.abs(rest) < 3.0 * spread)
    return np.asarray(fit[0] + fit[1] * x + fit[2] * y)


def _filled(
    drop: NDArray[np.float64], disc: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Unknown cells in the disc from their neighbours, elsewhere nought; and which those were."""
    known = np.isfinite(drop)
    guessed = disc & ~known
    values = np.where(known, drop, 0.0)
    weight = ndimage.gaussian_filter(known.astype(float), 3.0)
    blurred = ndimage.gaussian_filter(values, 3.0)
    guess = np.where(weight > 0.05, blurred / np.maximum(weight, 1e-6), 0.0)
    return np.where(guessed, guess, values), guessed
