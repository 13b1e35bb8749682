# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Forces between rigid wheels and soft soil, every step, at any speed down to rest.

Normal stress along the rim after Wong and Reece (1967), with Bekker's pressure-sinkage law
`p = (k_c / b + k_phi) z^n`; shear after Janosi and Hanamoto (1961),
`tau = (c + p tan phi) (1 - exp(-j / K))`. The shear displacement j of the soil under the rim is a
field over the contact arc that travels with the wheel:

    dj/dt = v_rim - v_soil + |Omega| dj/dtheta   (from the entry)

so that steady rolling gives Wong's closed form, and a wheel at rest holds a slope like a spring
instead of creeping: no slip ratio is divided by a small speed anywhere. Coefficients of the angle
of largest stress: Ishigami et al. 2007 (lunar simulant). Bulldozing and grouser thrust: passive
earth pressure (Rankine). Slip digs: soil that the rim throws back deepens a pit under the wheel,
which the wheel leaves as it travels; this is an own, first-order model, see docs/simulator.md.
"""

from __future__ import annotations

from math import acos, atan, cos, exp, pi, sin, sqrt, tan
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ANGLES = 17
"""Points on the arc; odd, for Simpson's rule."""
STATES = 5
"""Per wheel: direction of rolling -1..1, slip, pit depth m, front and side passive pressure -1..1."""
RESULTS = 6
"""Per wheel: slip, sinkage m, normal force N, drawbar pull N, side force N, torque N m."""
SOIL_COLUMNS = 8
"""n, k_c, k_phi, cohesion Pa, tan phi, K m, density kg/m^3, digging."""

_MOST_STRESS = (0.4, 0.15)
_REBOUND = 0.1
"""Depth of the rut that springs back behind the wheel, as a share of the sinkage."""
_UNLOADING = 4.0
"""How much stiffer sheared soil is when it is unloaded."""
_AT_REST_MPS = 0.01
_VISCOUS_S = 0.15
"""Damping of soil that is sheared to and fro under a wheel at rest, per stiffness; assumed."""
_DAHL_M = 0.003
_SLIP_LENGTH_M = 0.02
_ROLL_LENGTH_M = 0.004


def soil_table(soils: Sequence[Any]) -> NDArray[np.float64]:
    """Soils as rows (n, SOIL_COLUMNS) for the kernel."""
    rows = [
        (
            s.exponent,
            s.k_c,
            s.k_phi,
            s.cohesion_pa,
            np.tan(np.radians(s.friction_deg)),
            s.shear_k_m,
            s.density_kgpm3,
            s.digging,
        )
        for s in soils
    ]
    return np.array(rows, np.float64)


@njit(cache=True)  # type: ignore[misc]
def bilinear(heights, ox, oy, resolution, x, y):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Height at (x, y); beyond the grid that of its edge."""
    rows, columns = heights.shape
    u = min(max((x - ox) / resolution, 0.0), columns - 1.000001)
    v = min(max((y - oy) / resolution, 0.0), rows - 1.000001)
    c, r = int(u), int(v)
    fu, fv = u - c, v - r
    low = heights[r, c] * (1.0 - fu) + heights[r, c + 1] * fu
    high = heights[r + 1, c] * (1.0 - fu) + heights[r + 1, c + 1] * fu
    return low * (1.0 - fv) + high * fv


@njit(cache=True)  # type: ignore[misc]
def soil_at(soil_index, ox, oy, resolution, x, y):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Number of the soil at (x, y): that of the nearest node."""
    rows, columns = soil_index.shape
    r = int(min(max((y - oy) / resolution + 0.5, 0.0), rows - 1.0))
    c = int(min(max((x - ox) / resolution + 0.5, 0.0), columns - 1.0))
    return soil_index[r, c]


