# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Relief that is no crater: fractal noise, a regional slope, wrinkle ridges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.terrain.spec import Relief, RidgeFeature, Slope


def fractal(
    shape: tuple[int, int],
    resolution_m: float,
    relief: Relief,
    rng: np.random.Generator,
    longest_m: float = np.inf,
) -> NDArray[np.float32]:
    """Isotropic fractional Brownian relief (rows, columns), m.

    Its RMS difference over a distance L is deviation_m * L ** hurst (L in m), so its spectrum falls
    with frequency to the power -(2 hurst + 2) (Turcotte 1997). Made on a torus half as large again,
    so that opposite edges do not match. Waves longer than `longest_m` are left out, for ground
    whose larger forms were measured.
    """
    rows, columns = (fft.next_fast_len(round(1.5 * n), real=True) for n in shape)
    if relief.deviation_m == 0.0:
        return np.zeros(shape, np.float32)
    fy = np.fft.fftfreq(rows, resolution_m).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(columns, resolution_m).astype(np.float32)[None, :]
    power = fx * fx + fy * fy
    power[0, 0] = np.inf
    amplitude = power ** np.float32(-(relief.hurst + 1.0) / 2.0)
    amplitude *= relief.deviation_m / _deviation(amplitude, columns, resolution_m)
    amplitude[power < (1.0 / longest_m) ** 2] = 0.0
    white = rng.standard_normal((rows, columns), dtype=np.float32)
    spectrum = fft.rfft2(white)
    spectrum *= amplitude
    return np.asarray(fft.irfft2(spectrum, s=(rows, columns))[: shape[0], : shape[1]], np.float32)


def _deviation(amplitude: NDArray[np.float32], columns: int, resolution_m: float) -> float:
    """RMS difference over 1 m along x of white noise of variance 1 filtered by `amplitude`."""
    rows = amplitude.shape[0]
    power = np.sum(amplitude.astype(np.float64) ** 2, axis=0)
    weight = np.full(len(power), 2.0)
    weight[0] = 1.0
    if columns % 2 == 0:
        weight[-1] = 1.0
    lag = max(1.0, resolution_m)
    k = np.arange(len(power))
    change = 2.0 - 2.0 * np.cos(2.0 * np.pi * k * lag / (columns * resolution_m))
    return float(np.sqrt(np.sum(weight * power * change) / (rows * columns)))


def levelled(heights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Heights (rows, columns) without their best plane: the slope asked for is then the slope."""
    rows, columns = heights.shape
    v = np.linspace(-1.0, 1.0, rows)
    u = np.linspace(-1.0, 1.0, columns)
    h = heights.astype(np.float64)
    a = float((h.mean(axis=0) * u).sum() / (u * u).sum())
    b = float((h.mean(axis=1) * v).sum() / (v * v).sum())
    plane = a * u[None, :] + b * v[:, None] + h.mean()
    return np.asarray(h - plane, np.float32)


def slope(x: NDArray, y: NDArray, asked: Slope) -> NDArray[np.float32]:
    """Plane (len(y), len(x)) through the origin, m."""
    rise, towards = np.tan(np.radians(asked.angle_deg)), np.radians(asked.uphill_deg)
    return np.asarray(
        rise * (np.cos(towards) * x[None, :] + np.sin(towards) * y[:, None]), np.float32
    )


def ridge(
    x: NDArray, y: NDArray, asked: RidgeFeature, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A wrinkle ridge (len(y), len(x)), m: a broad asymmetric arch and a crest that wanders on it.

    The form follows the usual description of mare ridges (Watters 1988): a low arch with one steep
    side, topped by a narrower, more irregular ridge close to that side.
    """
    run = np.radians(asked.along_deg)
    dx, dy = x[None, :] - asked.x_m, y[:, None] - asked.y_m
    along = np.cos(run) * dx + np.sin(run) * dy
    across = -np.sin(run) * dx + np.cos(run) * dy
    width = asked.width_m
    across = across - _wandering(along, width, rng, 0.10)
    arch = _sides(across, width * asked.steep_share, width * (1.0 - asked.steep_share))
    narrow = 0.45 * width
    shifted = across - _wandering(along, width, rng, 0.06) + 0.02 * width
    swell = 0.7 + _wandering(along, width, rng, 0.3) / width
    crest = _sides(shifted, 0.4 * narrow, 0.6 * narrow) * np.clip(swell, 0.2, 1.2)
    return np.asarray(asked.height_m * (0.7 * arch + 0.3 * crest), np.float32)


def _sides(across: NDArray, left: float, right: float) -> NDArray:
    """A hump of height 1, zero beyond `left` (positive) and `right` of the middle."""
    share = np.where(across > 0.0, across / left, -across / right)
    return np.asarray(np.cos(np.clip(share, 0.0, 1.0) * np.pi) * 0.5 + 0.5)


def _wandering(along: NDArray, width: float, rng: np.random.Generator, share: float) -> NDArray:
    """Smooth deviation along the ridge of about `share` of the width, m."""
    total = np.zeros_like(along)
    for octave in range(3):
        length = width * 2.5 / 2.0**octave
        phase = rng.uniform(0.0, 2.0 * np.pi)
        total += np.sin(2.0 * np.pi * along / length + phase) / 2.0**octave
    return np.asarray(share * width * total / 1.2)
