# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Back the way the rover came: its own track is the one way of which it is known that it is free.

A map may be wrong about the ground that the rover stands on: it has drifted, or a stone was smeared
along the line of sight. Where the wheels have just rolled it can roll again, turns included.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.navigation import follow
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.navigation.config import NavigationConfig

Array = NDArray[np.float64]
_BEND_RAD = math.radians(15.0)
"""More than that between two poses of a track was a turn in place."""
_TURNED_RAD = math.radians(3.0)
_REACHED_M = 0.05
_LOOKAHEAD_M = 0.15
"""Shorter than on a path: beside the own track nothing is known to be free."""
DUG_IN = 0.8
"""1/m. Wheels that have dug in come out straight, if at all: to turn they must shear the walls."""


class Retrace:
    """Drives a track (n, 3) x, y, yaw in odom, newest pose first: backwards, and its turns back.

    Args:
        track: in odom.
        config: rates.
        ahead: the track lies before the rover and is driven forwards.
        sharpest: curvature, 1/m, that is not exceeded; no less than that of the own track.

    Attributes:
        turning: whether it is in a turn in place.
        ahead: as given.
    """

    def __init__(
        self,
        track: Array,
        config: NavigationConfig,
        *,
        ahead: bool = False,
        sharpest: float = follow.SHARPEST,
    ) -> None:
        self._config, self.ahead, self._sharpest = config, ahead, sharpest
        self._stages: list[float | Array] = []
        self._way = 1.0 if ahead else -1.0
        for run in runs(track):
            self._stages += [float(run[0, 2]), run]
        self.turning = False

    def steer(self, odom_T_base: Array, speed_mps: float) -> follow.Speeds | None:
        """The motion wanted now, no faster than `speed_mps`; `None` at the end of the track."""
        while self._stages:
            stage = self._stages[0]
            if isinstance(stage, float):
                aside = abs(frames.wrapped(stage - frames.yaw(odom_T_base)))
                if aside > (_TURNED_RAD if self.turning else _BEND_RAD):
                    self.turning = True
                    return follow.heading(odom_T_base, stage, self._config.turn_rate_radps)
                self.turning = False
            else:
                end = np.array([*stage[-1, :2], odom_T_base[2, 3], 1.0])
                if self._way * (frames.inverse(odom_T_base) @ end)[0] > _REACHED_M:
                    # The nearer its aim, the harder it steers: it does not aim at the very end.
                    path = np.vstack([stage, straight(stage[-1], self._way * _LOOKAHEAD_M)])
                    speed = self._way * speed_mps
                    return follow.pursue(
                        odom_T_base, path, speed, self._config, self._sharpest, _LOOKAHEAD_M
                    )
            self._stages.pop(0)
        return None


def straight(here: Array, distance_m: float) -> Array:
    """A track (n, 3) straight on from `here` (3,) x, y, yaw, behind it where negative."""
    along = np.copysign(np.arange(0.0, abs(distance_m) + 1e-6, _REACHED_M), distance_m)
    cos, sin = np.cos(here[2]), np.sin(here[2])
    return np.column_stack(
        [here[0] + along * cos, here[1] + along * sin, np.full(len(along), here[2])]
    )


def runs(track: Array) -> list[Array]:
    """The track (n, 3), newest pose first, between its turns in place.

    Every run ends where the older one begins: there the rover has turned.
    """
    if len(track) == 0:
        return []
    bend = np.abs(np.diff(np.unwrap(track[:, 2]))) > _BEND_RAD
    parts = np.split(track, np.flatnonzero(bend) + 1)
    joined = []
    for part, older in zip(parts, [*parts[1:], None], strict=True):
        corner = [] if older is None else [[*older[0, :2], part[-1, 2]]]
        joined.append(np.vstack([part, *corner]))
    return joined
