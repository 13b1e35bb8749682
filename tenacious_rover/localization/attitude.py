# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Rotations: exponential, logarithm, and attitude from gravity.

Equations: J. Sola, J. Deray, D. Atchuthan, "A micro Lie theory for state estimation in robotics"
(2018), SO(3) in appendix B.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def skew(v: Array) -> Array:
    """Matrix (3, 3) that multiplies like the cross product with v."""
    x, y, z = float(v[0]), float(v[1]), float(v[2])
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def exp(v: Array) -> Array:
    """Rotation (3, 3) of a rotation vector (3,), rad."""
    x, y, z = float(v[0]), float(v[1]), float(v[2])
    angle2 = x * x + y * y + z * z
    if angle2 < 1e-12:
        a, b = 1.0 - angle2 / 6.0, 0.5 - angle2 / 24.0
    else:
        angle = math.sqrt(angle2)
        a, b = math.sin(angle) / angle, (1.0 - math.cos(angle)) / angle2
    k = skew(v)
    return np.eye(3) + a * k + b * (k @ k)


def log(rotation: Array) -> Array:
    """Rotation vector (3,), rad, of length up to pi, of a rotation (3, 3)."""
    # The quaternion, by Shepperd's method, is well conditioned at every angle.
    m = rotation
    trace = float(m[0, 0] + m[1, 1] + m[2, 2])
    if trace > 0.0:
        w = math.sqrt(1.0 + trace) / 2.0
        xyz = np.array([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]]) / (4.0 * w)
    else:
        i = int(np.argmax(np.diag(m)))
        j, k = (i + 1) % 3, (i + 2) % 3
        root = math.sqrt(max(1.0 + m[i, i] - m[j, j] - m[k, k], 0.0))
        xyz = np.empty(3)
        xyz[i] = root / 2.0
        xyz[j] = (m[j, i] + m[i, j]) / (2.0 * root)
        xyz[k] = (m[k, i] + m[i, k]) / (2.0 * root)
        w = float(m[k, j] - m[j, k]) / (2.0 * root)
    length = float(np.linalg.norm(xyz))
    if length < 1e-9:
        return 2.0 * xyz * (1.0 if w >= 0.0 else -1.0)
    return xyz * (
        2.0 * math.atan2(length, w) / length if w >= 0.0 else 2.0 * math.atan2(-length, -w) / length
    )


def orthonormal(rotation: Array) -> Array:
    """The rotation nearest to a (3, 3) that is almost one."""
    u, _, vt = np.linalg.svd(rotation)
    return np.asarray(u @ vt)


def yaw_of(rotation: Array) -> float:
    """Heading of the x axis, rad."""
    return math.atan2(rotation[1, 0], rotation[0, 0])


def about_z(angle: float) -> Array:
    """Rotation (3, 3) about z, rad."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def levelled(up_in_body: Array, yaw: float) -> Array:
    """map_R_body (3, 3) from the specific force at rest, which points up, and a heading in rad."""
    up = up_in_body / np.linalg.norm(up_in_body)
    forward = np.array([1.0, 0.0, 0.0]) - up[0] * up
    forward /= np.linalg.norm(forward)
    left = np.cross(up, forward)
    # Rows: where the body's axes see north-less east, left and up.
    level_R_body = np.stack([forward, left, up])
    return about_z(yaw) @ level_R_body
