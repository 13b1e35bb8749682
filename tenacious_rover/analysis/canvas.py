# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A growing picture of the ground, put together from the maps that perception sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GROW = 64
_LARGEST = 16_000_000


class Canvas:
    """Cells of one size in map; later paint covers earlier paint.

    Attributes:
        resolution_m: edge of a cell.
        origin: (2,) x, y of the lower corner of cell (0, 0), m.
        layers: name to (rows, columns) float32, NaN where nothing is known.
    """

    def __init__(self, resolution_m: float, names: tuple[str, ...]) -> None:
        self.resolution_m = resolution_m
        self.origin: NDArray[np.float64] = np.zeros(2)
        self.layers: dict[str, NDArray[np.float32]] = {
            name: np.full((0, 0), np.nan, np.float32) for name in names
        }

    @property
    def empty(self) -> bool:
        """Nothing painted yet."""
        return self._shape[0] == 0

    @property
    def _shape(self) -> tuple[int, int]:
        first = next(iter(self.layers.values()))
        return first.shape[0], first.shape[1]

    def paint(self, xy: NDArray[np.float64], values: dict[str, NDArray[np.float32]]) -> bool:
        """Set the cells under points (n, 2); values (n,) per layer. False: too far away to hold."""
        if not len(xy):
            return True
        cells = np.floor(xy / self.resolution_m).astype(int)
        low, high = cells.min(axis=0), cells.max(axis=0)
        if not self._cover(low, high):
            return False
        corner = np.round(self.origin / self.resolution_m).astype(int)
        columns, rows = (cells - corner).T
        for name, grid in self.layers.items():
            if name in values:
                grid[rows, columns] = values[name]
        return True

    def _cover(self, low: NDArray[np.int_], high: NDArray[np.int_]) -> bool:
        """Grow until cells `low`..`high` (x, y) are inside."""
        rows, columns = self._shape
        corner = np.round(self.origin / self.resolution_m).astype(int)
        if rows == 0:
            start, end = low - _GROW, high + _GROW + 1
        else:
            old = corner + np.array([columns, rows])
            if (low >= corner).all() and (high < old).all():
                return True
            start = np.where(low < corner, low - _GROW, corner)
            end = np.where(high >= old, high + _GROW + 1, old)
        width, height = (int(v) for v in end - start)
        if width * height > _LARGEST:
            return False
        for name, grid in self.layers.items():
            fresh = np.full((height, width), np.nan, np.float32)
            if rows:
                dx, dy = corner - start
                fresh[dy : dy + rows, dx : dx + columns] = grid
            self.layers[name] = fresh
        self.origin = np.asarray(start * self.resolution_m, np.float64)
        return True

    def cropped(self) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float32]]]:
        """Origin (2,) and layers without the unknown margin."""
        known = np.isfinite(next(iter(self.layers.values())))
        for grid in self.layers.values():
            known |= np.isfinite(grid)
        if not known.any():
            return self.origin, self.layers
        rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
        r, c = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        origin = self.origin + np.array([columns[0], rows[0]]) * self.resolution_m
        return origin, {name: grid[r, c] for name, grid in self.layers.items()}


def hillshade(
    elevation: NDArray[np.float32], resolution_m: float, azimuth_deg: float = 135.0
) -> NDArray[np.float32]:
    """(rows, columns) 0..1: the ground lit from 35 degrees high. Row 0 is south.

    Args:
        elevation: (rows, columns) m.
        resolution_m: of a cell.
        azimuth_deg: of the light, from east, counterclockwise.
    """
    dy, dx = np.gradient(elevation.astype(np.float32), resolution_m)
    azimuth, height = np.radians(azimuth_deg), np.radians(35.0)
    sun = (
        np.cos(height) * np.cos(azimuth),
        np.cos(height) * np.sin(azimuth),
        np.sin(height),
    )
    lit = (-dx * sun[0] - dy * sun[1] + sun[2]) / np.sqrt(dx * dx + dy * dy + 1.0)
    return np.clip(lit, 0.0, 1.0).astype(np.float32)
