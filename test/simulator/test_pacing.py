# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Time waits for the slowest node, never for the dead, and never runs away."""

from hypothesis import given
from hypothesis import strategies as st

from tenacious_rover.simulator.pacing import Pace


def test_alone_it_runs_as_fast_as_it_can():
    pace = Pace(0.5)
    assert all(pace.may_pass(t * 1.0, t * 1e-3) for t in range(100))


def test_waits_for_a_node_and_goes_on_with_it():
    pace = Pace(0.5)
    pace.beat("slow", 1.0, 0.0)
    assert pace.may_pass(1.4, 0.0)
    assert not pace.may_pass(1.6, 0.1)
    pace.beat("slow", 1.2, 0.3)
    assert pace.may_pass(1.6, 0.4)
    assert pace.waited_s > 0.29
    assert pace.slowest == ("slow", 1.2)


def test_expected_node_that_never_beats_holds_time_then_is_given_up_and_told():
    pace = Pace(0.5, expected=("gone",), warn_s=3.0, patience_s=30.0)
    assert pace.may_pass(0.4, 0.0)
    assert not pace.may_pass(0.6, 1.0)
    assert not pace.may_pass(0.6, 5.0)
    assert [(w.name, w.node) for w in pace.words()] == [("node_missing", "gone")]
    assert not pace.may_pass(0.6, 32.0)
    assert [w.name for w in pace.words()] == ["node_lost"]
    assert pace.may_pass(0.6, 32.1)


def test_node_that_falls_behind_is_told_once():
    pace = Pace(0.5, warn_s=1.0)
    pace.beat("a", 2.0, 0.0)
    for k in range(30):
        pace.may_pass(3.0, k * 0.1)
    words = pace.words()
    assert [w.name for w in words] == ["node_behind"]
    assert "1.00 s behind" in words[0].message


def test_late_joiner_counts_from_its_first_beat():
    pace = Pace(0.5)
    assert pace.may_pass(10.0, 0.0)
    pace.beat("late", 10.0, 0.0)
    assert pace.may_pass(10.4, 0.0)
    assert not pace.may_pass(10.6, 0.0)
    pace.leave("late")
    assert pace.may_pass(10.6, 0.1)


def test_old_beat_does_not_turn_time_back():
    pace = Pace(0.5)
    pace.beat("a", 5.0, 0.0)
    pace.beat("a", 1.0, 0.1)
    assert pace.may_pass(5.4, 0.2)


def test_speed_is_a_limit_and_lost_time_is_not_caught_up():
    pace = Pace(0.5, speed=2.0)
    assert pace.may_pass(0.0, 100.0)
    assert pace.may_pass(0.02, 100.02)
    assert not pace.may_pass(1.0, 100.1)
    assert pace.may_pass(1.0, 100.6)
    # Ten seconds later it does not burst through twenty.
    assert pace.may_pass(1.1, 110.0)
    assert not pace.may_pass(2.0, 110.1)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 50)), max_size=40), st.floats(0.1, 2.0)
)
def test_never_further_ahead_than_the_bound(beats, bound):
    pace, time, wall, newest = Pace(bound), 0.0, 0.0, {}
    for node, stamp in beats:
        wall += 0.01
        pace.beat(node, stamp, wall)
        newest[node] = max(newest.get(node, stamp), stamp)
        if pace.may_pass(time, wall):
            assert all(time - one <= bound for one in newest.values())
            time += 0.04
