# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Localization's cores on data that was not made here, as the wheel of GTSAM ships it.

Stereo tracks of the first 111 m of sequence 00, and 3.7 km of IMU with GPS, both of KITTI
(A. Geiger, P. Lenz, C. Stiller, R. Urtasun, "Vision meets robotics: the KITTI dataset", 2013).
Nothing of it is kept in this repository: `pip install gtsam` brings it.
"""

from __future__ import annotations

import importlib.util
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tenacious_rover.campaign.error import CampaignError
from tenacious_rover.localization import attitude, events, motion
from tenacious_rover.localization import filter as eskf
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.estimate import Fix
from tenacious_rover.localization.timeline import Timeline
from tenacious_rover.rover import frames
from tenacious_rover.rover.model import Camera

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

EARTH_MPS2 = 9.80665
_LEAST_DISPARITY_PX, _TRACK_PX = 2.0, 0.35
_OUTLIER_PX = 2.0
_GPS_SIGMA_M = 0.07
"""As GTSAM's example takes it for this receiver."""
_CAR: dict[str, Any] = {
    "gyro_noise": 4e-3,
    "accel_noise": 0.4,
    "accel_bias_walk": 1e-3,
    "start_yaw_sigma_deg": 10.0,
    "start_position_sigma_m": 1.0,
}
"""A car on the road shakes more than a rover; with less, the filter comes to refuse fixes."""


def folder() -> Path:
    """Where GTSAM keeps its data.

    Raises:
        CampaignError: GTSAM is not installed.
    """
    spec = importlib.util.find_spec("gtsam")
    if spec is None or spec.origin is None:
        raise CampaignError("gtsam: not installed; its wheel has the data: pip install gtsam")
    return Path(spec.origin).parent / "Data"


# -- stereo tracks ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Tracks:
    """Corners followed through a stereo sequence.

    Attributes:
        camera: of the left eye, in whose axes poses are.
        baseline_m: to the right eye.
        seen: per picture, track number to (u left, u right, v).
        poses: (n, 4, 4) of the left eye, as the data set has them.
    """

    camera: Camera
    baseline_m: float
    seen: tuple[dict[int, Array], ...]
    poses: Array


def tracks(data: Path, name: str) -> Tracks:
    """Tracks `00` (135 pictures) or `_large` (26 pictures)."""
    calibration = "VO_calibration00.txt" if name == "00" else "VO_calibration.txt"
    fx, fy, _, cx, cy, baseline = np.loadtxt(data / calibration)
    rows = np.loadtxt(data / f"VO_stereo_factors{name}.txt")
    poses = np.loadtxt(data / f"VO_camera_poses{name}.txt")
    seen = tuple(
        {int(row[1]): row[2:5] for row in rows[rows[:, 0] == number]} for number in poses[:, 0]
    )
    camera = Camera("left", "left", np.eye(4), 1241, 376, fx, fy, cx, cy)
    return Tracks(camera, float(baseline), seen, poses[:, 1:].reshape(-1, 4, 4))


def sighting(data: Tracks, before: int, after: int) -> motion.Sighting:
    """What two pictures have in common, with depth from the first."""
    first, second = data.seen[before], data.seen[after]
    common = [k for k in first if k in second]
    a = np.array([first[k] for k in common]).reshape(-1, 3)
    b = np.array([second[k] for k in common]).reshape(-1, 3)
    deep = a[:, 0] - a[:, 1] > _LEAST_DISPARITY_PX
    a, b = a[deep], b[deep]
    camera = data.camera
    depth = camera.fx_px * data.baseline_m / (a[:, 0] - a[:, 1])
    x, y = (a[:, 0] - camera.cx_px) / camera.fx_px, (a[:, 2] - camera.cy_px) / camera.fy_px
    points = np.column_stack([x, y, np.ones(len(x))]) * depth[:, None]
    sigma = depth**2 / (camera.fx_px * data.baseline_m) * _TRACK_PX
    return motion.Sighting(points, sigma, b[:, [0, 2]], b[:, 0] - b[:, 1])


def ours(seen: motion.Sighting, data: Tracks, guess: Array) -> Array:
    """The motion (4, 4) as visual odometry finds it."""
    agree, rough = motion.ransac(seen, data.camera, guess, _OUTLIER_PX)
    noise = (_TRACK_PX, _TRACK_PX)
    solved = motion.solve(seen, data.camera, data.baseline_m, rough, agree, noise, 2.5)
    return guess if solved is None else solved.k_T_b


def pnp(seen: motion.Sighting, data: Tracks, guess: Array) -> Array:
    """The motion (4, 4) by OpenCV's RANSAC PnP with its refinement, nothing else."""
    ok, turn, shift, _ = cv2.solvePnPRansac(
        seen.points, seen.pixels, data.camera.matrix, None, reprojectionError=1.0
    )
    if not ok:
        return guess
    after_T_before = np.eye(4)
    after_T_before[:3, :3], after_T_before[:3, 3] = cv2.Rodrigues(turn)[0], np.ravel(shift)
    return frames.inverse(after_T_before)


def chained(data: Tracks, solver: Callable[[motion.Sighting, Tracks, Array], Array]) -> Array:
    """Poses (n, 4, 4) from picture to picture."""
    poses, step = [data.poses[0]], np.eye(4)
    for before in range(len(data.seen) - 1):
        step = solver(sighting(data, before, before + 1), data, step)
        poses.append(poses[-1] @ step)
    return np.array(poses)


