# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The map of the ground as others use it: named layers on one grid in odom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.perception.error import PerceptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LAYERS = ("elevation", "variance", "top", "hazard", "slope", "roughness", "step", "dark")
"""What a `TerrainMapper` makes; docs/terrain_map.md says what each means."""


@dataclass(frozen=True)
class TerrainMap:
    """A 2.5D map in odom. Unknown is NaN.

    Cell (row, column) has its centre at x = origin[0] + (column + 0.5) * resolution_m, y =
    origin[1] + (row + 0.5) * resolution_m.

    Attributes:
        resolution_m: side of a cell.
        origin: (2,) lower corner of cell (0, 0), m.
        layers: name to (rows, columns) float32, C-contiguous; at least `elevation` in m.
        time_s: of the newest frame in it.
    """

    resolution_m: float
    origin: NDArray[np.float64]
    layers: dict[str, NDArray[np.float32]]
    time_s: float = 0.0

    def __post_init__(self) -> None:
        shapes = {name: layer.shape for name, layer in self.layers.items()}
        if "elevation" not in shapes:
            raise PerceptionError(f"map: no layer 'elevation' among {sorted(shapes)}")
        if len(set(shapes.values())) != 1 or len(shapes["elevation"]) != 2:
            raise PerceptionError(f"map: layers differ in shape: {shapes}")
        if not (np.isfinite(self.resolution_m) and self.resolution_m > 0.0):
            raise PerceptionError(f"map: resolution_m {self.resolution_m!r} is not above 0")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        rows, columns = self.layers["elevation"].shape
        return rows, columns

    @property
    def known(self) -> NDArray[np.bool_]:
        """(rows, columns) where the ground is known."""
        return np.isfinite(self.layers["elevation"])

    def cells(self, xy: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows (n,) and columns (n,) of points (n, 2) in odom; may lie outside of the map."""
        index = np.floor((np.asarray(xy, float) - self.origin) / self.resolution_m).astype(np.int64)
        return index[..., 1], index[..., 0]

    def centers(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """X (columns,) and y (rows,) of the cells' centres in odom."""
        rows, columns = self.shape
        x = self.origin[0] + (np.arange(columns) + 0.5) * self.resolution_m
        y = self.origin[1] + (np.arange(rows) + 0.5) * self.resolution_m
        return x, y

    def at(self, layer: str, xy: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n,) values of the cells that hold points (n, 2); NaN outside of the map."""
        row, column = self.cells(xy)
        rows, columns = self.shape
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        out = np.full(row.shape, np.nan, np.float32)
        out[inside] = self.layers[layer][row[inside], column[inside]]
        return out

    def cropped(self) -> TerrainMap:
        """The smallest map that holds all known and all dark cells; at least one cell."""
        known = self.known | (self.layers.get("dark", np.float32(0.0)) > 0.0)
        rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
        if not len(rows):
            rows = columns = np.zeros(1, np.int64)
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        corner = self.origin + np.array([columns[0], rows[0]]) * self.resolution_m
        layers = {name: np.ascontiguousarray(layer[part]) for name, layer in self.layers.items()}
        return TerrainMap(self.resolution_m, corner, layers, self.time_s)


def from_surface(
    height: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    *,
    center: tuple[float, float] = (0.0, 0.0),
    size_m: float = 12.0,
    resolution_m: float = 0.04,
    sigma_m: float = 0.0,
) -> TerrainMap:
    """The map of a known surface: for tests, planners with a given map, and oracles.

    Args:
        height: x, y (n,) to z (n,), vectorised; NaN is unknown.
        center: of the map.
        size_m: side.
        resolution_m: of a cell.
        sigma_m: standard deviation that the map claims.

    Returns:
        Layers `elevation`, `variance`, `top`; `hazards.with_hazards` adds the others.
    """
    count = round(size_m / resolution_m)
    corner = np.floor(np.asarray(center) / resolution_m - count / 2.0) * resolution_m
    along = (np.arange(count) + 0.5) * resolution_m
    x, y = np.meshgrid(corner[0] + along, corner[1] + along)
    z = np.asarray(height(x.ravel(), y.ravel()), np.float32).reshape(count, count)
    variance = np.where(np.isfinite(z), np.float32(sigma_m**2), np.float32(np.nan))
    layers = {"elevation": z, "variance": variance.astype(np.float32), "top": z.copy()}
    return TerrainMap(resolution_m, corner, layers)
