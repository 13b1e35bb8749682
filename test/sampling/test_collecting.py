# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The sample's sequence in a made-up field: retries elsewhere, keeps light, empties, logs."""

from types import SimpleNamespace

import numpy as np
import pytest

from tenacious_rover.navigation.state import ShortMove
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.sampling import patch, reach
from tenacious_rover.sampling.collecting import Collecting, Request
from tenacious_rover.sampling.config import SamplingConfig
from tenacious_rover.sampling.error import Code, SamplingError
from tenacious_rover.sampling.field import FieldError, run
from tenacious_rover.sampling.log import SampleLog
from tenacious_rover.sampling.scooping import Phase

ROVER = load_rover("tenacious")
SUN = np.array([-0.8, 0.3, 0.5]) / np.linalg.norm([-0.8, 0.3, 0.5])


class Plain:
    """Level ground; drives are exact; the scoop meets rock wherever it digs."""

    def __init__(self, phase=Phase.ROCK):
        self.phase, self.pose, self.now = phase, np.eye(4), 0.0
        self.soft_left, self.sinks, self.sunk = False, 0, []
        self.sun_map, self.moves, self.dug, self.targets, self.said = SUN, [], [], [], []
        n = 160
        layers = {"elevation": np.zeros((n, n), np.float32), "hazard": np.zeros((n, n), np.float32)}
        self.terrain = patch.Ground(0.05, np.array([-4.0, -4.0]), layers)

    @property
    def where(self):
        return SimpleNamespace(
            time_s=self.now,
            map_T_odom=np.eye(4),
            odom_T_base=self.pose,
            map_T_base=self.pose,
            covariance=1e-4 * np.eye(6),
            speed_mps=0.0,
            turn_radps=0.0,
        )

    def soft_m(self, xy):
        if self.sunk:
            return np.linalg.norm(xy[:, None] - np.array(self.sunk), axis=2).min(1)
        return np.maximum(-0.1 - xy[:, 1], 0.0) if self.soft_left else np.full(len(xy), np.inf)

    def tell(self, name, words, *, warning=False, **facts):
        self.said.append(name)

    def state(self, state, progress, *, cancel=True):
        pass

    async def sleep(self, seconds):
        self.now += seconds

    async def drive(self, goal, *, cancel=True):
        self.moves.append(goal)
        if isinstance(goal, ShortMove):
            self.pose = self.pose @ frames.planar(goal.straight, 0.0, goal.turn)
        else:
            self.pose = frames.planar(goal.x, goal.y, goal.yaw)
            if len(self.sunk) < self.sinks:
                self.sunk.append((goal.x, goal.y))

    async def stereo(self, purpose):
        if self.phase is None:
            raise FieldError("dark")
        return ("left", "right")

    async def scoop(self, scooping):
        scooping.phase = self.phase
        dig = reach.dig_point(ROVER, 0.03)
        self.dug.append(frames.points(self.pose, dig[None])[0])
        self.yaw = frames.yaw(self.pose)
        return True

    def aim_scoop(self, target):
        self.targets.append(target)


@pytest.fixture
def log(tmp_path):
    made = SampleLog(tmp_path / "samples.sqlite")
    yield made
    made.close()


def collected(field, log, tmp_path):
    collecting = Collecting(ROVER, SamplingConfig(), log, tmp_path)
    return run(collecting.collect(field, Request("test")))


def test_rock_is_left_for_another_place_and_the_scoop_is_emptied(log, tmp_path):
    field = Plain()
    with pytest.raises(SamplingError, match="rock") as caught:
        collected(field, log, tmp_path)
    assert caught.value.code is Code.SCOOP_STALLED
    places = np.array(field.dug)
    assert len(places) == SamplingConfig().attempts
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)[np.triu_indices(len(places), 1)]
    assert apart.min() > 0.2
    assert len(log.entries(kind="attempt")) == len(places)
    assert field.targets[-1].lift == ROVER.scoop.stow[0]
    dumped = field.targets[-2]
    assert dumped.lift + dumped.tilt == pytest.approx(reach.DUMP_ANGLE, abs=0.05)


def test_rover_never_stands_in_the_light_of_what_it_digs(log, tmp_path):
    field = Plain()
    with pytest.raises(SamplingError):
        collected(field, log, tmp_path)
    box = reach.silhouette(ROVER)
    ray = frames.points(frames.inverse(frames.planar(0.0, 0.0, field.yaw)), SUN[None])[0]
    way = reach.dig_point(ROVER, 0.03) * (1, 1, 0) + np.linspace(0.0, 2.0, 400)[:, None] * ray
    assert not ((way >= box[:3]) & (way <= box[3:])).all(axis=1).any()


def test_soft_ground_is_not_dug_in_while_there_is_firm(log, tmp_path):
    field = Plain()
    field.soft_left = True
    with pytest.raises(SamplingError, match="rock"):
        collected(field, log, tmp_path)
    assert field.dug
    assert (np.array(field.dug)[:, 1] < -0.1).all()


def test_where_the_wheels_dug_in_on_the_way_it_does_not_stop_to_work(log, tmp_path):
    field = Plain()
    field.sinks = 1
    with pytest.raises(SamplingError, match="rock"):
        collected(field, log, tmp_path)
    (x, y), dug = field.sunk[0], np.array(field.dug)
    assert "sample_attempt" in field.said
    assert np.hypot(dug[:, 0] - x, dug[:, 1] - y).min() > 1.0


def test_dark_cameras_end_it_at_once(log, tmp_path):
    field = Plain(phase=None)
    with pytest.raises(SamplingError, match="dark") as caught:
        collected(field, log, tmp_path)
    assert caught.value.code is Code.NO_FRAME
    assert not field.dug


def test_another_sample_drops_the_one_before_and_says_so(log, tmp_path):
    log.append("custody", "S001", {"event": "collected", "holder": "scoop", "time_s": 1.0})
    field = Plain()
    with pytest.raises(SamplingError):
        collected(field, log, tmp_path)
    last = log.entries("S001", "custody")[-1].facts
    assert last["holder"] == "none"
    assert field.targets[0].lift + field.targets[0].tilt == pytest.approx(
        reach.DUMP_ANGLE, abs=0.05
    )


def test_work_that_waits_is_an_error():
    class Never:
        def __await__(self):
            yield

    async def waits():
        await Never()

    with pytest.raises(RuntimeError, match="waited"):
        run(waits())
