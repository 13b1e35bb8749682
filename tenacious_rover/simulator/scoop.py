# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The scoop in the ground: what the soil does to the blade, and what the blade takes from it.

The blade is a plate from its axis to its cutting edge, open on its upper side (+z). The edge meets
the bearing strength of the soil (Terzaghi, deep strip), the plate its passive pressure (Rankine);
both act like a spring until the soil yields, so that a blade at rest still feels the ground. Soil
in front of the upper side is lifted into the bowl until it is full; what is taken is missing in
the height field, node by node.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from tenacious_rover.simulator.bowl import Bowl, repose
from tenacious_rover.simulator.wheel_ground import bilinear, soil_at
from tenacious_rover.simulator.wheel_soil import passive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Scoop
    from tenacious_rover.simulator.dynamics import Dynamics

    Array = NDArray[np.float64]
    Heights = NDArray[np.float32]
    Index = NDArray[np.uint8]

_EDGE_M = 0.003
_YIELD_M = 0.003
_ALONG, _ACROSS = 8, 3
_ACCOUNT_EVERY = 10
_WORTH_ML = 0.3


@dataclass(frozen=True)
class Dig:
    """Soil was taken: time the blade left the ground, centre of the hole in map (3,), ml."""

    time_s: float
    place: Array
    volume_ml: float


@njit(cache=True)
def blade_forces(
    heights: Heights,
    origin: Array,
    resolution: float,
    soil_index: Index,
    soils: Array,
    shape: Array,
    position: Array,
    rotation: Array,
    velocity: Array,
    center: Array,
    com: Array,
    gravity: float,
    dt: float,
    state: Array,
    applied: Array,
) -> float:
    """Force of the soil on the blade, into `applied` (6,) at `com`; returns the edge's depth.

    Args:
        heights: (rows, columns), m.
        origin: (2,) of node (0, 0), m.
        resolution: of the grid, m.
        soil_index: (rows, columns) into `soils`.
        soils: (n, SOIL_COLUMNS).
        shape: (2,) length and width of the blade, m.
        position: (3,) of its axis.
        rotation: (9,) of its frame.
        velocity: (6,) as MuJoCo has it, about `center`.
        center: (3,).
        com: (3,) where MuJoCo applies forces.
        gravity: m/s^2.
        dt: s.
        state: (2,) yield of the soil along the blade and across it, -1..1; changed.
        applied: (6,) overwritten.
    """
    length, width = shape[0], shape[1]
    xx, xy, xz = rotation[0], rotation[3], rotation[6]
    zx, zy, zz = rotation[2], rotation[5], rotation[8]
    ex, ey, ez = position[0] + length * xx, position[1] + length * xy, position[2] + length * xz
    for i in range(6):
        applied[i] = 0.0
    depth = bilinear(heights, origin[0], origin[1], resolution, ex, ey) - ez
    if depth <= 0.0:
        state[0] = 0.0
        state[1] = 0.0
        return depth
    soil = soils[soil_at(soil_index, origin[0], origin[1], resolution, ex, ey)]
    rx, ry, rz = ex - center[0], ey - center[1], ez - center[2]
    vx = velocity[3] + velocity[1] * rz - velocity[2] * ry
    vy = velocity[4] + velocity[2] * rx - velocity[0] * rz
    vz = velocity[5] + velocity[0] * ry - velocity[1] * rx
    along = vx * xx + vy * xy + vz * xz
    across = vx * zx + vy * zy + vz * zz
    state[0] += dt * (along - abs(along) * state[0]) / _YIELD_M
    state[1] += dt * (across - abs(across) * state[1]) / _YIELD_M
    state[0] = min(max(state[0], -1.0), 1.0)
    state[1] = min(max(state[1], -1.0), 1.0)
    # Terzaghi: N_q = tan^2(45 + phi/2) e^(pi tan phi), N_c = (N_q - 1) / tan phi.
    tan_phi = soil[4]
    s = tan_phi / sqrt(1.0 + tan_phi * tan_phi)
    nq = (1.0 + s) / (1.0 - s) * np.exp(pi * tan_phi)
    bearing = soil[3] * (nq - 1.0) / tan_phi + soil[6] * gravity * depth * nq
    push = -bearing * _EDGE_M * width * state[0]
    if state[0] < 0.0:
        push *= 0.15  # pulling out rubs only
    wall = -width * passive(depth, soil[3], tan_phi, soil[6], gravity) * state[1]
    if zz * state[1] > 0.0 and state[1] > 0.0:
        wall *= 0.6  # lifting breaks soil free towards the surface
    fx, fy, fz = push * xx + wall * zx, push * xy + wall * zy, push * xz + wall * zz
    ax, ay, az = ex - com[0], ey - com[1], ez - com[2]
    applied[0], applied[1], applied[2] = fx, fy, fz
    applied[3] = ay * fz - az * fy
    applied[4] = az * fx - ax * fz
    applied[5] = ax * fy - ay * fx
    return depth


