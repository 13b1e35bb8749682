# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node every node is: lifecycle, parameters from a dataclass, heartbeat, events, waiting.

A node of this project is a `RoverNode` with `build()` (make core, publishers, subscriptions, action
servers) and a call of `run(...)` at the bottom of its file. Callbacks run one at a time; what takes
long in an action is an `async def` that awaits.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import signal
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import psutil
import rclpy
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.action import ActionClient, ActionServer, CancelResponse, GoalResponse
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidParameterValueException, ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.task import Future

from tenacious_interfaces.msg import Event, Heartbeat
from tenacious_rover import ros
from tenacious_rover.feed import FeedLog
from tenacious_rover.rover import contract
from tenacious_rover.rover.config import ConfigError, checked, configured

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenacious_rover.rover.model import Rover

RCLError = rclpy_implementation.RCLError
EXIT_FAILED = 1
EXIT_INPUT = 2
HEARTBEAT_HZ = contract.HEARTBEAT.rate_hz or 5.0


class RoverNode(LifecycleNode):
    """Base of every node.

    Args:
        name: node name.
        config_type: the frozen dataclass of its capability; each field becomes a parameter.

    Attributes:
        config: the checked configuration; replaced when a parameter is set while running.
        rover: the rover of the parameter `description`.
    """

    config_type: type
    rover: Rover
    replayable: ClassVar[bool] = False
    """Whether the node tells the order of its inputs, so that a bag can be replayed exactly."""

    def __init__(self, name: str, config_type: type) -> None:
        super().__init__(name)
        self.config_type = config_type
        self.declare_parameter("autostart", True)
        self.declare_parameter("description", "tenacious")
        self.declare_parameter("run_folder", "")
        self.config = self._declared(config_type)
        self.add_on_set_parameters_callback(self._on_set)
        self._process = psutil.Process()
        self._heartbeat = ros.publisher(self, contract.HEARTBEAT)
        self._events = ros.publisher(self, contract.EVENTS)
        self._feed = FeedLog(self) if self.replayable else None
        self._build_failed: Exception | None = None
        self.create_timer(1.0 / HEARTBEAT_HZ, self._beat)

    # -- what a node fills in -----------------------------------------------------------------

    def build(self) -> None:
        """Make the core and everything that talks; called once, when the node is configured."""

    def reconfigured(self) -> None:
        """`self.config` was replaced while running."""

    def shut_down(self) -> None:
        """The process is about to end: close files, stop wheels. Publishing may not work."""

    # -- lifecycle ----------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the rover and build."""
        from tenacious_rover.rover.description import load_rover

        try:
            self.rover = load_rover(self.get_parameter("description").value)
            self.build()
        except Exception as error:  # noqa: BLE001 - rclpy would swallow it without a word
            self._build_failed = error
            self.get_logger().error(f"not configured: {error}")
            return TransitionCallbackReturn.FAILURE
        return super().on_configure(state)

    def start(self) -> None:
        """Configure and activate without a manager, unless the parameter `autostart` is false."""
        if not self.get_parameter("autostart").value:
            return
        self.trigger_configure()
        if self._build_failed is not None:
            raise self._build_failed
        self.trigger_activate()

    # -- parameters ---------------------------------------------------------------------------

    def _declared(self, config_type: type) -> Any:
        for field in dataclasses.fields(config_type):
            try:
                self.declare_parameter(field.name, _plain(field.default), _descriptor(field))
            except InvalidParameterValueException as error:
                low, high = field.metadata["low"], field.metadata["high"]
                words = f"{self.get_name()}: {field.name}: not from {low} to {high} ({error})"
                raise ConfigError(words) from error
        values = {f.name: self.get_parameter(f.name).value for f in dataclasses.fields(config_type)}
        return configured(config_type, values, f"{self.get_name()}: ")

    def _on_set(self, parameters: list[Any]) -> SetParametersResult:
        fields = {field.name: field for field in dataclasses.fields(self.config_type)}
        try:
            changes = {
                p.name: checked(fields[p.name], p.value, f"{self.get_name()}: ")
                for p in parameters
                if p.name in fields
            }
            if changes:
                self.config = dataclasses.replace(self.config, **changes)
                self.reconfigured()
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    # -- speaking -----------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """The node's clock, s."""
        return ros.clock_seconds(self)

    def say(self, name: str, message: str, severity: int = Event.ACTIVITY_HI, **facts: Any) -> None:
        """Publish an event and log it."""
        event = Event(severity=severity, source=self.get_name(), name=name, message=message)
        event.stamp = ros.to_stamp(self.now)
        event.data_json = json.dumps(facts) if facts else ""
        self._events.publish(event)
        log, words = self.get_logger(), f"{name}: {message}"
        # Two calls: rclpy allows one severity per place of call.
        if severity < Event.WARNING_LO:
            log.info(words)
        else:
            log.warning(words)

    def _beat(self) -> None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        beat = Heartbeat(stamp=ros.to_stamp(self.now), node=self.get_name())
        beat.cpu_s = usage.ru_utime + usage.ru_stime
        beat.memory_mb = self._process.memory_info().rss / 1e6
        self._heartbeat.publish(beat)
        if self._feed is not None:
            self._feed.tell()

    def note_input(self, name: str, message: Any) -> None:
        """An input was taken (called by `ros.subscription`)."""
        if self._feed is not None:
            self._feed.note(name, message)

    def note_moment(self, name: str) -> None:
        """The core did something of its own accord: a cycle, a new goal."""
        if self._feed is not None:
            self._feed.add(name, self.get_clock().now().nanoseconds)

    # -- waiting ------------------------------------------------------------------------------

    def create_timer(self, *args: Any, **kwargs: Any) -> Any:
        """A timer of simulated time, or of the steady clock.

        One of the system's clock would stand still for as long as that clock is set back.
        """
        if kwargs.get("clock") is None and not self.get_parameter("use_sim_time").value:
            kwargs["clock"] = Clock(clock_type=ClockType.STEADY_TIME)
        return super().create_timer(*args, **kwargs)

    def future(self) -> Future:
        """A future that wakes this node's executor when it is done."""
        return Future(executor=self.executor)

    async def sleep(self, seconds: float) -> None:
        """Wait on the node's clock."""
        done = self.future()
        timer = self.create_timer(max(seconds, 1e-3), lambda: _settle(done, None))
        try:
            await done
        finally:
            self.destroy_timer(timer)

    async def patiently(self, future: Future, seconds: float) -> Any | None:
        """The result of `future`, or `None` when it is not there after `seconds` of wall time."""
        done = self.future()
        future.add_done_callback(lambda f: _settle(done, f.result()))
        timer = self.create_timer(
            seconds,
            lambda: _settle(done, None),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )
        try:
            return await done
        finally:
            self.destroy_timer(timer)

    async def perform(
        self,
        client: ActionClient,
        goal: Any,
        on_feedback: Callable[[Any], None] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        wait_s: float = 20.0,
    ) -> Any | None:
        """Send a goal to another node's action and wait for the result.

        `cancelled` is polled at 5 Hz of the node's clock and passes a cancellation on.

        Returns:
            The action's result message, or `None`: no server within `wait_s` of wall time, or the
            goal was rejected.
        """
        waited = 0.0
        while not client.server_is_ready() and waited < wait_s:
            await self.patiently(self.future(), 0.1)
            waited += 0.1
        feedback = None if on_feedback is None else (lambda message: on_feedback(message.feedback))
        handle = await self.patiently(client.send_goal_async(goal, feedback), wait_s)
        if handle is None or not handle.accepted:
            return None
        result = handle.get_result_async()
        asked = False
        while not result.done():
            if cancelled() and not asked:
                asked = True
                handle.cancel_goal_async()
            await self.sleep(0.2)
        return result.result().result

    def serve(
        self,
        action: Any,
        name: str,
        execute: Callable[[Any], Awaitable[Any]],
        accept: Callable[[Any], bool] = lambda goal: True,
    ) -> ActionServer:
        """An action server that can be cancelled; `execute(handle)` is an `async def`."""
        return ActionServer(
            self,
            action,
            name,
            execute,
            goal_callback=lambda goal: GoalResponse.ACCEPT if accept(goal) else GoalResponse.REJECT,
            cancel_callback=lambda handle: CancelResponse.ACCEPT,
        )


