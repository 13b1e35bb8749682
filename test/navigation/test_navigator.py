# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Whole drives of a toy vehicle over ground with known answers."""

import dataclasses

import numpy as np
import pytest
import toy

from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.navigation.navigator import Navigator
from tenacious_rover.navigation.state import Goal, Motion, ShortMove
from tenacious_rover.navigation.zones import Zones
from tenacious_rover.rover import frames

WORLDS = {
    "open": lambda x, y: 0 * x,
    "wall": lambda x, y: 0.4 * ((np.abs(x - 2) < 0.1) & (np.abs(y) < 1.2)),
    "corner": lambda x, y: (
        0.4
        * (
            ((np.abs(x - 2) < 0.1) & (np.abs(y) < 1.5))
            | ((np.abs(np.abs(y) - 1.5) < 0.1) & (x < 2) & (x > 0.5))
        )
    ),
    "bowl": lambda x, y: -0.25 * np.exp(-((x - 2) ** 2 + y**2) / 0.5),
    "ridge": lambda x, y: 0.6 * np.exp(-(((x - 2) / 0.3) ** 2)) * (np.abs(y) < 1.5),
    "cliff": lambda x, y: -0.5 * ((x > 1.5) & (y < -0.7)),
    "maze": lambda x, y: (
        0.4
        * (
            ((np.abs(x + 1) < 0.1) & (y > -1.0))
            | ((np.abs(x - 1) < 0.1) & (y < 1.0))
            | ((np.abs(x - 3) < 0.1) & (y > -1.0))
        )
    ),
}


def navigator(**numbers):
    config = dataclasses.replace(NavigationConfig(), **numbers)
    return Navigator(toy.rover(), config, toy.checks)


AHEAD, FREE = Goal(4.0, 0.0), Zones()


def started(world="open", goal=AHEAD, zones=FREE, **numbers):
    vehicle = toy.Vehicle(toy.Ground(WORLDS[world]), x=-3.0)
    made = navigator(**numbers)
    made.go(goal, zones)
    return made, vehicle


@pytest.mark.parametrize("world", WORLDS)
def test_reaches_the_goal_and_touches_nothing(world):
    made, vehicle = started(world)
    ended = toy.drive(made, vehicle, 600.0)
    assert ended.code is Code.NONE, ended.reason
    assert np.hypot(vehicle.x - 4.0, vehicle.y) < 0.12
    assert not toy.touched(vehicle)
    assert (ended.linear_mps, ended.angular_radps) == (0.0, 0.0)


@pytest.mark.parametrize(("world", "longest"), [("open", 7.1), ("wall", 8.2), ("corner", 9.6)])
def test_ways_are_short(world, longest):
    made, vehicle = started(world)
    toy.drive(made, vehicle, 600.0)
    assert vehicle.driven_m < longest


def test_wheels_rarely_wait():
    made, vehicle = started("wall")
    still = []
    toy.drive(made, vehicle, 600.0, lambda v, c: still.append(c.linear_mps < 0.01))
    assert np.mean(still) < 0.1


def test_goal_inside_a_rock_is_given_up():
    made, vehicle = started(goal=Goal(2.0, 0.0))
    vehicle.ground = toy.Ground(
        lambda x, y: 0.5 * np.sqrt(np.clip(1.0 - ((x - 2) ** 2 + y**2) / 0.1, 0.0, 1.0))
    )
    ended = toy.drive(made, vehicle, 600.0)
    assert ended.code is Code.NO_PATH
    assert not toy.touched(vehicle)


def test_goal_outside_of_the_zone_is_refused():
    square = np.array([[-4.0, -4.0], [3.0, -4.0], [3.0, 4.0], [-4.0, 4.0]])
    with pytest.raises(NavigationError) as caught:
        started(zones=Zones(keep_in=(square,)))
    assert caught.value.code is Code.GOAL_IN_KEEP_OUT


def test_goal_behind_the_lander_is_reached_around_it():
    lander = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    made, vehicle = started(goal=Goal(3.0, 0.0), zones=Zones(keep_out=(lander,)))
    ended = toy.drive(made, vehicle, 600.0)
    assert ended.code is Code.NONE, ended.reason
    track = np.array(vehicle.track)
    assert (np.abs(track[:, :2]).max(1) > 1.16).all()


