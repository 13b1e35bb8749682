# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A rectified pair, or a depth image, to disparity with its standard deviation.

The right image is sheared first, so that the disparity of level ground under the wheels hardly
changes from row to row: blocks then compare like with like where the ground slants away, and the
smoothness that semi-global matching prefers is that of the ground (the idea of ground plane
rectification; Burt, Wixson, Salgian 1995). What remains is filtered: dark ground, ground without
texture and ground that both eyes do not see alike is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numba
import numpy as np

from tenacious_rover.perception.error import PerceptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.perception.config import PerceptionConfig
    from tenacious_rover.rover.model import Rover

    Image = NDArray[np.float32]

_BELOW_PX = 48
"""Disparities searched below that of level ground: ditches and ground that falls away."""
_SHARE = 0.75
"""Of the ground's slant that is taken out: smoothing from row to row pulls what stands upright one
way and level ground the other; about here both err least."""
_STEP = 16
"""The matcher takes a multiple of this many disparities."""
_FRACTIONS = 16.0
"""Of a pixel, in the matcher's result."""
_WINDOW_PX = 7
"""Side of the blocks that are compared for quality."""
_ROUNDED = 0.2
"""Deviation in px of the matcher's own fractions of a pixel."""
_WITNESSES = 8
_OVERHANG = 0.93
"""By how much what is below an overhang may be farther away, as a ratio of disparities."""
_MISPLACED = 1.0
"""Pixels by which a match's place is uncertain where disparity changes."""
_INDEPENDENT = 0.25
"""Share of a block's pixels whose noise is independent after interpolation and matching."""


@dataclass(frozen=True)
class Sight:
    """What the left eye sees, each (h, w) float32.

    Attributes:
        disparity: px; NaN unknown. Depth is fx * baseline / disparity.
        sigma: its standard deviation, px.
        dark: (h, w) bool, too dark to be matched; `None` from a depth camera, which lights it.
    """

    disparity: Image
    sigma: Image
    dark: NDArray[np.bool_] | None = None

    @property
    def coverage(self) -> float:
        """Share of pixels that are known."""
        return float(np.isfinite(self.disparity).mean())


