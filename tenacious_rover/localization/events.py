# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Measurements as events of the timeline: what happens to the state when their time has come."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization import filter as eskf
from tenacious_rover.localization import measurement
from tenacious_rover.localization.propagation import BG_, R_, S_
from tenacious_rover.localization.timeline import Event

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig
    from tenacious_rover.localization.estimate import Fix

Array = NDArray[np.float64]
Result = tuple[float, bool]

_BLIND_IMU_FACTOR = 200.0
_STILL_POSE = np.diag([2e-4, 2e-4, 2e-4, 1e-4, 1e-4, 1e-4]) ** 2
_STILL_MPS = 0.001
_WEARY = 10.0
_GYRO_STEP = 0.03
_HEADING_LOST = math.radians(15.0)


def inertial(time_s: float, gyro: Array, accel: Array) -> Event:
    """Rate and specific force (3,) in base axes."""
    return Event(time_s, "imu", sample=np.concatenate([gyro, accel, [1.0]]))


def no_imu(time_s: float, turning: float, gravity: float) -> Event:
    """Without an IMU: turn as the wheels say, keep the tilt, and know that this is poor."""

    def apply(state: eskf.State, event: Event) -> None:
        del event
        state.x[51:54] = state.gyro_bias + np.array([0.0, 0.0, turning])
        state.x[54:57] = state.accel_bias + gravity * state.rotation[2]
        state.x[57] = _BLIND_IMU_FACTOR

    return Event(time_s, "no imu", apply)


def wheels(
    time_s: float,
    forward: float,
    turning: float,
    half_base: float,
    config: LocalizationConfig,
    weary: bool,
) -> Event:
    """Mean wheel motion; `weary` lets wheels in that were refused for long, for little weight."""

    def apply(state: eskf.State, event: Event) -> Result:
        jacobian, residual, noise = measurement.wheels(state, forward, turning, half_base, config)
        gate = None if weary else eskf.GATE[3]
        return eskf.correct(state, jacobian, residual, noise * event.loose**2, gate)

    return Event(time_s, "wheels", apply, loose=_WEARY if weary else 1.0)


def anchor(time_s: float) -> Event:
    """The rover has come to rest here."""
    return Event(time_s, "anchor", lambda state, _: eskf.clone(state, eskf.ANCHOR))


def still(time_s: float, mean_gyro: Array | None, gyro_sigma: float) -> Event:
    """No velocity, the pose of the anchor, and a gyro that shows its bias."""

    def apply(state: eskf.State, event: Event) -> None:
        del event
        eskf.correct(state, *measurement.still(state, _STILL_MPS))
        eskf.correct(state, *measurement.relative(state, eskf.ANCHOR, np.eye(4), _STILL_POSE))
        if mean_gyro is not None:
            eskf.correct(state, *measurement.still_gyro(state, mean_gyro, gyro_sigma))

    return Event(time_s, "still", apply)


def keyframe(time_s: float) -> Event:
    """The pictures that follow are compared with the one of this moment."""
    return Event(time_s, "keyframe", lambda state, _: eskf.clone(state, eskf.KEYFRAME))


def visual(time_s: float, key_T_base: Array, covariance: Array) -> Event:
    """Pose relative to the keyframe.

    With `loose` above 1 it is trusted against the wheels, but never against the gyro.
    """

    def apply(state: eskf.State, event: Event) -> Result:
        linear = measurement.relative(state, eskf.KEYFRAME, key_T_base, covariance)
        gate = eskf.GATE[6]
        if event.loose > 1.0:
            jacobian, residual, noise = linear
            turned = eskf.surprise(state, jacobian[3:], residual[3:], noise[3:, 3:])
            gate = math.inf if turned < eskf.GATE[3] else 0.0
        return eskf.correct(state, *linear, gate=gate)

    return Event(time_s, "visual", apply)


def slipping(time_s: float) -> Event:
    """From here on the wheels may slip by any amount."""

    def apply(state: eskf.State, event: Event) -> None:
        del event
        state.covariance[S_, S_] += 0.7**2
        state.covariance[S_ + 1, S_ + 1] += 0.2**2

    return Event(time_s, "slipping", apply)


def gyro_stepped(time_s: float) -> Event:
    """From here on the gyro's bias may be another."""

    def apply(state: eskf.State, event: Event) -> None:
        del event
        axes = range(BG_, BG_ + 3)
        state.covariance[axes, axes] += _GYRO_STEP**2

    return Event(time_s, "gyro stepped", apply)


def heading_lost(time_s: float) -> Event:
    """From here on the heading is known to some ten degrees only."""

    def apply(state: eskf.State, event: Event) -> None:
        del event
        state.covariance[R_ + 2, R_ + 2] += _HEADING_LOST**2

    return Event(time_s, "heading lost", apply)


def sun(time_s: float, in_base: Array, in_map: Array, config: LocalizationConfig) -> Event:
    """Directions (3,) to the sun, measured and known."""
    sigma, bias = math.radians(config.sun_sigma_deg), math.radians(config.sun_bias_deg)

    def apply(state: eskf.State, event: Event) -> Result:
        del event
        linear = measurement.sun(state, in_base, in_map, sigma, bias)
        if linear is None:
            return 0.0, True
        return eskf.correct(state, *linear, gate=eskf.GATE[2], absolute=True)

    return Event(time_s, "sun", apply)


def fix(found: Fix) -> Event:
    """A pose in map from something recognised."""

    def apply(state: eskf.State, event: Event) -> Result:
        del event
        linear = measurement.pose(state, found.map_T_base, found.covariance, list(found.parts))
        return eskf.correct(state, *linear, gate=eskf.GATE[len(found.parts)], absolute=True)

    return Event(found.time_s, "fix", apply)
