# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `simulator`: the embedded simulator as a platform of the rover contract.

Time passes in slices. Commands take effect between them, and each is published with the step it
took effect at, so that a bag holds all that a run needs to be run again exactly. Between slices
time waits for nodes that have not worked as far (`pacing`).
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from geometry_msgs.msg import PointStamped
from nav_msgs.msg import Odometry
from rclpy.clock import Clock as RosClock
from rclpy.clock import ClockType
from rosgraph_msgs.msg import Clock
from std_msgs.msg import String

from tenacious_interfaces.msg import Event, Heartbeat
from tenacious_interfaces.srv import Ask, SetCameraControls
from tenacious_rover import ros
from tenacious_rover.node import RoverNode, run
from tenacious_rover.platform_shell import CommandSubscriber, MeasurementPublisher
from tenacious_rover.rover import contract, frames
from tenacious_rover.rover.config import ConfigError
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.camera.error import CameraError
from tenacious_rover.simulator.config import PlatformConfig
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.error import SimulatorError
from tenacious_rover.simulator.faults import KINDS
from tenacious_rover.simulator.journal import line
from tenacious_rover.simulator.pacing import Pace
from tenacious_rover.simulator.terrain.error import WorldError
from tenacious_rover.simulator.world import load_world

if TYPE_CHECKING:
    from tenacious_rover.simulator.truth import Truth

ASK = "simulator/ask"
"""Service, tenacious_interfaces/srv/Ask: `status`, `kinds`, `faults`, `inject {fault as YAML}`."""
_STILL_S = 0.5
_CLOCK_AGAIN_S = 0.05


