# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Craters of a surface in equilibrium: how many, how fresh, what form.

Craters that a rover meets are far below the size (some 200 m at 3 Ga) under which a mare surface is
in equilibrium: as many are worn away as are made, and n(>=D) goes with D^-2.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from scipy.linalg import solve_banded

from tenacious_rover.simulator.ground import Craters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.terrain import spec

REACH = 3.0
"""Radii out to which a crater changes the ground."""
FRESHEST = 0.17
"""Depth/diameter of a new crater below 400 m: 0.11 to 0.17 (Stopar et al. 2017)."""
RIM = 0.036
"""Height of a new rim over diameter (Pike 1977)."""
FLATTEST = 0.01
_FRESH, _MODERATE, _OLD = (0.11, 0.17), (0.05, 0.10), (0.02, 0.05)
_RADII = 241
_RATIOS = 65


def count(spec_: spec.Craters, diameter_m: float) -> float:
    """Craters of this size or larger per m^2, up to the largest."""
    if diameter_m >= spec_.largest_m:
        return 0.0
    low = max(diameter_m, spec_.smallest_m)
    return spec_.density * (low**-2 - spec_.largest_m**-2)


def draw(
    asked: spec.Craters,
    area: tuple[float, float, float, float],
    keep: NDArray[np.float64],
    rng: np.random.Generator,
) -> Craters:
    """A population whose craters reach into the rectangle `area` (x, x, y, y; m).

    Each octave of diameter is drawn from a rectangle wider by that octave's reach, so the edge of
    the world sees as much ejecta as its middle. Craters whose bowl would touch a square of `keep`
    (n, 4: x, y, half width, least diameter that matters) get another place: a landing site is
    chosen so.
    """
    places, sizes = [], []
    low = asked.smallest_m
    while low < asked.largest_m:
        high = min(2.0 * low, asked.largest_m)
        margin = REACH * high / 2.0
        x0, x1, y0, y1 = area[0] - margin, area[1] + margin, area[2] - margin, area[3] + margin
        mean = asked.density * (low**-2 - high**-2) * (x1 - x0) * (y1 - y0)
        number = int(rng.poisson(mean))
        share = rng.random(number)
        diameter = (low**-2 - share * (low**-2 - high**-2)) ** -0.5
        place = rng.uniform((x0, y0), (x1, y1), (number, 2))
        for _ in range(100):
            wrong = _touching(place, diameter, keep)
            if not wrong.any():
                break
            place[wrong] = rng.uniform((x0, y0), (x1, y1), (int(wrong.sum()), 2))
        else:
            place, diameter = place[~wrong], diameter[~wrong]
        places.append(place)
        sizes.append(diameter)
        low = high
    if not sizes:
        return Craters(np.zeros((0, 2)), np.zeros(0), np.zeros(0))
    diameter = np.concatenate(sizes)
    return Craters(np.concatenate(places), diameter, freshness(asked, len(diameter), rng))


def _touching(place: NDArray, diameter: NDArray, keep: NDArray) -> NDArray[np.bool_]:
    wrong = np.zeros(len(diameter), bool)
    for x, y, half, least in keep:
        away = np.hypot(
            np.maximum(np.abs(place[:, 0] - x) - half, 0.0),
            np.maximum(np.abs(place[:, 1] - y) - half, 0.0),
        )
        wrong |= (away < diameter / 2.0) & (diameter > least)
    return wrong