def test_zones_that_leave_no_way():
    ring = np.array([[2.0, -2.0], [6.0, -2.0], [6.0, 2.0], [2.0, 2.0]])
    inner = np.array([[-4.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-4.0, 1.0]])
    made, vehicle = started(zones=Zones(keep_in=(ring, inner)))
    ended = toy.drive(made, vehicle, 60.0)
    assert ended.code is Code.NO_PATH
    assert "zones" in ended.reason


def test_heading_is_taken_at_the_end():
    made, vehicle = started(goal=Goal(0.0, 1.0, yaw=-2.0))
    ended = toy.drive(made, vehicle, 300.0)
    assert ended.code is Code.NONE
    assert abs(frames.wrapped(vehicle.yaw + 2.0)) < np.radians(5.5)


def test_new_goal_while_moving():
    made, vehicle = started()
    toy.drive(made, vehicle, 20.0)
    made.go(Goal(-3.0, 3.0))
    ended = toy.drive(made, vehicle, 400.0)
    assert ended.code is Code.NONE
    assert np.hypot(vehicle.x + 3.0, vehicle.y - 3.0) < 0.12


def test_stop_while_moving():
    made, vehicle = started()
    toy.drive(made, vehicle, 20.0)
    made.stop()
    command = made.cycle(vehicle.time_s, vehicle.pose, vehicle.ground.map())
    assert (command.linear_mps, command.angular_radps, command.state) == (0.0, 0.0, "idle")


def test_goal_stays_in_map_when_odom_drifts():
    made, vehicle = started()
    toy.drive(made, vehicle, 20.0)
    vehicle.map_T_odom = frames.planar(0.5, -0.8, 0.1)
    ended = toy.drive(made, vehicle, 400.0)
    assert ended.code is Code.NONE
    in_map = vehicle.map_T_odom @ vehicle.pose.odom_T_base
    assert np.hypot(*(in_map[:2, 3] - (4.0, 0.0))) < 0.12


def test_slip_is_made_up_for():
    made, vehicle = started("wall")
    vehicle.share = 0.8
    ended = toy.drive(made, vehicle, 600.0)
    assert ended.code is Code.NONE
    assert vehicle.driven_m / vehicle.time_s > 0.9 * made.config.speed_mps


def test_held_rover_backs_out_and_gives_up_with_the_reason():
    made, vehicle = started(max_recoveries=2)

    def hold(v, command):
        v.held = v.x > -1.0

    ended = toy.drive(made, vehicle, 600.0, hold)
    assert ended.code is Code.STUCK
    assert "moved" in ended.reason
    assert ended.recoveries == 3


def test_soft_patch_is_backed_out_of_and_gone_around():
    made, vehicle = started()
    states = set()

    def soft(v, command):
        inside = np.hypot(v.x, v.y) < 0.4
        v.share = 0.05 if inside and command.linear_mps > 0.0 else 1.0
        states.add(command.state)

    ended = toy.drive(made, vehicle, 900.0, soft)
    assert ended.code is Code.NONE, ended.reason
    assert "backing_out" in states
    assert 1 <= ended.recoveries <= 8


@pytest.mark.parametrize(("known", "allowed"), [(True, True), (False, True), (True, False)])
def test_what_a_turn_has_dug_in_comes_out_straight_back_where_that_is_known_and_allowed_else_ahead(
    known, allowed
):
    behind = np.array([[-5.0, -2.0], [-1.0, -2.0], [-1.0, -0.5], [-5.0, -0.5]])
    zones = FREE if allowed else Zones(keep_out=(behind,))
    made, vehicle = started(zones=zones, max_recoveries=4)
    vehicle.yaw = np.pi / 2.0
    vehicle.ground.look((-3.0, -0.6, np.pi / 2.0))
    if known:
        vehicle.ground.look((-3.0, -2.0, np.pi / 2.0), fov=0.5, reach=2.3)
    way = []

    def pit(v, command):
        speed, rate = command.linear_mps, command.angular_radps
        way.append(v.y)
        inside = np.hypot(v.x + 3.0, v.y) < 0.4
        if inside and speed == 0.0 and rate != 0.0:
            v.held = True
        elif abs(speed) > 0.0 and abs(rate) < 0.02:
            v.held = False

    ended = toy.drive(made, vehicle, 900.0, pit)
    assert ended.code is Code.NONE, ended.reason
    assert 1 <= ended.recoveries <= 4
    assert bool(min(way) < -0.1) is (known and allowed)