def _settle(future: Future, result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _plain(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


def _descriptor(field: dataclasses.Field[Any]) -> ParameterDescriptor:
    """What rqt and `ros2 param describe` show of a field."""
    note = field.metadata
    words = note.get("meaning", "")
    if "allowed" in note:
        words += f" (one of {', '.join(note['allowed'])})"
    descriptor = ParameterDescriptor(description=words, dynamic_typing=True)
    if "low" in note and isinstance(field.default, int) and not isinstance(field.default, bool):
        span = IntegerRange(from_value=int(note["low"]), to_value=int(note["high"]), step=0)
        descriptor.integer_range = [span]
    elif "low" in note:
        span = FloatingPointRange(from_value=float(note["low"]), to_value=float(note["high"]))
        descriptor.floating_point_range = [span]
    return descriptor


def run(make: Callable[[], RoverNode]) -> None:
    """Run a node until it is told to stop. Exit codes: 0 stopped, 1 failed, 2 a bad parameter."""
    rclpy.init()
    node = None
    code = 0
    try:
        node = make()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        node.start()
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (ConfigError, ParameterException, FileNotFoundError) as error:
        print(f"{error}", file=sys.stderr)
        code = EXIT_INPUT
    except RCLError:
        # Told to stop in the middle of a callback: nothing can be published any more.
        if rclpy.ok():
            raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if node is not None:
            node.shut_down()
        rclpy.try_shutdown()
    ros.leave(code)
