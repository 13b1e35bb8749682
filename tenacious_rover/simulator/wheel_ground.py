# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Wheels on the height field: where each meets the ground, how it moves there, what that does."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from tenacious_rover.simulator.wheel_soil import arc_forces, passive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Heights = NDArray[np.float32]
    Index = NDArray[np.uint8]
    Ids = NDArray[np.int64]

_DAHL_M = 0.003
"""Way over which soil before a wall comes to its full passive pressure."""
_SLIP_LENGTH_M, _ROLL_LENGTH_M = 0.02, 0.004
"""Rolled way over which the angle of largest stress follows slip and direction."""
_DAMPING = 1.4
"""Twice the damping ratio of a wheel that bounces in its rut."""
_DEEPEST = 0.7
"""Of a pit, in wheel radii."""


@njit(cache=True)
def bilinear(
    heights: Heights,
    ox: float,
    oy: float,
    resolution: float,
    x: float,
    y: float,
) -> float:
    """Height at (x, y); beyond the grid that of its edge."""
    rows, columns = heights.shape
    u = min(max((x - ox) / resolution, 0.0), columns - 1.000001)
    v = min(max((y - oy) / resolution, 0.0), rows - 1.000001)
    c, r = int(u), int(v)
    fu, fv = u - c, v - r
    low = heights[r, c] * (1.0 - fu) + heights[r, c + 1] * fu
    high = heights[r + 1, c] * (1.0 - fu) + heights[r + 1, c + 1] * fu
    return low * (1.0 - fv) + high * fv


@njit(cache=True)
def soil_at(
    soil_index: Index,
    ox: float,
    oy: float,
    resolution: float,
    x: float,
    y: float,
) -> int:
    """Number of the soil at (x, y): that of the nearest node."""
    rows, columns = soil_index.shape
    r = int(min(max((y - oy) / resolution + 0.5, 0.0), rows - 1.0))
    c = int(min(max((x - ox) / resolution + 0.5, 0.0), columns - 1.0))
    return soil_index[r, c]


@njit(cache=True)
def follow(
    wanted: Array,
    rate: Array,
    angle: Array,
    qpos: Array,
    where: Ids,
    most: Array,
    lead: Array,
    ahead: float,
    dt: float,
    ctrl: Array,
) -> None:
    """Servo angles of the wheels: they run at `rate`, which follows `wanted` by its ramp `most`.

    An angle leads its wheel by no more than `lead`; `ahead` s of rate make up for the servo's own
    damping. `rate`, `angle`, `ctrl` (n,) are changed.
    """
    for w in range(len(where)):
        rate[w] += min(max(wanted[w] - rate[w], -most[w]), most[w])
        here = qpos[where[w]]
        angle[w] = min(max(angle[w] + rate[w] * dt, here - lead[w]), here + lead[w])
        ctrl[w] = angle[w] + rate[w] * ahead


@njit(cache=True)
def footing(
    heights: Heights,
    origin: Array,
    resolution: float,
    at: Array,
    axle: Array,
    radius: float,
    width: float,
    axes: Array,
    normal: Array,
    foot: Array,
) -> float:
    """How deep a wheel is below the plane of the ground under it, m.

    Args:
        heights: the ground; `origin`, `resolution` as in `World`.
        origin: (2,).
        resolution: m.
        at: (3,) middle of the wheel in map.
        axle: (3,) unit vector, to the left, not upright.
        radius: m.
        width: m.
        axes: (3, 3) out: rows forward, up, axle of the wheel's frame in map.
        normal: (3,) out: of the ground.
        foot: (2,) out: where the rim's lowest point is.
    """
    ax, ay, az = axle
    flat = sqrt(ax * ax + ay * ay)
    # Horizontal forward and left, over which the ground's slope is taken.
    fx, fy, lx, ly = ay / flat, -ax / flat, ax / flat, ay / flat
    nx, ny, nz = 0.0, 0.0, 1.0
    dx, dy, ox, oy = 0.3 * radius, 0.5 * width, origin[0], origin[1]
    h = mx = my = mz = length = qx = qy = 0.0
    for turn in range(3):
        along = nx * ax + ny * ay + nz * az
        mx, my, mz = nx - along * ax, ny - along * ay, nz - along * az
        length = sqrt(mx * mx + my * my + mz * mz)
        mx, my, mz = mx / length, my / length, mz / length
        if turn == 2:
            break
        qx, qy = at[0] - radius * mx, at[1] - radius * my
        front = bilinear(heights, ox, oy, resolution, qx + dx * fx, qy + dx * fy)
        rear = bilinear(heights, ox, oy, resolution, qx - dx * fx, qy - dx * fy)
        left = bilinear(heights, ox, oy, resolution, qx + dy * lx, qy + dy * ly)
        right = bilinear(heights, ox, oy, resolution, qx - dy * lx, qy - dy * ly)
        h = 0.2 * (front + rear + left + right + bilinear(heights, ox, oy, resolution, qx, qy))
        rise, lean = (front - rear) / (2.0 * dx), (left - right) / (2.0 * dy)
        nx, ny = -(rise * fx + lean * lx), -(rise * fy + lean * ly)
        nz = 1.0 / sqrt(nx * nx + ny * ny + 1.0)
        nx, ny = nx * nz, ny * nz
    axes[1, 0], axes[1, 1], axes[1, 2] = mx, my, mz
    axes[2] = axle
    axes[0, 0], axes[0, 1] = ay * mz - az * my, az * mx - ax * mz
    axes[0, 2] = ax * my - ay * mx
    normal[0], normal[1], normal[2] = nx, ny, nz
    foot[0], foot[1] = qx, qy
    away = (at[0] - qx) * nx + (at[1] - qy) * ny + (at[2] - h) * nz
    return radius * length - away


