# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A world as it stands: heights, rocks, soils and the lander, for physics, cameras and scoring."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tenacious_rover.simulator.world import WorldSpec


@dataclass(frozen=True)
class Soil:
    """Bekker, Wong and Reece, Janosi and Hanamoto; SI units.

    Attributes:
        name: of the soil.
        exponent: n, of sinkage.
        k_c: N/m^(n+1).
        k_phi: N/m^(n+2).
        cohesion_pa: c.
        friction_deg: phi, degrees.
        shear_k_m: K, shear displacement at which 63 % of the strength is there.
        density_kgpm3: in place.
        digging: how fast a slipping wheel digs in, m of pit per m of slip; assumed.
    """

    name: str
    exponent: float
    k_c: float
    k_phi: float
    cohesion_pa: float
    friction_deg: float
    shear_k_m: float
    density_kgpm3: float
    digging: float


SOILS = {
    soil.name: soil
    for soil in (
        # Lunar Sourcebook, table 9.14 (Carrier et al. 1991), density of its first 15 cm.
        Soil("mare", 1.0, 1400.0, 820e3, 170.0, 35.0, 0.0178, 1500.0, 0.02),
        # Bounds for studies: the softest and the firmest that the same source supports.
        Soil("loose", 1.0, 500.0, 400e3, 100.0, 30.0, 0.0178, 1400.0, 0.04),
        Soil("dense", 1.2, 2000.0, 1200e3, 500.0, 50.0, 0.0178, 1900.0, 0.01),
        # Fresh ejecta or a crater wall at rest: nearly no cohesion; for slip patches. Assumed.
        Soil("powder", 1.0, 200.0, 150e3, 30.0, 28.0, 0.025, 1200.0, 0.08),
    )
}


@dataclass(frozen=True, eq=False)
class Rocks:
    """Ellipsoids partly buried.

    Attributes:
        center: (n, 3) in map, m.
        semi_axes: (n, 3) m.
        rotation: (n, 3, 3) map_R_rock.
        diameter_m: (n,) of the part above ground, seen from above: that of a disc of its area.
    """

    center: NDArray[np.float64]
    semi_axes: NDArray[np.float64]
    rotation: NDArray[np.float64]
    diameter_m: NDArray[np.float64]

    def __len__(self) -> int:
        """How many."""
        return len(self.diameter_m)


@dataclass(frozen=True, eq=False)
class Craters:
    """The population that was drawn, for scoring and pictures; heights already show it.

    Attributes:
        center: (n, 2) in map, m.
        diameter_m: (n,) from rim crest to rim crest.
        depth_ratio: (n,) rim-to-floor depth over diameter.
    """

    center: NDArray[np.float64]
    diameter_m: NDArray[np.float64]
    depth_ratio: NDArray[np.float64]

    def __len__(self) -> int:
        """How many."""
        return len(self.diameter_m)


@dataclass(frozen=True, eq=False)
class Block:
    """A box: `map_T_block` (4, 4) of its centre, `size` (3,) m, `colour` (3,) linear 0..1."""

    map_T_block: NDArray[np.float64]
    size: NDArray[np.float64]
    colour: tuple[float, float, float]
    label: str


@dataclass(frozen=True, eq=False)
class World:
    """The ground of a world; node (r, c) is at x = origin[0] + c * resolution_m, y likewise by r.

    Attributes:
        spec: what it was built from.
        heights: (rows, columns) float32 m, in map; between nodes bilinear: the truth for all.
        origin: (2,) of node (0, 0) in map, m.
        resolution_m: between nodes.
        rocks: all rocks.
        craters: all craters drawn.
        soils: what `soil_index` counts.
        soil_index: (rows, columns) uint8.
        lander: boxes; none when there is no lander.
        digest: SHA-256 of the arrays above.
    """

    spec: WorldSpec
    heights: NDArray[np.float32]
    origin: NDArray[np.float64]
    resolution_m: float
    rocks: Rocks
    craters: Craters
    soils: tuple[Soil, ...]
    soil_index: NDArray[np.uint8]
    lander: tuple[Block, ...]
    digest: str = field(default="")

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Lowest x, highest x, lowest y, highest y of the nodes, m."""
        rows, columns = self.heights.shape
        x, y = float(self.origin[0]), float(self.origin[1])
        step = self.resolution_m
        return x, x + (columns - 1) * step, y, y + (rows - 1) * step

    def height(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Bilinear height at places in map, m; beyond the grid that of its edge."""
        low, high, _, fv = self._sides(x, y)
        return np.asarray(low * (1.0 - fv) + high * fv)

    def normal(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Unit normal (..., 3) of the bilinear surface, up."""
        row, column, fu, fv = self._cell(x, y)
        h = self.heights
        a, b = h[row, column].astype(float), h[row, column + 1].astype(float)
        c, d = h[row + 1, column].astype(float), h[row + 1, column + 1].astype(float)
        gx = ((b - a) * (1.0 - fv) + (d - c) * fv) / self.resolution_m
        gy = ((c - a) * (1.0 - fu) + (d - b) * fu) / self.resolution_m
        out = np.stack([-gx, -gy, np.ones_like(gx)], axis=-1)
        return np.asarray(out / np.linalg.norm(out, axis=-1, keepdims=True))

    def soil(self, x: float, y: float) -> Soil:
        """The soil at a place: that of the nearest node."""
        rows, columns = self.heights.shape
        column = round((x - float(self.origin[0])) / self.resolution_m)
        row = round((y - float(self.origin[1])) / self.resolution_m)
        at = min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)
        return self.soils[int(self.soil_index[at])]

    def _cell(
        self, x: ArrayLike, y: ArrayLike
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        rows, columns = self.heights.shape
        u = np.clip((np.asarray(x, float) - self.origin[0]) / self.resolution_m, 0.0, columns - 1.0)
        v = np.clip((np.asarray(y, float) - self.origin[1]) / self.resolution_m, 0.0, rows - 1.0)
        column = np.minimum(u.astype(np.intp), columns - 2)
        row = np.minimum(v.astype(np.intp), rows - 2)
        return row, column, u - column, v - row

    def _sides(
        self, x: ArrayLike, y: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        row, column, fu, fv = self._cell(x, y)
        h = self.heights
        low = h[row, column] * (1.0 - fu) + h[row, column + 1] * fu
        high = h[row + 1, column] * (1.0 - fu) + h[row + 1, column + 1] * fu
        return low, high, fu, fv


def content_digest(heights: NDArray, rocks: Rocks, soil_index: NDArray) -> str:
    """SHA-256 of what a world is made of."""
    hasher = hashlib.sha256()
    arrays = (heights, soil_index, rocks.center, rocks.semi_axes, rocks.rotation, rocks.diameter_m)
    for array in arrays:
        hasher.update(repr((array.shape, array.dtype.str)).encode())
        hasher.update(np.ascontiguousarray(array).tobytes())
    return hasher.hexdigest()
