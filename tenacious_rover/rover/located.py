# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the rover is, as those that act in the field need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Located:
    """A pose. Transforms (4, 4); `covariance` (6, 6) x y z rx ry rz in map.

    `speed_mps` (m/s) is over ground, `turn_radps` (rad/s) about z, both without sign.
    """

    time_s: float
    map_T_odom: NDArray[np.float64]
    odom_T_base: NDArray[np.float64]
    covariance: NDArray[np.float64]
    speed_mps: float
    turn_radps: float

    @property
    def map_T_base(self) -> NDArray[np.float64]:
        """The rover in map."""
        return self.map_T_odom @ self.odom_T_base
