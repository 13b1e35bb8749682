# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Arcs, the local choice, guard, watch, trail, following and zones, each alone."""

import math

import numpy as np
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

from tenacious_rover.navigation import arcs, follow, guard
from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.navigation.cost import ground_cost
from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.navigation.global_cost import GlobalCost
from tenacious_rover.navigation.local import Checked, Checks, choose
from tenacious_rover.navigation.recovery import Trail, Watch
from tenacious_rover.navigation.retrace import Retrace
from tenacious_rover.navigation.zones import Zones
from tenacious_rover.rover import frames

CONFIG = NavigationConfig()
HALF_FOV = 0.65


@given(curvature=st.floats(-2.0, 2.0), length=st.floats(0.1, 3.0), yaw=st.floats(-3.0, 3.0))
@settings(max_examples=60, deadline=None)
def test_arc_against_small_steps(curvature, length, yaw):
    end = arcs.arc(np.array([[1.0, -2.0, yaw]]), np.array([curvature]), np.array([length]))[0, 0]
    x, y, a = 1.0, -2.0, yaw
    for _ in range(4000):
        ds = length / 4000
        x, y = (
            x + ds * math.cos(a + 0.5 * curvature * ds),
            y + ds * math.sin(a + 0.5 * curvature * ds),
        )
        a += curvature * ds
    assert end == pytest.approx((x, y, a), abs=1e-4)


def test_library_is_symmetric_and_complete():
    made = arcs.library(CONFIG)
    assert made.poses.shape[0] == len(arcs.TURNS_DEG) * arcs.ARCS**2
    straight = (made.turn == 0.0) & (made.curvature == 0.0).all(1)
    assert straight.sum() == 1
    length = CONFIG.first_arc_m + CONFIG.second_arc_m
    assert made.poses[straight][0, -1] == pytest.approx((length, 0.0, 0.0))
    steps = np.hypot(*np.diff(made.poses[..., :2], axis=1).transpose(2, 0, 1))
    assert steps.max() <= made.step_m + 1e-9


def always(safe=True, known=True):
    def check(poses):
        return Checked(np.full(len(poses), safe), np.full(len(poses), known))

    return Checks(check, check, check, check)


def chosen(checks, goal=(4.0, 0.0), height=lambda x, y: 0 * x, **more):
    ground = toy.Ground(height)
    terrain = ground.map(everything=True)
    plan = GlobalCost(CONFIG)
    plan.cover(np.array([[0.0, 0.0], goal]))
    plan.merge(terrain, ground_cost(terrain, toy.rover(), CONFIG))
    cost = plan.solve(np.array(goal), np.zeros(2))
    return choose(arcs.library(CONFIG), plan, cost, np.zeros(3), checks, CONFIG, HALF_FOV, **more)


def test_straight_on_when_the_goal_is_ahead():
    choice = chosen(always())
    assert choice.turn == 0.0
    assert np.abs(choice.poses[:, 1]).max() < 0.05
    assert choice.cost == pytest.approx(4.0, rel=0.05)
    assert choice.checked <= 8


def test_turns_first_when_the_goal_is_behind():
    choice = chosen(always(), goal=(-4.0, 0.5))
    assert abs(choice.turn) > 2.0
    assert abs(frames.wrapped(choice.direction)) > 2.4


def test_nothing_safe_is_no_choice():
    assert chosen(always(safe=False)) is None


def test_unseen_ground_in_view_is_not_driven():
    """It may turn towards ground that is out of view now, but not drive on."""
    choice = chosen(always(known=False))
    assert choice is None or choice.turn != 0.0


def test_the_own_path_is_kept_until_another_is_clearly_better():
    along = np.column_stack([0.1 * np.arange(1, 16), np.full(15, 0.05), np.zeros(15)])
    assert np.array_equal(chosen(always(), kept=along).poses, along)
    away = np.column_stack([np.full(15, 0.1), -0.1 * np.arange(1, 16), np.full(15, -np.pi / 2)])
    assert not np.array_equal(chosen(always(), kept=away).poses, away)
    ended = chosen(always(safe=False), kept=along)
    assert ended is None