class StereoMatcher:
    """Matches pairs of one rover's cameras; keeps its buffers."""

    def __init__(self, rover: Rover, config: PerceptionConfig) -> None:
        left = rover.cameras["left"]
        self.config = config
        self.scale = config.matching_scale
        self.size = (round(left.width_px * self.scale), round(left.height_px * self.scale))
        self.full_size = (left.width_px, left.height_px)
        self.focal_baseline = left.fx_px * rover.baseline_m
        row, offset = (_SHARE * x for x in ground_disparity(rover))
        self.lean = (1.0 / _SHARE - 1.0) * row
        # Of the scaled image, whose pixel centres lie at (i + 0.5) / scale - 0.5.
        self.row = row
        self.offset = (offset + row * (0.5 / self.scale - 0.5)) * self.scale
        above = self.focal_baseline / config.near_m * self.scale
        below = round(_BELOW_PX * self.scale / _STEP) * _STEP
        self.low = -max(below, _STEP)
        count = int(np.ceil((above - self.low) / _STEP)) * _STEP
        self.pad = count + self.low
        block = config.block_px | 1
        self.matcher = cv2.StereoSGBM.create(
            minDisparity=self.low,
            numDisparities=count,
            blockSize=block,
            P1=4 * block * block,
            P2=32 * block * block,
            disp12MaxDiff=round(config.left_right_px) if config.left_right_px > 0.0 else -1,
            preFilterCap=31,
            uniquenessRatio=config.uniqueness_percent,
            mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
        )
        v, u = np.mgrid[: self.size[1], : self.size[0]].astype(np.float32)
        self.u, self.v = u, v
        self.ground = (self.row * v[:, 0] + self.offset).astype(np.float32)

    def match(self, left: NDArray[Any], right: NDArray[Any]) -> Sight:
        """Disparity of a pair, (h, w) grey or (h, w, 3) RGB uint8.

        Raises:
            PerceptionError: an image is of another size or type than the camera's.
        """
        one, two = self._gray("left", left), self._gray("right", right)
        # The ground becomes steep: residual disparity = disparity - ground.
        width, pad = self.size[0], self.pad
        shear = np.array([[1.0, -self.row, -self.offset - pad], [0.0, 1.0, 0.0]])
        sheared = cv2.warpAffine(
            two,
            shear,
            (width + pad - self.low, self.size[1]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
        )
        padded = cv2.copyMakeBorder(one, 0, 0, pad, -self.low, cv2.BORDER_CONSTANT)
        raw = np.asarray(self.matcher.compute(padded, sheared), np.int16)[:, pad : pad + width]
        # The right image seen through the disparity must look like the left.
        residual = raw.astype(np.float32) / np.float32(_FRACTIONS)
        column = self.u - (residual + self.ground[:, None])
        seen = np.asarray(cv2.remap(two, column, self.v, cv2.INTER_CUBIC), np.uint8)
        light = np.asarray(cv2.blur(one, (3, 3)), np.uint8)
        disparity, sigma = self._judged(one, seen, raw, residual, light)
        dark = (light < self.config.min_brightness).astype(np.uint8)
        if self.scale != 1.0:
            disparity, sigma = (self._enlarged(x) for x in (disparity, sigma))
            resized = cv2.resize(dark, self.full_size, interpolation=cv2.INTER_NEAREST)
            dark = np.asarray(resized, np.uint8)
        return Sight(disparity, sigma, dark > 0)

    def from_depth(self, depth: NDArray[Any]) -> Sight:
        """Of a depth image (h, w) in m; NaN, infinity, zero and negative are unknown.

        Raises:
            PerceptionError: another size than the camera's.
        """
        if depth.shape != self.full_size[::-1]:
            raise PerceptionError(self._wrong("depth", depth))
        with np.errstate(divide="ignore", invalid="ignore"):
            disparity = np.float32(self.focal_baseline) / depth.astype(np.float32)
        disparity[~(np.isfinite(disparity) & (disparity > 0.0))] = np.nan
        # The deviation of such cameras grows with the square of depth, as it does with stereo.
        spread = np.float32(self.focal_baseline * self.config.depth_sigma)
        sigma = np.full_like(disparity, max(spread, np.float32(1e-3)))
        return Sight(disparity, sigma)

    def _judged(
        self,
        left: NDArray[np.uint8],
        seen: NDArray[np.uint8],
        raw: NDArray[np.int16],
        residual: Image,
        light: NDArray[np.uint8],
    ) -> tuple[Image, Image]:
        a, b = left.astype(np.float32), seen.astype(np.float32)
        mean_a, mean_b = _mean(a), _mean(b)
        kept, sigma, disparity = raw.copy(), np.empty_like(a), np.empty_like(a)
        lost = (self.low - 1) * int(_FRACTIONS)
        _judge(
            kept,
            lost,
            self.ground,
            light,
            mean_a,
            mean_b,
            _mean(a * a),
            _mean(b * b),
            _mean(a * b),
            self.config.min_brightness,
            self.config.min_contrast,
            self.config.min_correlation,
            sigma,
        )
        islands = round(self.config.speckle_px * self.scale**2)
        cv2.filterSpeckles(kept, lost, islands, int(_FRACTIONS))
        _drop_holes(kept, lost, self.ground)
        # One step of least squares on the images: the matcher's parabola is drawn to whole pixels.
        slope = np.asarray(cv2.Sobel(a + b, cv2.CV_32F, 1, 0, ksize=3, scale=0.0625))
        slope[kept <= lost] = 0.0
        energy = slope * slope
        change = np.asarray(a - b - (mean_a - mean_b), np.float32)
        shift = np.asarray(_mean(energy * residual) - _mean(slope * change), np.float32)
        _finish(
            kept,
            lost,
            self.ground,
            shift,
            _mean(energy),
            self.lean,
            self.config.max_change_px,
            self.config.max_side_change_px,
            self.config.disparity_floor_px * self.scale,
            disparity,
            sigma,
        )
        return disparity, sigma

    def _enlarged(self, values: Image) -> Image:
        out = cv2.resize(values, self.full_size, interpolation=cv2.INTER_NEAREST)
        return np.asarray(out / np.float32(self.scale), np.float32)

    def _gray(self, name: str, image: NDArray[Any]) -> NDArray[np.uint8]:
        if image.dtype != np.uint8 or image.shape[:2] != self.full_size[::-1]:
            raise PerceptionError(self._wrong(name, image))
        gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if self.scale != 1.0:
            gray = cv2.resize(gray, self.size, interpolation=cv2.INTER_AREA)
        return np.asarray(gray, np.uint8)

    def _wrong(self, name: str, image: NDArray[Any]) -> str:
        due = f"{self.full_size[1]} x {self.full_size[0]}"
        return f"{name} image: {image.dtype} of shape {image.shape}, {due} is due"


def ground_disparity(rover: Rover) -> tuple[float, float]:
    """Disparity of level ground under the wheels: `slope * row + offset`, px of the full image.

    With the ground n . p = -h in the eye's frame and p = Z (x, y, 1), 1/Z = -(n . (x, y, 1)) / h is
    linear in the pixel; the cameras of a rectified pair look along, so only the row matters.
    """
    eye = rover.cameras["left"]
    normal = eye.base_T_optical[2, :3]
    ground = min(w.position[2] - w.radius_m for w in rover.wheels)
    height = float(eye.base_T_optical[2, 3] - ground)
    scale = -eye.fx_px * rover.baseline_m / height
    slope = scale * normal[1] / eye.fy_px
    offset = scale * (normal[2] - normal[1] * eye.cy_px / eye.fy_px)
    return float(slope), float(offset)


def _mean(values: Image) -> Image:
    """Over each pixel's window."""
    return np.asarray(cv2.boxFilter(values, cv2.CV_32F, (_WINDOW_PX, _WINDOW_PX)))


@numba.njit(cache=True)
def _judge(
    raw: NDArray[np.int16],
    lost: int,
    ground: Image,
    light: NDArray[np.uint8],
    mean_a: Image,
    mean_b: Image,
    mean_aa: Image,
    mean_bb: Image,
    mean_ab: Image,
    min_brightness: float,
    min_contrast: float,
    min_correlation: float,
    sigma: Image,
) -> None:
    """Variance of the blocks' difference to `sigma` where all is well, else `lost` to `raw`."""
    rows, columns = raw.shape
    margin = _WINDOW_PX // 2
    for r in range(rows):
        for c in range(columns):
            if raw[r, c] <= lost:
                continue
            d = raw[r, c] / np.float32(_FRACTIONS) + ground[r]
            a, b = mean_a[r, c], mean_b[r, c]
            var_a, var_b = mean_aa[r, c] - a * a, mean_bb[r, c] - b * b
            cov = mean_ab[r, c] - a * b
            good = d > 0.0 and c - d >= margin and light[r, c] >= min_brightness
            good = good and var_a >= min_contrast * min_contrast and var_b > 0.0
            if not good or cov < min_correlation * np.sqrt(var_a * var_b):
                raw[r, c] = lost
                continue
            sigma[r, c] = max(var_a + var_b - np.float32(2.0) * cov, np.float32(0.0))


@numba.njit(cache=True)
def _drop_holes(kept: NDArray[np.int16], lost: int, ground: Image) -> None:
    """What lies farther away than things above it in the image becomes `lost`.

    Seen from a rover, ground recedes upwards. A match in a shadow or behind an edge that does not
    would be a hole in the map. At least `_WITNESSES` pixels above must say so, by a margin that an
    overhanging rock keeps.
    """
    rows, columns = kept.shape
    nearest = np.zeros(_WITNESSES, np.float32)
    for c in range(columns):
        nearest[:] = 0.0
        for r in range(rows):
            if kept[r, c] <= lost:
                continue
            d = kept[r, c] / np.float32(_FRACTIONS) + ground[r]
            if d < nearest[0] * _OVERHANG - 1.0:
                kept[r, c] = lost
                continue
            # `nearest` is sorted, the least of the largest first.
            k = 0
            while k + 1 < _WITNESSES and nearest[k + 1] < d:
                nearest[k] = nearest[k + 1]
                k += 1
            nearest[k] = max(nearest[k], d)


@numba.njit(cache=True)
def _finish(
    kept: NDArray[np.int16],
    lost: int,
    ground: Image,
    shift: Image,
    energy: Image,
    lean: float,
    max_change: float,
    max_side_change: float,
    floor: float,
    disparity: Image,
    sigma: Image,
) -> None:
    """Disparity and its deviation in px, NaN where lost.

    With gradient g, the least-squares disparity of a block whose pixels were matched at d_i and
    differ by e_i is sum(g^2 d_i - g e_i) / sum(g^2): `shift` over `energy`. Its deviation is the
    bound of Cramer and Rao: variance of the blocks' difference (handed over in `sigma`) over the
    number of independent pixels times the mean squared gradient. The matcher's own result, which is
    smoother, is weighed against it by their variances.

    Level ground changes by `lean` px a row. Where disparity departs from that by more than
    `max_change` px from one row to the next, or by `max_side_change` from one column to the next,
    there is an edge, which smoothing has made a ramp: unknown. Ground of any slope ahead changes
    from row to row, but from column to column little does that is not the side of a rock. Lesser
    changes add to the deviation, because a match sits only to a part of a pixel where the block's
    weight lies.
    """
    rows, columns = kept.shape
    limits = (2.0 * max_change * _FRACTIONS, 2.0 * max_side_change * _FRACTIONS)
    number = np.float32(_WINDOW_PX * _WINDOW_PX * _INDEPENDENT)
    for r in range(rows):
        for c in range(columns):
            here = kept[r, c]
            disparity[r, c] = np.nan
            if here <= lost:
                sigma[r, c] = np.nan
                continue
            change, edge = 0.0, False
            for dr, dc, limit in ((2, 0, limits[0]), (0, 2, limits[1])):
                r0, r1 = max(r - dr, 0), min(r + dr, rows - 1)
                c0, c1 = max(c - dc, 0), min(c + dc, columns - 1)
                one, two = kept[r0, c0], kept[r1, c1]
                slant = lean * dr * _FRACTIONS
                after = abs(two - here - slant) if kept[r1, c1] > lost else 0.0
                before = abs(here - one - slant) if kept[r0, c0] > lost else 0.0
                edge = edge or after > limit or before > limit
                change = max(change, after, before)
            if edge:
                sigma[r, c] = np.nan
                continue
            found = here / _FRACTIONS
            gradient = max(energy[r, c], np.float32(1e-3))
            blurred = _MISPLACED * change / (2.0 * _FRACTIONS)
            noise = sigma[r, c] / (number * gradient) + blurred * blurred
            better = shift[r, c] / gradient
            if abs(better - found) < 1.0:
                found += (better - found) * _ROUNDED**2 / (_ROUNDED**2 + noise)
            disparity[r, c] = found + ground[r]
            sigma[r, c] = np.sqrt(floor * floor + noise)