@njit(cache=True)  # type: ignore[misc]
def follow(  # type: ignore[no-untyped-def]  # noqa: ANN201
    wanted,  # noqa: ANN001
    rate,  # noqa: ANN001
    angle,  # noqa: ANN001
    qpos,  # noqa: ANN001
    where,  # noqa: ANN001
    most,  # noqa: ANN001
    lead,  # noqa: ANN001
    ahead,  # noqa: ANN001
    dt,  # noqa: ANN001
    ctrl,  # noqa: ANN001
):
    """Servo angles of the wheels: they run at `rate`, which follows `wanted` by its ramp `most`.

    An angle leads its wheel by no more than `lead`; `ahead` s of rate make up for the servo's own
    damping. `rate`, `angle`, `ctrl` (n,) are changed.
    """
    for w in range(len(where)):
        rate[w] += min(max(wanted[w] - rate[w], -most[w]), most[w])
        here = qpos[where[w]]
        angle[w] = min(max(angle[w] + rate[w] * dt, here - lead[w]), here + lead[w])
        ctrl[w] = angle[w] + rate[w] * ahead


@njit(cache=True)  # type: ignore[misc]
def normal_stress(theta, theta1, theta2, theta_m, radius, stiffness, exponent):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Wong and Reece, Pa, for a wheel that rolls towards positive angles.

    `theta1` entry, `-theta2` exit, `theta_m` largest stress; `stiffness` k_c / b + k_phi.
    """
    if theta >= theta1 or theta <= -theta2:
        return 0.0
    front = theta
    if theta < theta_m:
        front = theta1 - (theta + theta2) / (theta_m + theta2) * (theta1 - theta_m)
    depth = radius * (cos(front) - cos(theta1))
    if depth <= 0.0:
        return 0.0
    return stiffness * depth**exponent


@njit(cache=True)  # type: ignore[misc]
def passive(depth, cohesion, tan_phi, density, gravity):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Rankine's passive earth pressure of a wall of `depth`, N per m of width."""
    s = tan_phi / sqrt(1.0 + tan_phi * tan_phi)
    ratio = (1.0 + s) / (1.0 - s)
    return 0.5 * density * gravity * depth * depth * ratio + 2.0 * cohesion * depth * sqrt(ratio)