def test_margins_shrink_only_where_there_is_no_other_way():
    """Planned poses are unsafe, tight ones are not: then those are taken, else not asked for."""
    asked = []

    def tight(poses):
        asked.append(len(poses))
        return Checked(np.ones(len(poses), bool), np.ones(len(poses), bool))

    def plan(poses):
        return Checked(np.hypot(*poses[:, :2].T) < 0.05, np.ones(len(poses), bool))

    roomy = always()
    assert chosen(Checks(roomy.plan, tight, roomy.guard, roomy.turn)).turn == 0.0
    assert not asked
    assert chosen(Checks(plan, tight, roomy.guard, roomy.turn)).poses[-1, 0] > 1.5
    assert asked


def test_ground_that_was_stared_at_in_vain_is_hidden():
    plan = GlobalCost(CONFIG)
    plan.cover(np.array([[0.0, 0.0], [4.0, 0.0]]))
    spot, behind = np.array([[2.0, 0.0]]), np.array([[-2.0, 0.0]])
    assert not plan.hidden(spot)[0]
    plan.stare(np.zeros(3), HALF_FOV)
    assert plan.hidden(spot)[0]
    assert not plan.hidden(behind)[0]


def test_a_slope_costs_what_it_is_expected_to_slip():
    terrain = toy.Ground(lambda x, y: np.tan(np.radians(12.0)) * x).map(everything=True)
    slip = follow.SlipCompensation()
    plain = np.nanmedian(ground_cost(terrain, toy.rover(), CONFIG).whole)
    before = np.nanmedian(ground_cost(terrain, toy.rover(), CONFIG, slip.model).whole)
    for _ in range(30):
        slip.model.learn(np.radians(12.0), 0.5)
    learned = np.nanmedian(ground_cost(terrain, toy.rover(), CONFIG, slip.model).whole)
    assert plain < before < learned
    assert learned - plain == pytest.approx(1.0, abs=0.15)  # half the way is slip: 1 / 0.5 - 1
    loose = follow.SlipCompensation()
    for _ in range(60):
        loose.model.learn(np.radians(12.0), 0.9)
    lost = np.nanmedian(ground_cost(terrain, toy.rover(), CONFIG, loose.model).whole)
    assert lost >= CONFIG.hazard_cost


@pytest.mark.parametrize(("step_m", "wide_m"), [(0.0, 0.0), (0.1, 0.15)])
def test_a_step_is_widened_and_rough_ground_is_wide_already(step_m, wide_m):
    terrain = toy.Ground(lambda x, y: 0.0 * x).map(everything=True)
    at = terrain.layers["elevation"].shape[0] // 2
    for name, value in (("hazard", 1.0), ("step", step_m)):
        terrain.layers[name] = np.zeros_like(terrain.layers["elevation"])
        terrain.layers[name][at, at] = value
    dear = np.argwhere(ground_cost(terrain, toy.rover(), CONFIG).whole >= CONFIG.hazard_cost)
    reach_m = np.hypot(*(dear - at).T).max() * toy.RES
    assert reach_m == pytest.approx(wide_m, abs=toy.RES / 2.0)


def test_dear_ground_is_gone_around_by_rank_and_bad_ground_by_check():
    rock = chosen(toy_checks(stone), height=stone)
    assert np.abs(rock.poses[:, 1]).max() > 0.2
    check = toy.settle_check(toy.Ground(stone).map(everything=True))
    assert check(rock.poses).safe.all()


def stone(x, y):
    return 0.4 * (np.hypot(x - 1.2, y) < 0.25)


def toy_checks(height):
    return toy.checks(toy.Ground(height).map(everything=True))


def test_penalty_keeps_from_turning_again():
    around = chosen(always(), goal=(2.5, 2.5), turn_penalty=5.0)
    assert around.turn == 0.0


# -- guard ------------------------------------------------------------------------------------

NO_PATH = np.zeros((0, 3))


def objected(height, speeds, path=NO_PATH, here=(0.0, 0.0, 0.0)):
    return guard.objection(np.array(here), speeds, path, toy_checks(height).guard, CONFIG)


