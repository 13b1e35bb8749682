# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Absolute fixes on rendered pictures: the lander, ground seen again, and neither of them."""

import functools
import math

import numpy as np
import pytest

from tenacious_rover.campaign.fix_scenes import (
    SURE,
    UNSURE,
    Scene,
    believed_at,
    correction,
    judged,
    wrong,
)
from tenacious_rover.simulator.world import load_world


def scene_of(world, **varied):
    return Scene(load_world(world).varied(size_m=24.0, **varied))


@functools.cache
def mare():
    return scene_of("mare_calm")


@pytest.mark.parametrize("light_h", [0.0, 96.0])
@pytest.mark.parametrize(("distance", "azimuth"), [(3.5, 75), (3.5, 225), (4.5, 300), (5.5, 75)])
def test_the_lander_is_found(distance, azimuth, light_h):
    scene = mare()
    true = scene.facing(distance, math.radians(azimuth), 0.1)
    guess = wrong(true, 0.25, -0.2, 0.015)
    fix = scene.finder(True).take(scene.look(true, 1.0, light_h * 3600.0), guess, UNSURE)
    assert fix is not None
    assert fix.source == "lander's shape"
    off, honest = judged(fix, true)
    assert off < 0.4
    assert honest < 5.4
    assert fix.evidence["inlier_share"] >= 0.8


@pytest.mark.parametrize("world", ["mare_calm", "rocky_ejecta", "crater_rim"])
def test_no_lander_where_there_is_none(world):
    """The rover believes to stand before the lander, but does not."""
    scene = scene_of(world, rock_k=0.15 if world == "rocky_ejecta" else None)
    rng = np.random.default_rng(3)
    for k in range(4):
        turn, angle = rng.uniform(-math.pi, math.pi, 2)
        true = scene.pose(9.5 * math.cos(angle), 9.5 * math.sin(angle), angle + 0.3 * turn)
        guess = believed_at(true, scene.facing(rng.uniform(3.0, 6.0), turn))
        assert scene.finder(True).take(scene.look(true, 1.0 + k), guess, UNSURE) is None


@pytest.mark.parametrize("world", ["mare_calm", "first_traverse"])
def test_a_place_seen_again_and_one_that_was_not(world):
    """After an hour of the sun's motion, from a quarter of a metre beside; and 6 m elsewhere."""
    scene = mare() if world == "mare_calm" else scene_of(world)
    found = []
    for k, (x, y) in enumerate([(6.0, 5.0), (2.0, -8.0)]):
        finder = scene.finder(False)
        there = scene.pose(x, y, 0.5 * k)
        assert finder.take(scene.look(there, 1.0), there, SURE) is None
        assert len(finder.book.places) == 1
        again = scene.pose(x - 0.2, y + 0.15, 0.5 * k + 0.1)
        fix = finder.take(scene.look(again, 100.0, 3600.0), wrong(again, 0.3, -0.2, 0.01), UNSURE)
        if fix is not None:
            found.append(judged(fix, again)[0])
        elsewhere = scene.pose(x - 6.0 * np.sign(x), y, 0.5 * k + 0.1)
        guess = believed_at(elsewhere, again)
        assert finder.take(scene.look(elsewhere, 200.0, 3600.0), guess, UNSURE) is None
    assert found
    assert max(found) < 0.1


@pytest.mark.mission
def test_a_wrong_start_is_corrected_on_the_way_to_the_lander():
    """Map to odom moves, odom does not jump, and every correction holds its evidence."""
    made = correction(0, seconds=14.0)
    assert made.before_m > 0.4
    assert made.after_m < 0.15
    assert made.after_deg < made.before_deg
    assert made.map_moved_m > 0.25
    assert made.odom_step_m < 0.03
    used = [fix for fix in made.fixes if fix["used"]]
    assert len(used) >= 2
    assert {"source", "points", "inlier_share", "rms_m", "moved_m", "nis"} <= set(used[0])
