# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The lander as boxes: a body on four legs, of the size of RESILIENCE; colours assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover import frames
from tenacious_rover.simulator.ground import Block

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacious_rover.simulator.world import Lander

_FOIL = (0.55, 0.40, 0.18)
_WHITE = (0.75, 0.75, 0.75)
_DARK = (0.04, 0.04, 0.06)
_PAD_M = 0.40


def blocks(lander: Lander, height: Callable[[float, float], float]) -> tuple[Block, ...]:
    """Boxes in map; each pad stands on the ground `height` gives, the body is upright."""
    map_T_lander = frames.planar(0.0, 0.0, np.radians(lander.yaw_deg))
    reach = lander.footprint_m / 2.0 - _PAD_M / 2.0
    body = 0.47 * lander.footprint_m
    feet = [
        frames.points(map_T_lander, np.array([[sx * reach, sy * reach, 0.0]]))[0]
        for sx, sy in ((1, 1), (-1, 1), (-1, -1), (1, -1))
    ]
    for foot in feet:
        foot[2] = height(foot[0], foot[1])
    floor = float(np.mean([foot[2] for foot in feet]))
    low, tall = floor + 0.35 * lander.height_m, 0.65 * lander.height_m
    out = [
        _box(map_T_lander, (0.0, 0.0, low + 0.45 * tall), (body, body, 0.9 * tall), _FOIL),
        _box(
            map_T_lander,
            (0.0, 0.0, low + 0.95 * tall),
            (0.8 * body, 0.8 * body, 0.1 * tall),
            _WHITE,
        ),
        _box(map_T_lander, (0.0, 0.0, low - 0.12), (0.5, 0.5, 0.24), _DARK),
    ]
    out += [
        _box(
            map_T_lander,
            (side * (0.5 * body + 0.02), 0.0, low + 0.5 * tall),
            (0.03, 0.8 * body, 0.6 * tall),
            _DARK,
        )
        for side in (1, -1)
    ]
    for foot in feet:
        inwards = np.array([foot[0], foot[1], 0.0]) / np.hypot(foot[0], foot[1])
        top = inwards * (0.62 * body)
        top[2] = low + 0.25 * tall
        out.append(_pad(foot))
        out.append(_strut(foot + np.array([0.0, 0.0, 0.05]), top))
    return tuple(out)


def _box(
    map_T_lander: np.ndarray,
    center: tuple[float, float, float],
    size: tuple[float, float, float],
    colour: tuple[float, float, float],
) -> Block:
    lander_T_box = np.eye(4)
    lander_T_box[:3, 3] = center
    return Block(map_T_lander @ lander_T_box, np.array(size), colour, "lander")


def _pad(foot: np.ndarray) -> Block:
    map_T_pad = np.eye(4)
    map_T_pad[:3, 3] = foot + np.array([0.0, 0.0, 0.02])
    return Block(map_T_pad, np.array([_PAD_M, _PAD_M, 0.08]), _WHITE, "lander")


def _strut(low: np.ndarray, high: np.ndarray) -> Block:
    """A leg between two points: a thin box whose z axis runs along it."""
    along = high - low
    length = float(np.linalg.norm(along))
    z = along / length
    x = np.cross(np.array([0.0, 0.0, 1.0]), z)
    x /= np.linalg.norm(x)
    map_T_strut = np.eye(4)
    map_T_strut[:3, :3] = np.column_stack([x, np.cross(z, x), z])
    map_T_strut[:3, 3] = (low + high) / 2.0
    return Block(map_T_strut, np.array([0.09, 0.09, length]), _WHITE, "lander")
