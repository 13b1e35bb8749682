# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Error-state Kalman filter of base_link in map, with two cloned poses for relative measurements.

The state is one array, so that a snapshot is a copy:

    0:3 position  3:6 velocity  6:15 map_R_base  15:18 gyro bias  18:21 accel bias  21:23 slip, crab
    23:35 clone 0 (position, rotation)  35:47 clone 1  47:51 map_T_odom (yaw, x, y, z)
    51:57 newest gyro and accel  57 noise factor of these

Clones: S. Roumeliotis, J. Burdick, "Stochastic cloning" (2002). Errors: `propagation.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization import attitude
from tenacious_rover.localization.propagation import BA_, BG_, CLONE_, ERRORS, P_, R_, S_, V_, step

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig

Array = NDArray[np.float64]

SIZE = 58
KEYFRAME, ANCHOR = 0, 1
"""Clones: pose of the visual keyframe, pose where the rover came to rest."""
GATE = {1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52, 6: 22.46}
"""Chi-square at 99.9 % by degrees of freedom."""


@dataclass
class State:
    """`x` (58,), `covariance` (29, 29), at `time_s`."""

    time_s: float
    x: Array
    covariance: Array

    def copy(self) -> State:
        """A snapshot."""
        return State(self.time_s, self.x.copy(), self.covariance.copy())

    position = property(lambda self: self.x[0:3])
    velocity = property(lambda self: self.x[3:6])
    gyro_bias = property(lambda self: self.x[15:18])
    accel_bias = property(lambda self: self.x[18:21])
    slip = property(lambda self: self.x[21:23])
    gyro = property(lambda self: self.x[51:54])

    @property
    def rotation(self) -> Array:
        """map_R_base (3, 3), a view."""
        return self.x[6:15].reshape(3, 3)

    def clone(self, index: int) -> tuple[Array, Array]:
        """Position (3,) and rotation (3, 3) of a clone, views."""
        start = 23 + 12 * index
        return self.x[start : start + 3], self.x[start + 3 : start + 12].reshape(3, 3)

    @property
    def map_T_base(self) -> Array:
        """(4, 4)."""
        out = np.eye(4)
        out[:3, :3], out[:3, 3] = self.rotation, self.position
        return out

    @property
    def map_T_odom(self) -> Array:
        """(4, 4): a heading and a translation, for z is up in both."""
        out = np.eye(4)
        out[:3, :3], out[:3, 3] = attitude.about_z(self.x[47]), self.x[48:51]
        return out

    @property
    def pose_covariance(self) -> Array:
        """(6, 6) of position and rotation vector in map."""
        picked = [0, 1, 2, 6, 7, 8]
        return self.covariance[np.ix_(picked, picked)].copy()


def start(map_T_base: Array, config: LocalizationConfig, tilt_sigma: float, time_s: float) -> State:
    """At rest at a pose known as well as the configuration says."""
    x = np.zeros(SIZE)
    x[0:3], x[6:15] = map_T_base[:3, 3], map_T_base[:3, :3].ravel()
    for index in (KEYFRAME, ANCHOR):
        x[23 + 12 * index : 35 + 12 * index] = np.concatenate([x[0:3], x[6:15]])
    x[57] = 1.0
    yaw = np.radians(config.start_yaw_sigma_deg)
    sigma = np.zeros(ERRORS)
    sigma[P_ : P_ + 3] = config.start_position_sigma_m
    sigma[V_ : V_ + 3] = 0.02
    sigma[R_ : R_ + 3] = tilt_sigma, tilt_sigma, yaw
    sigma[BG_ : BG_ + 3] = config.gyro_bias_sigma
    sigma[BA_ : BA_ + 3] = config.accel_bias_sigma
    sigma[S_ : S_ + 2] = config.slip_sigma, config.crab_sigma
    state = State(time_s, x, np.diag(sigma**2))
    clone(state, KEYFRAME)
    clone(state, ANCHOR)
    return state


def noise_of(config: LocalizationConfig) -> Array:
    """(8,) for `propagation.step`."""
    return np.array(
        [
            config.gyro_noise,
            config.accel_noise,
            config.gyro_bias_walk,
            config.accel_bias_walk,
            config.slip_sigma,
            config.crab_sigma,
            config.slip_time_s,
            0.0,
        ]
    )


def advance(state: State, time_s: float, gravity: float, noise: Array) -> None:
    """Propagate to `time_s` with the newest inertial sample."""
    dt = time_s - state.time_s
    if dt <= 0.0:
        return
    factor = float(state.x[57])
    if factor != 1.0:
        noise = noise.copy()
        noise[:2] *= factor
    while dt > 0.0:
        part = min(dt, 0.05)
        step(state.x, state.covariance, state.x[51:54], state.x[54:57], part, gravity, noise)
        dt -= part
    state.time_s = time_s


def clone(state: State, index: int) -> None:
    """Make clone `index` the present pose."""
    start_x = 23 + 12 * index
    state.x[start_x : start_x + 3] = state.x[0:3]
    state.x[start_x + 3 : start_x + 12] = state.x[6:15]
    at = CLONE_ + 6 * index
    p = state.covariance
    p[at : at + 3, :], p[at + 3 : at + 6, :] = p[0:3, :].copy(), p[6:9, :].copy()
    p[:, at : at + 3], p[:, at + 3 : at + 6] = p[:, 0:3].copy(), p[:, 6:9].copy()


def correct(
    state: State,
    jacobian: Array,
    residual: Array,
    noise: Array,
    gate: float | None = None,
    absolute: bool = False,
) -> tuple[float, bool]:
    """One measurement: residual (m,) = jacobian (m, 29) @ error + noise with covariance (m, m).

    Args:
        state: changed in place.
        jacobian: (m, 29).
        residual: (m,).
        noise: (m, m).
        gate: refuse the measurement when its normalised innovation squared is above it.
        absolute: says where the rover is in map: moves map_T_odom, and leaves odom as it is.

    Returns:
        Normalised innovation squared, and whether the measurement was used.
    """
    p = state.covariance
    ph = p @ jacobian.T
    s = jacobian @ ph + noise
    inverse = np.linalg.inv(s)
    nis = float(residual @ inverse @ residual)
    if not np.isfinite(nis) or (gate is not None and nis > gate):
        return nis, False
    gain = ph @ inverse
    # Joseph's form keeps the covariance positive.
    left = np.eye(ERRORS) - gain @ jacobian
    fresh = left @ p @ left.T + gain @ noise @ gain.T
    state.covariance[:] = 0.5 * (fresh + fresh.T)
    before = (state.x[0:3].copy(), attitude.yaw_of(state.rotation)) if absolute else None
    _inject(state, gain @ residual)
    if before is not None:
        _carry(state, *before)
    return nis, True


def surprise(state: State, jacobian: Array, residual: Array, noise: Array) -> float:
    """Normalised innovation squared of a measurement, which is not used."""
    return float(
        residual @ np.linalg.solve(jacobian @ state.covariance @ jacobian.T + noise, residual)
    )


def _inject(state: State, error: Array) -> None:
    x = state.x
    x[0:3] += error[P_ : P_ + 3]
    x[3:6] += error[V_ : V_ + 3]
    x[6:15] = (attitude.exp(error[R_ : R_ + 3]) @ state.rotation).ravel()
    x[15:18] += error[BG_ : BG_ + 3]
    x[18:21] += error[BA_ : BA_ + 3]
    x[21:23] += error[S_ : S_ + 2]
    for index in (KEYFRAME, ANCHOR):
        position, rotation = state.clone(index)
        at = CLONE_ + 6 * index
        position += error[at : at + 3]
        rotation[:] = attitude.exp(error[at + 3 : at + 6]) @ rotation


def _carry(state: State, position: Array, yaw: float) -> None:
    """Put what changed of position and heading since `position`, `yaw` into map_T_odom."""
    turn = attitude.yaw_of(state.rotation) - yaw
    old = attitude.about_z(state.x[47])
    in_odom = old.T @ (position - state.x[48:51])
    state.x[47] = np.arctan2(np.sin(state.x[47] + turn), np.cos(state.x[47] + turn))
    state.x[48:51] = state.x[0:3] - attitude.about_z(state.x[47]) @ in_odom
