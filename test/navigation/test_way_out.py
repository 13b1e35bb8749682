# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Ways out of trouble: which one, when the wheels are rocked, and when it is the end."""

import numpy as np
import pytest

from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.navigation.local import Checked
from tenacious_rover.navigation.recovery import Trail
from tenacious_rover.navigation.way_out import WayOut
from tenacious_rover.rover import frames

CONFIG = NavigationConfig()
SPEED = 0.08


class Here:
    time_s = 0.0
    odom_T_base = map_T_odom = np.eye(4)


def trail(*poses):
    made = Trail()
    for pose in poses:
        made.add(frames.planar(*pose))
    return made


def guard(safe=lambda x: x < 100.0, known=lambda x: x < 100.0):
    """What a guard says of poses, by their x."""
    return lambda poses: Checked(safe(poses[:, 0]), known(poses[:, 0]))


CAME = trail(*[(x, 0.0, 0.0) for x in np.arange(-1.0, 0.01, 0.05)])


def speed_of(out, time_s=0.0):
    return out.steer(time_s, Here(), SPEED)[0][0]


@pytest.mark.parametrize(
    ("check", "speed"),
    [
        (guard(), -SPEED),
        (guard(safe=lambda x: x > -0.2), SPEED),
        (guard(known=lambda x: x > -0.2), SPEED),
    ],
    ids=["back", "hazard behind", "unknown behind"],
)
def test_where_wheels_dig_it_goes_straight_over_known_safe_ground(check, speed):
    out = WayOut(CONFIG)
    out.begin(Here(), check, trail((0.0, 0.0, 0.0)), Code.STUCK, "held")
    assert speed_of(out) == pytest.approx(speed)


@pytest.mark.parametrize("code", [Code.STUCK, Code.GUARD_STOP])
def test_own_track_is_driven_whatever_the_map_says_now(code):
    out = WayOut(CONFIG)
    out.begin(Here(), guard(safe=lambda x: x > 100.0), CAME, code, "held")
    assert speed_of(out) < 0.0


def test_without_any_way_it_is_not_going():
    out = WayOut(CONFIG)
    out.begin(Here(), guard(safe=lambda x: x > 100.0), Trail(), Code.STUCK, "held")
    assert out.steer(0.0, Here(), SPEED) is None
    assert not out.going


def test_nothing_moves_for_a_while_then_it_rocks_and_at_last_gives_up():
    out, said = WayOut(CONFIG), []
    out.begin(Here(), guard(), CAME, Code.STUCK, "held")
    for tick in range(10_000):
        steered = out.steer(0.1 * tick, Here(), SPEED)
        if steered is None:
            break
        said.append((steered[2], np.sign(steered[0][0])))
    first = [words for words, _ in said].index("rocking the wheels free")
    assert first == pytest.approx(10.0 * CONFIG.hold_s, abs=2)
    assert {sign for _, sign in said[first:]} == {-1.0, 1.0}
    rocked_s = 0.1 * (len(said) - first)
    assert rocked_s == pytest.approx(CONFIG.rock_strokes * CONFIG.rock_stroke_s, rel=0.05)


def test_stuck_again_at_the_same_place_it_goes_over_bad_ground_to_good():
    out = WayOut(CONFIG)
    beside = guard(safe=lambda x: (np.abs(x) < 0.05) | (x < -0.27))
    nowhere = trail((0.0, 0.0, 0.0))
    out.begin(Here(), beside, nowhere, Code.STUCK, "held")
    assert out.steer(0.0, Here(), SPEED) is None
    out.begin(Here(), beside, nowhere, Code.STUCK, "held")
    assert speed_of(out) == pytest.approx(-SPEED)


def test_bad_ground_that_goes_on_is_not_driven_however_often_it_is_stuck():
    out = WayOut(CONFIG)
    bad = guard(safe=lambda x: np.abs(x) < 0.05)
    for _ in range(3):
        out.begin(Here(), bad, trail((0.0, 0.0, 0.0)), Code.STUCK, "held")
        assert out.steer(0.0, Here(), SPEED) is None


def test_a_turn_that_never_ends_is_given_up():
    out = WayOut(CONFIG)
    out.begin(Here(), guard(), trail((-0.5, 0.0, 1.0), (0.0, 0.0, 1.0)), Code.TILT_LIMIT, "leans")
    times = np.arange(0.0, 300.0, 0.1)
    going = [out.steer(time_s, Here(), SPEED) is not None for time_s in times]
    assert going[0]
    assert 60.0 < times[going.index(False)] < 120.0
    assert not out.going


def test_too_often_is_the_end():
    out = WayOut(NavigationConfig(max_recoveries=1))
    out.begin(Here(), guard(), CAME, Code.STUCK, "held")
    with pytest.raises(NavigationError, match="held; gave up after 1") as caught:
        out.begin(Here(), guard(), CAME, Code.STUCK, "held")
    assert caught.value.code is Code.STUCK


def test_trouble_is_counted_anew_where_the_goal_is_nearer():
    out = WayOut(NavigationConfig(max_recoveries=1))
    for remaining_m in (10.0, 8.9, 5.0):
        out.begin(Here(), guard(), CAME, Code.STUCK, "held", remaining_m)
    with pytest.raises(NavigationError, match="held; gave up after 1"):
        out.begin(Here(), guard(), CAME, Code.STUCK, "held", 4.5)
    assert out.recoveries == 4
