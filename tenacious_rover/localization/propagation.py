# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One inertial step of mean and covariance, compiled: it runs a hundred times a second.

State vector `x` (58,): see `filter.py` for its parts. Error vector (29,): position, velocity,
rotation vector in map (true = exp(error) @ estimate), gyro bias, accel bias, slip (2), two clones
of position and rotation. Equations: J. Sola, "Quaternion kinematics for the error-state Kalman
filter" (2017), section 7 (global angular error).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ERRORS = 29
P_, V_, R_, BG_, BA_, S_, CLONE_ = 0, 3, 6, 9, 12, 15, 17
"""Where the parts of the error vector begin."""


@numba.njit(cache=True)  # type: ignore[misc,untyped-decorator,unused-ignore]
def step(  # noqa: PLR0915 - unrolled
    x: NDArray[np.float64],
    covariance: NDArray[np.float64],
    gyro: NDArray[np.float64],
    accel: NDArray[np.float64],
    dt: float,
    gravity: float,
    noise: NDArray[np.float64],
) -> Any:
    """Advance `x` and `covariance` in place by `dt` s.

    Args:
        x: (58,) state.
        covariance: (29, 29).
        gyro: (3,) rad/s in base axes.
        accel: (3,) specific force of base_link's origin, m/s^2, base axes.
        dt: s.
        gravity: m/s^2, along -z of map.
        noise: (8,) densities of gyro, accel, gyro bias, accel bias; spread of slip and crab;
            their time constant in s; unused.
    """
    p = covariance
    # Mean: rotation by the bias-free rate (Rodrigues), velocity by the rotated specific force.
    wx, wy, wz = gyro[0] - x[15], gyro[1] - x[16], gyro[2] - x[17]
    ax, ay, az = accel[0] - x[18], accel[1] - x[19], accel[2] - x[20]
    r = x[6:15].reshape(3, 3).copy()
    angle2 = (wx * wx + wy * wy + wz * wz) * dt * dt
    if angle2 < 1e-10:
        ka, kb = 1.0 - angle2 / 6.0, 0.5 - angle2 / 24.0
    else:
        angle = math.sqrt(angle2)
        ka, kb = math.sin(angle) / angle, (1.0 - math.cos(angle)) / angle2
    x_, y_, z_ = wx * dt, wy * dt, wz * dt
    turn = np.empty((3, 3))
    turn[0, 0] = 1.0 - kb * (y_ * y_ + z_ * z_)
    turn[1, 1] = 1.0 - kb * (x_ * x_ + z_ * z_)
    turn[2, 2] = 1.0 - kb * (x_ * x_ + y_ * y_)
    turn[0, 1], turn[1, 0] = -ka * z_ + kb * x_ * y_, ka * z_ + kb * x_ * y_
    turn[0, 2], turn[2, 0] = ka * y_ + kb * x_ * z_, -ka * y_ + kb * x_ * z_
    turn[1, 2], turn[2, 1] = -ka * x_ + kb * y_ * z_, ka * x_ + kb * y_ * z_
    force = np.empty(3)
    for i in range(3):
        total = 0.0
        for j in range(3):
            x[6 + 3 * i + j] = r[i, 0] * turn[0, j] + r[i, 1] * turn[1, j] + r[i, 2] * turn[2, j]
        # The force acts with the mean attitude of the interval.
        total += 0.5 * (r[i, 0] + x[6 + 3 * i]) * ax
        total += 0.5 * (r[i, 1] + x[7 + 3 * i]) * ay
        total += 0.5 * (r[i, 2] + x[8 + 3 * i]) * az
        force[i] = total
    for i in range(3):
        a = force[i] - (gravity if i == 2 else 0.0)
        x[i] += (x[3 + i] + 0.5 * a * dt) * dt
        x[3 + i] += a * dt
    keep = math.exp(-dt / noise[6])
    x[21] *= keep
    x[22] *= keep
    # Covariance: F P F^T, row operations first, then the same on columns.
    fx, fy, fz = force[0] * dt, force[1] * dt, force[2] * dt
    for c in range(29):
        tx, ty, tz = p[6, c], p[7, c], p[8, c]
        gx, gy, gz = p[9, c], p[10, c], p[11, c]
        bx, by, bz = p[12, c], p[13, c], p[14, c]
        for i in range(3):
            p[i, c] += dt * p[3 + i, c]
            p[3 + i, c] -= dt * (r[i, 0] * bx + r[i, 1] * by + r[i, 2] * bz)
            p[6 + i, c] -= dt * (r[i, 0] * gx + r[i, 1] * gy + r[i, 2] * gz)
        p[3, c] -= fy * tz - fz * ty
        p[4, c] -= fz * tx - fx * tz
        p[5, c] -= fx * ty - fy * tx
        p[15, c] *= keep
        p[16, c] *= keep
    for c in range(29):
        row = p[c]
        tx, ty, tz = row[6], row[7], row[8]
        gx, gy, gz = row[9], row[10], row[11]
        bx, by, bz = row[12], row[13], row[14]
        for i in range(3):
            row[i] += dt * row[3 + i]
            row[3 + i] -= dt * (r[i, 0] * bx + r[i, 1] * by + r[i, 2] * bz)
            row[6 + i] -= dt * (r[i, 0] * gx + r[i, 1] * gy + r[i, 2] * gz)
        row[3] -= fy * tz - fz * ty
        row[4] -= fz * tx - fx * tz
        row[5] -= fx * ty - fy * tx
        row[15] *= keep
        row[16] *= keep
    for i in range(3):
        p[3 + i, 3 + i] += noise[1] * noise[1] * dt
        p[6 + i, 6 + i] += noise[0] * noise[0] * dt
        p[9 + i, 9 + i] += noise[2] * noise[2] * dt
        p[12 + i, 12 + i] += noise[3] * noise[3] * dt
    fresh = 1.0 - keep * keep
    p[15, 15] += fresh * noise[4] * noise[4]
    p[16, 16] += fresh * noise[5] * noise[5]