@njit(cache=True)
def motion(
    at: Array, twist: Array, center: Array, axes: Array, velocity: Array, turn: Array, world: Array
) -> float:
    """Rate of the wheel about its axle, rad/s, from MuJoCo's `twist` (6,) about `center` (3,).

    Out: `velocity` (3,) of its middle along its `axes`, `turn` (2,) its rates about forward and up,
    `world` (3,) its velocity in map.
    """
    rx, ry, rz = at[0] - center[0], at[1] - center[1], at[2] - center[2]
    wx, wy, wz = twist[0], twist[1], twist[2]
    world[0] = twist[3] + wy * rz - wz * ry
    world[1] = twist[4] + wz * rx - wx * rz
    world[2] = twist[5] + wx * ry - wy * rx
    for i in range(3):
        velocity[i] = axes[i, 0] * world[0] + axes[i, 1] * world[1] + axes[i, 2] * world[2]
    turn[0] = axes[0, 0] * wx + axes[0, 1] * wy + axes[0, 2] * wz
    turn[1] = axes[1, 0] * wx + axes[1, 1] * wy + axes[1, 2] * wz
    return axes[2, 0] * wx + axes[2, 1] * wy + axes[2, 2] * wz


@njit(cache=True)
def slip_of(rim: float, ground: float) -> float:
    """Slip -1..1 from rim and ground speed, m/s: over the faster, positive when driving slips."""
    fastest = max(abs(rim), abs(ground))
    if fastest < 1e-4:
        return 0.0
    slip = min(max((rim - ground) / fastest, -1.0), 1.0)
    backwards = rim < 0.0 or (rim == 0.0 and ground < 0.0)
    return -slip if backwards else slip


@njit(cache=True)
def walls(
    sinkage: float,
    radius: float,
    width: float,
    rim: float,
    velocity: Array,
    digging: float,
    soil: Array,
    gravity: float,
    dt: float,
    state: Array,
    out: Array,
) -> None:
    """Passive pressure of soil before and beside the wheel, off `out`; the pit it digs, in `state`.

    The rim throws soil back and digs itself a pit, which the wheel leaves as it travels; its walls
    run in. Each pressure comes up like a spring until the soil yields (Dahl).
    """
    low = min(sinkage, radius)
    reach = sqrt(max(2.0 * radius * low - low * low, 0.0))
    state[3] += dt * (velocity[0] - abs(velocity[0]) * state[3]) / _DAHL_M
    state[4] += dt * (velocity[2] - abs(velocity[2]) * state[4]) / _DAHL_M
    state[3] = min(max(state[3], -1.0), 1.0)
    state[4] = min(max(state[4], -1.0), 1.0)
    out[0] -= state[3] * width * passive(state[2], soil[3], soil[4], soil[6], gravity)
    beside = passive(2.0 / 3.0 * sinkage, soil[3], soil[4], soil[6], gravity)
    out[2] -= state[4] * 2.0 * reach * beside
    span = max(2.0 * reach, 0.02)
    travel = sqrt(velocity[0] ** 2 + (velocity[2] * span / width) ** 2)
    dug = digging * (1.0 - state[2] / (_DEEPEST * radius)) * abs(rim - velocity[0])
    state[2] = max(state[2] + dt * (dug - travel * state[2] / span), 0.0)


