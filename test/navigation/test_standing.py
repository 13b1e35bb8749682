# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the rover can stand, asked of checks with known answers."""

import numpy as np

from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.navigation.local import Checked
from tenacious_rover.navigation.standing import Standing

CONFIG = NavigationConfig(grid_m=0.1, standing_m=2.0, standing_cells=40)
ORIGIN, HERE = np.array([-3.0, -3.0]), np.zeros(2)
SIDE = 60


def made():
    standing = Standing(CONFIG)
    standing.grow(lambda old, fill: np.full((SIDE, SIDE), fill, old.dtype))
    return standing


def dear(half=3):
    cells = np.zeros((SIDE, SIDE), bool)
    cells[30 - half : 30 + half, 30 - half : 30 + half] = True
    return cells


def along_x(poses):
    """Only who heads along x fits."""
    return Checked(np.abs(np.sin(poses[:, 2])) < 0.1, np.ones(len(poses), bool))


def test_share_of_headings_and_its_cost():
    standing = made()
    standing.look(0.0, HERE, ORIGIN, dear(), along_x)
    standing.look(1.0, HERE, ORIGIN, dear(), along_x)
    assert np.array_equal(np.isfinite(standing.share), dear())
    assert (standing.share[dear()] == 0.25).all()
    easy = np.full((SIDE, SIDE), 1.2, np.float32)
    cost = standing.cost(easy, np.full_like(easy, 5.0))
    assert np.allclose(cost[dear()], 1.2 + 0.75 * CONFIG.standing_weight)
    assert (cost[~dear()] == 5.0).all()


def test_nearest_first_a_few_at_a_time_and_the_oldest_again():
    asked = []

    def check(poses):
        asked.append(poses[::4, :2])
        return along_x(poses)

    standing = made()
    for time_s in range(4):
        standing.look(float(time_s), HERE, ORIGIN, dear(5), check)
    assert [len(cells) for cells in asked] == [40] * 4
    far = [np.hypot(*cells.T) for cells in asked]
    assert far[0].max() <= far[1].min() + 1e-9
    again = np.vstack([asked[2][20:], asked[3][:20]])
    assert set(map(tuple, again.round(2))) == set(map(tuple, asked[0].round(2)))


def test_what_is_far_is_not_asked_and_what_is_no_longer_dear_is_forgotten():
    standing, beyond = made(), np.zeros((SIDE, SIDE), bool)
    beyond[0, 0] = True
    standing.look(0.0, HERE, ORIGIN, beyond, along_x)
    assert np.isnan(standing.share).all()
    standing.look(0.0, HERE, ORIGIN, dear(), along_x)
    standing.look(1.0, HERE, ORIGIN, np.zeros((SIDE, SIDE), bool), along_x)
    assert np.isnan(standing.share).all()


def test_ground_that_is_not_known_says_nothing_and_bad_ground_is_blocked():
    def unknown(poses):
        return Checked(np.ones(len(poses), bool), np.zeros(len(poses), bool))

    def bad(poses):
        return Checked(np.zeros(len(poses), bool), np.ones(len(poses), bool))

    standing = made()
    standing.look(0.0, HERE, ORIGIN, dear(), unknown)
    assert np.isnan(standing.share).all()
    standing.look(1.0, HERE, ORIGIN, dear(), bad)
    cost = standing.cost(np.ones((SIDE, SIDE), np.float32), np.ones((SIDE, SIDE), np.float32))
    assert (cost[dear()] == CONFIG.blocked_cost).all()