class SimulatorNode(RoverNode):
    """One rover in one world."""

    config: PlatformConfig

    def __init__(self) -> None:
        super().__init__("simulator", PlatformConfig)

    def build(self) -> None:
        """World, rover, everything that talks, and the timer that lets time pass."""
        config = self.config
        try:
            self.world = build_world(load_world(config.world))
            self.simulator = Simulator(self.world, self.rover, config.seed, config)
        except (WorldError, SimulatorError) as error:
            raise ConfigError(f"{self.get_name()}: {error}") from error
        self.measured = MeasurementPublisher(self)
        self.commands = CommandSubscriber(self, self.simulator)
        self.clock_out = self.create_publisher(
            Clock, f"/{contract.CLOCK.name}", ros.profile(contract.CLOCK.quality)
        )
        self.odometry = ros.publisher(self, contract.TRUTH_ODOMETRY)
        self.payload = ros.publisher(self, contract.TRUTH_PAYLOAD)
        self.dig = ros.publisher(self, contract.TRUTH_DIG)
        self.applied = ros.publisher(self, contract.TRUTH_COMMANDS)
        self._told = {"log": 0, "reports": 0, "digs": 0}
        self._next = {"odometry": 0.0, "payload": 0.0}
        expected = tuple(config.expected.split())
        self.pace = Pace(config.pace_bound_s, config.speed, expected, patience_s=config.patience_s)
        ros.subscription(self, contract.HEARTBEAT, self._heard)
        self.create_service(SetCameraControls, contract.SET_CAMERA_CONTROLS, self._set_camera)
        self.create_service(Ask, ASK, self._ask)
        self._steady = RosClock(clock_type=ClockType.STEADY_TIME)
        self._began = time.monotonic()
        self._appeared = not expected
        self._still_until = self._clock_again = 0.0
        self._store()
        self.create_timer(1e-4, self._tick, clock=self._steady)

    def reconfigured(self) -> None:
        """A new speed takes effect at once."""
        if hasattr(self, "pace"):
            self.pace.speed = self.config.speed
            self.pace.bound_s = self.config.pace_bound_s

    # -- time ---------------------------------------------------------------------------------

    def _tick(self) -> None:
        """A slice of time, if it may pass."""
        wall = time.monotonic()
        if wall < self._still_until:
            return
        if not self._appeared:
            self._wait_for_nodes(wall)
            return
        if not self.pace.may_pass(self.simulator.time_s, wall):
            self._say_pace()
            self._still_until = wall + 0.001
            if wall > self._clock_again:
                # A node that missed the last tick would wait for it, and time for the node.
                self._publish_clock()
            return
        self.measured.publish(self.simulator.advance(self.config.slice_s))
        self._publish_truth(self.simulator.truth)
        self._publish_clock()
        self._tell()

    def _wait_for_nodes(self, wall: float) -> None:
        """Until all that are expected are there: they listen before the first measurement."""
        self._still_until = wall + 0.1
        topic = contract.HEARTBEAT.name
        there = {info.node_name for info in self.get_publishers_info_by_topic(topic)}
        missing = sorted(set(self.config.expected.split()) - there)
        self._publish_clock()
        if not missing:
            self._appeared = True
            self._still_until = wall + _STILL_S
        elif wall - self._began > self.config.appear_s:
            self._appeared = True
            words = f"began without {', '.join(missing)} after {self.config.appear_s:g} s"
            self.say("nodes_missing", words, Event.WARNING_HI)
            for name in missing:
                self.pace.leave(name)

    def _heard(self, message: Heartbeat) -> None:
        if message.node != self.get_name():
            self.pace.beat(message.node, ros.to_seconds(message.stamp), time.monotonic())

    def _say_pace(self) -> None:
        for word in self.pace.words():
            self.say(word.name, word.message, Event.WARNING_HI, node=word.node)

    # -- what goes out ------------------------------------------------------------------------

    def _publish_clock(self) -> None:
        self._clock_again = time.monotonic() + _CLOCK_AGAIN_S
        self.clock_out.publish(Clock(clock=ros.to_stamp(self.simulator.time_s)))

    def _publish_truth(self, truth: Truth) -> None:
        if truth.time_s >= self._next["odometry"]:
            self._next["odometry"] += 1.0 / (contract.TRUTH_ODOMETRY.rate_hz or 10.0)
            message = Odometry(header=ros.header(truth.time_s, frames.MAP))
            message.child_frame_id = self.rover.frames["base"]
            message.pose.pose = ros.to_pose(truth.map_T_base)
            v, w = message.twist.twist.linear, message.twist.twist.angular
            v.x, v.y, v.z = map(float, truth.linear)
            w.x, w.y, w.z = map(float, truth.angular)
            self.odometry.publish(message)
        if truth.map_T_payload is not None and truth.time_s >= self._next["payload"]:
            self._next["payload"] += 1.0 / (contract.TRUTH_PAYLOAD.rate_hz or 1.0)
            pose = ros.pose_stamped(truth.time_s, frames.MAP, truth.map_T_payload)
            self.payload.publish(pose)
        for hole in truth.digs[self._told["digs"] :]:
            message = PointStamped(header=ros.header(hole.time_s, frames.MAP))
            message.point.x, message.point.y, message.point.z = map(float, hole.place)
            self.dig.publish(message)
        self._told["digs"] = len(truth.digs)

    def _tell(self) -> None:
        """Commands that took effect, and what was ignored."""
        simulator = self.simulator
        for command in simulator.log[self._told["log"] :]:
            self.applied.publish(String(data=line(command)))
        self._told["log"] = len(simulator.log)
        for _, name, words in simulator.reports[self._told["reports"] :]:
            self.say(name, words, Event.WARNING_LO)
        self._told["reports"] = len(simulator.reports)

    def _store(self) -> None:
        """What makes this run again, in the run's folder."""
        folder = self.get_parameter("run_folder").value
        if folder:
            path = Path(folder) / "simulator.json"
            facts = {
                **self.simulator.metadata,
                "world": self.config.world,
                "rover": self.get_parameter("description").value,
            }
            path.write_text(json.dumps(facts, indent=1), encoding="utf-8")

    # -- services -----------------------------------------------------------------------------

    def _set_camera(
        self, request: SetCameraControls.Request, response: SetCameraControls.Response
    ) -> SetCameraControls.Response:
        try:
            self.simulator.set_camera(
                request.auto_exposure, request.exposure_us, request.gain, request.rate_hz
            )
            if request.trigger:
                pair = self.simulator.capture()
                self.measured.publish([pair])
                response.stamp = ros.to_stamp(pair.time_s)
        except (SimulatorError, CameraError) as error:
            response.message = str(error)
            return response
        response.success = True
        return response

    def _ask(self, request: Ask.Request, response: Ask.Response) -> Ask.Response:
        """Answer, or list what can be asked."""
        word, _, rest = request.question.strip().partition(" ")
        response.success = True
        answer: Any
        try:
            if word == "status":
                answer = self._status()
            elif word == "kinds":
                answer = {kind: _fields(model) for kind, model in KINDS.items()}
            elif word == "faults":
                faults = self.simulator.faults.faults
                answer = [one.model_dump(mode="json") for one in faults]
            elif word == "inject":
                made = self.simulator.inject(_from_now(yaml.safe_load(rest), self.simulator.time_s))
                self.say("fault_injected", f"{made}", Event.WARNING_LO)
                answer = made.model_dump(mode="json")
            else:
                response.success = False
                answer = {"known": ["status", "kinds", "faults", "inject {kind: ...}"]}
        except (SimulatorError, yaml.YAMLError) as error:
            response.success = False
            answer = {"error": str(error)}
        response.answer_json = json.dumps(answer)
        return response

    def _status(self) -> dict[str, Any]:
        wall = time.monotonic() - self._began
        now = self.simulator.time_s
        slowest = self.pace.slowest
        return {
            **self.simulator.metadata,
            "time_s": round(now, 3),
            "times_real": round(now / max(wall, 1e-9), 2),
            "waited_for_nodes_s": round(self.pace.waited_s, 2),
            "slowest": None if slowest is None else slowest[0],
        }


def _from_now(values: Any, time_s: float) -> Any:
    """`after_s` and `for_s` of a fault, as times of the run."""
    if not isinstance(values, dict):
        return values
    values = dict(values)
    try:
        start = time_s + float(values.pop("after_s", 0.0))
        values.setdefault("start_s", start)
        if "for_s" in values:
            values["end_s"] = float(values["start_s"]) + float(values.pop("for_s"))
    except (TypeError, ValueError) as error:
        raise SimulatorError(f"fault: after_s, for_s: {error}") from error
    return values


def _fields(model: Any) -> dict[str, str]:
    return {
        name: field.description or str(field.annotation)
        for name, field in model.model_fields.items()
        if name != "kind"
    }


def main() -> None:
    """Entry point."""
    run(SimulatorNode)


if __name__ == "__main__":
    main()
