# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Order of arrival does not matter, within what is kept."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tenacious_rover.localization import events
from tenacious_rover.localization import filter as eskf
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.timeline import Timeline

CONFIG = LocalizationConfig()


def made(seed=0):
    """Thirty measurements of three seconds."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(30):
        t = 0.1 * (k + 1)
        gyro, accel = rng.normal(0, 0.01, 3), rng.normal(0, 0.01, 3) + [0, 0, 1.62]
        out.append(events.inertial(t, gyro, accel))
        if k % 3 == 0:
            out.append(events.wheels(t + 0.03, 0.05, 0.0, 0.17, CONFIG, False))
        if k % 10 == 5:
            out.append(events.visual(t + 0.05, np.eye(4), 1e-4 * np.eye(6)))
            out.append(events.keyframe(t + 0.051))
    return out


def timeline(keep_s=10.0):
    state = eskf.start(np.eye(4), CONFIG, 0.01, 0.0)
    state.x[56] = 1.62
    return Timeline(state, 1.62, eskf.noise_of(CONFIG), keep_s)


def run(listed):
    line = timeline()
    for event in listed:
        assert line.insert(event)
    return line.state


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(made()))))
def test_any_order_of_arrival_gives_the_same(order):
    expected = run(sorted(made(), key=lambda e: e.time_s))
    listed = made()
    found = run([listed[k] for k in order])
    assert np.array_equal(found.x, expected.x)
    assert np.array_equal(found.covariance, expected.covariance)


def test_withdrawn_is_as_if_it_had_never_come():
    listed = sorted(made(), key=lambda e: e.time_s)
    gone = next(e for e in listed if e.kind == "visual")
    line = timeline()
    for event in listed:
        line.insert(event)
    line.withdraw(gone)
    expected = run([e for e in sorted(made(), key=lambda e: e.time_s) if e.time_s != gone.time_s])
    assert np.array_equal(line.state.x, expected.x)
    line.withdraw(gone)
    assert np.array_equal(line.state.x, expected.x)


def test_too_late_is_refused_and_changes_nothing():
    line = timeline(keep_s=0.5)
    for k in range(400):
        line.insert(events.inertial(0.01 * k, np.zeros(3), np.array([0, 0, 1.62])))
    before = line.state.copy()
    assert not line.insert(events.wheels(0.5, 0.1, 0.0, 0.17, CONFIG, False))
    assert np.array_equal(line.state.x, before.x)


def test_state_of_the_past_is_what_it_was():
    listed = sorted(made(), key=lambda e: e.time_s)
    line, half = timeline(), None
    for event in listed:
        line.insert(event)
        if half is None and event.time_s >= 1.5:
            half = line.state.copy()
    past = line.at(half.time_s)
    assert np.array_equal(past.x, half.x)


def test_loosened_measurements_count_less():
    tight, loose = timeline(), timeline()
    for line in (tight, loose):
        for event in sorted(made(), key=lambda e: e.time_s):
            line.insert(event)
    loose.loosen("wheels", 0.0, 10.0, 100.0)
    assert loose.state.covariance[3, 3] > 2.0 * tight.state.covariance[3, 3]
