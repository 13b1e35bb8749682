# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Rocks: from an area fraction to numbers at every size, places without overlap, buried forms.

The fraction of the ground under rocks of diameter D or more is F(D) = k exp(-q D), so their number
per m^2 is N(>=D) = (4 k q / pi) E2(q D) / D, with E2 the exponential integral.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from scipy.special import expn

from tenacious_rover.simulator.ground import Rocks
from tenacious_rover.simulator.terrain.error import WorldError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tenacious_rover.simulator.terrain import spec

CHANGE_3 = (0.0125, 1.743)
"""k and q (1/m) counted at Chang'e-3 (Di et al. 2016)."""
CHANGE_4 = (0.0021, 6.56)
"""k and q (1/m) counted at Chang'e-4 (Wu et al. 2021)."""
GOLOMBEK_FROM = 0.05
_CELL_M = 0.5
_TRIES = 400
_FINE = 256


def steepness(k: float) -> float:
    """Q in 1/m for an area fraction k.

    Up to Chang'e-3's 1.25 %: the hyperbola a + b / k through the two lunar counts, the form of Wu
    et al. (2021). From 5 %: 1.79 + 0.152 / k, counted on Mars between 3 and 40 % (Golombek and Rapp
    1997), because no count on the Moon's surface reaches so far; below that it would leave no rock
    of 20 cm and is not used. Between the two, straight in log k.
    """
    (k3, q3), (k4, q4) = CHANGE_3, CHANGE_4
    if k <= k3:
        b = (q4 - q3) / (1.0 / k4 - 1.0 / k3)
        return float(min(q3 - b / k3 + b / max(k, 1e-4), 20.0))
    if k >= GOLOMBEK_FROM:
        return float(1.79 + 0.152 / k)
    high = 1.79 + 0.152 / GOLOMBEK_FROM
    return float(np.interp(np.log(k), np.log([k3, GOLOMBEK_FROM]), [q3, high]))


def law(asked: spec.Rocks) -> tuple[float, float]:
    """K and q of a population."""
    return asked.k, asked.q if asked.q is not None else steepness(asked.k)


def count(asked: spec.Rocks, diameter_m: float) -> float:
    """Rocks of this diameter or more per m^2, up to the largest."""
    k, q = law(asked)
    low = min(max(diameter_m, asked.smallest_m), asked.largest_m)
    at = np.array([low, asked.largest_m])
    number = 4.0 * k * q / np.pi * expn(2, q * at) / at
    return float(number[0] - number[1])


