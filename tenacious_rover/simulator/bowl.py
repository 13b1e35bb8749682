# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""How much soil a scoop's bowl holds, whichever way it leans.

Loose soil stands no steeper than its angle of repose, which for a small heap on the Moon its
cohesion raises. The highest surface that does so and spills over no rim is, above each point of the
floor, the lowest of `rim + tan(repose) x distance` over all points of the rim (the largest function
of that slope below the rim); soil above it runs out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Scoop

    Array = NDArray[np.float64]

_CHEEKS = 0.75
"""Share of the blade's length along which side walls are full height; then they taper."""
_WALL = 1.5
"""Height of the walls, of a box of the same floor and capacity: the front is open."""
_ALONG, _ACROSS = 10, 8
_LEFT, _HEAP_M = 0.1, 0.02
"""Share of the cohesion that soil keeps when it is dug up, and height of a heap: assumed."""


def repose(soil: Array, gravity_mps2: float) -> float:
    """Tangent of the steepest slope of a heap of soil (a row of `wheel_soil.soil_table`).

    The infinite slope, tan(phi) + c / (density x g x height), without its 1 / cos^2: on the safe
    side where the slope is steep.
    """
    cohesion, tangent, density = float(soil[3]), float(soil[4]), float(soil[6])
    return tangent + _LEFT * cohesion / (density * gravity_mps2 * _HEAP_M)


class Bowl:
    """Floor and rim of a scoop's bowl in the blade's frame: x to the cutting edge, z up."""

    def __init__(self, scoop: Scoop) -> None:
        length, width = scoop.blade_length_m, scoop.blade_width_m
        self.capacity_ml = scoop.capacity_ml
        wall = _WALL * scoop.capacity_ml * 1e-6 / (length * width)
        x = (np.arange(_ALONG) + 0.5) / _ALONG * length
        y = ((np.arange(_ACROSS) + 0.5) / _ACROSS - 0.5) * width
        self.floor = np.stack(np.meshgrid(x, y, [0.0], indexing="ij"), axis=-1).reshape(-1, 3)
        ends = np.linspace(0.0, length, 2 * _ALONG + 1)
        high = wall * np.clip((1.0 - ends / length) / (1.0 - _CHEEKS), 0.0, 1.0)
        across = np.linspace(-width / 2.0, width / 2.0, 2 * _ACROSS + 1)
        sides = [
            np.column_stack([ends, np.full_like(ends, s * width / 2.0), high]) for s in (1, -1)
        ]
        back, front = (
            np.column_stack([np.full_like(across, at), across, np.full_like(across, z)])
            for at, z in ((0.0, wall), (length, 0.0))
        )
        self.rim = np.vstack([*sides, back, front])
        self._cell = length * width / len(self.floor)

    def holds_ml(self, up: Array, tangent: float) -> float:
        """Most soil that stays in.

        Args:
            up: (3,) unit vector against gravity in the blade's frame.
            tangent: of the soil's angle of repose.
        """
        if up[2] <= 0.0:
            return 0.0
        floor, rim = self.floor @ up, self.rim @ up
        level = self.floor - floor[:, None] * up
        brink = self.rim - rim[:, None] * up
        away = np.linalg.norm(level[:, None] - brink[None], axis=2)
        surface = np.min(rim[None] + tangent * away, axis=1)
        thick = np.maximum(surface - floor, 0.0)
        return float(min(thick.sum() * self._cell * up[2] * 1e6, self.capacity_ml))

    def lowest(self, up: Array) -> Array:
        """(3,) of the rim in the blade's frame where soil runs out."""
        return np.asarray(self.rim[int(np.argmin(self.rim @ up))])
