# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What goes into the navigator and what comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.navigation.error import Code

Array = NDArray[np.float64]


class Pose(Protocol):
    """Of localization's estimate, or a node's `Located`."""

    @property
    def time_s(self) -> float:
        """When the pose was."""
        ...

    @property
    def odom_T_base(self) -> Array:
        """(4, 4), continuous."""
        ...

    @property
    def map_T_odom(self) -> Array:
        """(4, 4), may jump."""
        ...


@dataclass(frozen=True)
class Motion:
    """How the wheels do: localization's verdict and the torque of the motors.

    `slip`: mean over the wheels that turn; `effort_nm`: greatest of the wheels; NaN: not known.
    """

    immobile: bool = False
    slip: float = math.nan
    effort_nm: float = math.nan


@dataclass(frozen=True)
class Goal:
    """Where to drive, in map. `yaw` in rad or `None` when the heading does not matter."""

    x: float
    y: float
    yaw: float | None = None
    position_tolerance_m: float = 0.0
    """0: of the configuration; so for those below."""
    heading_tolerance: float = 0.0
    speed_mps: float = 0.0
    time_limit_s: float = 0.0


@dataclass(frozen=True)
class ShortMove:
    """`straight` m along x or `turn` rad about z, without planning; exactly one is not zero."""

    straight: float = 0.0
    turn: float = 0.0
    tolerance_m: float = 0.0
    heading_tolerance: float = 0.0
    speed_mps: float = 0.0
    time_limit_s: float = 0.0


@dataclass(frozen=True)
class Command:
    """What to send to the wheels now, and what to tell people.

    `state` is a word of NavigationState.msg; `path` (n, 3) in odom is what it follows. When `done`,
    `code` says whether the goal was reached and `reason` why not.
    """

    linear_mps: float = 0.0
    angular_radps: float = 0.0
    state: str = "idle"
    reason: str = ""
    path: Array = field(default_factory=lambda: np.zeros((0, 3)))
    distance_remaining_m: float = math.nan
    distance_driven_m: float = 0.0
    time_remaining_s: float = math.nan
    elapsed_s: float = 0.0
    recoveries: int = 0
    done: bool = False
    code: Code = Code.NONE
