# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One drive of a study: a name from which everything random follows, and its world.

Seeds below 1000 are for tuning, from 1000 on for figures that are reported: no number of navigation
was chosen by looking at a drive of the second kind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from tenacious_rover.campaign.error import CampaignError
from tenacious_rover.simulator.world import LANDING, Disc, Lander, Start, WorldSpec, Zone, Zones

HELD_OUT = 1000
"""First seed that no tuning has seen."""
DRIVERS = ("tenacious", "gestalt", "straight", "oracle")
_LANDER_M = 3.2


@dataclass(frozen=True)
class Case:
    """A drive.

    Attributes:
        k: rock abundance, share of the ground.
        slope_deg: regional slope.
        seed: of world, start, goal, sun and sensors.
        driver: one of `DRIVERS`.
        distance_m: from start to goal, straight.
    """

    k: float
    slope_deg: float
    seed: int
    driver: str = "tenacious"
    distance_m: float = 20.0

    @property
    def id(self) -> str:
        """Such as `k0.0125-s5-1003-tenacious`; `parsed` reads it."""
        far = "" if self.distance_m == 20.0 else f"-{self.distance_m:g}m"
        return f"k{self.k:g}-s{self.slope_deg:g}-{self.seed}-{self.driver}{far}"

    @staticmethod
    def parsed(text: str) -> Case:
        """From an id.

        Raises:
            CampaignError: it is none.
        """
        words = text.split("-")
        try:
            far = float(words[4].removesuffix("m")) if len(words) > 4 else 20.0
            case = Case(float(words[0][1:]), float(words[1][1:]), int(words[2]), words[3], far)
        except (ValueError, IndexError):
            words_ = f"case: {text!r} is not of the form k0.0125-s5-1003-tenacious"
            raise CampaignError(words_) from None
        if case.driver not in DRIVERS:
            raise CampaignError(f"case: driver {case.driver!r} is not one of {', '.join(DRIVERS)}")
        return case


def goal_of(case: Case) -> tuple[float, float]:
    """X, y of the goal in map."""
    x, y, yaw = _line(case)
    return x + case.distance_m * math.cos(yaw), y + case.distance_m * math.sin(yaw)


def _line(case: Case) -> tuple[float, float, float]:
    """Start x, y and bearing of the goal: past the lander at up to 6 m, often behind it."""
    rng = np.random.default_rng([case.seed, 101])
    bearing = rng.uniform(-math.pi, math.pi)
    beside = rng.uniform(-6.0, 6.0)
    # Nearer than this start or goal could lie under the lander.
    along = -case.distance_m / 2.0
    x = along * math.cos(bearing) - beside * math.sin(bearing)
    y = along * math.sin(bearing) + beside * math.cos(bearing)
    return x, y, bearing


def world_of(case: Case) -> WorldSpec:
    """The ground, the light and the start of a case; the driver makes no difference to it."""
    rng = np.random.default_rng([case.seed, 102])
    x, y, bearing = _line(case)
    goal = goal_of(case)
    uphill = float(rng.uniform(-180.0, 180.0))
    facing = math.degrees(bearing) + float(rng.uniform(-60.0, 60.0))
    days = float(rng.uniform(0.5, 9.5))
    half = 0.5 * _LANDER_M
    square = [(-half, -half), (half, -half), (half, half), (-half, half)]
    q = {0.0125: 1.743, 0.0021: 6.56}.get(case.k)
    return WorldSpec(
        world=f"study k{case.k:g} slope {case.slope_deg:g}",
        seed=case.seed,
        size_m=case.distance_m + 16.0,
        epoch_utc=LANDING + timedelta(days=days),
        start=Start(x_m=round(x, 3), y_m=round(y, 3), yaw_deg=round((facing + 180) % 360 - 180, 2)),
        terrain={"slope": {"angle_deg": case.slope_deg, "uphill_deg": round(uphill, 2)}},  # type: ignore[arg-type]
        rocks={"k": case.k, "q": q},  # type: ignore[arg-type]
        lander=Lander(footprint_m=_LANDER_M),
        clear=(Disc(x_m=goal[0], y_m=goal[1], radius_m=0.5),),
        zones=Zones(keep_out=(Zone(name="lander", polygon_m=square),)),
    )
