# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Craters: counts in equilibrium, the measured mean depth, rims and ejecta, wear."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tenacious_rover.simulator.ground import Craters
from tenacious_rover.simulator.terrain import craters, spec

AREA = (-20.0, 20.0, -20.0, 20.0)
NOTHING = np.zeros((0, 4))


def inside(drawn):
    place = drawn.center
    return (np.abs(place) <= 20.0).all(axis=1)


def one(diameter, ratio, x=0.0, y=0.0):
    return Craters(np.array([[x, y]]), np.array([diameter]), np.array([ratio]))


def ground_of(crater, half=30.0, step=0.05):
    n = round(2 * half / step) + 1
    heights = np.zeros((n, n), np.float32)
    craters.stamp(heights, (-half, -half), step, crater)
    return heights, np.linspace(-half, half, n)


def test_counts_follow_the_law_from_5_cm_to_20_m():
    asked = spec.Craters()
    seeds = 30
    edges = np.concatenate([np.geomspace(0.05, 10.0, 24), [20.0]])
    above = np.array([craters.count(asked, d) for d in edges])
    mean = (above[:-1] - above[1:]) * 1600.0 * seeds
    seen = np.zeros(len(mean))
    for seed in range(seeds):
        drawn = craters.draw(asked, AREA, NOTHING, np.random.default_rng([seed, 2]))
        seen += np.histogram(drawn.diameter_m[inside(drawn)], edges)[0]
    assert mean.min() > 5.0
    chi2 = np.sum((seen - mean) ** 2 / mean)
    assert stats.chi2.sf(chi2, len(mean)) > 1e-3
    # The published number: 336 of a metre or more per hectare.
    assert 1e4 * spec.Craters(largest_m=50.0).density / 1.0 == pytest.approx(336)


def test_the_edge_of_the_world_has_as_many_as_its_middle():
    asked = spec.Craters(smallest_m=1.0)
    edge = middle = 0
    for seed in range(200):
        drawn = craters.draw(asked, AREA, NOTHING, np.random.default_rng(seed))
        away = np.abs(drawn.center[inside(drawn)]).max(axis=1)
        edge += int((away > 14.142136).sum())
        middle += int((away <= 14.142136).sum())
    assert stats.binomtest(edge, edge + middle, 0.5).pvalue > 1e-3


def test_mean_depth_is_as_measured():
    ratio = craters.freshness(spec.Craters(), 200_000, np.random.default_rng(0))
    assert ratio.mean() == pytest.approx(0.061, abs=0.002)
    assert (ratio >= 0.11).mean() == pytest.approx(0.1, abs=0.005)
    assert 0.02 <= ratio.min() < ratio.max() <= 0.17


@pytest.mark.parametrize("ratio", [0.03, 0.06, 0.1, 0.13, 0.17])
@pytest.mark.parametrize("diameter", [3.0, 12.0])
def test_a_crater_has_the_depth_and_width_asked_for(ratio, diameter):
    heights, at = ground_of(one(diameter, ratio))
    row = heights[len(at) // 2].astype(float)
    right = at > 0
    crest = at[right][np.argmax(row[right])]
    assert 2.0 * crest == pytest.approx(diameter, abs=0.12 * diameter if ratio < 0.1 else 0.15)
    depth = row.max() - row.min()
    assert depth / diameter == pytest.approx(ratio, rel=0.03)
    assert row.min() == row[len(at) // 2]


def test_a_new_rim_is_as_high_as_published_and_wears_down():
    rims = []
    for ratio in (0.17, 0.1, 0.06, 0.03):
        heights, _ = ground_of(one(10.0, ratio))
        rims.append(float(heights.max()) / 10.0)
    assert rims[0] == pytest.approx(0.036, abs=0.002)
    assert np.all(np.diff(rims) < 0.0)
    assert rims[-1] > 0.0


def test_ejecta_thin_with_the_third_power():
    radius = np.array([1.0, 1.25, 1.6, 2.0])
    z = craters.new_profile(radius)
    z = z + craters.RIM * 2.7**-3 / (1 - 2.7**-3)  # the part that makes them end at 2.7 radii
    exponent = np.polyfit(np.log(radius), np.log(z), 1)[0]
    assert exponent == pytest.approx(-3.0, abs=1e-6)
    assert craters.new_profile(np.array([2.7, 3.5])).max() == pytest.approx(0.0, abs=1e-12)


def test_wear_moves_soil_and_makes_none():
    """Diffusion keeps the volume of what it wears down (before rows are scaled to their crests)."""
    step = 0.02
    radius = np.arange(0.0, 12.0, step) + step / 2.0
    z = craters.new_profile(radius)
    before = np.sum(z * radius) * step
    for _ in range(50):
        z = craters._diffused(z, radius, step, 0.004)
    assert np.sum(z * radius) * step == pytest.approx(before, rel=1e-6)


def test_walls_grow_gentler_with_age():
    steepest = []
    for ratio in (0.17, 0.12, 0.07, 0.03):
        heights, _ = ground_of(one(10.0, ratio))
        gy, gx = np.gradient(heights.astype(float), 0.05)
        steepest.append(np.degrees(np.arctan(np.hypot(gx, gy).max())))
    assert np.all(np.diff(steepest) < 0.0)
    assert 28.0 < steepest[0] < 38.0  # near repose
    assert steepest[-1] < 9.0


def test_landing_site_and_start_are_not_in_a_bowl():
    keep = np.array([[0.0, 0.0, 1.7, 0.5], [2.0, 0.0, 0.5, 0.3]])
    for seed in range(20):
        drawn = craters.draw(spec.Craters(), AREA, keep, np.random.default_rng(seed))
        for x, y, half, least in keep:
            large = drawn.diameter_m > least
            away = np.hypot(*np.maximum(np.abs(drawn.center[large] - (x, y)) - half, 0.0).T)
            assert np.all(away >= drawn.diameter_m[large] / 2.0)


def test_a_crater_half_outside_is_cut_at_the_edge():
    heights, at = ground_of(one(4.0, 0.1, x=20.0, y=-20.0), half=20.0)
    assert heights[0, -1] == heights.min() < -0.2
    assert np.all(heights[:, at < 10.0] == 0.0)