def wall(at):
    return lambda x, y: 0.4 * (np.abs(x - at) < 0.05)


def test_guard_stops_before_a_wall_on_the_path_and_on_the_arc():
    path = arcs.arc(np.zeros((1, 3)), np.zeros(1), np.arange(0.05, 1.5, 0.05))[0]
    assert "0." in objected(wall(0.6), (0.08, 0.0), path)
    assert objected(wall(0.6), (0.08, 0.0)) is None
    nose = 0.25
    assert objected(wall(nose + CONFIG.guard_arc_m), (0.08, 0.0)) is not None
    assert objected(wall(1.2), (0.08, 0.0), path) is None


def test_guard_is_silent_on_flat_ground_at_rest_and_backwards():
    flat = lambda x, y: 0 * x  # noqa: E731
    for speeds in ((0.08, 0.0), (0.05, 0.3), (0.0, 0.3), (0.0, 0.0), (-0.05, 0.0)):
        assert objected(flat, speeds) is None
    assert objected(wall(0.4), (0.0, 0.0)) is None


def test_guard_lets_a_rover_leave_bad_ground():
    assert objected(lambda x, y: 0.4 * (np.hypot(x, y) < 0.08), (0.08, 0.0)) is None


# -- watch and trail --------------------------------------------------------------------------


def watched(share, seconds=20.0, speeds=(0.08, 0.0), **more):
    watch, x = Watch(toy.rover(), CONFIG), 0.0
    for tick in range(int(10 * seconds)):
        x += share * speeds[0] * 0.1
        found = watch.trouble(0.1 * tick, frames.planar(x, 0.0, 0.0), speeds, **more)
        if found:
            return found
    return None


@pytest.mark.parametrize("share", [1.0, 0.7, 0.35])
def test_moving_is_no_trouble(share):
    assert watched(share) is None


@pytest.mark.parametrize("share", [0.0, 0.1, -0.5])
def test_not_moving_is_stuck(share):
    assert watched(share)[0] is Code.STUCK


def test_short_stop_is_no_trouble():
    assert watched(0.0, seconds=5.0) is None


def test_wheels_that_spin_on_the_spot_are_trouble_at_once():
    assert "do not bring it on" in watched(1.0, seconds=1.5, immobile=True)[1]
    assert watched(1.0, seconds=0.9, immobile=True) is None


def test_slip_and_torque_are_trouble():
    assert "slip by 90 %" in watched(0.5, slip=0.9)[1]
    assert watched(1.0, effort_nm=1.0) is None
    assert "N m" in watched(1.0, effort_nm=5.0)[1]


def leant(watch, tilt_deg, x=0.0, leaving=False):
    pose = frames.from_rpy((x, 0.0, 0.0), (0.0, np.radians(tilt_deg), 0.0))
    return watch.trouble(0.1, pose, (-0.08, 0.0), leaving=leaving) is not None


def test_a_tilt_that_lasts_is_one_trouble():
    watch, limit = Watch(toy.rover(), CONFIG), CONFIG.stop_tilt_deg
    assert not leant(watch, limit - 1.0)
    assert leant(watch, limit + 1.0)
    watch.reset()
    assert not any(leant(watch, limit + 1.0 + 0.2 * tick, leaving=True) for tick in range(10))
    assert not any(leant(watch, limit + 1.0) for _ in range(10))
    assert leant(watch, limit + 5.0, leaving=True)
    assert not leant(watch, limit + 5.0)
    assert leant(watch, limit + 5.0, x=0.3)


def test_who_leant_back_and_leans_again_is_in_trouble_anew():
    watch, limit = Watch(toy.rover(), CONFIG), CONFIG.stop_tilt_deg
    assert leant(watch, limit + 1.0)
    assert not leant(watch, 2.0)
    assert leant(watch, limit + 1.0)


def test_backing_out_for_another_reason_it_may_lean_a_little():
    watch, limit = Watch(toy.rover(), CONFIG), CONFIG.stop_tilt_deg
    assert not leant(watch, limit + 2.0, leaving=True)
    assert leant(watch, limit + 4.0, leaving=True)


