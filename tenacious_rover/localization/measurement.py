# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What each sensor says about the error state: residual, Jacobian, noise.

Each function takes the state at the time of the measurement and returns what `filter.correct`
wants. Rotation errors are in map: true = exp(error) @ estimate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization import attitude
from tenacious_rover.localization.propagation import BG_, CLONE_, ERRORS, P_, R_, S_, V_

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig
    from tenacious_rover.localization.filter import State

Array = NDArray[np.float64]
Linear = tuple[Array, Array, Array]
"""Jacobian (m, 29), residual (m,), noise (m, m)."""
_SKID = 0.8
"""Sliding of a skid steer that turns, of half its wheelbase per radian: the middle it turns about
wanders by some 10 cm (measured in the simulator, whole turns in place on slopes of 5 to 8 deg)."""


def wheels(
    state: State, forward: float, turning: float, half_base: float, config: LocalizationConfig
) -> Linear:
    """Wheels that roll at `forward` m/s while turning at `turning` rad/s.

    Forward speed is wheel speed less slip; sideways speed is what crab and the turning of a skid
    steer leave; along z the rover moves only as it pitches over ground.
    """
    in_base = state.rotation.T @ state.velocity
    slip, crab = state.slip
    residual = np.array([forward * (1.0 - slip), forward * crab, 0.0]) - in_base
    jacobian = np.zeros((3, ERRORS))
    jacobian[:, V_ : V_ + 3] = state.rotation.T
    jacobian[:, R_ : R_ + 3] = state.rotation.T @ attitude.skew(state.velocity)
    jacobian[0, S_] = forward
    jacobian[1, S_ + 1] = -forward
    spread = config.wheel_sigma_mps + config.wheel_sigma_share * abs(forward)
    skid = _SKID * half_base * abs(turning)
    sideways = config.lateral_sigma_mps * min(1.0, 0.1 + abs(forward) / 0.05) + skid
    upwards = 2.0 * config.lateral_sigma_mps * min(1.0, 0.1 + abs(forward) / 0.05) + skid
    return jacobian, residual, np.diag([spread + skid, sideways, upwards]) ** 2


def still(state: State, sigma_mps: float) -> Linear:
    """No velocity."""
    jacobian = np.zeros((3, ERRORS))
    jacobian[:, V_ : V_ + 3] = np.eye(3)
    return jacobian, -state.velocity, np.eye(3) * sigma_mps**2


def still_gyro(state: State, gyro: Array, sigma: float) -> Linear:
    """The mean rate (3,) that the gyro shows while the rover stands is its bias."""
    jacobian = np.zeros((3, ERRORS))
    jacobian[:, BG_ : BG_ + 3] = np.eye(3)
    return jacobian, gyro - state.gyro_bias, np.eye(3) * sigma**2


def relative(state: State, index: int, clone_T_base: Array, covariance: Array) -> Linear:
    """A pose (4, 4) relative to a clone; (6, 6) of translation and left rotation, clone's axes."""
    position, rotation = state.clone(index)
    gap = state.position - position
    to_clone = rotation.T
    predicted = to_clone @ state.rotation
    residual = np.empty(6)
    residual[:3] = clone_T_base[:3, 3] - to_clone @ gap
    residual[3:] = attitude.log(clone_T_base[:3, :3] @ predicted.T)
    jacobian = np.zeros((6, ERRORS))
    at = CLONE_ + 6 * index
    jacobian[:3, P_ : P_ + 3] = to_clone
    jacobian[:3, at : at + 3] = -to_clone
    jacobian[:3, at + 3 : at + 6] = to_clone @ attitude.skew(gap)
    jacobian[3:, R_ : R_ + 3] = to_clone
    jacobian[3:, at + 3 : at + 6] = -to_clone
    return jacobian, residual, covariance


def sun(state: State, in_base: Array, in_map: Array, sigma: float, bias: float) -> Linear | None:
    """Unit vectors to the sun, measured (3,) in base_link and known (3,) in map.

    `sigma` rad is that of one sample; `bias` rad is what averaging does not remove: the noise is
    raised until the heading ends no better than that, and a better one takes nothing (`None`).
    """
    expected = state.rotation.T @ in_map
    # Two directions across the line of sight carry the information.
    helper = np.array([0.0, 0.0, 1.0]) if abs(expected[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    first = np.cross(expected, helper)
    first /= np.linalg.norm(first)
    across = np.stack([first, np.cross(expected, first)])
    jacobian = np.zeros((2, ERRORS))
    jacobian[:, R_ : R_ + 3] = across @ state.rotation.T @ attitude.skew(in_map)
    residual = across @ (in_base - expected)
    known = np.linalg.eigvalsh(jacobian @ state.covariance @ jacobian.T)[-1]
    if known <= 1.02 * bias**2:
        return None
    floor = known * bias**2 / (known - bias**2)
    return jacobian, residual, np.eye(2) * max(sigma**2, floor)


def pose(state: State, map_T_base: Array, covariance: Array, parts: list[int]) -> Linear:
    """A pose (4, 4) in map with (6, 6) of position and rotation vector; uses the rows `parts`."""
    residual = np.empty(6)
    residual[:3] = map_T_base[:3, 3] - state.position
    residual[3:] = attitude.log(map_T_base[:3, :3] @ state.rotation.T)
    jacobian = np.zeros((6, ERRORS))
    jacobian[:3, P_ : P_ + 3] = np.eye(3)
    jacobian[3:, R_ : R_ + 3] = np.eye(3)
    return jacobian[parts], residual[parts], covariance[np.ix_(parts, parts)]
