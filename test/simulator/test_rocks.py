# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Rocks: counts that follow the law at every size, no overlap, forms as said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.spatial import cKDTree

from tenacious_rover.simulator.terrain import rocks, spec
from tenacious_rover.simulator.terrain.error import WorldError

AREA = (-20.0, 20.0, -20.0, 20.0)
NOTHING = np.zeros((0, 3))


def level(x, y):
    return np.zeros_like(x), np.tile([0.0, 0.0, 1.0], (len(x), 1))


def tilted(x, y):
    normal = np.array([-0.3, 0.1, 1.0])
    return 0.3 * x - 0.1 * y, np.tile(normal / np.linalg.norm(normal), (len(x), 1))


@given(
    k=st.floats(0.001, 0.25),
    q=st.floats(0.5, 10.0),
    size=st.floats(0.05, 1.0),
)
@settings(max_examples=30, deadline=None)
def test_count_is_the_integral_of_the_area_fraction(k, q, size):
    asked = spec.Rocks(k=k, q=q, smallest_m=0.05, largest_m=3.0)
    density = lambda d: k * q * np.exp(-q * d) / (np.pi * d * d / 4.0)  # noqa: E731
    expected = integrate.quad(density, size, 3.0, epsabs=1e-12, epsrel=1e-10, limit=200)[0]
    assert rocks.count(asked, size) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_count_gives_the_published_numbers_per_hectare():
    three = spec.Rocks(k=0.0125, q=1.743, largest_m=10.0)
    per_hectare = [1e4 * rocks.count(three, d) for d in (0.05, 0.1, 0.2, 0.5, 1.0)]
    assert per_hectare == pytest.approx([4143, 1684, 593, 100, 15], rel=0.03)
    four = spec.Rocks(k=0.0021, q=6.56, largest_m=10.0)
    per_hectare = [1e4 * rocks.count(four, d) for d in (0.05, 0.1, 0.2, 0.5)]
    assert per_hectare == pytest.approx([1560, 442, 83, 2.7], rel=0.02)


def test_steepness_meets_both_lunar_sites_and_is_continuous():
    assert rocks.steepness(0.0125) == pytest.approx(1.743)
    assert rocks.steepness(0.0021) == pytest.approx(6.56)
    assert rocks.steepness(0.1) == pytest.approx(1.79 + 0.152 / 0.1)
    for joint in (rocks.CHANGE_3[0], rocks.GOLOMBEK_FROM):
        assert rocks.steepness(joint * 0.99999) == pytest.approx(
            rocks.steepness(joint * 1.00001), abs=1e-3
        )


@pytest.mark.parametrize("k", [0.0021, 0.0125, 0.05, 0.2])
def test_counts_follow_the_law_at_every_size(k):
    asked = spec.Rocks(k=k)
    seeds, surface = 40, 40.0 * 40.0
    edges = np.geomspace(0.05, 3.0, 15)
    above = np.array([rocks.count(asked, d) for d in edges])
    mean = (above[:-1] - above[1:]) * surface * seeds
    seen = np.zeros(len(mean))
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 7])
        number = rng.poisson(rocks.count(asked, 0.05) * surface)
        seen += np.histogram(rocks.diameters(asked, number, rng), edges)[0]
    # Bins of fewer than 8 expected are taken together.
    whole = mean >= 8.0
    seen = np.append(seen[whole], seen[~whole].sum())
    mean = np.append(mean[whole], mean[~whole].sum())
    keep = mean > 1.0
    chi2 = np.sum((seen[keep] - mean[keep]) ** 2 / mean[keep])
    assert stats.chi2.sf(chi2, keep.sum()) > 1e-3
    assert keep.sum() >= 5


def test_number_per_world_is_poisson():
    asked = spec.Rocks(k=0.0125, smallest_m=0.1)
    mean = rocks.count(asked, 0.1) * 1600.0
    numbers = [
        len(rocks.draw(asked, AREA, NOTHING, level, np.random.default_rng(seed)))
        for seed in range(120)
    ]
    dispersion = np.sum((np.array(numbers) - mean) ** 2) / mean
    assert 1e-3 < stats.chi2.sf(dispersion, len(numbers)) < 1.0 - 1e-3


def test_placing_changes_no_size_and_covers_the_fraction_asked_for():
    asked = spec.Rocks(k=0.2)
    drawn = [rocks.draw(asked, AREA, NOTHING, level, np.random.default_rng(s)) for s in range(8)]
    covered = np.mean([np.sum(np.pi * d.diameter_m**2 / 4.0) / 1600.0 for d in drawn])
    k, q = rocks.law(asked)
    expected = k * (np.exp(-q * 0.05) - np.exp(-q * 3.0))
    assert covered == pytest.approx(expected, rel=0.05)


