# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Frames and rigid transforms, as (4, 4) arrays named `a_T_b`: takes points in b to a.

Quaternions are w, x, y, z (transforms3d). Frames follow REP-103 and REP-105.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from transforms3d.euler import euler2mat
from transforms3d.quaternions import mat2quat, quat2mat

Array = NDArray[np.float64]

MAP = "map"
ODOM = "odom"
BASE = "base_link"


def transform(translation: Array, quaternion: Array) -> Array:
    """(4, 4) from a translation (3,) in m and a quaternion (w, x, y, z)."""
    out = np.eye(4)
    out[:3, :3] = quat2mat(quaternion)
    out[:3, 3] = translation
    return out


def planar(x: float, y: float, yaw: float, z: float = 0.0) -> Array:
    """(4, 4) of a pose on level ground; yaw in rad."""
    return from_rpy((x, y, z), (0.0, 0.0, yaw))


def from_rpy(
    xyz: tuple[float, float, float] | Array, rpy: tuple[float, float, float] | Array
) -> Array:
    """(4, 4) from URDF's origin: translation in m, then fixed-axis roll, pitch, yaw in rad."""
    out = np.eye(4)
    out[:3, :3] = euler2mat(*rpy, "sxyz")
    out[:3, 3] = xyz
    return out


def inverse(a_T_b: Array) -> Array:
    """b_T_a."""
    out = np.eye(4)
    out[:3, :3] = a_T_b[:3, :3].T
    out[:3, 3] = -a_T_b[:3, :3].T @ a_T_b[:3, 3]
    return out


def quaternion(a_T_b: Array) -> Array:
    """Quaternion (w, x, y, z) of the rotation of a (4, 4) or (3, 3)."""
    return np.asarray(mat2quat(a_T_b[:3, :3]))


def yaw(a_T_b: Array) -> float:
    """Heading of b's x axis in a, rad in (-pi, pi]."""
    return float(np.arctan2(a_T_b[1, 0], a_T_b[0, 0]))


def flat(a_T_b: Array) -> Array:
    """x, y, yaw (3,) of a pose; what `planar` makes one of."""
    return np.array([a_T_b[0, 3], a_T_b[1, 3], yaw(a_T_b)])


def tilt(a_T_b: Array) -> float:
    """Angle between the z axes of a and b, rad."""
    return float(np.arccos(np.clip(a_T_b[2, 2], -1.0, 1.0)))


def points(a_T_b: Array, in_b: Array) -> Array:
    """Points (n, 3) in b, to a."""
    return in_b @ a_T_b[:3, :3].T + a_T_b[:3, 3]


def wrapped(angle: float) -> float:
    """`angle` in (-pi, pi]."""
    return float(-((-angle + np.pi) % (2.0 * np.pi) - np.pi))
