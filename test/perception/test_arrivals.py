# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Images and poses in every order they may come."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenacious_rover.perception.arrivals import FrameQueue, Posed, PoseHistory, between
from tenacious_rover.rover import frames

S = 10**9


def poses(*times):
    history = PoseHistory(span_s=5.0)
    for t in times:
        history.add(Posed(t, frames.planar(t, 0.0, 0.1 * t), np.zeros((6, 6))))
    return history


def taken(queue, history):
    found = queue.next(history)
    return None if found is None else found[0] // S


def test_pose_between_two_is_interpolated():
    at = poses(1.0, 2.0).at(1.25)
    assert at.odom_T_base[0, 3] == pytest.approx(1.25)
    assert frames.yaw(at.odom_T_base) == pytest.approx(0.125, abs=1e-4)


def test_no_pose_before_the_first_or_after_the_last():
    history = poses(1.0, 2.0)
    assert history.at(0.9) is None
    assert history.at(2.1) is None
    assert poses().at(1.0) is None
    assert history.at(2.0).time_s == 2.0


def test_old_poses_are_dropped_and_a_reset_clock_begins_anew():
    history = poses(*np.arange(0.0, 20.0, 0.5))
    assert history.oldest_s >= 14.0
    history.add(Posed(18.9, np.eye(4), np.zeros((6, 6))))
    assert history.newest_s == 19.5
    history.add(Posed(1.0, np.eye(4), np.zeros((6, 6))))
    assert (history.oldest_s, history.newest_s) == (1.0, 1.0)


def test_rotation_between_takes_the_short_way():
    a, b = frames.planar(0, 0, 3.1), frames.planar(0, 0, -3.1)
    assert abs(frames.yaw(between(a, b, 0.5))) == pytest.approx(np.pi, abs=1e-6)


def test_pair_waits_for_its_other_eye_and_its_pose():
    queue = FrameQueue()
    queue.add("left", 2 * S, "l")
    assert taken(queue, poses(1.0, 3.0)) is None
    queue.add("right", 2 * S, "r")
    assert taken(queue, poses(1.0, 1.5)) is None
    stamp, images, posed = queue.next(poses(1.0, 3.0))
    assert (stamp, images, posed.time_s) == (2 * S, {"left": "l", "right": "r"}, 2.0)
    assert queue.next(poses(1.0, 3.0)) is None


def test_stamps_must_be_the_same_to_the_nanosecond():
    queue = FrameQueue()
    queue.add("left", 2 * S, "l")
    queue.add("right", 2 * S + 1, "r")
    assert taken(queue, poses(1.0, 3.0)) is None


def test_duplicates_are_counted_and_used_once():
    queue = FrameQueue()
    for _ in range(3):
        for eye in ("left", "right"):
            queue.add(eye, 2 * S, eye)
    assert taken(queue, poses(1.0, 3.0)) == 2
    assert taken(queue, poses(1.0, 3.0)) is None
    assert queue.counts.duplicates == 4


def test_out_of_order_frames_newest_first_and_older_skipped():
    queue = FrameQueue()
    for stamp in (3, 2, 4):
        for eye in ("right", "left"):
            queue.add(eye, stamp * S, eye)
    assert taken(queue, poses(1.0, 5.0)) == 4
    assert taken(queue, poses(1.0, 5.0)) is None
    assert queue.counts.skipped == 2


def test_a_frame_older_than_all_poses_is_late():
    queue = FrameQueue()
    queue.add("depth", 1 * S, "d", 1)
    assert taken(queue, poses(2.0, 3.0)) is None
    assert queue.counts.late == 1


def test_eyes_without_their_other_do_not_pile_up():
    queue = FrameQueue()
    for stamp in range(1000):
        queue.add("left", stamp * S, "l")
    assert len(queue._halves) < 10
    assert queue.counts.unpaired > 900


@given(st.lists(st.tuples(st.sampled_from(["left", "right"]), st.integers(0, 12)), max_size=60))
@settings(max_examples=80, deadline=None)
def test_every_frame_comes_out_at_most_once_whatever_the_order(arrivals):
    queue, history, out = FrameQueue(), poses(*np.arange(-1.0, 4.0)), []
    history = PoseHistory(span_s=100.0)
    for t in np.arange(-1.0, 20.0):
        history.add(Posed(t, np.eye(4), np.zeros((6, 6))))
    for eye, stamp in arrivals:
        queue.add(eye, stamp * S, eye)
        found = taken(queue, history)
        if found is not None:
            out.append(found)
    assert len(out) == len(set(out))
    for stamp in out:
        assert {("left", stamp), ("right", stamp)} <= set(arrivals)
