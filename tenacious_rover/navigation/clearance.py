# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Perception's pose check in the terms of the local choice: safe as far as known, and known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.navigation.local import Checked, Checks
from tenacious_rover.perception.body import body_of
from tenacious_rover.perception.clearance import REASONS, check_poses
from tenacious_rover.perception.config import ClearanceConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.navigation.local import PoseCheck
    from tenacious_rover.perception.clearance import Clearances
    from tenacious_rover.perception.terrain_map import TerrainMap
    from tenacious_rover.rover.model import Rover

_UNKNOWN = REASONS.index("unknown")
_CLEARANCE = REASONS.index("clearance")


_TIGHT_STEP, _TIGHT_SIGMA = 0.85, 0.6
"""Where the planner's margins leave no way: between them and the guard's."""
_GUARD_STEP, _GUARD_ARTICULATION_DEG = 0.95, 14.5
"""A wheel's edge beside a stone is a step or none within a centimetre: the guard allows more."""


def _beside(poses: NDArray[np.float64], aside_m: float) -> NDArray[np.float64]:
    """Poses (n, 3) shifted to the left."""
    out = poses.copy()
    out[:, 0] -= aside_m * np.sin(poses[:, 2])
    out[:, 1] += aside_m * np.cos(poses[:, 2])
    return out


def _as_far_as_known(found: Clearances, safe: NDArray[np.bool_]) -> Checked:
    """`safe`, and so is what is not known unless what is known of it touches the body."""
    unknown = found.reason == _UNKNOWN
    return Checked(safe | (unknown & ~(found.clearance_m < 0.0)), ~unknown)


def checker_for(
    rover: Rover, config: NavigationConfig, *, payload: bool = True
) -> Callable[[TerrainMap], Checks]:
    """What makes the checks for a map; `payload`: whether it is still carried.

    A pose on ground that is not known counts as safe unless what is known of it touches the body:
    whether unknown ground may be driven is the local choice's business. A planned pose must be safe
    a little to either side as well, for the rover does not follow to the centimetre.
    """
    body = body_of(rover, payload=payload)
    strict = ClearanceConfig(margin_m=config.plan_margin_m)
    turning = ClearanceConfig(margin_m=config.turn_margin_m)
    tight = ClearanceConfig(
        margin_m=0.5 * config.plan_margin_m, sigma=_TIGHT_SIGMA, max_step=_TIGHT_STEP
    )
    # The guard's margin may be negative, which the clearance's own may not.
    loose = ClearanceConfig(
        margin_m=0.0,
        sigma=config.guard_sigma,
        tilt_share=1.0,
        max_articulation_deg=_GUARD_ARTICULATION_DEG,
        max_step=_GUARD_STEP,
    )
    sunk = min(config.guard_margin_m, 0.0)

    def on(terrain: TerrainMap) -> Checks:
        def within(limits: ClearanceConfig) -> PoseCheck:
            def check(poses: NDArray[np.float64]) -> Checked:
                found = check_poses(terrain, body, poses, limits)
                return _as_far_as_known(found, found.safe)

            return check

        keeps = within(strict)

        def plan(poses: NDArray[np.float64]) -> Checked:
            beside = [_beside(poses, side) for side in (config.plan_aside_m, -config.plan_aside_m)]
            checked = keeps(np.concatenate([poses, *beside]))
            safe = np.asarray(checked.safe.reshape(3, -1).all(0))
            return Checked(safe, checked.known[: len(poses)])

        def guard(poses: NDArray[np.float64]) -> Checked:
            found = check_poses(terrain, body, poses, loose)
            sinking = (found.reason == _CLEARANCE) & (found.clearance_m >= sunk)
            free = found.safe & (found.clearance_m >= config.guard_margin_m)
            return _as_far_as_known(found, free | sinking)

        return Checks(plan, within(tight), guard, within(turning))

    return on
