# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Out of a pit that the wheels have dug, as a driver rocks a car out of sand: to and fro.

Driven one way, wheels in a pit only dig deeper. Turned the other way they first roll back a little
on the soil that they have sheared, and what little they travel lets the pit's walls run in: stroke
by stroke it becomes shallower, until one of them carries the rover some way.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.navigation import follow
    from tenacious_rover.navigation.config import NavigationConfig

Array = NDArray[np.float64]


class Rocking:
    """Strokes to and fro; call `steer` until it says `None`.

    On a slope the stroke downhill carries it before the pit is shallow enough to go uphill, so what
    counts is the stroke in the direction that is wanted afterwards.

    Args:
        config: strokes.
        ahead: the direction that is wanted afterwards.
        against_m: a stroke the other way ends when it has carried the rover so far.

    Attributes:
        free: whether a stroke that way has carried the rover some way.
    """

    def __init__(
        self, config: NavigationConfig, *, ahead: bool, against_m: float = math.inf
    ) -> None:
        self._config, self._against_m = config, against_m
        self._wanted = self._way = 1.0 if ahead else -1.0
        self._began: tuple[float, Array] | None = None
        self._strokes = 0
        self.free = False

    def steer(self, time_s: float, odom_T_base: Array) -> follow.Speeds | None:
        """The motion wanted now; `None` when the wheels are free or will not get free like this."""
        config = self._config
        if self._began is None:
            self._began = time_s, odom_T_base
        moved_m = self._way * float((frames.inverse(self._began[1]) @ odom_T_base)[0, 3])
        against = self._way != self._wanted
        over = time_s - self._began[0] >= config.rock_stroke_s
        if over or (against and moved_m > self._against_m):
            self.free = not against and moved_m > config.rock_free_m
            self._strokes += 1
            self._way, self._began = -self._way, (time_s, odom_T_base)
            if self.free or self._strokes >= config.rock_strokes:
                return None
        return self._way * config.rock_speed_mps, 0.0
