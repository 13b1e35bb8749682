# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Skid steering and the rocker suspension: wheel speeds and twist, wheel heights and pose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover import frames
from tenacious_rover.rover.urdf import Urdf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Rover


def wheel_speeds(
    rover: Rover, linear_mps: float, angular_radps: float, track_factor: float = 1.0
) -> NDArray[np.float64]:
    """(n,) rad/s of the wheels, in the rover's order, for a twist of base_link.

    Args:
        rover: its wheels.
        linear_mps: along x.
        angular_radps: about z.
        track_factor: the track that the rover turns by, over its geometric one; skidding wheels
            make it larger than 1 (Mandow et al., IROS 2007).
    """
    return np.array(
        [
            (linear_mps - w.position[1] * track_factor * angular_radps) / w.radius_m
            for w in rover.wheels
        ]
    )


def twist(
    rover: Rover, speeds: NDArray[np.float64], track_factor: float = 1.0
) -> tuple[float, float]:
    """Linear m/s and angular rad/s of base_link for wheel speeds (n,) rad/s: least squares."""
    rim = speeds * np.array([wheel.radius_m for wheel in rover.wheels])
    lateral = np.array([wheel.position[1] for wheel in rover.wheels]) * track_factor
    design = np.column_stack([np.ones_like(lateral), -lateral])
    linear, angular = np.linalg.lstsq(design, rim, rcond=None)[0]
    return float(linear), float(angular)


@dataclass(frozen=True)
class Rockers:
    """Two beams that turn about y and are coupled so that their angles cancel.

    Attributes:
        left, right: names of the joints.
        pivot_z_m: of their axis in base_link.
        limit_rad: largest angle.
    """

    left: str
    right: str
    pivot_z_m: float
    limit_rad: float


@dataclass(frozen=True)
class Stance:
    """How the rover stands: `z_m` of base_link's origin; roll, pitch and left rocker in rad."""

    z_m: float
    roll: float
    pitch: float
    rocker: float


def rockers_of(rover: Rover) -> Rockers | None:
    """The rocker suspension of a description; `None` when its axles are rigid."""
    model = Urdf(rover.urdf, rover.name)
    carriers: dict[int, set[str]] = {1: set(), -1: set()}
    for wheel in rover.wheels:
        beam = model.joint(wheel.joint).parent
        above = [j for j in model.joints.values() if j.child == beam and j.kind == "revolute"]
        carriers[wheel.side] |= {joint.name for joint in above}
    if any(len(names) != 1 for names in carriers.values()):
        return None
    left, right = (model.joint(carriers[side].copy().pop()) for side in (1, -1))
    height = float(model.base_T_link(left.child)[2, 3])
    return Rockers(left.name, right.name, height, left.limits[1])


def stance(rover: Rover, rockers: Rockers | None, ground_z: NDArray[np.float64]) -> Stance:
    """How the rover stands on ground that is `ground_z` (n,) m high under each wheel.

    Each beam lies along its two wheels; the differential gives the body the mean of the two
    pitches, so each rocker takes half their difference. First order in roll; without rockers the
    body lies in the plane that fits best.
    """
    position = np.array([wheel.position for wheel in rover.wheels])
    z = ground_z + np.array([wheel.radius_m for wheel in rover.wheels])
    left = position[:, 1] > 0.0
    if rockers is None:
        design = np.column_stack([np.ones(len(z)), position[:, :2]])
        middle, slope_x, slope_y = np.linalg.lstsq(design, z, rcond=None)[0]
        return Stance(float(middle), math.atan(slope_y), -math.atan(slope_x), 0.0)
    sides = []
    for side in (left, ~left):
        x, zs = position[side, 0], z[side]
        front, rear = int(np.argmax(x)), int(np.argmin(x))
        rise = (zs[front] - zs[rear]) / (x[front] - x[rear])
        sides.append((float((zs[front] + zs[rear]) / 2.0), -math.asin(np.clip(rise, -1.0, 1.0))))
    (z_left, pitch_left), (z_right, pitch_right) = sides
    pitch = (pitch_left + pitch_right) / 2.0
    rocker = (pitch_left - pitch_right) / 2.0
    # The pivot is above the axles by its own height along the beam's normal, not the world's z.
    lift = rockers.pivot_z_m * (math.cos(pitch) * (math.cos(rocker) - 1.0))
    roll = math.asin(float(np.clip((z_left - z_right) / rover.track_m, -1.0, 1.0)))
    return Stance((z_left + z_right) / 2.0 + lift, roll, pitch, rocker)


def base_pose(where: Stance, x: float, y: float, yaw: float) -> NDArray[np.float64]:
    """map_T_base (4, 4) of a stance at a place; x, y in m, yaw in rad."""
    return frames.from_rpy((x, y, where.z_m), (where.roll, where.pitch, yaw))
