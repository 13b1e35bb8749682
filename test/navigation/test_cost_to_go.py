# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Cost-to-go against closed forms and scikit-image's MCP_Geometric on the same cost."""

import numpy as np
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.graph import MCP_Geometric

from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.navigation.cost import ground_cost
from tenacious_rover.navigation.global_cost import GlobalCost
from tenacious_rover.navigation.local import Checked
from tenacious_rover.navigation.marching import march
from tenacious_rover.navigation.zones import Zones


def smooth(seed, shape=(60, 70)):
    """A cost field that varies slower than its grid, as the merged costs do."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).random(shape)
    wavy = gaussian_filter(noise, 6.0)
    return 1.0 + 2.0 * (wavy - wavy.min()) / np.ptp(wavy)


def test_open_ground_is_the_distance():
    time = march(np.ones((81, 81)), 40.0, 40.0, -1, 0.0)
    rows, columns = np.indices(time.shape)
    far = np.hypot(rows - 40, columns - 40)
    assert np.abs(time - far).max() < 0.03 * 40


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_as_good_as_mcp_and_not_better_than_possible(seed):
    """Eight neighbours cost up to 8.2 % more than straight lines: never less, never more off."""
    cost = smooth(seed)
    time = march(cost, 30.0, 35.0, -1, 0.0)
    best, _ = MCP_Geometric(cost).find_costs([(30, 35)])
    far = best > 8.0
    ratio = time[far] / best[far]
    assert ratio.max() < 1.07
    assert ratio.min() > 1.0 / 1.082 - 0.03
    assert 0.93 < ratio.mean() < 1.0


def test_walls_are_walked_around_as_mcp_does():
    cost = np.ones((50, 50))
    cost[10:50, 20], cost[0:40, 35] = np.inf, np.inf
    time = march(cost, 45.0, 5.0, -1, 0.0)
    best, _ = MCP_Geometric(np.where(np.isinf(cost), -1.0, cost)).find_costs([(45, 5)])
    assert np.isinf(time[20, 20])
    assert time[45, 48] / best[45, 48] == pytest.approx(1.0, abs=0.06)


def test_closed_in_is_infinite():
    cost = np.ones((30, 30))
    cost[10, 5:20] = cost[20, 5:20] = np.inf
    cost[10:21, 5] = cost[10:21, 19] = np.inf
    time = march(cost, 15.0, 10.0, -1, 0.0)
    assert np.isfinite(time[15, 15])
    assert np.isinf(time[2, 2])


def test_stopping_early_changes_nothing_before():
    cost = smooth(3)
    whole = march(cost, 5.0, 5.0, -1, 0.0)
    part = march(cost, 5.0, 5.0, 20 * cost.shape[1] + 20, 5.0)
    known = np.isfinite(part)
    assert np.array_equal(part[known], whole[known])
    assert whole[~known].min() >= whole[20, 20] + 5.0


def nowhere(poses):
    return Checked(np.zeros(len(poses), bool), np.ones(len(poses), bool))


def plan(height, zones=None, goal=(4.0, 0.0), config=None):
    config = config or NavigationConfig()
    ground = toy.Ground(height)
    terrain = ground.map(everything=True)
    made = GlobalCost(config)
    made.cover(np.array([[-4.0, 0.0], goal]))
    made.merge(terrain, ground_cost(terrain, toy.rover(), config))
    made.restrict(zones or Zones(), np.eye(4))
    cost = made.solve(np.array(goal), np.array([-4.0, 0.0]))
    return made, cost


def test_unknown_costs_more_than_flat_and_less_than_hazard():
    """Of a hazard seen from afar a share is believed, of one that was checked all."""
    config = NavigationConfig()
    made, cost = plan(lambda x, y: 0.5 * (np.hypot(x, y) < 0.5))
    flat = made.sampled(cost, np.array([-3.0, -3.0]))
    unknown = made.sampled(cost, np.array([8.0, 0.0]))
    rock = made.sampled(cost, np.array([0.45, 0.0]))
    assert flat == pytest.approx(1.0, abs=0.01)
    assert unknown == pytest.approx(config.unknown_cost)
    assert made.sampled(made.seen, np.array([0.45, 0.0])) >= config.hazard_cost
    afar = 1.0 + config.far_belief * (config.hazard_cost - 1.0)
    assert config.unknown_cost < afar - 0.3 <= rock <= afar + 0.5
    for number in range(20):
        made.stand(float(number), np.array([0.0, 0.0]), nowhere)
    near = made.sampled(made.cost(np.array([-4.0, 0.0])), np.array([0.45, 0.0]))
    assert near >= config.blocked_cost


def everywhere(poses):
    return Checked(np.ones(len(poses), bool), np.ones(len(poses), bool))


@pytest.mark.parametrize(("slope_deg", "stays_dear"), [(12.0, False), (24.0, True)])
def test_a_side_too_steep_to_climb_stays_dear_though_the_rover_would_stand_there(
    slope_deg, stays_dear
):
    config = NavigationConfig()
    rise = np.tan(np.radians(slope_deg))
    made, _ = plan(lambda x, y: -rise * np.clip(x, 0.0, 1.5))
    for number in range(20):
        made.stand(float(number), np.array([0.7, 0.0]), everywhere)
    cost = made.cost(np.array([-4.0, 0.0]))
    side = float(made.sampled(cost, np.array([0.75, 0.0])))
    assert (side >= config.hazard_cost) == stays_dear
    assert float(made.sampled(cost, np.array([-1.0, 0.0]))) == pytest.approx(1.0, abs=0.01)


def test_zone_is_infinite_and_gone_around():
    square = np.array([[-1.0, -2.0], [1.0, -2.0], [1.0, 2.0], [-1.0, 2.0]])
    made, cost = plan(lambda x, y: 0 * x, Zones(keep_out=(square,)))
    free, _ = plan(lambda x, y: 0 * x)
    start = np.array([-4.0, 0.0])
    assert np.isinf(made.sampled(cost, np.zeros(2)))
    assert np.isinf(made.sampled(cost, np.array([-1.2, 0.0])))
    around = float(made.sampled(made.to_go, start))
    shortest = 2 * np.hypot(2.7, 2.3) + 2.6
    assert around == pytest.approx(shortest, rel=0.06)
    assert around > float(free.sampled(free.to_go, start))


@pytest.mark.parametrize("reach_m", [0.0, 0.9])
def test_zones_are_kept_clear_of_by_the_margin_or_a_larger_rovers_reach(reach_m):
    made, _ = plan(lambda x, y: 0 * x)
    square = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    made.restrict(Zones(keep_out=(square,)), np.eye(4), reach_m)
    clear = max(NavigationConfig().zone_margin_m, reach_m)
    near, far = (np.array([[-1.0 - clear + off, 0.0]]) for off in (0.15, -0.15))
    assert made.forbidden(near)[0]
    assert not made.forbidden(far)[0]


def test_zone_that_the_rover_stands_in_can_be_left():
    square = np.array([[-5.0, -1.0], [-3.0, -1.0], [-3.0, 1.0], [-5.0, 1.0]])
    made, _ = plan(lambda x, y: 0 * x, Zones(keep_out=(square,)))
    assert np.isfinite(made.sampled(made.to_go, np.array([-4.0, 0.0])))


def test_grid_grows_and_remembers():
    made, _ = plan(lambda x, y: 0 * x)
    known = np.isfinite(made.seen).sum()
    made.cover(np.array([[14.0, 9.0]]))
    assert np.isfinite(made.seen).sum() == known
    assert made.sampled(made.seen, np.array([1.0, 1.0])) == pytest.approx(1.0)


def test_ground_in_view_that_stays_unseen_gets_dearer():
    made = GlobalCost(NavigationConfig())
    made.cover(np.array([[0.0, 0.0], [5.0, 0.0]]))
    for _ in range(4):
        made.stare(np.zeros(3), 0.6)
    cost = made.cost(np.zeros(2))
    config = NavigationConfig()
    assert made.sampled(cost, np.array([1.5, 0.0])) == pytest.approx(config.hidden_cost)
    assert made.sampled(cost, np.array([-1.5, 0.0])) == pytest.approx(config.unknown_cost)


def shaded(low, high, side=2.5):
    """A plan over level ground with a shadow over low < x < high, |y| < side."""
    ground = toy.Ground(lambda x, y: 0 * x)
    dark = (ground.x > low) & (ground.x < high) & (np.abs(ground.y) < side)
    ground.seen = ~dark
    terrain = ground.map()
    terrain.layers["dark"] = dark.astype(np.float32)
    made = GlobalCost(NavigationConfig())
    made.cover(np.array([[-4.0, 0.0], [4.0, 0.0]]))
    made.merge(terrain, ground_cost(terrain, toy.rover(), NavigationConfig()))
    made.solve(np.array([4.0, 0.0]), np.array([-4.0, 0.0]))
    return made, ground


@pytest.mark.parametrize(("high", "around"), [(1.5, True), (-0.6, False)])
def test_a_shadow_wider_than_the_rover_is_gone_around(high, around):
    made, _ = shaded(-1.0, high)
    start = np.array([-4.0, 0.0])
    way = float(made.sampled(made.to_go, start))
    straight = 8.0 + 0.4 * (NavigationConfig().hidden_cost - 1.0)
    if around:
        assert way > 2 * np.hypot(3.0, 2.5) + 2.5
        assert way == pytest.approx(2 * np.hypot(2.9, 2.8) + 2.5, rel=0.1)
    else:
        assert way < straight + 0.2


def test_a_shadow_all_around_can_still_be_left():
    made, _ = shaded(-6.0, 2.0, side=6.0)
    assert np.isfinite(made.sampled(made.to_go, np.array([-4.0, 0.0])))


def test_what_a_map_takes_back_is_not_remembered():
    """Guessed from afar, dark from near; and seen once more in the light."""
    made, _ = plan(lambda x, y: 0 * x)
    spot = np.array([1.0, 0.0])
    assert made.sampled(made.seen, spot) == pytest.approx(1.0)
    _, ground = shaded(0.0, 2.0)
    terrain = ground.map()
    terrain.layers["dark"] = (~ground.seen).astype(np.float32)
    config = NavigationConfig()
    made.merge(terrain, ground_cost(terrain, toy.rover(), config))
    assert np.isnan(made.sampled(made.seen, spot))
    assert made.sampled(made.cost(np.zeros(2)), spot) >= config.blocked_cost
    made.stare(np.zeros(3), 0.6)
    assert made.hidden(spot)
    lit = ground.map(everything=True)
    lit.layers["dark"] = np.zeros_like(ground.height, np.float32)
    made.merge(lit, ground_cost(lit, toy.rover(), config))
    assert made.sampled(made.cost(np.zeros(2)), spot) == pytest.approx(1.0, abs=0.01)


def test_a_wheel_on_ground_that_stays_unseen_is_enough():
    made = GlobalCost(NavigationConfig())
    made.cover(np.array([[0.0, 0.0], [5.0, 0.0]]))
    rows, _ = np.indices(made.seen.shape)
    y = made.origin[1] + (rows + 0.5) * 0.1
    made.seen[y < 0.0] = 1.0  # a shadow to the left of the way
    made.stare(np.zeros(3), 0.6)
    assert made.hidden(np.array([[2.0, 0.3], [2.0, -0.1]])).all()
    assert not made.hidden(np.array([[2.0, -0.5], [-2.0, 0.3]])).any()
