# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The last centimetres before a place: turns and straight moves, measured twice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tenacious_rover.navigation.state import ShortMove
from tenacious_rover.rover import frames
from tenacious_rover.sampling.patch import aim

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import numpy as np
    from numpy.typing import NDArray

    from tenacious_rover.rover.located import Located

_TIMES = 2
_NEAR_M = 0.02
_AIMED_RAD = math.radians(2.0)


async def bring(
    place: NDArray[np.float64],
    reach_m: float,
    lateral_m: float,
    where: Callable[[], Located],
    drive: Callable[[ShortMove], Awaitable[None]],
) -> None:
    """Move until `place` (3,) in odom is at (reach_m, lateral_m) in base_link, to 2 cm or so.

    Args:
        place: in odom.
        reach_m: along x of base_link.
        lateral_m: along y.
        where: the rover's pose now.
        drive: does a short move.
    """
    for _ in range(_TIMES):
        inside = frames.points(frames.inverse(where().odom_T_base), place[None])[0]
        turn, ahead = aim(inside, reach_m, lateral_m)
        if abs(turn) > _AIMED_RAD:
            await drive(ShortMove(turn=turn))
        if abs(ahead) > _NEAR_M:
            await drive(ShortMove(straight=ahead))
