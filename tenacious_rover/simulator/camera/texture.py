# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Relief and tone below the height field's resolution: periodic tiles, laid over each other.

Two tiles (grains and clods of mm-cm; dimples and lumps of cm-dm) are laid in three layers of
unequal period and rotation, so the sum repeats nowhere. What could be recognised again (pebbles) is
not in the tiles but stands as small rocks. Every texel holds slope x, slope y, tone and the tangent
of the horizon towards the sun, in all levels of a mip pyramid.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from scipy.ndimage import gaussian_filter

from tenacious_rover.simulator.camera.fast import FAST

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 512
LEVELS = 10
_HORIZON_STEPS = 40


# Columns of the table of layers, (layers, levels, 8).
BEGIN, METRE, COSINE, SINE, SPREAD, FINEST = 0, 1, 2, 3, 4, 5
"""A level's first texel; texels per m; of the layer's rotation; deviation of the horizon's tangent
inside a texel; log2 of the size of the smallest texel, m."""

_PERIOD = (0.613, 0.947, 6.371)
_TURN = (0.37, -1.13, 0.71)
_TILE = (0, 0, 1)
_MEDIAN_PERIOD = (0.613, 0.613, 6.371)
"""Period at which a tile's heights were made: slopes stay the same when a layer is scaled."""


Tile = tuple["NDArray[np.float64]", "NDArray[np.float64]"]
"""Heights (SIZE, SIZE) in m, and tone, 1 on average."""