@njit(cache=True)  # type: ignore[misc]
def arc_forces(  # type: ignore[no-untyped-def]  # noqa: ANN201, C901, PLR0912, PLR0915
    radius,  # noqa: ANN001
    width,  # noqa: ANN001
    depth,  # noqa: ANN001
    damping,  # noqa: ANN001
    spin,  # noqa: ANN001
    velocity,  # noqa: ANN001
    turn,  # noqa: ANN001
    soil,  # noqa: ANN001
    grouser,  # noqa: ANN001
    grip,  # noqa: ANN001
    dt,  # noqa: ANN001
    shear,  # noqa: ANN001
    state,  # noqa: ANN001
    out,  # noqa: ANN001
):
    """Integrate stresses over the arc of one wheel and carry its shear field on by `dt`.

    Frame of the wheel: t forward, m up, a the axle (left). `velocity` (3,) of the axle along t, m,
    a; `spin` about a; `turn` (2,) rates about t and m. `depth` of the rim below the loaded
    surface, m; `damping` scales normal stress. `grouser` Pa: what grousers add to shear strength,
    0 for a smooth rim; `grip` scales shear strength. `shear` (ANGLES, 2), `state` (STATES,) are changed. `out` (5,):
    forces along t, m, a, moment about a, and the moment arm of the side force about m.
    """
    n, k_c, k_phi, cohesion, tan_phi, modulus = soil[0], soil[1], soil[2], soil[3], soil[4], soil[5]
    theta1 = acos(max(1.0 - depth / radius, -0.5))
    theta2 = acos(max(1.0 - _REBOUND * depth / radius, -0.5))
    theta_m = (_MOST_STRESS[0] + _MOST_STRESS[1] * min(abs(state[1]), 1.0)) * theta1
    stiffness = k_c / width + k_phi
    step = 2.0 * theta1 / (ANGLES - 1)
    rolling = abs(spin) * dt / step
    # Grousers shear soil against soil; the bare rim slides at about two thirds of its angle.
    bare = tan(2.0 / 3.0 * atan(tan_phi)) / tan_phi
    along = 1.0 if grouser > 0.0 else bare
    rest = max(1.0 - abs(spin) * radius / _AT_REST_MPS, 0.0)
    unloading, viscous = _UNLOADING * rest, _VISCOUS_S * rest
    forward = 0.5 * (1.0 + state[0])
    for i in range(5):
        out[i] = 0.0
    last_x = last_y = last_jx = last_jy = 0.0
    for k in range(ANGLES):
        i = ANGLES - 1 - k if spin >= 0.0 else k
        theta = -theta1 + step * i
        s, c = sin(theta), cos(theta)
        # What the rim does to the soil below it; fresh soil enters unsheared.
        rate_x = spin * radius - velocity[0] * c - velocity[1] * s
        rate_y = -(velocity[2] + radius * (turn[0] * c + turn[1] * s))
        jx, jy = shear[i, 0], shear[i, 1]
        gain = dt
        if rate_x * jx + rate_y * jy < 0.0:
            gain *= 1.0 + unloading
        if k == 0:
            jx = (jx + gain * rate_x) / (1.0 + 4.0 * rolling * ANGLES)
            jy = (jy + gain * rate_y) / (1.0 + 4.0 * rolling * ANGLES)
        else:
            # Implicit upwind; the rate is that of the mid-point when the wheel rolls.
            share = 0.5 * rolling / (rolling + 0.002)
            px = rate_x + share * (last_x - rate_x)
            py = rate_y + share * (last_y - rate_y)
            jx = (jx + rolling * last_jx + gain * px) / (1.0 + rolling)
            jy = (jy + rolling * last_jy + gain * py) / (1.0 + rolling)
        length = sqrt(jx * jx + jy * jy)
        if length > 6.0 * modulus:
            jx, jy = jx * 6.0 * modulus / length, jy * 6.0 * modulus / length
            length = 6.0 * modulus
        shear[i, 0], shear[i, 1] = jx, jy
        last_x, last_y, last_jx, last_jy = rate_x, rate_y, jx, jy
        sigma = 0.0
        if forward > 0.0:
            sigma += forward * normal_stress(
                theta, theta1, theta2, theta_m, radius, stiffness, n
            )
        if forward < 1.0:
            sigma += (1.0 - forward) * normal_stress(
                -theta, theta1, theta2, theta_m, radius, stiffness, n
            )
        sigma *= damping
        if sigma <= 0.0:
            continue
        weight = radius * width * step / 3.0
        if i not in (0, ANGLES - 1):
            weight *= 4.0 if i % 2 else 2.0
        tau_x = tau_y = 0.0
        jx, jy = jx + viscous * rate_x, jy + viscous * rate_y
        length = sqrt(jx * jx + jy * jy)
        if length > 1e-12:
            tau = grip * (cohesion + grouser + sigma * tan_phi) * (1.0 - exp(-length / modulus))
            tau_x, tau_y = along * tau * jx / length, bare * tau * jy / length
        out[0] += weight * (tau_x * c - sigma * s)
        out[1] += weight * (sigma * c + tau_x * s)
        out[2] += weight * tau_y
        out[3] -= weight * radius * tau_x
        out[4] += weight * radius * tau_y * s


