# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `mission`: runs mission files, from its parameter or through `execute_mission`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from py_trees.common import Status

from tenacious_interfaces.action import ExecuteMission
from tenacious_interfaces.msg import Event, MissionState
from tenacious_rover import ros
from tenacious_rover.mission import checkpoint, estimate
from tenacious_rover.mission.config import MissionConfig
from tenacious_rover.mission.file import MissionError, load_mission
from tenacious_rover.mission.requests import Services
from tenacious_rover.mission.tree import MissionTree
from tenacious_rover.node import RoverNode, run
from tenacious_rover.rover import contract

if TYPE_CHECKING:
    from nav_msgs.msg import Odometry


class MissionNode(RoverNode):
    """Ticks a behaviour tree; everything that moves is asked of other nodes."""

    config: MissionConfig

    def __init__(self) -> None:
        super().__init__("mission", MissionConfig)
        self.tree: MissionTree | None = None
        self.here: tuple[float, float] | None = None

    def build(self) -> None:
        """Clients, server, and the mission of the parameter."""
        self.asked = Services(self)
        self.state = ros.publisher(self, contract.MISSION_STATE)
        ros.subscription(self, contract.ODOMETRY, self._located)
        self.serve(ExecuteMission, contract.EXECUTE_MISSION, self._execute)
        if self.config.mission:
            self.executor.create_task(self._run_parameter)

    def _located(self, message: Odometry) -> None:
        self.here = (message.pose.pose.position.x, message.pose.pose.position.y)

    async def _run_parameter(self) -> None:
        await self._fly(Path(self.config.mission), self.config.resume, lambda: False)

    async def _execute(self, handle: Any) -> ExecuteMission.Result:
        goal = handle.request
        if self.tree is not None:
            handle.abort()
            words = f"mission '{self.tree.mission.mission}' is running"
            return ExecuteMission.Result(error_code=ExecuteMission.Result.BUSY, error_msg=words)

        def feedback(message: MissionState) -> None:
            handle.publish_feedback(
                ExecuteMission.Feedback(
                    step=message.step,
                    steps=message.steps,
                    step_name=message.step_name,
                    progress=message.progress,
                )
            )

        result = await self._fly(
            Path(goal.path), goal.resume, lambda: handle.is_cancel_requested, feedback
        )
        if handle.is_cancel_requested:
            handle.canceled()
        elif result.error_code:
            handle.abort()
        else:
            handle.succeed()
        return result

    async def _fly(
        self, path: Path, resume: bool, cancelled: Any, feedback: Any = lambda message: None
    ) -> ExecuteMission.Result:
        """One mission from file to end."""
        codes = ExecuteMission.Result
        try:
            mission = load_mission(path)
        except MissionError as error:
            self.say("mission_refused", str(error), Event.WARNING_HI)
            self._publish(MissionState(mission=str(path), status="failed", activity=str(error)))
            return codes(error_code=codes.INVALID_MISSION, error_msg=str(error))
        saved = self._checkpoint_file()
        done = checkpoint.Checkpoint(checkpoint.digest(path))
        if resume and saved is not None:
            done = checkpoint.load(saved, done.digest)
        self._publish(MissionState(mission=mission.mission, status="idle", activity="waiting"))
        lacking = await self._ready()
        if lacking:
            words = f"not there after {self.config.ready_timeout_s:g} s: {', '.join(lacking)}"
            self.say("mission_not_started", words, Event.WARNING_HI)
            self._publish(MissionState(mission=mission.mission, status="failed", activity=words))
            return codes(error_code=codes.STEP_FAILED, error_msg=words)
        assert self.here is not None
        self.tree = MissionTree(mission, self.asked, done.outcomes, self._outcome)
        self.plan_s = estimate.durations(mission, self.here, 0.8 * self.rover.limits.speed_mps)
        try:
            return await self._tick_through(done, saved, cancelled, feedback)
        finally:
            self.tree = None

    async def _ready(self) -> list[str]:
        """Wait for servers and a pose; what is still lacking when patience ends."""
        waited = 0.0
        while waited < self.config.ready_timeout_s:
            if not self.asked.missing() and self.here is not None:
                return []
            await self.patiently(self.future(), 0.2)
            waited += 0.2
        return [*self.asked.missing(), *([] if self.here else [contract.ODOMETRY.name])]

    async def _tick_through(
        self, done: checkpoint.Checkpoint, saved: Path | None, cancelled: Any, feedback: Any
    ) -> ExecuteMission.Result:
        tree = self.tree
        assert tree is not None
        began, step_began = self.now - done.elapsed_s, self.now
        share = 0.0
        self.say("mission_started", f"{tree.mission.mission}, {len(tree.mission.steps)} steps")
        while True:
            before = tree.step_index
            if cancelled():
                tree.cancel()
            status = tree.tick(self.now)
            if tree.step_index != before:
                step_began = self.now
                if saved is not None:
                    outcomes = tuple(tree.log.outcomes)
                    checkpoint.save(
                        saved, checkpoint.Checkpoint(done.digest, outcomes, self.now - began)
                    )
            fresh, remaining = estimate.progress(
                self.plan_s, tree.step_index, tree.log.remaining_s, self.now - step_began
            )
            share = max(share, fresh)
            message = self._state(tree, status, share, remaining, self.now - began)
            self._publish(message)
            feedback(message)
            if status != Status.RUNNING:
                return self._ended(tree, message)
            await self.sleep(1.0 / self.config.tick_hz)

    def _state(
        self, tree: MissionTree, status: Status, share: float, remaining: float, elapsed: float
    ) -> MissionState:
        steps = tree.mission.steps
        index = min(tree.step_index, len(steps) - 1)
        running = status == Status.RUNNING
        ended = "succeeded" if tree.succeeded else "cancelled" if tree.cancelled else "failed"
        return MissionState(
            mission=tree.mission.mission,
            status="running" if running else ended,
            step=index,
            steps=len(steps),
            step_name=steps[index].title,
            activity=tree.log.activity if running else ended,
            progress=share if running or not tree.succeeded else 1.0,
            elapsed_s=elapsed,
            remaining_s=remaining if running else 0.0,
            outcomes=tree.log.outcomes,
        )

    def _ended(self, tree: MissionTree, message: MissionState) -> ExecuteMission.Result:
        codes = ExecuteMission.Result
        severity = Event.ACTIVITY_HI if tree.succeeded else Event.WARNING_HI
        self.say(f"mission_{message.status}", f"after {message.elapsed_s:.0f} s", severity)
        if tree.succeeded:
            return codes(outcomes=tree.log.outcomes)
        code = codes.CANCELED if tree.cancelled else codes.STEP_FAILED
        failed = [outcome for outcome in tree.log.outcomes if ": failed: " in outcome]
        return codes(
            error_code=code,
            error_msg="; ".join(failed) or message.status,
            outcomes=tree.log.outcomes,
        )

    def _outcome(self, outcome: str) -> None:
        severity = Event.WARNING_HI if ": failed: " in outcome else Event.ACTIVITY_HI
        self.say("step_ended", outcome, severity)

    def _publish(self, message: MissionState) -> None:
        message.stamp = ros.to_stamp(self.now)
        if math.isnan(message.remaining_s):
            message.remaining_s = 0.0
        self.state.publish(message)

    def _checkpoint_file(self) -> Path | None:
        folder = self.get_parameter("run_folder").value
        return Path(folder) / "mission_checkpoint.json" if folder else None


def main() -> None:
    """Entry point."""
    run(MissionNode)


if __name__ == "__main__":
    main()
