# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Relief: Hurst exponent and deviation recovered, slopes as asked, the ridge's sides."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tenacious_rover.simulator.terrain import relief, spec
from tenacious_rover.simulator.terrain.surface import raise_box, raise_rocks


def structure(heights, step, lag_m):
    lag = round(lag_m / step)
    return np.sqrt(np.mean((heights[:, lag:] - heights[:, :-lag]).astype(float) ** 2))


def spectral_slope(heights, step):
    """Exponent of the power spectrum with frequency, between 3 m and 0.4 m."""
    n = len(heights)
    window = np.hanning(n)[:, None] * np.hanning(n)[None, :]
    power = np.abs(np.fft.fft2((relief.levelled(heights)) * window)) ** 2
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(n, step), np.fft.fftfreq(n, step)))
    edges = np.geomspace(0.33, 2.5, 9)
    mean = [power[(f >= a) & (f < b)].mean() for a, b in itertools.pairwise(edges)]
    return np.polyfit(np.log(np.sqrt(edges[:-1] * edges[1:])), np.log(mean), 1)[0]


@pytest.mark.parametrize("hurst", [0.5, 0.76, 0.95])
def test_hurst_exponent_is_recovered_from_the_spectrum(hurst):
    asked = spec.Relief(hurst=hurst, deviation_m=0.03)
    slopes = [
        spectral_slope(relief.fractal((400, 400), 0.1, asked, np.random.default_rng(seed)), 0.1)
        for seed in range(6)
    ]
    assert -(np.mean(slopes) + 2.0) / 2.0 == pytest.approx(hurst, abs=0.05)


@pytest.mark.parametrize("hurst", [0.5, 0.76])
def test_hurst_exponent_and_deviation_are_recovered_from_differences(hurst):
    """Near 1 a finite world lacks the long waves that differences need; the spectrum does not."""
    asked = spec.Relief(hurst=hurst, deviation_m=0.03)
    lags = np.array([0.2, 0.4, 0.8, 1.0, 1.6])
    squares = np.zeros(len(lags))
    for seed in range(8):
        heights = relief.fractal((400, 400), 0.1, asked, np.random.default_rng(seed))
        squares += [structure(heights, 0.1, lag) ** 2 for lag in lags]
    deviation = np.sqrt(squares / 8.0)
    slope = np.polyfit(np.log(lags), np.log(deviation), 1)[0]
    assert slope == pytest.approx(hurst, abs=0.06)
    assert deviation[3] == pytest.approx(0.03, rel=0.1)


def test_relief_is_the_same_along_y():
    asked = spec.Relief(deviation_m=0.03)
    x = y = 0.0
    for seed in range(10):
        heights = relief.fractal((300, 360), 0.1, asked, np.random.default_rng(seed))
        x += structure(heights, 0.1, 1.0) ** 2
        y += structure(heights.T, 0.1, 1.0) ** 2
    assert y / x == pytest.approx(1.0, abs=0.15)


def test_a_limit_on_wavelength_leaves_only_finer_forms():
    asked = spec.Relief(deviation_m=0.03)
    all_of_it = relief.fractal((400, 400), 0.1, asked, np.random.default_rng(1))
    fine = relief.fractal((400, 400), 0.1, asked, np.random.default_rng(1), longest_m=2.0)
    assert fine.std() < 0.4 * all_of_it.std()
    assert structure(fine, 0.1, 0.1) == pytest.approx(structure(all_of_it, 0.1, 0.1), rel=0.25)
    spectrum = np.abs(np.fft.fft2(fine * np.hanning(400)[:, None] * np.hanning(400)))
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(400, 0.1), np.fft.fftfreq(400, 0.1)))
    assert (spectrum[f < 0.3] ** 2).sum() < 0.01 * (spectrum**2).sum()


def test_opposite_edges_do_not_match():
    heights = relief.fractal((300, 300), 0.1, spec.Relief(), np.random.default_rng(4))
    step = np.abs(heights[:, 0] - heights[:, -1]).mean()
    assert step > 3.0 * np.abs(heights[:, 0] - heights[:, 1]).mean()


def test_levelled_leaves_no_slope():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 10, 101)
    heights = (3.0 + 0.2 * x[None, :] - 0.1 * x[:, None] + rng.normal(0, 0.1, (101, 101))).astype(
        np.float32
    )
    flat = relief.levelled(heights)
    design = np.column_stack([np.ones(101 * 101), *(g.ravel() for g in np.meshgrid(x, x))])
    fit = np.linalg.lstsq(design, flat.ravel().astype(float), rcond=None)[0]
    assert np.abs(fit).max() < 1e-5


@pytest.mark.parametrize(("angle", "uphill"), [(5, 0), (10, 90), (15, 200)])
def test_slope_rises_where_and_as_asked(angle, uphill):
    x = np.linspace(-5, 5, 51)
    plane = relief.slope(x, x, spec.Slope(angle_deg=angle, uphill_deg=uphill)).astype(float)
    gy, gx = np.gradient(plane, x, x)
    assert np.degrees(np.arctan(np.hypot(gx, gy))) == pytest.approx(angle, abs=1e-3)
    towards = np.degrees(np.arctan2(gy.mean(), gx.mean())) % 360
    assert towards == pytest.approx(uphill, abs=1e-3)


def test_ridge_is_as_high_as_asked_and_steeper_on_its_left():
    x = np.linspace(-40, 40, 401)
    asked = spec.RidgeFeature(
        kind="ridge", x_m=0, y_m=0, along_deg=0, width_m=30, height_m=2, steep_share=0.25
    )
    heights = relief.ridge(x, x, asked, np.random.default_rng(3)).astype(float)
    assert 1.6 < heights.max() < 2.2
    assert heights.min() == 0.0
    gy, _ = np.gradient(heights, x, x)
    left, right = -gy[gy < -0.01].mean(), gy[gy > 0.01].mean()  # left of its run is +y
    assert left > 1.8 * right


def test_surface_over_a_sphere_and_a_box():
    heights = np.zeros((81, 81), np.float32)
    eye = np.eye(3)[None]
    raise_rocks(heights, -2.0, -2.0, 0.05, np.array([[0.0, 0.0, 0.2]]), np.full((1, 3), 0.5), eye)
    x = -2.0 + 0.05 * np.arange(81)
    away = np.hypot(x[None, :], x[:, None])
    inside = away < 0.45
    truth = 0.2 + np.sqrt(np.maximum(0.25 - away**2, 0.0))
    assert np.allclose(heights[inside], truth[inside], atol=1e-6)
    assert np.all(heights[away > 0.51] == 0.0)
    box = np.eye(4)
    box[:3, 3] = (1.0, 1.0, 0.5)
    raise_box(heights, -2.0, -2.0, 0.05, box, np.array([0.4, 0.2, 1.0]))
    assert heights[60, 60] == pytest.approx(1.0)
    assert heights[60, 65] == 0.0
