# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The library of manoeuvres: a turn in place, an arc, another arc (ENav's two-level tree)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tenacious_rover.navigation.config import NavigationConfig

Array = NDArray[Any]

TURNS_DEG = (0, 35, -35, 60, -60, 90, -90, 130, -130, 180)
ARCS = 11
SWEEP_RAD = np.radians(6.0)


@dataclass(frozen=True)
class Library:
    """All paths, in the frame of the rover where they begin.

    Attributes:
        turn: (n,) rad, the turn in place that comes first.
        curvature: (n, 2) 1/m of the two arcs.
        poses: (n, steps, 3) x, y, yaw along the arcs, `step_m` apart; the first is one step on.
        group: (n,) paths with the same turn and first arc share a number.
        first_steps: how many of the steps belong to the first arc.
    """

    turn: Array
    curvature: Array
    poses: Array
    group: NDArray[np.int64]
    first_steps: int
    step_m: float

    @property
    def distance(self) -> Array:
        """(steps,) m along the path."""
        return self.step_m * np.arange(1, self.poses.shape[1] + 1)


def library(config: NavigationConfig) -> Library:
    """10 turns x 11 arcs x 11 arcs."""
    ruler = np.linspace(-1.0, 1.0, ARCS)
    curvatures = config.max_curvature * np.sign(ruler) * np.abs(ruler) ** 1.5
    turn, first, second = (
        grid.ravel()
        for grid in np.meshgrid(np.radians(TURNS_DEG), curvatures, curvatures, indexing="ij")
    )
    step = config.pose_step_m
    counts = [max(round(m / step), 1) for m in (config.first_arc_m, config.second_arc_m)]
    along = step * np.arange(1, counts[0] + 1)
    start = np.column_stack([np.zeros_like(turn), np.zeros_like(turn), turn])
    leg1 = arc(start, first, along)
    leg2 = arc(leg1[:, -1], second, step * np.arange(1, counts[1] + 1))
    return Library(
        turn,
        np.column_stack([first, second]),
        np.concatenate([leg1, leg2], axis=1),
        np.arange(len(turn)) // ARCS,
        counts[0],
        step,
    )


def arc(start: Array, curvature: Array, along: Array) -> Array:
    """Poses (n, m, 3) at distances `along` (m,) on arcs of `curvature` (n,) from `start` (n, 3)."""
    bend = curvature[:, None] * along
    # Chord of an arc: length s sinc(bend / 2) in the direction of half the bend.
    chord = along * np.sinc(bend / (2.0 * np.pi))
    yaw = start[:, 2:3] + bend
    way = start[:, 2:3] + bend / 2.0
    x = start[:, 0:1] + chord * np.cos(way)
    y = start[:, 1:2] + chord * np.sin(way)
    return np.stack([x, y, yaw], axis=-1)


def placed(poses: Array, x: float, y: float, yaw: float) -> Array:
    """Poses (…, 3) of a frame at (x, y, yaw), in the frame that is given in."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    out = np.empty_like(poses)
    out[..., 0] = x + cos * poses[..., 0] - sin * poses[..., 1]
    out[..., 1] = y + sin * poses[..., 0] + cos * poses[..., 1]
    out[..., 2] = poses[..., 2] + yaw
    return out


def sweep(turn: float) -> Array:
    """Poses (n, 3) between now and the end of a turn in place, the end included."""
    count = int(np.ceil(abs(turn) / SWEEP_RAD))
    angles = turn * np.arange(1, count + 1) / max(count, 1)
    return np.column_stack([np.zeros(count), np.zeros(count), angles])