def test_wheels_that_hold_are_rocked_free():
    made, vehicle = started(max_recoveries=2)
    ways, pit = [], {"deep": True}

    def dig(v, command):
        if v.x > -1.0 and pit["deep"]:
            ways.append(np.sign(command.linear_mps))
            reversals = np.count_nonzero(np.diff([way for way in ways if way]))
            pit["deep"] = reversals < 8
            v.held = pit["deep"]

    ended = toy.drive(made, vehicle, 900.0, dig)
    assert ended.code is Code.NONE, ended.reason
    assert ended.recoveries == 1
    assert not pit["deep"]


@pytest.mark.parametrize("felt", [True, False])
def test_no_turn_in_place_on_ground_that_was_felt_to_be_soft(felt):
    made, vehicle = started()
    vehicle.yaw = np.pi / 2.0
    if felt:
        made.soft.add(np.array([vehicle.x, vehicle.y]))
    begin, turned_m = np.array([vehicle.x, vehicle.y]), []

    def watch(v, command):
        if command.linear_mps == 0.0 and command.angular_radps != 0.0:
            turned_m.append(np.hypot(*(begin - (v.x, v.y))))

    ended = toy.drive(made, vehicle, 300.0, watch)
    assert ended.code is Code.NONE, ended.reason
    near = [far for far in turned_m if far < made.soft.config.reach_m]
    assert bool(near) is not felt


@pytest.mark.parametrize("rock", [True, False])
def test_wheels_that_spin_straight_on_mean_soft_ground_where_no_rock_holds_them(rock):
    made = navigator()
    made.go(ShortMove(straight=1.0))
    bump = lambda x, y: 0.05 * (np.hypot(x - 0.25, y) < 0.1) if rock else 0.0 * x  # noqa: E731
    vehicle = toy.Vehicle(toy.Ground(bump), held=True)
    vehicle.ground.look((-1.0, 0.0, 0.0))
    toy.drive(made, vehicle, 3.0, motion=Motion(immobile=True))
    assert bool(made.soft.near(np.zeros((1, 2)))[0]) is not rock


def test_current_that_stays_high_is_trouble():
    made, vehicle = started(max_recoveries=0)
    ended = toy.drive(made, vehicle, 60.0, motion=Motion(effort_nm=3.0))
    assert ended.code is Code.STUCK
    assert "N m" in ended.reason


def test_who_leans_backs_out_before_that_is_trouble_again():
    made, vehicle = started(max_recoveries=2)
    plain, back = toy.Vehicle.pose.fget, []

    class Leaning(toy.Vehicle):
        """By 26 deg from x = -2 on, until it has backed out for a second."""

        @property
        def pose(self):
            here = plain(self)
            leaning = max(x for x, _, _ in [(self.x, 0.0, 0.0), *self.track]) > -2.0
            lean = np.radians(26.0) if leaning and len(back) < 10 else 0.0
            here.odom_T_base = here.odom_T_base @ frames.from_rpy((0, 0, 0), (0, -lean, 0))
            return here

    def watch(v, command):
        back.extend([v.x] * (command.state == "backing_out"))

    ended = toy.drive(made, Leaning(vehicle.ground, x=-3.0), 600.0, watch)
    assert ended.code is Code.NONE, ended.reason
    assert ended.recoveries == 1
    assert back[-1] < back[0] - 0.3


def test_tilt_stops():
    made, vehicle = started(max_recoveries=0)
    pose = toy.Here(0.0, frames.from_rpy((-3, 0, 0), (0.5, 0, 0)))
    vehicle.ground.look((-3, 0, 0))
    ended = made.cycle(0.0, pose, vehicle.ground.map())
    assert ended.code is Code.TILT_LIMIT


def test_time_is_over():
    made, vehicle = started(goal=Goal(4.0, 0.0, time_limit_s=10.0))
    assert toy.drive(made, vehicle, 60.0).code is Code.TIMEOUT


