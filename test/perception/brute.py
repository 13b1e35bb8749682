# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rover settled by brute force: dense points of wheel rims and floors, exact rotations."""

import numpy as np
from scipy.optimize import brentq
from transforms3d.euler import euler2mat


def surface(terrain, xy):
    """Bilinear height (n,) of a map known everywhere."""
    z = terrain.layers["elevation"].astype(float)
    u, v = ((xy - terrain.origin) / terrain.resolution_m - 0.5).T
    c, r = np.floor(u).astype(int), np.floor(v).astype(int)
    fu, fv = u - c, v - r
    below = (1 - fu) * z[r, c] + fu * z[r, c + 1]
    above = (1 - fu) * z[r + 1, c] + fu * z[r + 1, c + 1]
    return (1 - fv) * below + fv * above


def axle_height(terrain, wheel, turn, xy):
    """Lowest height at which a wheel of orientation `turn` (3, 3) over `xy` does not dig in."""
    angle, across = np.meshgrid(np.radians(np.linspace(-89, 89, 179)), np.linspace(-0.5, 0.5, 25))
    rim = np.column_stack(
        [
            wheel[3] * np.sin(angle.ravel()),
            wheel[4] * across.ravel(),
            -wheel[3] * np.cos(angle.ravel()),
        ]
    )
    rim = rim @ turn.T
    return float(np.max(surface(terrain, rim[:, :2] + xy) - rim[:, 2]))


def settle(terrain, body, pose):
    """z, roll, pitch, articulation, least gap of a pose: rounds until nothing moves."""
    here, yaw = np.asarray(pose[:2]), pose[2]
    roll, left, right, z = 0.0, 0.0, 0.0, 0.0
    for _ in range(30):
        pitch = 0.5 * (left + right)
        height = {}
        for w, side in zip(body.wheels, body.side, strict=True):
            beam = left if side > 0 else right
            turn = euler2mat(yaw, beam, roll, "rzyx")
            at = euler2mat(yaw, pitch, roll, "rzyx") @ w[:3]
            height[side, np.sign(w[0])] = axle_height(terrain, w, turn, at[:2] + here) - w[2]
        length, track = np.ptp(body.wheels[:, 0]), np.ptp(body.wheels[:, 1])
        new_left = np.arcsin((height[1, -1] - height[1, 1]) / length)
        new_right = np.arcsin((height[-1, -1] - height[-1, 1]) / length)
        sides = [0.5 * (height[s, 1] + height[s, -1]) for s in (1, -1)]
        new_pitch = 0.5 * (new_left + new_right)
        new_roll = np.arcsin((sides[0] - sides[1]) / track / np.cos(new_pitch))
        moved = max(abs(new_left - left), abs(new_right - right), abs(new_roll - roll))
        left, right, roll, z = new_left, new_right, new_roll, 0.5 * sum(sides)
        if moved < 1e-6:
            break
    pitch = 0.5 * (left + right)
    gap = np.inf
    turn = euler2mat(yaw, pitch, roll, "rzyx")
    for low_x, low_y, floor, high_x, high_y, _ in body.boxes:
        a, b = np.meshgrid(np.linspace(low_x, high_x, 90), np.linspace(low_y, high_y, 70))
        p = np.column_stack([a.ravel(), b.ravel(), np.full(a.size, floor)]) @ turn.T
        gap = min(gap, float(np.min(p[:, 2] + z - surface(terrain, p[:, :2] + here))))
    return z, roll, pitch, 0.5 * abs(left - right), gap


def wheel_on_sphere(radius, wheel_radius, offset):
    """Axle height over the sphere's centre plane, when the two touch at that horizontal offset."""
    return brentq(
        lambda h: np.hypot(h, offset) - radius - wheel_radius, 0.0, radius + wheel_radius + 1.0
    )
