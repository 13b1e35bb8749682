# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The house is never released by accident."""

import dataclasses
import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tenacious_rover.payload.config import PayloadConfig
from tenacious_rover.payload.interlocks import NAMES, TABLE, Facts, Gate

CONFIG = PayloadConfig()
GOOD = Facts(0.0, True, True, True, 0.0, 0.0, 0.0, 0.05)
NAN = math.nan


def at(time_s, **changes):
    return dataclasses.replace(GOOD, **{"time_s": time_s, "pose_time_s": time_s, **changes})


def rested(gate, until=3.0):
    for k in range(round(until * 5) + 1):
        gate.observe(at(k / 5))
    return until


def armed(gate):
    now = rested(gate)
    assert gate.arm(at(now)) == ()
    return now


def later(gate, start, seconds, **changes):
    for k in range(1, round(seconds * 5) + 1):
        gate.observe(at(start + k / 5, **changes))
    return start + seconds


def test_two_steps_in_the_window_release_once():
    gate = Gate(CONFIG)
    now = later(gate, armed(gate), 2.0)
    assert gate.release(at(now)) == ()
    assert gate.release(at(now)) == ("armed",)


BAD = {
    "step": [{"step_active": False}],
    "confirm": [{"confirmed": False}],
    "attached": [{"attached": False}, {"attached": None}],
    "pose": [{"pose_time_s": None}, {"pose_time_s": -100.0}, {"pose_time_s": NAN}],
    "rest": [{"speed_mps": 0.05}, {"speed_mps": NAN}, {"turn_radps": 0.2}, {"speed_mps": None}],
    "tilt": [{"tilt_rad": 0.4}, {"tilt_rad": NAN}, {"tilt_rad": None}],
}


def test_every_interlock_has_its_test():
    assert set(BAD) == {item.name for item in TABLE}
    assert set(NAMES) == set(BAD) | {"rest_time", "armed", "window"}


@pytest.mark.parametrize(("name", "bad"), [(n, b) for n, bs in BAD.items() for b in bs])
def test_each_interlock_prevents_arming_and_release(name, bad):
    gate = Gate(CONFIG)
    now = rested(gate)
    assert name in gate.arm(at(now, **bad))
    gate = Gate(CONFIG)
    now = later(gate, armed(gate), 2.0)
    assert name in gate.release(at(now, **bad))
    assert gate.release(at(now))


@pytest.mark.parametrize(("name", "bad"), [(n, b) for n, bs in BAD.items() for b in bs])
def test_a_moment_of_bad_facts_disarms(name, bad):
    gate = Gate(CONFIG)
    now = armed(gate)
    gate.observe(at(now + 0.2, **bad))
    assert "armed" in gate.release(at(later(gate, now + 0.2, 2.0)))


def test_rest_must_last():
    gate = Gate(CONFIG)
    gate.observe(at(0.0))
    assert gate.arm(at(0.5)) == ("rest_time",)


def test_window():
    gate = Gate(CONFIG)
    now = armed(gate)
    assert gate.release(at(now + 0.5)) == ("window",)
    now = later(gate, now + 0.5, CONFIG.window_close_s)
    assert gate.release(at(now))


def test_release_without_arming_and_after_restart():
    gate = Gate(CONFIG)
    assert "armed" in gate.release(at(rested(gate)))
    armed(Gate(CONFIG))
    assert "armed" in Gate(CONFIG).release(at(5.0))


def test_facts_of_one_moment_count_in_their_order():
    """Refused for bad facts, it may be armed in the same moment; bad facts after that disarm it."""
    gate = Gate(CONFIG)
    now = rested(gate)
    assert "step" in gate.arm(at(now, step_active=False))
    assert not gate.arm(at(now))
    assert not gate.release(at(later(gate, now, 0.6) + 0.5))
    gate = Gate(CONFIG)
    now = armed(gate)
    gate.observe(at(now, step_active=False))
    assert "armed" in gate.release(at(later(gate, now, 2.0)))


def test_clock_that_jumps_disarms():
    for jump in (-2.0, 20.0, NAN):
        gate = Gate(CONFIG)
        now = later(gate, armed(gate), 2.0)
        assert gate.release(at(now + jump))


class AnyOrder(RuleBasedStateMachine):
    """Random facts and commands against a model that keeps the whole history.

    Order is that of the history, not of time: two facts may bear the same moment.
    """

    def __init__(self):
        super().__init__()
        self.gate = Gate(CONFIG)
        self.time = 0.0
        self.history = []
        self.armed = None
        """Where in the history the gate was armed."""

    def _facts(self, dt, bad):
        self.time += dt
        facts = at(self.time, **bad)
        holds = all(item.holds(facts, CONFIG) for item in TABLE)
        still = all(i.holds(facts, CONFIG) for i in TABLE if i.name in ("rest", "pose"))
        self.history.append((self.time, holds, still))
        return facts

    def _still_for(self):
        """Seconds from the first of the latest facts that are all at rest."""
        still = [ok for _, _, ok in self.history]
        first = len(still) - still[::-1].index(False) if False in still else 0
        return self.time - self.history[first][0] if first < len(still) else -1.0

    steps = st.floats(0.0, 1.2)
    changes = st.one_of(
        st.just({}),
        st.just({}),
        st.just({}),
        st.sampled_from([b for bs in BAD.values() for b in bs]),
    )

    @rule(dt=steps, bad=changes)
    def watch(self, dt, bad):
        self.gate.observe(self._facts(dt, bad))

    @rule(count=st.integers(1, 15))
    def calm(self, count):
        for _ in range(count):
            self.gate.observe(self._facts(0.2, {}))

    @rule(dt=steps, bad=changes)
    def arm(self, dt, bad):
        if not self.gate.arm(self._facts(dt, bad)):
            assert self.history[-1][1]
            assert self._still_for() >= CONFIG.rest_time_s
            self.armed = len(self.history) - 1

    @rule(dt=steps, bad=changes)
    def release(self, dt, bad):
        if not self.gate.release(self._facts(dt, bad)):
            assert self.armed is not None
            assert all(holds for _, holds, _ in self.history[self.armed :])
            waited = self.time - self.history[self.armed][0]
            assert CONFIG.window_open_s <= waited <= CONFIG.window_close_s
            self.armed = None

    @rule()
    def restart(self):
        self.gate = Gate(CONFIG)
        self.armed = None


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
