# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rolling map: views of the ground laid one over the other, each cell a Kalman filter.

A frame gives a cell the mean and spread of the points in it. Means are fused with their variance;
`top` follows what rises above the mean at once and sinks with the filter's gain, so that the top of
a rock is not averaged away and a false one does not stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from tenacious_rover.perception import darkness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.perception.config import PerceptionConfig
    from tenacious_rover.perception.stereo import Sight
    from tenacious_rover.rover.model import Camera

    Float = NDArray[np.float64]
    Layer = NDArray[np.float32]

_CORRELATED = 20.0
"""Pixels that err together: the matcher smooths over about this many."""
_TOP = 1.7
"""Deviations of the points above their mean where `top` is; never above the highest point. For an
even face from 0 to h this is 0.99 h, for noise it grows much slower than the highest point."""
_RELIEF = 0.03
"""Deviation of ground between two neighbouring pixels' points, share of the way to the nearer."""
_MAX_PIECES = 24
"""Points laid between two neighbouring pixels."""


class RollingMap:
    """Elevation around the rover in odom.

    Attributes:
        corner: (2,) index of cell (0, 0) on odom's grid: its corner is at corner * resolution_m.
        mean, variance, top: (n, n) float32, m, m^2, m; NaN unknown.
        felt: (n, n) bool, known from standing there and not from an image.
        seen_m: (n, n) float32, nearest distance it was seen from, m; inf if never.
        dark: (n, n) uint8, how often it was in view from near and black; 0 once it is seen.
    """

    def __init__(self, config: PerceptionConfig) -> None:
        self.config = config
        self.count = round(config.size_m / config.resolution_m)
        shape = (self.count, self.count)
        self.corner: NDArray[np.int64] | None = None
        self.mean, self.variance, self.top = (np.full(shape, np.nan, np.float32) for _ in range(3))
        self.felt = np.zeros(shape, bool)
        self.seen_m = np.full(shape, np.inf, np.float32)
        self.dark = np.zeros(shape, np.uint8)
        self._frame = np.zeros((5, *shape))

    @property
    def origin(self) -> Float:
        """(2,) corner of cell (0, 0) in odom, m."""
        assert self.corner is not None
        return np.asarray(self.corner * self.config.resolution_m, np.float64)

    def center_on(self, xy: Float) -> None:
        """Shift by whole cells so that the rover is in the middle; what falls off is forgotten."""
        res = self.config.resolution_m
        wanted = np.floor(np.asarray(xy, float) / res).astype(np.int64) - self.count // 2
        if self.corner is None:
            self.corner = wanted
        shift = wanted - self.corner
        # Moving in coarse steps saves copying.
        if np.abs(shift).max() * res < 0.25:
            return
        self.corner = wanted
        for layer, empty in (
            (self.mean, np.nan),
            (self.variance, np.nan),
            (self.top, np.nan),
            (self.felt, False),
            (self.seen_m, np.inf),
            (self.dark, 0),
        ):
            _shift(layer, int(shift[1]), int(shift[0]), empty)

    def age(self, distance_m: float) -> None:
        """Odom has drifted a little against all that is in the map."""
        self.variance += np.float32(self.config.drift**2 * max(distance_m, 0.0))

    def add(
        self,
        sight: Sight,
        camera: Camera,
        focal_baseline: float,
        odom_T_base: Float,
        solids: Float,
        mask: NDArray[np.bool_],
    ) -> int:
        """Fuse one frame.

        Args:
            sight: disparity of the left eye.
            camera: the left eye.
            focal_baseline: focal length times baseline, px m.
            odom_T_base: (4, 4) when it was taken.
            solids: (b, 6) boxes in base_link whose points are the rover's own.
            mask: (h, w) pixels that show the rover.

        Returns:
            How many cells were seen.
        """
        config = self.config
        assert self.corner is not None
        frame = self._frame
        frame[:] = 0.0
        frame[4] = -np.inf
        _scatter(
            sight.disparity,
            sight.sigma,
            mask,
            np.array([camera.fx_px, camera.fy_px, camera.cx_px, camera.cy_px]),
            float(focal_baseline),
            np.ascontiguousarray(odom_T_base, np.float64),
            np.ascontiguousarray(camera.base_T_optical, np.float64),
            solids,
            config.body_margin_m,
            config.far_m,
            config.max_gap_px,
            np.radians(config.attitude_sigma_deg),
            self.origin,
            config.resolution_m,
            frame,
        )
        far = self.distance_from((odom_T_base @ camera.base_T_optical)[:2, 3])
        # What is black from near is not to be seen from afar.
        frame[3, (self.dark >= darkness.TWICE) & (far > darkness.FAR_M)] = 0.0
        seen = frame[3] > 0.0
        self.dark[seen] = 0
        self.seen_m[seen] = np.minimum(self.seen_m[seen], far[seen])
        return int(
            _fuse(
                frame,
                self.mean,
                self.variance,
                self.top,
                self.felt,
                config.min_sigma_m**2,
                config.outlier_sigma,
            )
        )

    def distance_from(self, xy: Float) -> Layer:
        """(n, n) distance of the cells' centres from a point (2,) in odom, m."""
        x, y = (
            self.origin[:, None]
            + (np.arange(self.count) + 0.5) * self.config.resolution_m
            - xy[:, None]
        )
        return np.hypot(x[None, :], y[:, None]).astype(np.float32)

    def forget(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
        """Cells that are not known after all."""
        for layer in (self.mean, self.variance, self.top):
            layer[rows, columns] = np.nan
        self.seen_m[rows, columns] = np.inf

    def stand(self, points: Float, sigma_m: float) -> None:
        """Ground (n, 3) in odom that the rover stands on or over, where nothing has been seen."""
        assert self.corner is not None
        index = np.floor((points[:, :2] - self.origin) / self.config.resolution_m).astype(int)
        inside = np.all((index >= 0) & (index < self.count), axis=1)
        column, row = index[inside].T
        z = points[inside, 2]
        free = np.isnan(self.mean[row, column])
        row, column, z = row[free], column[free], z[free]
        self.mean[row, column] = self.top[row, column] = z
        self.variance[row, column] = sigma_m**2
        self.felt[row, column] = True


def _shift(layer: NDArray[np.generic], rows: int, columns: int, empty: float) -> None:
    """Cell (r, c) takes the value of (r + rows, c + columns), in place."""
    n, m = layer.shape
    old = layer.copy()
    layer[:] = empty
    if abs(rows) >= n or abs(columns) >= m:
        return
    to = np.s_[max(-rows, 0) : n - max(rows, 0), max(-columns, 0) : m - max(columns, 0)]
    of = np.s_[max(rows, 0) : n + min(rows, 0), max(columns, 0) : m + min(columns, 0)]
    layer[to] = old[of]


@numba.njit(cache=True)
def _own(solids: Float, x: float, y: float, z: float, margin: float) -> bool:
    for b in range(solids.shape[0]):
        if (
            solids[b, 0] - margin <= x <= solids[b, 3] + margin
            and solids[b, 1] - margin <= y <= solids[b, 4] + margin
            and solids[b, 2] - margin <= z <= solids[b, 5] + margin
        ):
            return True
    return False


@numba.njit(cache=True)
def _put(frame: Float, u: float, v: float, z: float, variance: float) -> None:
    """One point into its cell: sum of weights, of weighted z and z^2, count, highest."""
    if not (0.0 <= u < frame.shape[2] and 0.0 <= v < frame.shape[1]):
        return
    r, c = int(v), int(u)
    weight = 1.0 / variance
    frame[0, r, c] += weight
    frame[1, r, c] += weight * z
    frame[2, r, c] += weight * z * z
    frame[3, r, c] += 1.0
    frame[4, r, c] = max(frame[4, r, c], z)


@numba.njit(cache=True)
def _scatter(
    disparity: Layer,
    sigma: Layer,
    mask: NDArray[np.bool_],
    lens: Float,
    focal_baseline: float,
    odom_T_base: Float,
    base_T_eye: Float,
    solids: Float,
    margin: float,
    far: float,
    max_gap: float,
    attitude: float,
    origin: Float,
    res: float,
    frame: Float,
) -> None:
    """Points of all pixels into cells, and points between pixels of one surface.

    Two pixels, one above the other, whose disparities differ by at most `max_gap` see one surface:
    on level ground the step is baseline / height per row at any range, behind a rock it is larger.
    The variance of height is that along the ray, (dz/dd sigma)^2, plus attitude times distance.
    """
    odom_T_eye = odom_T_base @ base_T_eye
    rows, columns = disparity.shape
    for c in range(columns):
        x = (c - lens[2]) / lens[0]
        was, was_z, was_u, was_v = np.nan, 0.0, 0.0, 0.0
        for r in range(rows - 1, -1, -1):
            d = disparity[r, c]
            if np.isnan(d) or mask[r, c]:
                was = np.nan
                continue
            depth = focal_baseline / d
            y = (r - lens[3]) / lens[1]
            if depth > far:
                was = np.nan
                continue
            ox, oy, oz = depth * x, depth * y, depth
            if depth < 1.0:
                bx = base_T_eye[0, 0] * ox + base_T_eye[0, 1] * oy + base_T_eye[0, 2] * oz
                by = base_T_eye[1, 0] * ox + base_T_eye[1, 1] * oy + base_T_eye[1, 2] * oz
                bz = base_T_eye[2, 0] * ox + base_T_eye[2, 1] * oy + base_T_eye[2, 2] * oz
                bx, by, bz = bx + base_T_eye[0, 3], by + base_T_eye[1, 3], bz + base_T_eye[2, 3]
                if _own(solids, bx, by, bz, margin):
                    was = np.nan
                    continue
            px = odom_T_eye[0, 0] * ox + odom_T_eye[0, 1] * oy + odom_T_eye[0, 2] * oz
            py = odom_T_eye[1, 0] * ox + odom_T_eye[1, 1] * oy + odom_T_eye[1, 2] * oz
            up = odom_T_eye[2, 0] * ox + odom_T_eye[2, 1] * oy + odom_T_eye[2, 2] * oz
            u, v = (
                (px + odom_T_eye[0, 3] - origin[0]) / res,
                (py + odom_T_eye[1, 3] - origin[1]) / res,
            )
            z = up + odom_T_eye[2, 3]
            along = up / d * sigma[r, c]
            variance = along * along + attitude * attitude * (px * px + py * py)
            variance += 1e-8
            _put(frame, u, v, z, variance)
            if abs(d - was) <= max_gap:
                length = np.hypot(u - was_u, v - was_v)
                pieces = min(int(length * 1.5) + 1, _MAX_PIECES)
                for i in range(1, pieces):
                    t = i / pieces
                    relief = _RELIEF * min(t, 1.0 - t) * length * res
                    _put(
                        frame,
                        was_u + t * (u - was_u),
                        was_v + t * (v - was_v),
                        was_z + t * (z - was_z),
                        variance + relief * relief,
                    )
            was, was_z, was_u, was_v = d, z, u, v


@numba.njit(cache=True)
def _fuse(
    frame: Float,
    mean: Layer,
    variance: Layer,
    top: Layer,
    felt: NDArray[np.bool_],
    floor: float,
    outlier: float,
) -> int:
    """One measurement per cell: z = mean + K (measured - mean), K = P / (P + R)."""
    seen = 0
    for r in range(mean.shape[0]):
        for c in range(mean.shape[1]):
            n = frame[3, r, c]
            if n == 0.0:
                continue
            seen += 1
            weight = frame[0, r, c]
            z = frame[1, r, c] / weight
            scatter = max(frame[2, r, c] / weight - z * z, 0.0)
            independent = max(n / _CORRELATED, 1.0)
            noise = n / weight
            measured = max((noise + scatter) / independent, floor)
            high = min(z + _TOP * np.sqrt(scatter), frame[4, r, c])
            if np.isnan(mean[r, c]) or felt[r, c]:
                mean[r, c], variance[r, c], top[r, c] = z, measured, high
                felt[r, c] = False
                continue
            before = float(variance[r, c])
            off = z - mean[r, c]
            if off * off > outlier * outlier * (before + measured):
                before = max(off * off / (outlier * outlier) - measured, before)
            gain = before / (before + measured)
            mean[r, c] += gain * off
            variance[r, c] = max(gain * measured, floor)
            rise = high - top[r, c]
            top[r, c] += rise if rise > 0.0 and n >= 4.0 else gain * rise
            top[r, c] = max(top[r, c], mean[r, c])
    return seen
