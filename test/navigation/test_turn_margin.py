# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A turn in place keeps more clearance than a way straight on: the wheels dig in it."""

import numpy as np
import pytest
from test_local import always, chosen

from tenacious_rover.navigation.clearance import checker_for
from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.navigation.local import Checks
from tenacious_rover.perception.terrain_map import from_surface
from tenacious_rover.rover.description import load_rover

CONFIG = NavigationConfig()
ROVER = load_rover("tenacious")


@pytest.mark.parametrize(
    ("stone_m", "drives", "turns"),
    [(0.03, True, True), (0.048, True, False), (0.065, False, False)],
)
def test_over_a_stone_that_it_clears_it_drives_and_does_not_turn(stone_m, drives, turns):
    def height(x, y):
        return np.sqrt(np.maximum(stone_m**2 - x**2 - y**2, 0.0))

    checks = checker_for(ROVER, CONFIG)(from_surface(height, size_m=4.0, resolution_m=0.02))
    here = np.zeros((1, 3))
    assert bool(checks.plan(here).safe[0]) is drives
    assert bool(checks.turn(here).safe[0]) is turns


def test_where_it_cannot_turn_it_drives_on_in_an_arc():
    roomy, never, goal = always(), always(safe=False).turn, (-4.0, 0.5)
    assert chosen(roomy, goal).turn != 0.0
    choice = chosen(Checks(roomy.plan, roomy.tight, roomy.guard, never), goal)
    assert choice.turn == 0.0
    assert choice.poses[-1, 0] < choice.poses[:, 0].max() - 0.1


def test_level_ground_leaves_room_to_turn():
    real = checker_for(ROVER, CONFIG)(from_surface(lambda x, y: 0 * x, size_m=4.0))
    assert real.turn(np.array([[0.0, 0.0, a] for a in np.linspace(-3, 3, 7)])).safe.all()