def walked(*legs):
    """A trail of straight legs (heading, metres), and the pose at its end."""
    trail, at = Trail(), np.zeros(3)
    trail.add(frames.planar(*at))
    for yaw, metres in legs:
        at[2] = yaw
        for _ in range(round(metres / 0.02)):
            at[:2] += 0.02 * np.array([np.cos(yaw), np.sin(yaw)])
            trail.add(frames.planar(*at))
    return trail, at


def gone_back(trail, at, distance_m):
    """Poses (n, 3) of a rover that retraces its trail."""
    back = Retrace(trail.back(frames.planar(*at), distance_m), CONFIG)
    poses = [at.copy()]
    for _ in range(3000):
        speeds = back.steer(frames.planar(*poses[-1]), 0.08)
        if speeds is None:
            return np.array(poses)
        step = np.array([0.1 * speeds[0], 0.0, 0.1 * speeds[1]])
        poses.append(arcs.placed(step, *map(float, poses[-1])))
    raise AssertionError("it never came to an end")


def test_trail_goes_back_as_far_as_asked():
    trail, at = walked((0.0, 1.0))
    back = trail.back(frames.planar(*at), 0.5)
    assert 0.45 < back[0, 0] - back[-1, 0] < 0.6
    poses = gone_back(trail, at, 0.5)
    assert 0.4 < at[0] - poses[-1, 0] < 0.6
    assert np.abs(poses[:, 1]).max() < 0.01
    trail.cut(frames.planar(*poses[-1]))
    assert trail.poses[-1][0] == pytest.approx(poses[-1, 0], abs=0.06)


@pytest.mark.parametrize("other", [1.6, -1.6, 0.0])
def test_it_goes_back_through_the_sharpest_arcs_beside_nothing_but_its_own_track(other):
    """Where the rover came around a rock by a sharp arc, a wider one backwards ends on the rock."""
    trail, at = Trail(), np.zeros(3)
    came = []
    for index in range(200):
        curvature = CONFIG.max_curvature if index < 130 else other
        at = arcs.placed(np.array([0.008, 0.0, 0.008 * curvature]), *map(float, at))
        trail.add(frames.planar(*at))
        came.append(at)
    poses = gone_back(trail, at, 0.6)
    aside = np.hypot(*(poses[:, None, :2] - np.array(came)[:, :2]).transpose(2, 0, 1)).min(1)
    assert aside.max() < 0.02


@pytest.mark.parametrize("turn", [1.0, -2.0, 3.0])
def test_trail_goes_back_through_its_turns(turn):
    trail, at = walked((0.0, 0.6), (turn, 0.5))
    poses = gone_back(trail, at, 2.0)
    assert np.hypot(*poses[-1, :2]) < 0.1
    assert abs(poses[-1, 2]) < np.radians(15.0)
    corner = np.array([0.6, 0.0])
    track = np.vstack([np.linspace([0.0, 0.0], corner), np.linspace(corner, at[:2])])
    aside = np.hypot(*(poses[:, None, :2] - track).transpose(2, 0, 1)).min(1)
    assert aside.max() < 0.07


def test_loops_of_a_trail_are_not_gone_again():
    trail, at = walked((0.0, 1.0), (2.0, 0.3), (-1.1, 0.3), (0.0, 0.1))
    poses = gone_back(trail, at, 1.0)
    assert np.hypot(*np.diff(poses[:, :2], axis=0).T).sum() < 1.3
    assert np.hypot(*poses[-1, :2]) < 0.15


def test_a_rover_that_was_carried_away_does_not_go_back():
    trail, _ = walked((0.0, 1.0))
    assert len(trail.back(frames.planar(1.0, 2.0, 0.0), 0.5)) == 0


# -- following --------------------------------------------------------------------------------