def batch(data: Tracks, start: Array) -> Array:
    """Poses (n, 4, 4) by GTSAM's bundle adjustment over all tracks at once, from a start.

    Raises:
        ImportError: GTSAM is not installed.
    """
    import gtsam
    from gtsam.symbol_shorthand import L, X

    camera = data.camera
    lens = (camera.fx_px, camera.fy_px, 0.0, camera.cx_px, camera.cy_px, data.baseline_m)
    stereo = gtsam.Cal3_S2Stereo(*lens)
    plain = gtsam.noiseModel.Isotropic.Sigma(3, _TRACK_PX)
    noise = gtsam.noiseModel.Robust.Create(gtsam.noiseModel.mEstimator.Huber.Create(1.345), plain)
    lengths = Counter(track for seen in data.seen for track in seen)
    graph, values = gtsam.NonlinearFactorGraph(), gtsam.Values()
    graph.add(gtsam.NonlinearEqualityPose3(X(0), gtsam.Pose3(start[0])))
    for number, seen in enumerate(data.seen):
        pose = gtsam.Pose3(start[number])
        values.insert(X(number), pose)
        for track, (left, right, v) in seen.items():
            if lengths[track] < 2 or left - right < _LEAST_DISPARITY_PX:
                continue
            point = gtsam.StereoPoint2(left, right, v)
            key = L(track)
            graph.add(gtsam.GenericStereoFactor3D(point, noise, X(number), key, stereo))
            if not values.exists(key):
                values.insert(key, gtsam.StereoCamera(pose, stereo).backproject(point))
    limits = gtsam.LevenbergMarquardtParams()
    limits.setMaxIterations(15)
    found = gtsam.LevenbergMarquardtOptimizer(graph, values, limits).optimize()
    return np.array([found.atPose3(X(number)).matrix() for number in range(len(start))])


def apart(poses: Array, others: Array) -> dict[str, float]:
    """How far two chains are apart: largest distance, % of the way; per step, m and degrees."""
    way = np.linalg.norm(np.diff(others[:, :3, 3], axis=0), axis=1)
    gap = np.linalg.norm(poses[:, :3, 3] - others[:, :3, 3], axis=1)
    steps = [
        frames.inverse(frames.inverse(others[i]) @ others[i + 1])
        @ (frames.inverse(poses[i]) @ poses[i + 1])
        for i in range(len(way))
    ]
    turned = [float(np.linalg.norm(attitude.log(step[:3, :3]))) for step in steps]
    return {
        "drift_pct": 100.0 * float(gap.max() / way.sum()),
        "step_mm": 1e3 * float(np.median([np.linalg.norm(step[:3, 3]) for step in steps])),
        "step_deg": math.degrees(float(np.median(turned))),
    }


# -- IMU and GPS ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drive:
    """IMU (n, 7): time, accel, gyro, axes x forward, z up; GPS (m, 4): time, x y z."""

    imu: Array
    gps: Array


def drive(data: Path) -> Drive:
    """A car's drive; time from 0."""
    imu = np.loadtxt(data / "KittiEquivBiasedImu.txt", skiprows=1)[:, [0, 2, 3, 4, 5, 6, 7]]
    gps = np.loadtxt(data / "KittiGps_converted.txt", skiprows=1, delimiter=",")
    zero = gps[0, 0]
    imu[:, 0] -= zero
    gps[:, 0] -= zero
    return Drive(imu, gps)


def predicted(data: Drive, every: int) -> tuple[Array, Array, Array]:
    """The filter on IMU and GPS: at each fix used, what it expected.

    Args:
        data: the drive.
        every: so many GPS points from one that is used to the next.

    Returns:
        Distances (k,) m of prediction and fix, of constant velocity and fix, and the predictions'
        normalised error squared per degree of freedom (k,).
    """
    # The first IMU sample is two seconds before the others.
    gps = data.gps[1::every]
    config = LocalizationConfig(**_CAR)
    ahead = gps[1, 1:3] - gps[0, 1:3]
    begin = data.imu[data.imu[:, 0] > gps[0, 0]]
    pose = frames.planar(gps[0, 1], gps[0, 2], math.atan2(ahead[1], ahead[0]), gps[0, 3])
    state = eskf.start(pose, config, math.radians(5.0), gps[0, 0])
    state.x[3:5] = ahead / (gps[1, 0] - gps[0, 0])
    state.covariance[3:6, 3:6] = np.diag([1.0, 1.0, 0.3]) ** 2
    state.x[51:54], state.x[54:57] = begin[0, 4:7], begin[0, 1:4]
    line = Timeline(state, EARTH_MPS2, eskf.noise_of(config), config.history_s)
    off, plain, honest, number = [], [], [], 1
    for row in begin:
        while number < len(gps) and gps[number, 0] <= row[0]:
            now = line.at(gps[number, 0])
            gap = gps[number, 1:4] - now.position
            spread = now.covariance[:3, :3] + _GPS_SIGMA_M**2 * np.eye(3)
            off.append(float(np.linalg.norm(gap)))
            honest.append(float(gap @ np.linalg.solve(spread, gap)) / 3.0)
            if number > 1:
                velocity = (gps[number - 1] - gps[number - 2])[1:4]
                velocity /= gps[number - 1, 0] - gps[number - 2, 0]
                wait = gps[number, 0] - gps[number - 1, 0]
                guess = gps[number - 1, 1:4] + velocity * wait
                plain.append(float(np.linalg.norm(gps[number, 1:4] - guess)))
            place = np.eye(4)
            place[:3, 3] = gps[number, 1:4]
            covariance = np.eye(6) * _GPS_SIGMA_M**2
            line.insert(events.fix(Fix(gps[number, 0], place, covariance, "GPS", (0, 1, 2))))
            number += 1
        line.insert(events.inertial(row[0], row[4:7], row[1:4]))
    return np.array(off), np.array(plain), np.array(honest)
