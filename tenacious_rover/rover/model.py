# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a rover is, in numbers: read once from its description, used by everything.

`description.py` beside this file makes a `Rover` from xacro/URDF.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Wheel:
    """A driven wheel. `side` is +1 left, -1 right; `position` (3,) of the axle in base_link, m."""

    name: str
    joint: str
    side: int
    position: Array
    radius_m: float
    width_m: float


@dataclass(frozen=True)
class Camera:
    """An ideal (rectified) pinhole camera; `base_T_optical` (4, 4), optical: z forward, x right."""

    name: str
    frame: str
    base_T_optical: Array
    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float

    @property
    def matrix(self) -> Array:
        """K (3, 3), px."""
        return np.array(
            [[self.fx_px, 0.0, self.cx_px], [0.0, self.fy_px, self.cy_px], [0.0, 0.0, 1.0]]
        )

    @property
    def horizontal_fov(self) -> float:
        """Rad."""
        return float(2.0 * np.arctan2(self.width_px / 2.0, self.fx_px))


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in a frame: `center` (3,), `size` (3,), m."""

    center: Array
    size: Array


@dataclass(frozen=True)
class Scoop:
    """Two joints at the front; angles in rad, lever arms in m."""

    lift_joint: str
    tilt_joint: str
    lift_limits: tuple[float, float]
    tilt_limits: tuple[float, float]
    lift_origin: Array
    """(3,) of the lift axis in base_link; the axis is +y, a positive angle lowers the arm."""
    arm_length_m: float
    """From the lift axis to the tilt axis."""
    blade_length_m: float
    """From the tilt axis to the cutting edge."""
    blade_width_m: float
    capacity_ml: float
    stow: tuple[float, float] = (0.0, 0.0)
    """Lift and tilt where it rests while the rover drives: clear of ground, wheels and view."""


@dataclass(frozen=True)
class Payload:
    """The Moonhouse on its latch. `base_T_payload` (4, 4): its floor's centre, x forward, z up."""

    link: str
    base_T_payload: Array
    size: Array
    """(3,) length x, width y, height z, m."""
    mass_kg: float


@dataclass(frozen=True)
class Limits:
    """What the rover may be asked to do."""

    speed_mps: float
    turn_rate_radps: float
    tilt_rad: float
    wheel_torque_nm: float


@dataclass(frozen=True)
class Rover:
    """The rover of one description."""

    name: str
    mass_kg: float
    gravity_mps2: float
    """Of the body it drives on."""
    wheels: tuple[Wheel, ...]
    chassis: Box
    """The body without wheels and payload, in base_link: what must not touch a rock."""
    cameras: dict[str, Camera]
    """Keys `left` and `right`."""
    imu_frame: str
    base_T_imu: Array
    scoop: Scoop | None
    payload: Payload | None
    limits: Limits
    frames: dict[str, str] = field(default_factory=dict)
    """Role to frame: base, imu, camera_left, camera_right."""
    temperatures: tuple[str, ...] = ("battery", "electronics", "motors")
    battery_wh: float = 50.0
    urdf: str = ""
    """The description as one URDF text."""

    @property
    def track_m(self) -> float:
        """Distance between the wheel planes of left and right."""
        return float(np.ptp([wheel.position[1] for wheel in self.wheels]))

    @property
    def wheelbase_m(self) -> float:
        """Distance between the front and the rear axle."""
        return float(np.ptp([wheel.position[0] for wheel in self.wheels]))

    @property
    def turning_reach_m(self) -> float:
        """From base_link to the farthest point of a wheel in plan: what a turn in place sweeps."""
        return max(
            math.hypot(abs(w.position[0]) + w.radius_m, abs(w.position[1]) + w.width_m / 2.0)
            for w in self.wheels
        )

    @property
    def wheel_radius_m(self) -> float:
        """Radius of the wheels, which are alike."""
        return self.wheels[0].radius_m

    @property
    def clearance_m(self) -> float:
        """From the ground plane under the wheels to the chassis' belly."""
        ground = min(wheel.position[2] - wheel.radius_m for wheel in self.wheels)
        return float(self.chassis.center[2] - self.chassis.size[2] / 2.0 - ground)

    @property
    def baseline_m(self) -> float:
        """Distance between the stereo eyes."""
        left, right = self.cameras["left"], self.cameras["right"]
        return float(np.linalg.norm(left.base_T_optical[:3, 3] - right.base_T_optical[:3, 3]))