def test_no_rock_overlaps_another_or_what_is_kept_free():
    keep = np.array([[0.0, 0.0, 1.7], [3.0, -2.0, 0.5]])
    drawn = rocks.draw(spec.Rocks(k=0.2), AREA, keep, level, np.random.default_rng(3))
    radius, place = drawn.diameter_m / 2.0, drawn.center[:, :2]
    tree = cKDTree(place)
    pairs = tree.query_pairs(2.0 * radius.max(), output_type="ndarray")
    gap = np.linalg.norm(place[pairs[:, 0]] - place[pairs[:, 1]], axis=1)
    assert np.all(gap >= radius[pairs[:, 0]] + radius[pairs[:, 1]] - 1e-9)
    for x, y, half in keep:
        away = np.maximum(np.abs(place[:, 0] - x), np.abs(place[:, 1] - y)) - half
        assert np.all(away >= radius - 1e-9)


def test_rocks_thin_away_from_their_source_and_their_number_stays():
    source = spec.RockSource(x_m=-10, y_m=5, radius_m=6, falloff=2, background=0.3)
    asked = spec.Rocks(k=0.05, largest_m=1.0, source=source)
    counts, total = np.zeros(4), 0
    edges = np.array([0.0, 6.0, 9.0, 14.0, 22.0])
    for seed in range(6):
        drawn = rocks.draw(asked, AREA, NOTHING, level, np.random.default_rng(seed))
        total += len(drawn)
        away = np.hypot(drawn.center[:, 0] + 10, drawn.center[:, 1] - 5)
        counts += np.histogram(away, edges)[0]
    mean = 6 * rocks.count(asked, 0.05) * 1600.0
    assert abs(total - mean) < 4.0 * np.sqrt(mean)
    at = np.random.default_rng(9).uniform(-20, 20, (400_000, 2))  # the law, integrated
    r = np.hypot(at[:, 0] + 10, at[:, 1] - 5)
    weight = 0.3 + 0.7 * np.maximum(r / 6.0, 1.0) ** -2
    expected = np.histogram(r, edges, weights=weight)[0] / weight.sum() * total
    assert np.all(np.abs(counts - expected) < 4.0 * np.sqrt(expected) + 0.06 * expected)  # crowding


def test_places_are_even():
    drawn = rocks.draw(
        spec.Rocks(k=0.01, smallest_m=0.05, largest_m=0.5),
        (0, 60, 0, 60),
        NOTHING,
        level,
        np.random.default_rng(5),
    )
    counts = np.histogram2d(drawn.center[:, 0], drawn.center[:, 1], bins=6)[0]
    assert stats.chisquare(counts.ravel()).pvalue > 1e-3


@pytest.mark.parametrize("ground", [level, tilted])
def test_what_shows_is_as_wide_and_half_as_high_as_said(ground):
    drawn = rocks.draw(
        spec.Rocks(k=0.02, smallest_m=0.2), AREA, NOTHING, ground, np.random.default_rng(2)
    )
    height, normal = ground(drawn.center[:, 0], drawn.center[:, 1])
    up = np.einsum("nij,nj->ni", drawn.rotation.transpose(0, 2, 1), normal)
    assert np.allclose(up, [0, 0, 1], atol=1e-9)  # upright on the ground it lies on
    middle = np.sum(
        (drawn.center - np.column_stack([drawn.center[:, :2], height])) * normal, axis=1
    )
    top = middle + drawn.semi_axes[:, 2]
    share = top / drawn.diameter_m
    assert share.mean() == pytest.approx(0.52, abs=0.03)
    assert share.min() > 0.29
    # The widest section above ground: the equator, or the cut when that is buried.
    cut = np.where(middle < 0.0, np.sqrt(1.0 - (middle / drawn.semi_axes[:, 2]) ** 2), 1.0)
    area = np.pi * drawn.semi_axes[:, 0] * drawn.semi_axes[:, 1] * cut**2
    assert np.allclose(np.sqrt(4.0 * area / np.pi), drawn.diameter_m)
    assert np.allclose(np.linalg.det(drawn.rotation), 1.0)


def test_too_many_rocks_are_refused():
    with pytest.raises(WorldError, match="find no place without overlap"):
        rocks.draw(
            spec.Rocks(k=0.3, q=0.3, smallest_m=1.0, largest_m=3.0),
            (-3, 3, -3, 3),
            np.array([[0.0, 0.0, 2.9]]),
            level,
            np.random.default_rng(1),
        )


def test_none_are_none():
    assert len(rocks.draw(spec.Rocks(k=0.0), AREA, NOTHING, level, np.random.default_rng(1))) == 0