def diameters(asked: spec.Rocks, number: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Diameters (n,), the largest first, by the inverse of the counts."""
    k, q = law(asked)
    at = np.geomspace(asked.smallest_m, asked.largest_m, 2000)
    above = 4.0 * k * q / np.pi * expn(2, q * at) / at
    share = (above[0] - above) / (above[0] - above[-1]) if k > 0.0 else np.linspace(0, 1, 2000)
    found = np.exp(np.interp(rng.random(number), share, np.log(at)))
    return np.sort(found)[::-1]


def draw(
    asked: spec.Rocks,
    area: tuple[float, float, float, float],
    keep: NDArray[np.float64],
    ground: Callable[[NDArray, NDArray], tuple[NDArray, NDArray]],
    rng: np.random.Generator,
) -> Rocks:
    """Rocks of the rectangle `area` (x, x, y, y; m).

    Args:
        asked: the population.
        area: where they lie.
        keep: (n, 3) x, y, half width of squares that no rock may touch.
        ground: heights (n,) and normals (n, 3) at x (n,), y (n,).
        rng: of the draw.

    Raises:
        WorldError: they do not fit without overlap.
    """
    surface = (area[1] - area[0]) * (area[3] - area[2])
    number = int(rng.poisson(count(asked, asked.smallest_m) * surface))
    size = diameters(asked, number, rng)
    place = _places(size, _Sampler(area, asked.source), keep, rng)
    return _shaped(size, place, ground, rng)


class _Sampler:
    """Random places in a rectangle: even, or denser around a source."""

    def __init__(
        self, area: tuple[float, float, float, float], source: spec.RockSource | None
    ) -> None:
        self.area = area
        self._source = source
        if source is None:
            return
        x = np.linspace(area[0], area[1], _FINE + 1)
        y = np.linspace(area[2], area[3], _FINE + 1)
        self._corner = x[:-1], y[:-1]
        self._cell = x[1] - x[0], y[1] - y[0]
        away = np.hypot(
            (x[:-1] + x[1:])[None, :] / 2.0 - source.x_m,
            (y[:-1] + y[1:])[:, None] / 2.0 - source.y_m,
        )
        near = np.maximum(away / source.radius_m, 1.0) ** -source.falloff
        weight = (source.background + (1.0 - source.background) * near).ravel()
        self._upto = np.cumsum(weight) / weight.sum()

    def draw(self, number: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Places (number, 2)."""
        x0, x1, y0, y1 = self.area
        if self._source is None:
            return rng.uniform((x0, y0), (x1, y1), (number, 2))
        cell = np.minimum(np.searchsorted(self._upto, rng.random(number)), _FINE * _FINE - 1)
        row, column = np.divmod(cell, _FINE)
        inside = rng.random((number, 2))
        return np.column_stack(
            [
                self._corner[0][column] + inside[:, 0] * self._cell[0],
                self._corner[1][row] + inside[:, 1] * self._cell[1],
            ]
        )


def _places(
    size: NDArray, sampler: _Sampler, keep: NDArray, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Places (n, 2) where no rock overlaps another or touches `keep`."""
    number, area = len(size), sampler.area
    place = np.zeros((number, 2))
    placed = np.zeros(number, np.bool_)
    cells = (
        int((area[3] - area[2]) / _CELL_M) + 1,
        int((area[1] - area[0]) / _CELL_M) + 1,
    )
    head = np.full(cells, -1, np.int64)
    after = np.full(number, -1, np.int64)
    large = int(np.searchsorted(-size, -_CELL_M, side="right"))
    octaves = np.floor(np.log2(size[0] / size)) if number else size
    for octave in np.unique(octaves):  # the large first, while there is room for them
        first, last = (int(np.searchsorted(octaves, octave, s)) for s in ("left", "right"))
        for _ in range(_TRIES):
            if placed[first:last].all():
                break
            tried = sampler.draw(last - first, rng)
            _accept(
                tried,
                first,
                size / 2.0,
                place,
                placed,
                head,
                after,
                large,
                area[0],
                area[2],
                np.ascontiguousarray(keep),
            )
    if placed.all():
        return place
    raise WorldError(
        f"rocks: {int((~placed).sum())} of {number} find no place without overlap; "
        "rocks.k or rocks.smallest_m allows too many"
    )


@njit(cache=True)
def _accept(  # noqa: C901, PLR0912
    tried: NDArray[np.float64],
    first: int,
    radius: NDArray[np.float64],
    place: NDArray[np.float64],
    placed: NDArray[np.bool_],
    head: NDArray[np.int64],
    after: NDArray[np.int64],
    large: int,
    x0: float,
    y0: float,
    keep: NDArray[np.float64],
) -> None:
    """Place what fits of `tried`, for the rocks from `first` on.

    The first `large` rocks are checked against all others one by one.

    Smaller ones hang in lists by the cell (of at least their diameter) that their middle is in.
    """
    rows, columns = head.shape
    for i in range(first, first + len(tried)):
        if placed[i]:
            continue
        x, y, size = tried[i - first, 0], tried[i - first, 1], radius[i]
        free = True
        for j in range(len(keep)):
            if abs(x - keep[j, 0]) < keep[j, 2] + size and abs(y - keep[j, 1]) < keep[j, 2] + size:
                free = False
                break
        if not free:
            continue
        for j in range(large):
            if (
                placed[j]
                and (x - place[j, 0]) ** 2 + (y - place[j, 1]) ** 2 < (size + radius[j]) ** 2
            ):
                free = False
                break
        if not free:
            continue
        r, c = int((y - y0) / _CELL_M), int((x - x0) / _CELL_M)
        span = int(np.ceil((size + _CELL_M / 2.0) / _CELL_M))
        for rr in range(max(r - span, 0), min(r + span + 1, rows)):
            for cc in range(max(c - span, 0), min(c + span + 1, columns)):
                j = head[rr, cc]
                while j >= 0 and free:
                    away = (x - place[j, 0]) ** 2 + (y - place[j, 1]) ** 2
                    if away < (size + radius[j]) ** 2:
                        free = False
                    j = after[j]
        if free:
            place[i, 0], place[i, 1], placed[i] = x, y, True
            if i >= large:
                after[i] = head[r, c]
                head[r, c] = i


def _shaped(
    size: NDArray,
    place: NDArray,
    ground: Callable[[NDArray, NDArray], tuple[NDArray, NDArray]],
    rng: np.random.Generator,
) -> Rocks:
    """Ellipsoids on the ground: what shows is `size` across and about half as high.

    Height over diameter is 0.52 on average and 10 to 70 % of the body lies in the ground (assumed,
    after Di et al. 2016). Below the middle the widest section is hidden, so the body is wider.
    """
    number = len(size)
    buried = rng.uniform(0.1, 0.7, number)
    flat = np.clip(rng.normal(0.52, 0.1, number), 0.3, 0.8)
    long = np.sqrt(rng.uniform(1.0, 1.7, number))
    section = np.sqrt(1.0 - np.maximum(2.0 * buried - 1.0, 0.0) ** 2)
    wide = size / 2.0 / section
    upright = flat * size / (2.0 * (1.0 - buried))
    axes = np.stack([wide * long, wide / long, upright], axis=1)
    height, normal = ground(place[:, 0], place[:, 1])
    center = np.column_stack([place, height]) + normal * (upright * (1.0 - 2.0 * buried))[:, None]
    turn = rng.uniform(0.0, 2.0 * np.pi, number)
    return Rocks(center, axes, _standing(normal, turn), np.ascontiguousarray(size))


def _standing(normal: NDArray, turn: NDArray) -> NDArray[np.float64]:
    """Rotations (n, 3, 3) with z along `normal` (n, 3) and x turned by `turn` (n,)."""
    x = np.stack([np.cos(turn), np.sin(turn), np.zeros_like(turn)], axis=1)
    x -= normal * np.sum(x * normal, axis=1, keepdims=True)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return np.stack([x, np.cross(normal, x), normal], axis=2)
