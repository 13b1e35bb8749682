# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Effective wheel radius and track from a recorded drive.

The radius needs a straight drive over a measured distance; the track needs turns that the gyro
measures. Least squares of gyro rate on wheel speed difference: A. Mandow et al., "Experimental
kinematics for wheeled skid-steer mobile robots" (IROS 2007).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization.error import LocalizationError

if TYPE_CHECKING:
    from tenacious_rover.rover.model import Rover

Array = NDArray[np.float64]

_MIN_TURN_RAD = math.radians(90.0)
_MIN_DISTANCE_M = 1.0


@dataclass(frozen=True)
class WheelCalibration:
    """Scales over the description; NaN with the reason where the drive does not show one."""

    radius_scale: float
    track_scale: float
    track_sigma: float
    rolled_m: float
    turned_deg: float
    notes: tuple[str, ...]


def calibrate(
    rover: Rover,
    joints: tuple[Array, Array],
    gyro: tuple[Array, Array],
    distance_m: float = math.nan,
) -> WheelCalibration:
    """From a drive.

    Args:
        rover: the description.
        joints: times (n,) and wheel angles (n, wheels) rad, in the rover's order.
        gyro: times (m,) and rate about base_link's z, (m,) rad/s, bias taken off.
        distance_m: as measured with a tape, or NaN.

    Raises:
        LocalizationError: there is nothing to learn from, or the distance is not sensible.
    """
    times, angles = joints
    if len(times) < 10 or len(gyro[0]) < 10:
        raise LocalizationError("wheels: too few joint or IMU samples")
    side = np.array([float(wheel.side) for wheel in rover.wheels])
    path = angles * rover.wheel_radius_m
    left, right = path[:, side > 0].mean(axis=1), path[:, side < 0].mean(axis=1)
    forward, spread = (left + right) / 2.0, right - left
    rolled = float(np.abs(forward[-1] - forward[0]))
    notes: list[str] = []
    radius = 1.0
    if math.isnan(distance_m):
        notes.append("radius: give the driven distance to calibrate it")
    elif not 0.5 * rolled <= abs(distance_m) <= 1.5 * rolled or rolled < _MIN_DISTANCE_M:
        raise LocalizationError(
            f"wheels: distance {distance_m:g} m, but the wheels rolled {rolled:.2f} m"
        )
    else:
        radius = abs(distance_m) / rolled
    heading = np.concatenate([[0.0], np.cumsum(np.diff(gyro[0]) * gyro[1][1:])])
    grid = np.arange(max(times[0], gyro[0][0]), min(times[-1], gyro[0][-1]), 0.5)
    turned = np.diff(np.interp(grid, gyro[0], heading))
    rolled_apart = np.diff(np.interp(grid, times, spread)) * radius
    total = float(np.abs(turned).sum())
    if total < _MIN_TURN_RAD:
        notes.append(f"track: turned {math.degrees(total):.0f} degrees, 90 or more are due")
        nothing = math.nan
        scale = nothing if math.isnan(distance_m) else radius
        return WheelCalibration(scale, nothing, nothing, rolled, math.degrees(total), tuple(notes))
    # spread = track * turn, in half seconds in which the rover turns.
    turning = np.abs(turned) > 0.01
    track = float(rolled_apart[turning] @ turned[turning] / (turned[turning] @ turned[turning]))
    left_over = rolled_apart[turning] - track * turned[turning]
    sigma = float(left_over.std() / np.sqrt((turned[turning] ** 2).sum()))
    return WheelCalibration(
        math.nan if math.isnan(distance_m) else radius,
        track / rover.track_m,
        sigma / rover.track_m,
        rolled,
        math.degrees(total),
        tuple(notes),
    )
