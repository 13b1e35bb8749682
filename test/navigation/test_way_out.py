# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Ways out of trouble: which one, and where the rover must not go on."""

import numpy as np
import pytest

from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.navigation.local import Checked
from tenacious_rover.navigation.recovery import Trail
from tenacious_rover.navigation.retrace import Retrace
from tenacious_rover.navigation.way_out import WayOut
from tenacious_rover.rover import frames

CONFIG = NavigationConfig()
SPEED = 0.08


class Here:
    time_s = 0.0
    map_T_odom = np.eye(4)

    def __init__(self, x, y=0.0, yaw=0.0):
        self.odom_T_base = frames.planar(x, y, yaw)


def trail(*poses):
    made = Trail()
    for pose in poses:
        made.add(frames.planar(*pose))
    return made


def free(poses):
    return Checked(np.ones(len(poses), bool), np.ones(len(poses), bool))


def nothing_known(poses):
    return Checked(np.ones(len(poses), bool), np.zeros(len(poses), bool))


def hazard(inside):
    """A guard that objects to poses for which `inside` of x and y holds."""

    def guard(poses):
        return Checked(~inside(poses[:, 0], poses[:, 1]), np.ones(len(poses), bool))

    return guard


CAME = trail(*[(x, 0.0, 0.0) for x in np.arange(-1.0, 0.01, 0.05)])


def begun(guard, came=CAME, code=Code.STUCK, turning=False):
    out = WayOut(CONFIG)
    out.begin(Here(0.0), guard, came, code, "held", turning=turning)
    return out


def test_held_while_driving_goes_back_where_it_came():
    out = begun(nothing_known)
    speed, rate = out.steer(0.0, Here(0.0), nothing_known, SPEED)[0]
    assert speed < 0.0
    assert abs(rate) < 0.01


@pytest.mark.parametrize(
    ("blocked", "speed"), [(None, -SPEED), (lambda x, y: x < -0.2, SPEED)], ids=["back", "ahead"]
)
def test_dug_in_by_a_turn_leaves_straight_over_known_safe_ground(blocked, speed):
    guard = free if blocked is None else hazard(blocked)
    out = begun(guard, turning=True)
    assert out.steer(0.0, Here(0.0), guard, SPEED)[0][0] == pytest.approx(speed)


def test_held_while_driving_does_not_go_on_ahead():
    short = trail((0.0, 0.0, 0.0))
    out = begun(hazard(lambda x, y: x < -0.2), short)
    assert out.steer(0.0, Here(0.0), free, SPEED) is None


def test_own_track_is_driven_whatever_the_map_says_now():
    guard = hazard(lambda x, y: x < 10.0)
    out = begun(guard, code=Code.GUARD_STOP)
    assert out.steer(0.0, Here(0.0), guard, SPEED)[0][0] < 0.0


def test_who_strays_from_it_stops_before_a_hazard_once():
    guard = hazard(lambda x, y: (y > 0.1) & (x < 0.5))
    out = begun(guard, code=Code.GUARD_STOP)
    assert out.steer(0.0, Here(-0.2, 0.05), guard, SPEED) is not None
    assert out.steer(0.1, Here(-0.3, 0.095, -0.5), guard, SPEED) is None
    assert not out.going
    out.begin(Here(-0.3, 0.095, -0.5), guard, CAME, Code.GUARD_STOP, "held", turning=False)
    assert out.steer(0.2, Here(-0.3, 0.095, -0.5), guard, SPEED) is not None


def test_nothing_moves_for_a_while_then_it_rocks():
    out, said = begun(free), []
    for tick in range(60):
        speeds, _, words = out.steer(0.1 * tick, Here(0.0), free, SPEED)
        said.append((words, np.sign(speeds[0])))
    first = [words for words, _ in said].index("rocking the wheels free")
    assert first == pytest.approx(10.0 * CONFIG.hold_s, abs=2)
    assert {sign for words, sign in said[first:]} == {-1.0, 1.0}


def test_too_often_is_the_end():
    out = WayOut(NavigationConfig(max_recoveries=1))
    out.begin(Here(0.0), free, CAME, Code.STUCK, "held", turning=False)
    with pytest.raises(NavigationError, match="held; gave up after 1") as caught:
        out.begin(Here(0.0), free, CAME, Code.STUCK, "held", turning=False)
    assert caught.value.code is Code.STUCK


def test_what_was_driven_is_known_to_a_few_centimetres():
    way = Retrace(np.zeros((1, 3)), CONFIG, own=np.array([[1.0, 2.0, 3.1]]))
    poses = [[1.02, 2.03, 3.1], [1.0, 2.1, 3.1], [1.0, 2.0, 2.8], [1.0, 2.0, -3.12]]
    assert way.driven(np.array(poses)).tolist() == [True, False, False, True]