class Micro:
    """The tiles, and the layers made of them for one azimuth of the sun."""

    def __init__(self, seed: int | None) -> None:
        """Tiles of a seed; None: no relief and even tone."""
        sides = SIZE >> np.arange(LEVELS)
        count = int((sides**2).sum())
        start = np.cumsum(sides**2) - sides**2
        self.texels = np.zeros((len(_TILE) * count, 4), np.float32)
        self.table = np.zeros((len(_TILE), LEVELS, 8))
        self.table[..., BEGIN] = start + count * np.arange(len(_TILE))[:, None]
        self.table[..., METRE] = sides / np.array(_PERIOD)[:, None]
        self.table[..., COSINE] = np.cos(_TURN)[:, None]
        self.table[..., SINE] = np.sin(_TURN)[:, None]
        self.table[..., FINEST] = np.log2(np.array(_PERIOD) / SIZE)[:, None]
        self._tiles: tuple[Tile, ...] = ()
        if seed is None:
            self.texels[:, 2] = 1.0
            self.texels[:, 3] = -8.0
            self.table[..., SPREAD] = 1.0
            return
        rng = np.random.default_rng((seed, 0x7E4707))
        self._tiles = (_fine(rng), _coarse(rng))
        for layer, tile in enumerate(_TILE):
            height, tone = self._tiles[tile]
            texel = _MEDIAN_PERIOD[layer] / SIZE
            gx = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) / (2.0 * texel)
            gy = (np.roll(height, -1, 0) - np.roll(height, 1, 0)) / (2.0 * texel)
            for channel, image in enumerate((gx, gy, tone)):
                self._store(layer, channel, image)

    def turn_to(self, azimuth: float) -> None:
        """Bake the horizons for the sun's azimuth in map, rad from x."""
        for layer, tile in enumerate(_TILE if self._tiles else ()):
            height, _ = self._tiles[tile]
            towards = azimuth - _TURN[layer]
            tangent = horizon(
                height.astype(np.float32),
                _MEDIAN_PERIOD[layer] / SIZE,
                math.cos(towards),
                math.sin(towards),
                _HORIZON_STEPS,
            )
            self._store(layer, 3, tangent)

    def _store(self, layer: int, channel: int, image: NDArray[np.floating]) -> None:
        """All mip levels of one channel of a layer; its spread too when it is the horizon."""
        squares = image.astype(np.float64) ** 2
        for level in range(LEVELS):
            side = SIZE >> level
            begin = int(self.table[layer, level, BEGIN])
            self.texels[begin : begin + side * side, channel] = image.ravel()
            if channel == 3:
                variance = np.maximum(squares - image.astype(np.float64) ** 2, 0.0).mean()
                self.table[layer, level, SPREAD] = math.sqrt(variance) + 0.01
            if side > 1:
                image = image.reshape(side // 2, 2, side // 2, 2).mean(axis=(1, 3))
                squares = squares.reshape(side // 2, 2, side // 2, 2).mean(axis=(1, 3))


def _noise(
    rng: np.random.Generator, exponent: float, low: float, high: float
) -> NDArray[np.float64]:
    """Periodic (SIZE, SIZE) noise of unit deviation; amplitude falls as frequency^-exponent.

    `low`, `high`: frequencies kept, cycles per tile.
    """
    f = np.fft.fftfreq(SIZE, 1.0 / SIZE)
    radius = np.hypot(f[:, None], f[None, :])
    gain = np.where((radius >= low) & (radius <= high), np.maximum(radius, 1.0) ** -exponent, 0.0)
    image = np.fft.ifft2(np.fft.fft2(rng.standard_normal((SIZE, SIZE))) * gain).real
    return np.asarray(image / image.std())


def _bumps(
    rng: np.random.Generator, count: int, smallest: float, largest: float, power: float
) -> NDArray[np.float64]:
    """(SIZE, SIZE) of the upper envelope of `count` half balls; radii in texels, law r^-power."""
    out = np.zeros((SIZE, SIZE))
    radii = smallest * (1.0 - rng.random(count) * (1.0 - (smallest / largest) ** power)) ** (
        -1.0 / power
    )
    for radius in radii:
        x, y = rng.uniform(0, SIZE, 2)
        flat = rng.uniform(0.35, 0.75)
        reach = int(radius) + 2
        i = np.arange(int(y) - reach, int(y) + reach + 1)
        j = np.arange(int(x) - reach, int(x) + reach + 1)
        square = ((i - y)[:, None] ** 2 + (j - x)[None, :] ** 2) / radius**2
        ball = flat * radius * np.sqrt(np.maximum(1.0 - square, 0.0))
        place = (i % SIZE)[:, None], (j % SIZE)[None, :]
        out[place] = np.maximum(out[place], ball)
    return out


def _fine(rng: np.random.Generator) -> Tile:
    """Heights in m over 0.613 m and tone: grains and clods up to a few mm, thumb-sized dimples."""
    texel = _MEDIAN_PERIOD[0] / SIZE
    height = 0.0007 * _noise(rng, 1.5, 3, 160)
    height += 0.5 * texel * _bumps(rng, 5200, 0.9, 3.0, 2.2)
    height -= 0.25 * texel * gaussian_filter(_bumps(rng, 160, 3.0, 12.0, 1.8), 1.5, mode="wrap")
    tone = 1.0 + 0.05 * _noise(rng, 0.7, 6, 200) + 0.03 * _noise(rng, 1.0, 2, 20)
    return gaussian_filter(height, 0.5, mode="wrap"), tone


def _coarse(rng: np.random.Generator) -> Tile:
    """Heights in m over 6.371 m and tone: gentle lumps and hand-sized pits."""
    texel = _MEDIAN_PERIOD[2] / SIZE
    height = 0.005 * _noise(rng, 1.9, 10, 200)
    pits = gaussian_filter(_bumps(rng, 420, 1.5, 7.0, 2.0), 0.8, mode="wrap")
    height -= 0.3 * texel * pits
    tone = 1.0 + 0.05 * _noise(rng, 1.2, 2, 120)
    return height, tone


@njit(cache=True, error_model="numpy", fastmath=FAST)
def horizon(
    height: NDArray[np.float32], texel: float, ax: float, ay: float, steps: int
) -> NDArray[np.float32]:
    """Tangent of the horizon (n, n) towards (ax, ay), of a periodic tile."""
    n = height.shape[0]
    out = np.empty((n, n), np.float32)
    for r in range(n):
        for c in range(n):
            best = 0.0
            way = 0.7
            for _ in range(steps):
                x, y = c + way * ax, r + way * ay
                j, i = math.floor(x), math.floor(y)
                u, v = x - j, y - i
                j0, i0, j1, i1 = j % n, i % n, (j + 1) % n, (i + 1) % n
                top = (height[i0, j0] * (1 - u) + height[i0, j1] * u) * (1 - v) + (
                    height[i1, j0] * (1 - u) + height[i1, j1] * u
                ) * v
                best = max(best, (top - height[r, c]) / (way * texel))
                way += max(0.9, 0.04 * way)
            out[r, c] = best
    return out