def test_pursuit_stays_on_a_circle():
    along = np.arange(0.05, 6.0, 0.05)
    path = arcs.arc(np.zeros((1, 3)), np.array([0.8]), along)[0]
    pose = np.zeros(3)
    for _ in range(400):
        speed, rate = follow.pursue(frames.planar(*pose), path, 0.08, CONFIG)
        pose = arcs.placed(np.array([0.1 * speed, 0.0, 0.1 * rate]), *map(float, pose))
    far = np.hypot(pose[0], pose[1] - 1.25)
    assert far == pytest.approx(1.25, abs=0.05)


def test_compensation_learns_and_keeps_the_limits():
    slip, rover = follow.SlipCompensation(), toy.rover()
    pose = np.zeros(3)
    for tick in range(200):
        slip.learn(0.1 * tick, frames.planar(*pose), (0.08, 0.2))
        pose = arcs.placed(np.array([0.7 * 0.008, 0.0, 0.5 * 0.02]), *map(float, pose))
    assert slip.forward == pytest.approx(0.7, abs=0.05)
    assert slip.turning == pytest.approx(0.5, abs=0.05)
    for wanted in ((0.09, 0.4), (0.0, 0.4), (0.09, 0.1)):
        speed, rate = slip.command(wanted, rover)
        assert speed <= rover.limits.speed_mps
        assert rate <= rover.limits.turn_rate_radps
    assert rate / speed == pytest.approx((0.1 / slip.turning) / (0.09 / slip.forward))


@pytest.mark.parametrize("wanted", [(0.08, 0.3), (-0.08, 0.3), (0.02, -0.5), (0.1, 2.0)])
def test_the_inner_wheels_of_an_arc_are_not_left_behind(wanted):
    """Skid steering stands still between arcs and turns in place: see `test_tight_arcs.py`."""
    rover = toy.rover()
    speed, rate = follow.SlipCompensation().command(wanted, rover)
    inner = abs(speed) - 0.5 * rover.track_m * abs(rate)
    assert inner >= 0.6 * abs(speed) - 1e-9
    assert (np.sign(speed), np.sign(rate)) == (np.sign(wanted[0]), np.sign(wanted[1]))
    assert follow.SlipCompensation().command((0.0, 0.3), rover)[1] > 0.3


@given(seen=st.floats(-1.0, 5.0))
def test_it_never_comes_to_the_end_of_what_it_has_seen(seen):
    speed = follow.stopping_speed(seen, 0.08, CONFIG)
    assert 0.0 <= speed <= 0.08
    assert speed * CONFIG.replan_s <= max(seen, 0.0)


# -- zones ------------------------------------------------------------------------------------


def test_zones_from_text():
    zones = Zones.parsed("0 0 2 0 2 2 0 2; 5 5, 6 5, 6 6", "")
    assert [len(zone) for zone in zones.keep_out] == [4, 3]
    xy = np.array([[1.0, 1.0], [3.0, 1.0], [5.8, 5.2]])
    assert zones.forbidden(xy).tolist() == [True, False, True]
    assert not Zones.parsed("", " ").corners.size


@pytest.mark.parametrize("text", ["1 2 3 4", "1 2 3 4 5 x", "0 0 1 1 nan 2", "0 0 1 1 2 2 3"])
def test_wrong_zones_are_refused_by_name(text):
    with pytest.raises(NavigationError, match="keep_in: polygon 2"):
        Zones.parsed("", f"0 0 1 0 1 1; {text}")


def test_raster_agrees_with_points_when_odom_is_turned():
    zones = Zones(keep_in=(np.array([[-2.0, -1.0], [2.0, -1.0], [2.0, 1.0], [-2.0, 1.0]]),))
    odom_T_map = frames.planar(0.5, 0.2, 0.6)
    origin = np.array([-3.0, -3.0])
    drawn = zones.raster(origin, 0.1, (60, 60), odom_T_map)
    rows, columns = np.indices(drawn.shape)
    xy = origin + 0.1 * (np.stack([columns, rows], -1).reshape(-1, 2) + 0.5)
    in_map = frames.points(frames.inverse(odom_T_map), np.column_stack([xy, np.zeros(len(xy))]))
    agree = zones.forbidden(in_map[:, :2]) == drawn.ravel()
    assert agree.mean() > 0.95
