# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The last resort: whatever was planned, do not drive onto ground that is known to be unsafe.

It sees the newest map at every command, ten times as often as the planner thinks, and with smaller
margins than the planner's: it speaks when something is wrong and not when something is tight.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.navigation.arcs import arc, placed

if TYPE_CHECKING:
    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.navigation.follow import Speeds
    from tenacious_rover.navigation.local import PoseCheck

Array = NDArray[np.float64]
_STEP_M = 0.05
_ESCAPE_M = 0.3
_STEP_RAD = math.radians(10.0)


def objection(
    here: Array, speeds: Speeds, path: Array, check: PoseCheck, config: NavigationConfig
) -> str | None:
    """Why the motion must not go on, or `None`.

    Looked at are the arc that `speeds` would drive until the follower has corrected it, and the
    stretch of `path` (n, 3) within the guard's distance, both from `here` (3,) in odom. A rover
    that stands on ground which the map calls unsafe may leave it: then the first `_ESCAPE_M` do
    not count.
    """
    speed, rate = speeds
    if speed > 0.0:
        along = np.arange(_STEP_M, config.guard_arc_m + 1e-6, _STEP_M)
        ahead = placed(arc(np.zeros((1, 3)), np.array([rate / speed]), along)[0], *map(float, here))
        ahead = np.vstack([ahead, _stretch(here, path, config.guard_m)])
    elif speed == 0.0 and rate:
        angles = math.copysign(1.0, rate) * _STEP_RAD * np.arange(1, 3)
        turned = np.column_stack([np.zeros(2), np.zeros(2), angles])
        ahead = placed(turned, *map(float, here))
    else:
        return None
    checked = check(np.vstack([here[None], ahead])).safe
    safe = checked[1:].copy()
    far = np.hypot(*(ahead[:, :2] - here[:2]).T)
    if not checked[0]:
        safe |= far <= _ESCAPE_M
    if safe.all():
        return None
    where = f"{far[~safe].min():.2f} m ahead" if speed > 0.0 else "in the turn"
    return f"the guard sees unsafe ground {where}"


def _stretch(here: Array, path: Array, reach_m: float) -> Array:
    """Poses of the path after its nearest one, no farther than `reach_m`."""
    if len(path) == 0:
        return np.zeros((0, 3))
    far = np.hypot(*(path[:, :2] - here[:2]).T)
    ahead = path[int(far.argmin()) + 1 :]
    return ahead[far[int(far.argmin()) + 1 :] <= reach_m]