def freshness(asked: spec.Craters, number: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Depth/diameter (n,): fresh, moderate and old craters in the shares asked for."""
    kind = rng.random(number)
    ratio = rng.uniform(*_OLD, number)
    middle = kind < asked.fresh_share + asked.moderate_share
    ratio[middle] = rng.uniform(*_MODERATE, int(middle.sum()))
    fresh = kind < asked.fresh_share
    ratio[fresh] = rng.uniform(*_FRESH, int(fresh.sum()))
    return np.asarray(ratio)


def new_profile(radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height over diameter of a new crater at `radius` / rim radius.

    A paraboloid up to the rim; ejecta that thin with the third power (McGetchin et al. 1973) and
    end at 2.7 radii.
    """
    end = 2.7**-3
    outside = RIM * (np.maximum(radius, 1.0) ** -3.0 - end) / (1.0 - end)
    inside = RIM - FRESHEST * (1.0 - np.minimum(radius, 1.0) ** 2)
    return np.asarray(np.where(radius <= 1.0, inside, np.maximum(outside, 0.0)))


@lru_cache(maxsize=1)
def profiles() -> NDArray[np.float64]:
    """Height over diameter (ratios, radii) of craters from the flattest to the freshest.

    Rows are evenly spaced in depth/diameter from FLATTEST to FRESHEST, columns in radius from 0 to
    REACH rim radii. Wear is diffusion of the new profile (Soderblom 1970; Fassett and Thomson
    2014), which fills the bowl, lowers the rim and moves it outwards; each row is scaled back to
    its own rim crest.
    """
    step, end = 0.02, 12.0
    radius = np.arange(0.0, end, step) + step / 2.0
    z = new_profile(radius)
    shape = np.linspace(0.0, REACH, _RADII)
    ratios, rows = [FRESHEST], [new_profile(shape)]
    time = 2e-4
    while ratios[-1] > FLATTEST * 0.9:
        z = _diffused(z, radius, step, time)
        time *= 1.03
        crest = int(np.argmax(z))
        scale = radius[crest]
        floor = float(z[0])
        row = np.interp(shape * scale, radius, z) / scale
        fade = np.clip((REACH - shape) / 0.6, 0.0, 1.0)
        rows.append(row * fade * fade * (3.0 - 2.0 * fade))
        ratios.append((float(z[crest]) - floor) / scale)
    table = np.array(rows)[::-1]
    at = np.array(ratios)[::-1]
    wanted = np.linspace(FLATTEST, FRESHEST, _RATIOS)
    return np.stack([np.interp(wanted, at, table[:, i]) for i in range(_RADII)], axis=1)


def _diffused(z: NDArray, radius: NDArray, step: float, time: float) -> NDArray:
    """One implicit step of radially symmetric diffusion."""
    outer = (radius + step / 2.0) / radius * time / step**2
    inner = (radius - step / 2.0) / radius * time / step**2
    inner[0] = 0.0
    outer[-1] = 0.0
    bands = np.zeros((3, len(z)))
    bands[0, 1:] = -outer[:-1]
    bands[1] = 1.0 + outer + inner
    bands[2, :-1] = -inner[1:]
    return np.asarray(solve_banded((1, 1), bands, z))


def stamp(
    heights: NDArray[np.float32],
    origin: tuple[float, float],
    resolution_m: float,
    craters: Craters,
) -> None:
    """Add craters to heights (rows, columns), in place."""
    place = np.ascontiguousarray(craters.center, np.float64)
    row = (craters.depth_ratio - FLATTEST) / (FRESHEST - FLATTEST) * (_RATIOS - 1)
    row = np.clip(row, 0.0, _RATIOS - 1.0)
    x0, y0 = float(origin[0]), float(origin[1])
    _stamp(heights, x0, y0, resolution_m, place, craters.diameter_m, row, profiles())


@njit(cache=True)
def _stamp(
    heights: NDArray[np.float32],
    x0: float,
    y0: float,
    step: float,
    place: NDArray[np.float64],
    diameter: NDArray[np.float64],
    ratio_row: NDArray[np.float64],
    table: NDArray[np.float64],
) -> None:
    rows, columns = heights.shape
    last = table.shape[1] - 1
    for i in range(len(diameter)):
        reach = REACH * diameter[i] / 2.0
        r0 = max(0, int(np.ceil((place[i, 1] - reach - y0) / step)))
        r1 = min(rows - 1, int(np.floor((place[i, 1] + reach - y0) / step)))
        c0 = max(0, int(np.ceil((place[i, 0] - reach - x0) / step)))
        c1 = min(columns - 1, int(np.floor((place[i, 0] + reach - x0) / step)))
        low = min(int(ratio_row[i]), table.shape[0] - 2)
        share = ratio_row[i] - low
        scale = last / reach
        for r in range(r0, r1 + 1):
            dy = y0 + r * step - place[i, 1]
            for c in range(c0, c1 + 1):
                dx = x0 + c * step - place[i, 0]
                at = np.sqrt(dx * dx + dy * dy) * scale
                k = int(at)
                if k >= last:
                    continue
                f = at - k
                a = table[low, k] * (1.0 - f) + table[low, k + 1] * f
                b = table[low + 1, k] * (1.0 - f) + table[low + 1, k + 1] * f
                heights[r, c] += diameter[i] * (a * (1.0 - share) + b * share)
