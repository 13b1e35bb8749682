# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Listens to a running rover and keeps a `RunState`."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from tenacious_rover import ros
from tenacious_rover.rover import contract, frames

if TYPE_CHECKING:
    from tenacious_rover.cli.run_view import RunState

ENDED = ("succeeded", "failed", "cancelled")
SPEED_WINDOW_S = 5.0


class Watcher:
    """Subscribes to progress topics only: no images, no raw sensor stream, no truth."""

    def __init__(self, state: RunState, namespace: str = "") -> None:
        self.state = state
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=rclpy.SignalHandlerOptions.NO)
        self._node = rclpy.create_node(
            "tenacious_watch", namespace=namespace or None, context=self._context
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._clock: deque[tuple[float, float]] = deque()
        self._cpu: dict[str, tuple[float, float]] = {}
        self._began_s: float | None = None
        for topic, callback in (
            (contract.MISSION_STATE, self._mission),
            (contract.NAVIGATION_STATE, self._navigation),
            (contract.EVENTS, self._event),
            (contract.HEARTBEAT, self._heartbeat),
            (contract.ODOMETRY, self._odometry),
            (contract.BATTERY, self._battery),
        ):
            ros.subscription(self._node, topic, callback)

    def listen(self, seconds: float) -> None:
        """Handle what comes in for that long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0.0:
            try:
                self._executor.spin_once(left)
            except ExternalShutdownException:
                return

    def close(self) -> None:
        """Stop listening."""
        self._executor.shutdown(0.0)
        self._node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def _rover_time(self, stamp: Any) -> float:
        seconds = ros.to_seconds(stamp)
        if self._began_s is None:
            self._began_s = seconds
        return max(seconds - self._began_s, 0.0)

    def _mission(self, message: Any) -> None:
        state = self.state
        state.status = message.status
        state.activity, state.step = message.activity, message.step
        state.outcomes = list(message.outcomes)
        state.progress, state.remaining_s = message.progress, message.remaining_s
        state.elapsed_s = message.elapsed_s

    def _navigation(self, message: Any) -> None:
        self.state.driven_m = message.distance_driven_m

    def _event(self, message: Any) -> None:
        if message.severity == 0:
            return
        words = f"{message.source}: {message.message}"
        self.state.events.append((self._rover_time(message.stamp), message.severity, words))

    def _heartbeat(self, message: Any) -> None:
        now = time.monotonic()
        before = self._cpu.get(message.node)
        if before is None or now - before[0] > 2.0:
            share = 0.0 if before is None else (message.cpu_s - before[1]) / (now - before[0])
            self._cpu[message.node] = (now, message.cpu_s)
            self.state.nodes[message.node] = (share, message.memory_mb)
        self._clock.append((now, self._rover_time(message.stamp)))
        while now - self._clock[0][0] > SPEED_WINDOW_S:
            self._clock.popleft()
        first, last = self._clock[0], self._clock[-1]
        self.state.rover_time_s = max(self.state.rover_time_s, last[1])
        if last[0] - first[0] > 1.0:
            self.state.speed = (last[1] - first[1]) / (last[0] - first[0])

    def _odometry(self, message: Any) -> None:
        base = ros.from_pose(message.pose.pose)
        self.state.pose = (float(base[0, 3]), float(base[1, 3]), frames.yaw(base))

    def _battery(self, message: Any) -> None:
        self.state.battery = message.percentage
