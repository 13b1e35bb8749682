# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The deployment's sequence in a made-up field: another site where one is no good, then no more."""

from types import SimpleNamespace

import numpy as np
import pytest

from tenacious_rover.navigation.state import ShortMove
from tenacious_rover.payload.config import PayloadConfig
from tenacious_rover.payload.deploying import Deploying, Request
from tenacious_rover.payload.error import Code, PayloadError
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.sampling import patch
from tenacious_rover.sampling.field import FieldError, run

ROVER = load_rover("tenacious")
CONFIG = PayloadConfig()


class Plain:
    """Level ground far from the lander; the latch answers at once; it is too dark for pictures.

    The first `blocked` sites are not reached, the `leaning` ones after them tilt the rover; a
    drive ends `off` (3,) its goal: x, y, yaw. From near, the `stony` first sites show a stone.
    In the `sinking` first ones the wheels dig. With `held` it does not come away from the house.
    """

    def __init__(
        self, *, blocked=0, leaning=0, stony=0, off=(0.0, 0.0, 0.0), held=False, sinking=0
    ):
        self.blocked, self.leaning, self.stony, self.off = blocked, leaning, stony, off
        self.held, self.sinking, self.sunk = held, sinking, []
        self.pose, self.now, self.attached, self.armed = frames.planar(6.0, 0.0, 0.0), 0.0, True, []
        self.sun_map, self.stands, self.released, self.tilt, self.said = None, [], [], 0.0, []
        n = 160
        layers = {"elevation": np.zeros((n, n), np.float32), "hazard": np.zeros((n, n), np.float32)}
        self.terrain = patch.Ground(0.05, np.array([2.0, -4.0]), layers)
        self.deploying = None

    @property
    def where(self):
        leaning = self.pose @ frames.from_rpy((0, 0, 0), (0, self.tilt, 0))
        return SimpleNamespace(
            time_s=self.now,
            map_T_odom=np.eye(4),
            odom_T_base=leaning,
            map_T_base=leaning,
            covariance=1e-4 * np.eye(6),
            speed_mps=0.0,
            turn_radps=0.0,
        )

    def soft_m(self, xy):
        sunk = np.array([*self.sunk, (np.inf, np.inf)])
        return np.linalg.norm(xy[:, None] - sunk, axis=2).min(1)

    def tell(self, name, words, *, warning=False, **facts):
        self.said.append(name)

    def state(self, state, progress, *, cancel=True):
        self.deploying.watch(self)

    async def sleep(self, seconds):
        for _ in range(round(seconds / 0.1)):
            self.now += 0.1
            self.deploying.watch(self)

    async def drive(self, goal, *, cancel=True):
        if isinstance(goal, ShortMove):
            if self.held and self.released:
                raise FieldError("a rock is behind")
            self.pose = self.pose @ frames.planar(goal.straight, 0.0, goal.turn)
            return
        self.stands.append((goal.x, goal.y))
        if len(self.stands) <= self.sinking:
            self.sunk.append((goal.x, goal.y))
        if len(self.stands) <= self.blocked:
            raise FieldError("the wheels do not bring it on")
        self.tilt = 0.25 if len(self.stands) <= self.blocked + self.leaning else 0.0
        self.pose = frames.planar(goal.x, goal.y, goal.yaw) @ frames.planar(*self.off)
        if len(self.stands) <= self.stony:
            house = frames.planar(goal.x, goal.y, goal.yaw) @ ROVER.payload.base_T_payload
            column, row = np.floor((house[:2, 3] - self.terrain.origin) / 0.05).astype(int)
            self.terrain.layers["elevation"][row, column] = 0.06

    async def stereo(self, purpose):
        raise FieldError("dark")

    def arm(self, on):
        self.armed.append(on)

    def release(self):
        self.released.append(len(self.stands))
        self.attached = False


def deployed(field, tmp_path):
    field.deploying = Deploying(ROVER, CONFIG, tmp_path)
    with pytest.raises(PayloadError) as caught:  # at the latest it is too dark for a proof
        run(field.deploying.deploy(field, Request(confirm=True)))
    return caught.value.code


@pytest.mark.parametrize("trouble", ["blocked", "leaning", "stony", "sinking"])
def test_another_site_is_tried(trouble, tmp_path):
    field = Plain(**{trouble: 1})
    assert deployed(field, tmp_path) is Code.NO_PROOF
    assert field.released == [2]
    (x, y), (u, v) = field.stands
    assert np.hypot(x - u, y - v) > 0.2
    assert "site_given_up" in field.said


def test_a_rover_that_does_not_come_away_looks_from_where_it_is(tmp_path):
    field = Plain(held=True)
    assert deployed(field, tmp_path) is Code.NO_PROOF
    assert "back_off_held" in field.said


def test_house_stands_where_it_was_meant_to(tmp_path):
    exact, sloppy = Plain(), Plain(off=(0.1, -0.08, 0.2))
    places = []
    for field in (exact, sloppy):
        field.release = lambda field=field: places.append(field.pose @ ROVER.payload.base_T_payload)
        deployed(field, tmp_path)
    assert np.hypot(*(places[0] - places[-1])[:2, 3]) < 0.03


@pytest.mark.parametrize(
    ("trouble", "code"),
    [("blocked", Code.APPROACH_FAILED), ("leaning", Code.INTERLOCK), ("stony", Code.NO_SITE)],
)
def test_after_the_last_attempt_the_house_stays_on(trouble, code, tmp_path):
    field = Plain(**{trouble: 99})
    assert deployed(field, tmp_path) is code
    assert len(field.stands) == CONFIG.site_attempts
    assert not field.released
    assert True not in field.armed
    assert field.attached


def test_a_latch_that_sticks_is_not_carried_elsewhere(tmp_path):
    field = Plain()
    field.release = lambda: field.released.append(len(field.stands))
    assert deployed(field, tmp_path) is Code.NOT_RELEASED
    assert field.released == [1] * CONFIG.release_attempts
    assert field.armed[-1] is False