@njit(cache=True)
def lifted(velocity: float, dt: float, shear: Array, state: Array) -> None:
    """A wheel without ground under it forgets what it did to the soil."""
    shear[:, :] = 0.0
    state[0] = 0.0
    state[1] = 0.0
    state[2] *= max(1.0 - abs(velocity) * dt / 0.02, 0.0)


@njit(cache=True)
def wheel_forces(
    heights: Heights,
    soil_index: Index,
    origin: Array,
    resolution: float,
    soils: Array,
    wheels: Array,
    grousers: Array,
    bodies: Ids,
    positions: Array,
    rotations: Array,
    velocities: Array,
    center: Array,
    gravity: float,
    dt: float,
    slip_patches: Array,
    shear: Array,
    state: Array,
    applied: Array,
    results: Array,
) -> None:
    """Soil forces on all wheels, written into MuJoCo's applied forces.

    Args:
        heights: (rows, columns), m.
        soil_index: (rows, columns) into `soils`.
        origin: (2,) of node (0, 0), m.
        resolution: of the grid, m.
        soils: (n, SOIL_COLUMNS).
        wheels: (k, 2) radius and width, m.
        grousers: (2,) height m and number.
        bodies: (k,) ids of the wheel bodies.
        positions: (nbody, 3) as MuJoCo has them.
        rotations: (nbody, 9); the axle is a body's y axis.
        velocities: (nbody, 6) about `center`.
        center: (3,).
        gravity: m/s^2.
        dt: s.
        slip_patches: (p, 5) x, y, radius, factor of grip, factor of digging.
        shear: (k, ANGLES, 2), carried from step to step.
        state: (k, STATES), carried too.
        applied: (nbody, 6) world force and torque, overwritten for the wheels.
        results: (k, RESULTS), overwritten.
    """
    out, velocity, turn, world = np.zeros(5), np.zeros(3), np.zeros(2), np.zeros(3)
    axes, normal, foot, axle = np.zeros((3, 3)), np.zeros(3), np.zeros(2), np.zeros(3)
    for w in range(len(bodies)):
        body, radius, width = bodies[w], wheels[w, 0], wheels[w, 1]
        applied[body] = 0.0
        results[w] = 0.0
        axle[0], axle[1], axle[2] = rotations[body, 1], rotations[body, 4], rotations[body, 7]
        if abs(axle[2]) > 0.95:  # the rover lies on its side
            continue
        at = positions[body]
        sinkage = footing(heights, origin, resolution, at, axle, radius, width, axes, normal, foot)
        spin = motion(at, velocities[body], center, axes, velocity, turn, world)
        rim = spin * radius
        results[w, 0] = slip_of(rim, velocity[0])
        depth = sinkage - state[w, 2]
        if depth <= 0.0:
            lifted(velocity[0], dt, shear[w], state[w])
            continue
        soil = soils[soil_at(soil_index, origin[0], origin[1], resolution, foot[0], foot[1])]
        grip, digging = 1.0, soil[7]
        for p in range(len(slip_patches)):
            patch = slip_patches[p]
            if (foot[0] - patch[0]) ** 2 + (foot[1] - patch[1]) ** 2 < patch[2] ** 2:
                grip *= patch[3]
                digging *= patch[4]
        state[w, 0] += (np.sign(rim) - state[w, 0]) * min(abs(rim) * dt / _ROLL_LENGTH_M, 1.0)
        state[w, 1] += (results[w, 0] - state[w, 1]) * min(abs(rim) * dt / _SLIP_LENGTH_M, 1.0)
        sinking = -(normal[0] * world[0] + normal[1] * world[1] + normal[2] * world[2])
        damping = 1.0 + _DAMPING * sqrt(1.5 / (max(depth, 2e-4) * gravity)) * sinking
        push = passive(grousers[0], soil[3], soil[4], soil[6], gravity)
        bars = push * grousers[1] / (2.0 * pi * radius)
        arc_forces(
            radius, width, depth, min(max(damping, 0.0), 2.5), spin, velocity, turn, soil, bars,
            grip, dt, shear[w], state[w], out,
        )  # fmt: skip
        walls(sinkage, radius, width, rim, velocity, digging, soil, gravity, dt, state[w], out)
        # Side force acts at the rim's bottom: a moment about forward.
        for i in range(3):
            applied[body, i] = out[0] * axes[0, i] + out[1] * axes[1, i] + out[2] * axes[2, i]
            moment = out[2] * radius * axes[0, i] + out[4] * axes[1, i] + out[3] * axes[2, i]
            applied[body, 3 + i] = moment
        results[w, 1], results[w, 2], results[w, 3] = sinkage, out[1], out[0]
        results[w, 4], results[w, 5] = out[2], out[3]
