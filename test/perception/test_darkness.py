# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Ground in a hard shadow: guessed from afar, dark from near, known again in the light."""

import numpy as np
import pytest
from scene import Scene

from tenacious_rover.perception.config import PerceptionConfig
from tenacious_rover.perception.mapper import TerrainMapper
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.measurements import Stereo

ROVER = load_rover("tenacious camera_width:=400 camera_height:=300")
RADIUS = ROVER.wheel_radius_m


def flat(x, y):
    return 0.0 * x


def look(mapper, x, dark=None, times=2):
    """Look `times` along x from (x, 0) on level ground that is black where `dark` says so."""
    pose = frames.planar(x, 0.0, 0.0, RADIUS)
    left, right, _ = Scene(flat, dark=dark, noise=1.5).pair(ROVER, pose)
    for _ in range(times):
        mapper.stereo(Stereo(mapper.used + 1.0, left, right), pose)
    return mapper.terrain


def square(x0, x1, half=0.4):
    """Points (n, 2) of it."""
    x, y = np.meshgrid(np.arange(x0, x1, 0.04), np.arange(-half, half, 0.04))
    return np.column_stack([x.ravel(), y.ravel()])


def band(x, y):
    return (x > 1.0) & (x < 2.6)


@pytest.fixture
def mapper():
    return TerrainMapper(ROVER, PerceptionConfig())


def known(terrain, xy):
    return np.isfinite(terrain.at("elevation", xy))


def test_what_was_guessed_from_afar_is_dark_from_near(mapper):
    inside, before, behind = square(1.2, 2.1), square(0.3, 0.8), square(2.8, 3.1)
    afar = look(mapper, -2.4)
    assert known(afar, inside).mean() > 0.8
    assert not (afar.layers["dark"] > 0.0).any()
    near = look(mapper, -0.6, dark=band)
    assert known(near, inside).mean() < 0.05
    assert near.at("dark", inside).mean() > 0.9
    for lit in (before, behind):
        assert known(near, lit).mean() > 0.9
        assert near.at("dark", lit).max() == 0.0


def test_once_dark_it_is_not_guessed_from_afar_again(mapper):
    look(mapper, -0.6, dark=band)
    from_afar = look(TerrainMapper(ROVER, PerceptionConfig()), -3.2)
    assert known(from_afar, square(1.2, 2.1)).mean() > 0.5
    terrain = look(mapper, -3.2)
    assert known(terrain, square(1.2, 2.1)).mean() < 0.05


def test_light_shows_the_ground_again(mapper):
    look(mapper, -0.6, dark=band)
    terrain = look(mapper, 0.0)
    assert known(terrain, square(1.2, 2.2)).mean() > 0.95
    assert terrain.at("dark", square(1.2, 2.2)).max() == 0.0


def test_the_rovers_own_shadow_takes_nothing_from_the_map(mapper):
    first = look(mapper, 0.0)
    patch = square(0.9, 1.5, half=0.2)
    assert known(first, patch).all()
    terrain = look(mapper, 0.3, dark=lambda x, y: (x < 1.6) & (np.abs(y) < 0.3))
    np.testing.assert_array_equal(known(terrain, patch), True)
    assert terrain.at("dark", patch).max() == 0.0


def test_a_picture_without_light_says_nothing(mapper):
    before = look(mapper, -2.4)
    after = look(mapper, -0.6, dark=lambda x, y: np.ones(x.shape, bool))
    far = square(1.2, 2.4)
    np.testing.assert_array_equal(known(after, far), known(before, far))
    assert not (after.layers["dark"] > 0.0).any()


def test_a_crop_keeps_the_dark_at_its_edge(mapper):
    terrain = look(mapper, -0.6, dark=lambda x, y: x > 1.0)
    kept = terrain.cropped()
    assert (kept.layers["dark"] > 0.0).sum() == (terrain.layers["dark"] > 0.0).sum() > 100
