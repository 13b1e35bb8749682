# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a platform measures, without ROS: simulator and drivers make it, autonomy takes it.

Times are seconds on the platform's clock. Frames are those of the contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Imu:
    """`gyro` (3,) rad/s and `accel` (3,) specific force in m/s^2, both in the IMU's frame."""

    time_s: float
    gyro: NDArray[np.float64]
    accel: NDArray[np.float64]


@dataclass(frozen=True)
class Joints:
    """Wheels and scoop: rad, rad/s, N m; each array (n,) in the order of `names`."""

    time_s: float
    names: tuple[str, ...]
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    effort: NDArray[np.float64]


@dataclass(frozen=True)
class Stereo:
    """A rectified pair, each (h, w) grey or (h, w, 3) RGB uint8.

    `depth` (h, w) in m stands in for `right` on a depth camera, NaN where there is none.
    """

    time_s: float
    left: NDArray[Any]
    right: NDArray[Any] | None
    exposure_us: float = 0.0
    gain: float = 1.0
    depth: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Sun:
    """Unit vector (3,) to the sun in base_link; there is no such sample in shadow."""

    time_s: float
    direction: NDArray[np.float64]


@dataclass(frozen=True)
class Battery:
    """`current_a` is negative when discharging; `charge` 0..1."""

    time_s: float
    voltage_v: float
    current_a: float
    charge: float


@dataclass(frozen=True)
class Temperature:
    """Of a part, degrees Celsius."""

    time_s: float
    part: str
    celsius: float


@dataclass(frozen=True)
class Attached:
    """Whether the payload is on its latch."""

    time_s: float
    attached: bool


Measurement = Imu | Joints | Stereo | Sun | Battery | Temperature | Attached
