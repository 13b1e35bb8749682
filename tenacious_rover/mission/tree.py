# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The behaviour tree of a mission.

    mission (Sequence with memory)
      step 1 (Retry) -> request to the rover
      step 2 (FailureIsSuccess: on_failure is 'continue') -> …

A step asks the rover for one thing through `Rover.start` and polls the answer; the tree knows
nothing of ROS. Time comes in with each tick.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import py_trees
from py_trees.common import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacious_rover.mission.file import Mission, Step


@dataclass(frozen=True)
class Answer:
    """How a request stands: `done` with an `error_code` (0 is success) and text for a person."""

    done: bool
    error_code: int = 0
    message: str = ""
    activity: str = ""
    remaining_s: float | None = None


class Request(Protocol):
    """A running request."""

    def poll(self) -> Answer:
        """How it stands."""

    def cancel(self) -> None:
        """Stop it; harmless when it is done."""


class RoverServices(Protocol):
    """What a mission needs of the rover."""

    def start(self, step: Step) -> Request:
        """Begin what a step asks for."""


@dataclass
class Log:
    """What has happened, shared by the steps of one tree; `time_s` is set before each tick."""

    time_s: float = 0.0
    outcomes: list[str] = field(default_factory=list)
    activity: str = ""
    remaining_s: float | None = None
    on_outcome: Callable[[str], None] = lambda outcome: None

    def finish(self, step: Step, failure: str = "") -> None:
        """A step ended for good."""
        words = f"{step.title}: failed: {failure}" if failure else f"{step.title}: succeeded"
        self.outcomes.append(words)
        self.on_outcome(words)


class AskRover(py_trees.behaviour.Behaviour):
    """One step: a request, polled until it is done, tried again when it failed."""

    def __init__(self, step: Step, services: RoverServices, log: Log) -> None:
        super().__init__(step.title)
        self.step, self.services, self.log = step, services, log
        self.request: Request | None = None
        self.attempt = 0
        self.began_s = 0.0

    def initialise(self) -> None:
        """Ask."""
        self.attempt += 1
        self.began_s = self.log.time_s
        self.request = self.services.start(self.step)

    def update(self) -> Status:
        """Poll."""
        assert self.request is not None
        answer = self.request.poll()
        self.log.activity = answer.activity or self.step.title
        self.log.remaining_s = answer.remaining_s
        limit = self.step.time_limit_s
        if not answer.done and limit is not None and self.log.time_s - self.began_s > limit:
            self.request.cancel()
            answer = Answer(True, -1, f"not done within its time_limit_s of {limit:g}")
        if not answer.done:
            return Status.RUNNING
        if answer.error_code == 0:
            self.log.finish(self.step)
            return Status.SUCCESS
        self.feedback_message = answer.message
        if self.attempt >= self.step.attempts:
            self.log.finish(self.step, answer.message or f"error code {answer.error_code}")
        return Status.FAILURE

    def terminate(self, new_status: Status) -> None:
        """Interrupted: stop what runs."""
        if new_status == Status.INVALID and self.request is not None:
            self.request.cancel()


class MissionTree:
    """A mission on its way.

    Args:
        mission: what to do.
        services: who does it.
        done: outcomes of the steps that a checkpoint says are finished; they are skipped.
        on_outcome: called with each new outcome.
    """

    def __init__(
        self,
        mission: Mission,
        services: RoverServices,
        done: tuple[str, ...] = (),
        on_outcome: Callable[[str], None] = lambda outcome: None,
    ) -> None:
        self.mission = mission
        self.log = Log(outcomes=list(done), on_outcome=on_outcome)
        self.root = py_trees.composites.Sequence(mission.mission, memory=True)
        for step in mission.steps[len(done) :]:
            self.root.add_child(self._branch(step, services))
        self.status = Status.RUNNING if self.root.children else Status.SUCCESS
        self.cancelled = False

    def _branch(self, step: Step, services: RoverServices) -> py_trees.behaviour.Behaviour:
        branch: py_trees.behaviour.Behaviour = AskRover(step, services, self.log)
        if step.attempts > 1:
            branch = py_trees.decorators.Retry(step.title, branch, num_failures=step.attempts)
        if step.on_failure == "continue":
            branch = py_trees.decorators.FailureIsSuccess(step.title, branch)
        return branch

    def tick(self, time_s: float) -> Status:
        """Advance; once done, stays done."""
        if self.status == Status.RUNNING:
            self.log.time_s = time_s
            self.root.tick_once()
            self.status = self.root.status
        return self.status

    def cancel(self) -> None:
        """Stop the running step and end the mission as failed."""
        if self.status == Status.RUNNING:
            self.root.stop(Status.INVALID)
            self.status = Status.FAILURE
            self.cancelled = True

    @property
    def step_index(self) -> int:
        """0-based index of the running step; the number of steps when all are done."""
        return len(self.log.outcomes)

    @property
    def succeeded(self) -> bool:
        """Every step, tolerated ones included, succeeded."""
        every = self.status == Status.SUCCESS and self.step_index == len(self.mission.steps)
        return every and not any(": failed: " in outcome for outcome in self.log.outcomes)