@njit(cache=True)  # type: ignore[misc]
def wheel_forces(  # type: ignore[no-untyped-def]  # noqa: ANN201, PLR0914, PLR0915
    heights,  # noqa: ANN001
    soil_index,  # noqa: ANN001
    origin,  # noqa: ANN001
    resolution,  # noqa: ANN001
    soils,  # noqa: ANN001
    wheels,  # noqa: ANN001
    grousers,  # noqa: ANN001
    bodies,  # noqa: ANN001
    positions,  # noqa: ANN001
    rotations,  # noqa: ANN001
    velocities,  # noqa: ANN001
    center,  # noqa: ANN001
    gravity,  # noqa: ANN001
    dt,  # noqa: ANN001
    slip_patches,  # noqa: ANN001
    shear,  # noqa: ANN001
    state,  # noqa: ANN001
    applied,  # noqa: ANN001
    results,  # noqa: ANN001
):
    """Soil forces on all wheels, written into MuJoCo's applied forces.

    Args:
        heights: (rows, columns) float32; `origin` (2,), `resolution` as in `World`.
        soil_index: (rows, columns) uint8 into `soils` (n, SOIL_COLUMNS).
        wheels: (k, 2) radius and width, m.
        grousers: (2,) height m and number.
        bodies: (k,) ids of the wheel bodies.
        positions: (nbody, 3), rotations (nbody, 9), velocities (nbody, 6) as MuJoCo has them.
        center: (3,) point that MuJoCo refers `velocities` to.
        gravity: m/s^2.
        dt: s.
        slip_patches: (p, 5) x, y, radius, grip factor, digging factor.
        shear: (k, ANGLES, 2), state (k, STATES): carried from step to step.
        applied: (nbody, 6) world force and torque, overwritten for the wheels.
        results: (k, RESULTS).
    """
    out = np.zeros(5)
    local = np.zeros(3)
    turn = np.zeros(2)
    for w in range(bodies.shape[0]):
        body = bodies[w]
        radius, width = wheels[w, 0], wheels[w, 1]
        px, py, pz = positions[body, 0], positions[body, 1], positions[body, 2]
        # The axle is the body's y axis.
        ax, ay, az = rotations[body, 1], rotations[body, 4], rotations[body, 7]
        flat = sqrt(ax * ax + ay * ay)
        if flat < 0.3:  # noqa: PLR2004  (the rover lies on its side)
            for i in range(6):
                applied[body, i] = 0.0
                results[w, i] = 0.0
            continue
        # Horizontal forward and left, then the plane of the ground under the wheel.
        fx, fy, lx, ly = ay / flat, -ax / flat, ax / flat, ay / flat
        nx, ny, nz = 0.0, 0.0, 1.0
        dx, dy = 0.3 * radius, 0.5 * width
        h = qx = qy = 0.0
        for _ in range(2):
            na = nx * ax + ny * ay + nz * az
            mx, my, mz = nx - na * ax, ny - na * ay, nz - na * az
            length = sqrt(mx * mx + my * my + mz * mz)
            mx, my, mz = mx / length, my / length, mz / length
            qx, qy = px - radius * mx, py - radius * my
            ox, oy = origin[0], origin[1]
            front = bilinear(heights, ox, oy, resolution, qx + dx * fx, qy + dx * fy)
            rear = bilinear(heights, ox, oy, resolution, qx - dx * fx, qy - dx * fy)
            left = bilinear(heights, ox, oy, resolution, qx + dy * lx, qy + dy * ly)
            right = bilinear(heights, ox, oy, resolution, qx - dy * lx, qy - dy * ly)
            middle = bilinear(heights, ox, oy, resolution, qx, qy)
            h = 0.2 * (front + rear + left + right + middle)
            up, over = (front - rear) / (2.0 * dx), (left - right) / (2.0 * dy)
            nx, ny, nz = -(up * fx + over * lx), -(up * fy + over * ly), 1.0
            length = sqrt(nx * nx + ny * ny + 1.0)
            nx, ny, nz = nx / length, ny / length, nz / length
        na = nx * ax + ny * ay + nz * az
        mx, my, mz = nx - na * ax, ny - na * ay, nz - na * az
        length = sqrt(mx * mx + my * my + mz * mz)
        mx, my, mz = mx / length, my / length, mz / length
        tx, ty, tz = ay * mz - az * my, az * mx - ax * mz, ax * my - ay * mx
        sinkage = radius * length - ((px - qx) * nx + (py - qy) * ny + (pz - h) * nz)
        depth = sinkage - state[w, 2]
        # Velocity of the axle in the wheel's frame.
        wx, wy, wz = velocities[body, 0], velocities[body, 1], velocities[body, 2]
        rx, ry, rz = px - center[0], py - center[1], pz - center[2]
        vx = velocities[body, 3] + wy * rz - wz * ry
        vy = velocities[body, 4] + wz * rx - wx * rz
        vz = velocities[body, 5] + wx * ry - wy * rx
        local[0] = vx * tx + vy * ty + vz * tz
        local[1] = vx * mx + vy * my + vz * mz
        local[2] = vx * ax + vy * ay + vz * az
        spin = wx * ax + wy * ay + wz * az
        turn[0] = wx * tx + wy * ty + wz * tz
        turn[1] = wx * mx + wy * my + wz * mz
        soil = soils[soil_at(soil_index, origin[0], origin[1], resolution, qx, qy)]
        grip, digging = 1.0, soil[7]
        for p in range(slip_patches.shape[0]):
            away = (qx - slip_patches[p, 0]) ** 2 + (qy - slip_patches[p, 1]) ** 2
            if away < slip_patches[p, 2] ** 2:
                grip *= slip_patches[p, 3]
                digging *= slip_patches[p, 4]
        rim = spin * radius
        slip = 0.0
        fastest = max(abs(rim), abs(local[0]))
        if fastest > 1e-4:  # noqa: PLR2004
            slip = min(max((rim - local[0]) / fastest, -1.0), 1.0)
            if rim < 0.0 or (rim == 0.0 and local[0] < 0.0):
                slip = -slip
        if depth <= 0.0:
            for i in range(6):
                applied[body, i] = 0.0
                results[w, i] = 0.0
            results[w, 0] = slip
            shear[w, :, :] = 0.0
            state[w, 0] = 0.0
            state[w, 1] = 0.0
            state[w, 2] *= max(1.0 - abs(local[0]) * dt / 0.02, 0.0)
            continue
        rolled = abs(rim) * dt
        way = 1.0 if rim > 0.0 else -1.0
        state[w, 0] += (way - state[w, 0]) * min(rolled / _ROLL_LENGTH_M, 1.0)
        state[w, 1] += (slip - state[w, 1]) * min(rolled / _SLIP_LENGTH_M, 1.0)
        rate = -(vx * nx + vy * ny + vz * nz)
        damping = 1.0 + 1.4 * sqrt(1.5 / (max(depth, 2e-4) * gravity)) * rate
        damping = min(max(damping, 0.0), 2.5)
        grouser = 0.0
        if grousers[0] > 0.0:
            push = passive(grousers[0], soil[3], soil[4], soil[6], gravity)
            grouser = push * grousers[1] / (2.0 * pi * radius)
        arc_forces(
            radius, width, depth, damping, spin, local, turn, soil, grouser, grip, dt,
            shear[w], state[w], out,
        )  # fmt: skip
        # Walls of soil in front of the wheel (its pit) and beside it.
        side = 2.0 / 3.0 * sinkage
        reach = sqrt(max(2.0 * radius * min(sinkage, radius) - min(sinkage, radius) ** 2, 0.0))
        state[w, 3] += dt * (local[0] - abs(local[0]) * state[w, 3]) / _DAHL_M
        state[w, 4] += dt * (local[2] - abs(local[2]) * state[w, 4]) / _DAHL_M
        state[w, 3] = min(max(state[w, 3], -1.0), 1.0)
        state[w, 4] = min(max(state[w, 4], -1.0), 1.0)
        wall = width * passive(state[w, 2], soil[3], soil[4], soil[6], gravity)
        flank = 2.0 * reach * passive(side, soil[3], soil[4], soil[6], gravity)
        pull = out[0] - wall * state[w, 3]
        across_force = out[2] - flank * state[w, 4]
        # The rim throws soil back and digs itself a pit, which it leaves as it travels.
        span = max(2.0 * reach, 0.02)
        travel = sqrt(local[0] ** 2 + (local[2] * span / width) ** 2)
        digging *= 1.0 - state[w, 2] / (0.7 * radius)  # its walls run in
        pit = state[w, 2] + dt * (digging * abs(rim - local[0]) - travel * state[w, 2] / span)
        state[w, 2] = max(pit, 0.0)
        applied[body, 0] = pull * tx + out[1] * mx + across_force * ax
        applied[body, 1] = pull * ty + out[1] * my + across_force * ay
        applied[body, 2] = pull * tz + out[1] * mz + across_force * az
        # Side force acts at the rim's bottom: a moment about t; its spread: one about m.
        lean = across_force * radius
        applied[body, 3] = out[3] * ax + lean * tx + out[4] * mx
        applied[body, 4] = out[3] * ay + lean * ty + out[4] * my
        applied[body, 5] = out[3] * az + lean * tz + out[4] * mz
        results[w, 0] = slip
        results[w, 1] = sinkage
        results[w, 2] = out[1]
        results[w, 3] = pull
        results[w, 4] = across_force
        results[w, 5] = out[3]
