# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What really is: for scoring, recording and tests, never for autonomy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.dynamics import Dynamics
    from tenacious_rover.simulator.scoop import Dig

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """The state at one moment.

    Attributes:
        time_s: since the start.
        map_T_base: (4, 4).
        linear: (3,) m/s of base_link, in base_link.
        angular: (3,) rad/s, in base_link.
        wheels: joint names; the arrays below follow them.
        slip: (n,) (rim - ground) / faster of the two; positive when driving slips.
        sinkage_m: (n,).
        normal_n: (n,) force of the ground.
        hits: what of the rover has touched rocks, lander or ground since the start, with the
            largest force in N: `(part, other) -> N`. Wheels, blade and payload count on the lander
            only.
        map_T_payload: (4, 4), or `None` for a rover without payload.
        attached: the latch holds the payload.
        upright: the payload's axis is within 25 degrees of the vertical.
        carried_ml: soil in the scoop.
        digs: holes made so far.
        charge: of the battery, 0..1.
        rates: (n,) rad/s of the wheels.
    """

    time_s: float
    map_T_base: Array
    linear: Array
    angular: Array
    wheels: tuple[str, ...]
    slip: Array
    sinkage_m: Array
    normal_n: Array
    hits: dict[tuple[str, str], float]
    map_T_payload: Array | None
    attached: bool
    upright: bool
    carried_ml: float
    digs: tuple[Dig, ...]
    charge: float
    rates: Array

    @property
    def xy(self) -> Array:
        """(2,) of base_link in map."""
        return self.map_T_base[:2, 3]

    @property
    def tilt_rad(self) -> float:
        """Of base_link's z axis from the vertical."""
        return float(np.arccos(np.clip(self.map_T_base[2, 2], -1.0, 1.0)))


_UPRIGHT_COSINE = float(np.cos(np.radians(25.0)))


def truth_of(
    dynamics: Dynamics, hits: dict[tuple[str, str], float], attached: bool, charge: float
) -> Truth:
    """The truth of a moment."""
    linear, angular = dynamics.velocity
    house = dynamics.map_T_payload
    scoop = dynamics.scoop
    return Truth(
        time_s=dynamics.time_s,
        map_T_base=dynamics.map_T_base,
        linear=linear,
        angular=angular,
        wheels=tuple(wheel.joint for wheel in dynamics.rover.wheels),
        slip=dynamics.results[:, 0].copy(),
        sinkage_m=dynamics.results[:, 1].copy(),
        normal_n=dynamics.results[:, 2].copy(),
        hits=dict(hits),
        map_T_payload=house,
        attached=attached,
        upright=house is not None and bool(house[2, 2] > _UPRIGHT_COSINE),
        carried_ml=0.0 if scoop is None else scoop.carried_ml,
        digs=() if scoop is None else tuple(scoop.digs),
        charge=charge,
        rates=np.asarray(dynamics.data.qvel[dynamics.wheel_v]).copy(),
    )