class ScoopInSoil:
    """Forces on the blade, the soil it carries, and the holes it leaves.

    Attributes:
        carried_ml: soil in the bowl.
        spilled_ml: soil that fell onto the rover or back to the ground so far.
        digs: holes, in order.
    """

    def __init__(self, scoop: Scoop) -> None:
        self.scoop = scoop
        self._shape = np.array([scoop.blade_length_m, scoop.blade_width_m])
        self._state = np.zeros(2)
        self._body = -1
        self.carried_ml = 0.0
        self.spilled_ml = 0.0
        self.depth_m = -1.0
        self.digs: list[Dig] = []
        self._taken_ml = 0.0
        self._moment = np.zeros(3)
        self._before: Array | None = None
        self._bowl = Bowl(scoop)
        self._repose = 0.7

    def push(self, dynamics: Dynamics) -> None:
        """Before each step: the soil's force on the blade."""
        body = self._body
        if body < 0:
            body = self._body = int(dynamics.scoop_bodies[1])
        self.depth_m = blade_forces(
            dynamics.heights,
            dynamics.origin,
            dynamics.world.resolution_m,
            dynamics.soil_index,
            dynamics.soils,
            self._shape,
            dynamics.xpos[body],
            dynamics.xmat[body],
            dynamics.cvel[body],
            dynamics.center,
            dynamics.data.xipos[body],
            dynamics.rover.gravity_mps2,
            dynamics.config.step_s,
            self._state,
            dynamics.applied[body],
        )

    def account(self, dynamics: Dynamics) -> tuple[int, int, NDArray[np.float32]] | None:
        """After each step, at 50 Hz: what was taken or spilled.

        Returns:
            row, column and new heights of the window of ground that changed, or `None`.
        """
        if dynamics.steps % _ACCOUNT_EVERY:
            return None
        body = int(dynamics.scoop_bodies[1])
        rotation = dynamics.data.xmat[body].reshape(3, 3)
        if self.depth_m <= 0.0:
            self._before = None
            self._close(dynamics.time_s)
            return self._spill(dynamics, rotation, body) if self.carried_ml > 0.0 else None
        points = self._points(dynamics.data.xpos[body], rotation)
        before, self._before = self._before, points
        if before is None:
            return None
        return self._take(dynamics, points, before, rotation[:, 2])

    def _points(self, position: Array, rotation: Array) -> Array:
        """(n, 3) over the plate."""
        length, width = self._shape
        x = (np.arange(_ALONG) + 0.5) / _ALONG * length
        y = ((np.arange(_ACROSS) + 0.5) / _ACROSS - 0.5) * width
        grid = np.stack(np.meshgrid(x, y, [0.0], indexing="ij"), axis=-1).reshape(-1, 3)
        return np.asarray(grid @ rotation.T + position)

    def _take(
        self, dynamics: Dynamics, points: Array, before: Array, upper: Array
    ) -> tuple[int, int, NDArray[np.float32]] | None:
        """Soil that the plate swept on its upper side since the last account."""
        depth = dynamics.ground(points[:, 0], points[:, 1]) - points[:, 2]
        swept = np.maximum((points - before) @ upper, 0.0) * (depth > 0.0)
        cell = self._shape[0] * self._shape[1] / len(points)
        volume = swept * cell
        total = float(volume.sum()) * 1e6
        room = self.scoop.capacity_ml - self.carried_ml
        if total < 1e-6 or room <= 0.0:
            return None
        volume *= min(room / total, 1.0)
        changed = deposit(dynamics, points[:, :2], -volume)
        x, y = points[len(points) // 2, :2]
        ox, oy = dynamics.origin
        ground = soil_at(
            dynamics.soil_index, ox, oy, dynamics.world.resolution_m, float(x), float(y)
        )
        self._repose = repose(dynamics.soils[ground], dynamics.rover.gravity_mps2)
        taken = float(volume.sum()) * 1e6
        self.carried_ml += taken
        self._taken_ml += taken
        center = (volume[:, None] * points).sum(axis=0) * 1e6
        self._moment += center
        return changed

    def _close(self, time_s: float) -> None:
        """The blade is out of the ground: note the hole."""
        if self._taken_ml > _WORTH_ML:
            place = self._moment / self._taken_ml
            self.digs.append(Dig(time_s, place, self._taken_ml))
        self._taken_ml = 0.0
        self._moment = np.zeros(3)

    def _spill(
        self, dynamics: Dynamics, rotation: Array, body: int
    ) -> tuple[int, int, NDArray[np.float32]] | None:
        """What the bowl does not hold as it leans now falls over its lowest rim."""
        up = rotation[2]
        held = min(self.carried_ml, self._bowl.holds_ml(up, self._repose))
        fallen, self.carried_ml = self.carried_ml - held, held
        if fallen <= 0.0:
            return None
        self.spilled_ml += fallen
        edge = dynamics.data.xpos[body] + rotation @ self._bowl.lowest(up)
        base_T_map = np.linalg.inv(dynamics.map_T_base)
        local = base_T_map[:3, :3] @ edge + base_T_map[:3, 3]
        chassis = dynamics.rover.chassis
        inside = np.abs(local[:2] - chassis.center[:2]) < chassis.size[:2] / 2.0
        if inside.all():
            return None  # onto the deck
        points = edge[None, :2] + 0.02 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
        return deposit(dynamics, points, np.full(4, fallen * 1e-6 / 4.0))


def deposit(
    dynamics: Any, places: Array, volume: Array
) -> tuple[int, int, NDArray[np.float32]] | None:
    """Add soil (n,) m^3 at places (n, 2) to the nodes around them, so that volume is conserved.

    Returns:
        row, column and new heights of the window that changes; nothing is changed here. `None` when
        a place is off the ground.
    """
    heights, step = dynamics.heights, dynamics.world.resolution_m
    rows, columns = heights.shape
    u = (places[:, 0] - dynamics.origin[0]) / step
    v = (places[:, 1] - dynamics.origin[1]) / step
    if u.min() < 0 or v.min() < 0 or u.max() > columns - 2 or v.max() > rows - 2:
        return None
    c, r = np.floor(u).astype(int), np.floor(v).astype(int)
    row0, column0 = int(r.min()), int(c.min())
    window = np.s_[row0 : int(r.max()) + 2, column0 : int(c.max()) + 2]
    patch = heights[window].astype(np.float64)
    fu, fv = u - c, v - r
    rise = volume / step**2
    for dr, dc, weight in (
        (0, 0, (1 - fu) * (1 - fv)),
        (0, 1, fu * (1 - fv)),
        (1, 0, (1 - fu) * fv),
        (1, 1, fu * fv),
    ):
        np.add.at(patch, (r - row0 + dr, c - column0 + dc), rise * weight)
    return row0, column0, patch.astype(np.float32)
