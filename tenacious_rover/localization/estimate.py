# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What localization says: the estimate, and absolute fixes with their evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """Pose and speed at `time_s`.

    Attributes:
        odom_T_base: (4, 4), continuous.
        map_T_odom: (4, 4), a heading and a translation; jumps when an absolute fix comes in.
        covariance: (6, 6) of the pose in map: x y z in m, rotation vector in rad, map's axes.
        linear: (3,) m/s in base_link.
        angular: (3,) rad/s in base_link.
        status: sensor to `ok`, `never` or `lost …`.
    """

    time_s: float
    odom_T_base: Array
    map_T_odom: Array
    covariance: Array
    linear: Array
    angular: Array
    status: dict[str, str] = field(default_factory=dict)

    @property
    def map_T_base(self) -> Array:
        """(4, 4)."""
        return self.map_T_odom @ self.odom_T_base


@dataclass
class Fix:
    """An absolute pose that something was recognised from.

    Attributes:
        parts: which of x y z rx ry rz count.
        evidence: what was recognised, in numbers a person can check.
        innovation: normalised innovation squared when it came in; `used`: whether it was believed.
    """

    time_s: float
    map_T_base: Array
    covariance: Array
    source: str
    parts: tuple[int, ...] = (0, 1, 5)
    evidence: dict[str, Any] = field(default_factory=dict)
    innovation: float = float("nan")
    used: bool = False


def unknown(start: Array, config: LocalizationConfig, status: dict[str, str]) -> Estimate:
    """Before the first half second: the start, tilted by who knows what."""
    sigma = np.array([config.start_position_sigma_m] * 3 + [0.2, 0.2, 0.0])
    sigma[5] = np.radians(config.start_yaw_sigma_deg)
    nothing = np.zeros(3)
    return Estimate(0.0, start.copy(), np.eye(4), np.diag(sigma**2), nothing, nothing, status)
