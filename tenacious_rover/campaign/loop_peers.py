# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What localization is compared with: wheels alone, OpenCV's parts, kiss-icp.

The headless OpenCV wheel has no rgbd module: `DepthPnp` is what one builds from its parts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tenacious_rover.localization.wheels import WheelReader
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.localization.config import LocalizationConfig
    from tenacious_rover.rover.measurements import Joints, Stereo
    from tenacious_rover.rover.model import Rover

    Array = NDArray[np.float64]

_FARTHEST_M = 8.0
_LEAST_POINTS = 500


class WheelsAlone:
    """Planar dead reckoning from wheel speeds; the track's factor is given to it."""

    def __init__(self, rover: Rover, config: LocalizationConfig, start: Array) -> None:
        self._reader = WheelReader(rover, config)
        self._last_s: float | None = None
        self.pose = start.copy()

    def take(self, sample: Joints) -> None:
        """A sample of the joints."""
        rolling = self._reader.read(sample)
        if isinstance(rolling, str):
            return
        if self._last_s is not None:
            dt = sample.time_s - self._last_s
            turn = rolling.turning * dt
            way = frames.planar(rolling.forward * dt * math.cos(turn / 2), 0.0, turn)
            self.pose = self.pose @ way
        self._last_s = sample.time_s


class Dense:
    """Stereo depth for the peers: OpenCV's SGBM, 3-way."""

    def __init__(self, rover: Rover) -> None:
        self.camera = rover.cameras["left"]
        self._baseline = rover.baseline_m
        size = 128 if self.camera.width_px > 500 else 80
        self._matcher: Any = cv2.StereoSGBM_create(  # type: ignore[attr-defined]
            minDisparity=0,
            numDisparities=size,
            blockSize=5,
            P1=200,
            P2=800,
            uniquenessRatio=10,
            speckleWindowSize=100,
            speckleRange=2,
            mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
        )

    def __call__(self, sample: Stereo) -> tuple[NDArray, NDArray[np.uint8]]:
        """Depth (h, w) m along the axis, NaN unknown, and the left picture in grey."""
        assert sample.right is not None
        eyes = [
            cv2.cvtColor(eye, cv2.COLOR_RGB2GRAY) if eye.ndim == 3 else eye
            for eye in (sample.left, sample.right)
        ]
        disparity = self._matcher.compute(*eyes).astype(np.float32) / 16.0
        disparity[(disparity <= 0.5) | (eyes[0] < 12)] = np.nan
        return self.camera.fx_px * self._baseline / disparity, np.asarray(eyes[0], np.uint8)

    def points(self, depth: NDArray) -> Array:
        """(n, 3) in base_link, every third pixel, up to 8 m."""
        camera = self.camera
        v, u = np.nonzero(np.nan_to_num(depth[::3, ::3], nan=99.0) < _FARTHEST_M)
        v, u = 3 * v, 3 * u
        z = depth[v, u].astype(float)
        x, y = (u - camera.cx_px) / camera.fx_px * z, (v - camera.cy_px) / camera.fy_px * z
        return frames.points(camera.base_T_optical, np.stack([x, y, z], axis=1))


class DepthPnp:
    """Frame to frame: ORB, brute-force matches with cross-check, RANSAC PnP on dense depth.

    Where it finds nothing it keeps its speed, as kiss-icp does.
    """

    def __init__(self, rover: Rover, start: Array) -> None:
        self.pose = start.copy()
        self._camera = rover.cameras["left"]
        self._orb: Any = cv2.ORB_create(1500)  # type: ignore[attr-defined]
        self._matcher = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)
        self._last: tuple[Any, ...] | None = None
        self._step = np.eye(4)

    def take(self, grey: NDArray[np.uint8], depth: NDArray) -> None:
        """A picture with depth."""
        keys, words = self._orb.detectAndCompute(grey, None)
        last, self._last = self._last, (keys, words, depth)
        if last is None:
            return
        if words is not None and last[1] is not None:
            moved = self._moved(last, keys, words)
            self._step = self._step if moved is None else moved
        self.pose = self.pose @ self._step

    def _moved(self, last: tuple[Any, ...], keys: Any, words: Any) -> Array | None:
        """base_link now in base_link before."""
        matches = self._matcher.match(last[1], words)
        before = np.array([last[0][m.queryIdx].pt for m in matches]).reshape(-1, 2)
        after = np.array([keys[m.trainIdx].pt for m in matches]).reshape(-1, 2)
        z = last[2][before[:, 1].astype(int), before[:, 0].astype(int)]
        good = np.isfinite(z) & (z < 20.0)
        if good.sum() < 8:
            return None
        camera = self._camera
        ray = (before[good] - [camera.cx_px, camera.cy_px]) / [camera.fx_px, camera.fy_px]
        points = np.column_stack([ray, np.ones(len(ray))]) * z[good, None]
        ok, turn, shift, inliers = cv2.solvePnPRansac(
            points, after[good], camera.matrix, None, reprojectionError=1.0
        )
        if not ok or inliers is None or len(inliers) < 8:
            return None
        now_T_last = np.eye(4)
        now_T_last[:3, :3], now_T_last[:3, 3] = cv2.Rodrigues(turn)[0], shift.ravel()
        optical = camera.base_T_optical
        return np.asarray(optical @ frames.inverse(now_T_last) @ frames.inverse(optical))


class Kiss:
    """kiss-icp with voxels of 10 cm on stereo points in base_link.

    Raises:
        ImportError: kiss-icp is not installed.
    """

    def __init__(self, start: Array) -> None:
        from kiss_icp.config import KISSConfig
        from kiss_icp.kiss_icp import KissICP

        config = KISSConfig()
        config.data.deskew, config.data.max_range, config.data.min_range = False, _FARTHEST_M, 0.3
        config.mapping.voxel_size = 0.1
        config.adaptive_threshold.initial_threshold = 0.3
        config.adaptive_threshold.min_motion_th = 0.01
        config.registration.max_num_threads = 1
        self._core, self._start = KissICP(config), start

    @property
    def pose(self) -> Array:
        """Start times all motion."""
        return np.asarray(self._start @ self._core.last_pose)

    def take(self, points: Array) -> None:
        """Points (n, 3) in base_link."""
        if len(points) > _LEAST_POINTS:
            self._core.register_frame(points, np.zeros(len(points)))