@pytest.mark.parametrize("missing", ["pose", "terrain"])
def test_stale_data_stops_the_wheels_then_ends_the_drive(missing):
    made, vehicle = started()
    toy.drive(made, vehicle, 10.0)
    terrain, old = vehicle.ground.map(), vehicle.pose
    speeds, ended = [], None
    for tick in range(600):
        vehicle.time_s = 10.0 + 0.1 * tick
        pose = old if missing == "pose" else vehicle.pose
        ended = made.cycle(vehicle.time_s, pose, terrain)
        speeds.append(abs(ended.linear_mps))
        if ended.done:
            break
    assert speeds[0] > 0.0
    assert not any(speeds[80:])
    code = Code.NO_LOCALIZATION if missing == "pose" else Code.NO_TERRAIN
    assert ended.code is code


def test_no_data_at_all():
    made, _ = started()
    assert made.cycle(0.0, None, None).state == "waiting"
    assert made.cycle(20.0, None, None).code is Code.NO_LOCALIZATION


@pytest.mark.parametrize("goal", [Goal(np.nan, 0.0), ShortMove(), ShortMove(straight=np.inf)])
def test_goals_that_make_no_sense(goal):
    with pytest.raises(NavigationError) as caught:
        navigator().go(goal)
    assert caught.value.code is Code.INVALID_GOAL


def test_wall_that_appears_on_the_path_is_guarded():
    made, vehicle = started()
    toy.drive(made, vehicle, 20.0)
    x = vehicle.x
    wall = toy.Ground(lambda a, b: 0.4 * (np.abs(a - x - 0.45) < 0.06))
    command = made.cycle(vehicle.time_s, vehicle.pose, wall.map(everything=True))
    assert command.linear_mps <= 0.0


@pytest.mark.parametrize("amount", [0.3, -0.25, 0.02])
def test_straight_move_ends_to_the_centimetre(amount):
    made, vehicle = started()
    made.go(ShortMove(straight=amount))
    ended = toy.drive(made, vehicle, 120.0)
    assert ended.code is Code.NONE
    assert vehicle.x + 3.0 == pytest.approx(amount, abs=0.015)


@pytest.mark.parametrize("amount", [0.5, -1.2, 4.0])
def test_turn_ends_to_the_degree(amount):
    made, vehicle = started()
    made.go(ShortMove(turn=amount))
    ended = toy.drive(made, vehicle, 240.0)
    assert ended.code is Code.NONE
    assert vehicle.yaw == pytest.approx(amount, abs=np.radians(2.0))


@pytest.mark.parametrize("move", [ShortMove(straight=0.5), ShortMove(turn=1.0)])
def test_short_move_that_does_not_move_is_stuck(move):
    made, vehicle = started()
    vehicle.held = True
    made.go(move)
    assert toy.drive(made, vehicle, 240.0).code is Code.STUCK


@pytest.mark.parametrize("straight", [0.4, -0.4])
def test_wheels_that_hold_in_a_straight_move_are_rocked_free(straight):
    made, vehicle = started()
    made.go(ShortMove(straight=straight))
    began, way = vehicle.x, np.sign(straight)
    strokes, back_m = [0.0], [0.0]

    def dig(v, command):
        stroke = np.sign(command.linear_mps)
        moved = way * (v.x - began)
        if command.reason == "rocking the wheels free":
            back_m.append(0.1 - moved)
            if stroke != strokes[-1]:
                strokes.append(stroke)
        # Against the wish the wheels are free at once: what was left behind stands there.
        v.held = moved > 0.1 and stroke == way and len(strokes) < 8

    ended = toy.drive(made, vehicle, 240.0, dig)
    assert ended.code is Code.NONE, ended.reason
    assert way * (vehicle.x - began) == pytest.approx(0.4, abs=0.015)
    assert 4 <= len(strokes) <= 10
    assert max(back_m) < 2.5 * made.config.rock_free_m


def test_short_move_ahead_stops_before_what_is_known_to_be_in_the_way():
    made, vehicle = started("wall")
    made.go(ShortMove(straight=4.9))
    ended = toy.drive(made, vehicle, 240.0)
    assert ended.code is Code.GUARD_STOP
    assert 1.0 < vehicle.x < 1.9 - 0.25
    assert not toy.touched(vehicle)


def test_short_move_needs_no_map():
    made, vehicle = started()
    made.go(ShortMove(straight=0.1))
    for _ in range(100):
        command = made.cycle(vehicle.time_s, vehicle.pose, None)
        vehicle.move(command.linear_mps, command.angular_radps)
    assert command.code is Code.NONE
    assert command.done
