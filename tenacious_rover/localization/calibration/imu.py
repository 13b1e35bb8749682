# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Bias and noise of an IMU from a recording in which the rover rests."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization.error import LocalizationError

Array = NDArray[np.float64]

_WINDOW_S = 1.0
_MIN_REST_S = 10.0


@dataclass(frozen=True)
class ImuCalibration:
    """Biases (3,) in the IMU's frame, noise densities, and what they come from."""

    gyro_bias: Array
    gyro_bias_sigma: Array
    gyro_noise: float
    accel_noise: float
    gravity_excess: float
    """m/s^2 by which the specific force at rest is longer than gravity: bias along the vertical."""
    rest_s: float
    poses: int
    """Attitudes seen, more than 20 degrees apart."""
    accel_bias: Array | None
    """Only when six or more attitudes pin it down."""


def calibrate(times: Array, gyro: Array, accel: Array, gravity: float) -> ImuCalibration:
    """From samples at `times` (n,), `gyro` (n, 3) rad/s and `accel` (n, 3) m/s^2.

    Rest is where neither changes by more than its noise from second to second.

    Raises:
        LocalizationError: the rover rests for less than ten seconds.
    """
    good = np.isfinite(times) & np.isfinite(gyro).all(axis=1) & np.isfinite(accel).all(axis=1)
    times, gyro, accel = times[good], gyro[good], accel[good]
    if len(times) < 100:
        raise LocalizationError(f"imu: {len(times)} samples; a hundred or more are due")
    order = np.argsort(times, kind="stable")
    times, gyro, accel = times[order], gyro[order], accel[order]
    windows = _windows(times)
    turn = np.array([gyro[a:b].std(axis=0).max() for a, b in windows])
    shake = np.array([accel[a:b].std(axis=0).max() for a, b in windows])
    means = np.array([gyro[a:b].mean(axis=0) for a, b in windows])
    forces = np.array([accel[a:b].mean(axis=0) for a, b in windows])
    quiet = (turn < 2.0 * np.quantile(turn, 0.1) + 1e-6) & (
        shake < 2.0 * np.quantile(shake, 0.1) + 1e-6
    )
    # A rover that turns steadily is quiet as well: rest is the slowest of what is quiet.
    calm = means[quiet]
    middle = calm[np.argmin(np.linalg.norm(calm, axis=1))] if len(calm) else np.zeros(3)
    quiet &= np.abs(means - middle).max(axis=1) < 0.02
    rest = float(quiet.sum()) * _WINDOW_S
    if rest < _MIN_REST_S:
        raise LocalizationError(
            f"imu: the rover rests for {rest:.0f} s; {_MIN_REST_S:.0f} s or more are due"
        )
    period = float(np.median(np.diff(times)))
    bias = means[quiet].mean(axis=0)
    poses = _attitudes(forces[quiet])
    return ImuCalibration(
        bias,
        means[quiet].std(axis=0) / np.sqrt(quiet.sum()),
        float(np.median(turn[quiet]) * np.sqrt(period)),
        float(np.median(shake[quiet]) * np.sqrt(period)),
        float(np.linalg.norm(forces[quiet], axis=1).mean() - gravity),
        rest,
        len(poses),
        _sphere(np.array(poses), gravity) if len(poses) >= 6 else None,
    )


def _windows(times: Array) -> list[tuple[int, int]]:
    edges = np.arange(times[0], times[-1], _WINDOW_S)
    at = np.searchsorted(times, edges)
    return [(int(a), int(b)) for a, b in pairwise(at) if b - a >= 5]


def _attitudes(forces: Array) -> list[Array]:
    """Means of the specific force, one per attitude."""
    groups: list[list[Array]] = []
    for force in forces:
        unit = force / np.linalg.norm(force)
        for group in groups:
            if unit @ group[0] / np.linalg.norm(group[0]) > np.cos(np.radians(20.0)):
                group.append(force)
                break
        else:
            groups.append([force])
    return [np.mean(group, axis=0) for group in groups]


def _sphere(forces: Array, gravity: float) -> Array:
    """Bias (3,) that puts the forces of several attitudes on a sphere of gravity's radius."""
    bias = np.zeros(3)
    for _ in range(20):
        off = forces - bias
        length = np.linalg.norm(off, axis=1)
        step = np.linalg.lstsq(-off / length[:, None], gravity - length, rcond=None)[0]
        bias += step
        if np.abs(step).max() < 1e-9:
            break
    return bias
