# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from py_trees.common import Status

from tenacious_rover.mission.file import Mission
from tenacious_rover.mission.tree import Answer, MissionTree


class ScriptedRequest:
    def __init__(self, answers):
        self.answers = answers
        self.cancelled = False

    def poll(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def cancel(self):
        self.cancelled = True


class ScriptedRover:
    """Answers each request with the next list of answers."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.requests = []
        self.steps = []

    def start(self, step):
        self.steps.append(step.title)
        self.requests.append(ScriptedRequest(self.scripts.pop(0)))
        return self.requests[-1]


BUSY = Answer(False)
GOOD = Answer(True)
BAD = Answer(True, 104, "wheels spin")


def mission(*steps):
    return Mission.model_validate({"mission": "m", "steps": list(steps)})


def wait(name, **others):
    return {"do": "wait", "seconds": 1.0, "name": name, **others}


def run(tree, ticks=50):
    for tick in range(ticks):
        if tree.tick(float(tick)) != Status.RUNNING:
            break
    return tree.status


def test_steps_run_in_order_and_succeed():
    rover = ScriptedRover([BUSY, GOOD], [BUSY, BUSY, GOOD])
    tree = MissionTree(mission(wait("a"), wait("b")), rover)
    assert run(tree) == Status.SUCCESS
    assert rover.steps == ["a", "b"]
    assert tree.succeeded
    assert tree.log.outcomes == ["a: succeeded", "b: succeeded"]


def test_a_failed_step_ends_the_mission_and_says_why():
    rover = ScriptedRover([BAD])
    tree = MissionTree(mission(wait("a"), wait("b")), rover)
    assert run(tree) == Status.FAILURE
    assert rover.steps == ["a"]
    assert not tree.succeeded
    assert tree.log.outcomes == ["a: failed: wheels spin"]


def test_a_tolerated_failure_goes_on_but_is_no_success():
    rover = ScriptedRover([BAD], [GOOD])
    tree = MissionTree(mission(wait("a", on_failure="continue"), wait("b")), rover)
    assert run(tree) == Status.SUCCESS
    assert rover.steps == ["a", "b"]
    assert not tree.succeeded


def test_a_step_is_tried_again():
    rover = ScriptedRover([BAD], [BUSY, GOOD])
    tree = MissionTree(mission(wait("a", attempts=2)), rover)
    assert run(tree) == Status.SUCCESS
    assert rover.steps == ["a", "a"]
    assert tree.log.outcomes == ["a: succeeded"]


def test_time_limit_cancels_the_request():
    rover = ScriptedRover([BUSY])
    tree = MissionTree(mission(wait("a", time_limit_s=5.0)), rover)
    assert run(tree) == Status.FAILURE
    assert rover.requests[0].cancelled
    assert "time_limit_s of 5" in tree.log.outcomes[0]


def test_cancelling_stops_what_runs():
    rover = ScriptedRover([BUSY])
    tree = MissionTree(mission(wait("a"), wait("b")), rover)
    tree.tick(0.0)
    tree.cancel()
    assert tree.status == Status.FAILURE
    assert tree.cancelled
    assert rover.requests[0].cancelled


def test_resuming_skips_finished_steps():
    rover = ScriptedRover([GOOD])
    tree = MissionTree(mission(wait("a"), wait("b")), rover, done=("a: succeeded",))
    assert tree.step_index == 1
    assert run(tree) == Status.SUCCESS
    assert rover.steps == ["b"]
    assert tree.succeeded
