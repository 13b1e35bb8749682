# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenacious_rover.mission.estimate import durations, progress
from tenacious_rover.mission.file import Mission


def test_a_longer_way_takes_longer():
    def seconds(x):
        steps = [{"do": "drive", "to_m": [x, 0.0]}]
        return sum(durations(Mission(mission="m", steps=steps), (0.0, 0.0), 0.08))

    assert seconds(10.0) > seconds(5.0) > seconds(1.0)


def test_waiting_takes_what_it_says():
    mission = Mission(mission="m", steps=[{"do": "wait", "seconds": 42.0}])
    assert durations(mission, (0.0, 0.0), 0.1) == [42.0]


@given(
    st.lists(st.floats(1.0, 100.0), min_size=1, max_size=8),
    st.integers(0, 8),
    st.one_of(st.none(), st.floats(0.0, 100.0)),
    st.floats(0.0, 1000.0),
)
def test_progress_is_a_share(seconds, step, running, spent):
    share, remaining = progress(seconds, min(step, len(seconds)), running, spent)
    assert 0.0 <= share <= 1.0
    assert remaining >= 0.0


def test_progress_at_begin_and_end():
    assert progress([10.0, 10.0], 0, None, 0.0) == pytest.approx((0.0, 20.0))
    assert progress([10.0, 10.0], 2, None, 0.0) == pytest.approx((1.0, 0.0))
