# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Perception's pose check in the terms of the local choice: safe as far as known, and known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenacious_rover.navigation.local import Checked
from tenacious_rover.perception.body import body_of
from tenacious_rover.perception.clearance import REASONS, check_poses

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from tenacious_rover.navigation.local import PoseCheck
    from tenacious_rover.perception.config import ClearanceConfig
    from tenacious_rover.perception.terrain_map import TerrainMap
    from tenacious_rover.rover.model import Rover

_UNKNOWN = REASONS.index("unknown")


def checker_for(
    rover: Rover, config: ClearanceConfig | None = None
) -> Callable[[TerrainMap], PoseCheck]:
    """What makes the check for a map.

    A pose on ground that is not known counts as safe unless what is known of it touches the body:
    whether unknown ground may be driven is the local choice's business.
    """
    body = body_of(rover)

    def on(terrain: TerrainMap) -> PoseCheck:
        def check(poses: NDArray[np.float64]) -> Checked:
            found = check_poses(terrain, body, poses, config)
            unknown = found.reason == _UNKNOWN
            return Checked(found.safe | (unknown & ~(found.clearance_m < 0.0)), ~unknown)

        return check

    return on
