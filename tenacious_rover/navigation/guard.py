# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The last resort: whatever was planned, do not drive onto ground that is known to be unsafe."""

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
    here: Array, speeds: Speeds, check: PoseCheck, config: NavigationConfig
) -> str | None:
    """Why the motion `speeds` from `here` (3,) in odom must not go on, or `None`.

    It knows the command and the map, not the plan. A rover that stands on ground which the map
    calls unsafe may leave it: then the first `_ESCAPE_M` ahead do not count.
    """
    speed, rate = speeds
    if speed > 0.0:
        along = np.arange(_STEP_M, config.guard_m + 1e-6, _STEP_M)
        ahead = arc(np.zeros((1, 3)), np.array([rate / speed]), along)[0]
        turned = np.abs(ahead[:, 2]) <= math.pi / 2.0
        ahead = ahead[turned]
    elif speed == 0.0 and rate:
        angles = math.copysign(1.0, rate) * _STEP_RAD * np.arange(1, 3)
        ahead = np.column_stack([np.zeros(2), np.zeros(2), angles])
    else:
        return None
    poses = np.vstack([here[None], placed(ahead, *map(float, here))])
    safe = check(poses).safe.copy()
    if not safe[0]:
        safe[: 1 + (round(_ESCAPE_M / _STEP_M) if speed > 0.0 else len(ahead))] = True
    bad = np.flatnonzero(~safe)
    if not len(bad):
        return None
    where = f"{_STEP_M * bad[0]:.2f} m ahead" if speed > 0.0 else "in the turn"
    return f"the guard sees unsafe ground {where}"
