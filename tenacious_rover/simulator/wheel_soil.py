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

from math import acos, atan, cos, exp, sin, sqrt, tan
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ANGLES = 17
"""Points on the arc; odd, for Simpson's rule."""
STATES = 5
"""Per wheel: direction of rolling -1..1, slip, depth of its pit m, passive pressure of the soil in
front and beside -1..1."""
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


@njit(cache=True)
def normal_stress(
    theta: float,
    theta1: float,
    theta2: float,
    theta_m: float,
    radius: float,
    stiffness: float,
    exponent: float,
) -> float:
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


@njit(cache=True)
def passive(
    depth: float,
    cohesion: float,
    tan_phi: float,
    density: float,
    gravity: float,
) -> float:
    """Rankine's passive earth pressure of a wall of `depth`, N per m of width."""
    s = tan_phi / sqrt(1.0 + tan_phi * tan_phi)
    ratio = (1.0 + s) / (1.0 - s)
    return 0.5 * density * gravity * depth * depth * ratio + 2.0 * cohesion * depth * sqrt(ratio)


@njit(cache=True)
def rim_rates(
    theta: float, radius: float, spin: float, velocity: Array, turn: Array
) -> tuple[float, float]:
    """How fast the rim shears the soil below it at an angle, backwards and to the left, m/s."""
    s, c = sin(theta), cos(theta)
    back = spin * radius - velocity[0] * c - velocity[1] * s
    return back, -(velocity[2] + radius * (turn[0] * c + turn[1] * s))


@njit(cache=True)
def carry_shear(
    theta1: float,
    radius: float,
    spin: float,
    velocity: Array,
    turn: Array,
    modulus: float,
    dt: float,
    shear: Array,
) -> None:
    """Carry the shear field (ANGLES, 2) on by `dt`: implicit upwind, fresh soil enters unsheared.

    Soil that is unloaded while the wheel rests is stiffer. Arguments as in `arc_forces`.
    """
    step = 2.0 * theta1 / (ANGLES - 1)
    rolling = abs(spin) * dt / step
    unloading = _UNLOADING * max(1.0 - abs(spin) * radius / _AT_REST_MPS, 0.0)
    # When the wheel rolls the rate is that of the mid-point, which makes it second order.
    share = 0.5 * rolling / (rolling + 0.002)
    entry = 1.0 + 4.0 * rolling * ANGLES
    last_x = last_y = last_jx = last_jy = 0.0
    for k in range(ANGLES):
        i = ANGLES - 1 - k if spin >= 0.0 else k
        x, y = rim_rates(-theta1 + step * i, radius, spin, velocity, turn)
        jx, jy = shear[i, 0], shear[i, 1]
        gain = dt
        if x * jx + y * jy < 0.0:
            gain *= 1.0 + unloading
        if k == 0:
            jx, jy = (jx + gain * x) / entry, (jy + gain * y) / entry
        else:
            px, py = x + share * (last_x - x), y + share * (last_y - y)
            jx = (jx + rolling * last_jx + gain * px) / (1.0 + rolling)
            jy = (jy + rolling * last_jy + gain * py) / (1.0 + rolling)
        # Soil that has long yielded need not be sheared back all the way.
        excess = sqrt(jx * jx + jy * jy) / (6.0 * modulus)
        if excess > 1.0:
            jx, jy = jx / excess, jy / excess
        shear[i, 0], shear[i, 1] = jx, jy
        last_x, last_y, last_jx, last_jy = x, y, jx, jy


@njit(cache=True)
def arc_forces(
    radius: float,
    width: float,
    depth: float,
    damping: float,
    spin: float,
    velocity: Array,
    turn: Array,
    soil: Array,
    grouser: float,
    grip: float,
    dt: float,
    shear: Array,
    state: Array,
    out: Array,
) -> None:
    """Integrate stresses over the arc of one wheel and carry its shear field on by `dt`.

    Frame of the wheel: t forward, m up, a the axle (left). `velocity` (3,) of the axle along t, m,
    a; `spin` about a; `turn` (2,) rates about t and m. `depth` of the rim below the loaded
    surface, m; `damping` scales normal stress. `grouser` Pa: what grousers add to shear strength,
    0 for a smooth rim; `grip` scales shear strength. `shear` (ANGLES, 2) is changed; `state`
    (STATES,) is read. `out` (5,): forces along t, m, a; moments about a and, of side force, m.
    """
    n, k_c, k_phi, cohesion, tan_phi, modulus = soil[0], soil[1], soil[2], soil[3], soil[4], soil[5]
    theta1 = acos(max(1.0 - depth / radius, -0.5))
    theta2 = acos(max(1.0 - _REBOUND * depth / radius, -0.5))
    most = (_MOST_STRESS[0] + _MOST_STRESS[1] * min(abs(state[1]), 1.0)) * theta1
    stiffness = k_c / width + k_phi
    carry_shear(theta1, radius, spin, velocity, turn, modulus, dt, shear)
    # Grousers shear soil against soil; the bare rim slides at about two thirds of its angle.
    bare = tan(2.0 / 3.0 * atan(tan_phi)) / tan_phi
    along = 1.0 if grouser > 0.0 else bare
    viscous = _VISCOUS_S * max(1.0 - abs(spin) * radius / _AT_REST_MPS, 0.0)
    forward = 0.5 * (1.0 + state[0])
    step = 2.0 * theta1 / (ANGLES - 1)
    out[:] = 0.0
    for i in range(ANGLES):
        theta = -theta1 + step * i
        ahead = normal_stress(theta, theta1, theta2, most, radius, stiffness, n)
        behind = normal_stress(-theta, theta1, theta2, most, radius, stiffness, n)
        sigma = damping * (forward * ahead + (1.0 - forward) * behind)
        if sigma <= 0.0:
            continue
        x, y = rim_rates(theta, radius, spin, velocity, turn)
        jx, jy = shear[i, 0] + viscous * x, shear[i, 1] + viscous * y
        length = max(sqrt(jx * jx + jy * jy), 1e-12)
        tau = grip * (cohesion + grouser + sigma * tan_phi) * (1.0 - exp(-length / modulus))
        tau_x, tau_y = along * tau * jx / length, bare * tau * jy / length
        # Simpson's rule; stress is zero at both ends.
        weight = radius * width * step / 3.0 * (4.0 if i % 2 else 2.0)
        s, c = sin(theta), cos(theta)
        out[0] += weight * (tau_x * c - sigma * s)
        out[1] += weight * (sigma * c + tau_x * s)
        out[2] += weight * tau_y
        out[3] -= weight * radius * tau_x
        out[4] += weight * radius * tau_y * s
