# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Records a running platform, gives it commands, and reads what it says: no judgement here."""

from __future__ import annotations

import math
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import rclpy
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import TwistStamped
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSCompatibility, qos_check_compatible
from std_msgs.msg import Bool, Empty
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from tenacious_interfaces.srv import SetCameraControls
from tenacious_rover import ros
from tenacious_rover.rover import contract, measurements
from tenacious_rover.rover.conformance import measured
from tenacious_rover.rover.conformance_record import Observed, Sample
from tenacious_rover.rover.conformance_values import Optics, Picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacious_rover.rover.contract import Topic
    from tenacious_rover.rover.model import Rover

CLOCK = replace(contract.CLOCK, name=f"/{contract.CLOCK.name}")
COMMAND_PERIOD_S = 0.1
STALLED_S = 30.0
"""Wall time after which a clock that stands still is given up."""
START_S = 60.0
"""Wall time that a platform may take to start its clock (a simulator may build its world first)."""


class StalledError(RuntimeError):
    """The platform's clock does not advance."""


class Listener:
    """A node that hears every measurement of a rover's platform.

    Args:
        rover: whose platform it is.
        namespace: of the platform.
        executor: that turns in this process already; without it ROS is started.
    """

    def __init__(
        self,
        rover: Rover,
        namespace: str = "",
        executor: SingleThreadedExecutor | None = None,
    ) -> None:
        self.rover = rover
        self.observed = {topic.name: Observed() for topic in measured(rover)}
        self._simulated_s = math.nan
        if executor is None:
            rclpy.init(signal_handler_options=rclpy.SignalHandlerOptions.NO)
            executor = SingleThreadedExecutor()
        node = rclpy.create_node("tenacious_conformance", namespace=namespace or None)
        executor.add_node(node)
        self.node, self._executor = node, executor
        for topic in measured(rover):
            ros.subscription(node, topic, self._hearer(topic))
        # One clock for all rovers, whatever their namespaces.
        ros.subscription(node, CLOCK, self._on_clock)
        self._cmd_vel = ros.publisher(node, contract.CMD_VEL)
        self._scoop = ros.publisher(node, contract.SCOOP_COMMAND)
        self._arm = ros.publisher(node, contract.PAYLOAD_ARM)
        self._release = ros.publisher(node, contract.PAYLOAD_RELEASE)
        self._camera = node.create_client(SetCameraControls, contract.SET_CAMERA_CONTROLS)

    # -- hearing ------------------------------------------------------------------------------

    def _on_clock(self, message: Any) -> None:
        self._simulated_s = ros.to_seconds(message.clock)

    @property
    def simulated(self) -> bool:
        """Whether somebody publishes a clock."""
        return self.node.count_publishers(CLOCK.name) > 0

    @property
    def clock_s(self) -> float:
        """The platform's clock: simulated, or that of the wall; NaN before the first is heard."""
        return self._simulated_s if self.simulated else time.time()

    def _hearer(self, topic: Topic) -> Callable[[Any], None]:
        samples = self.observed[topic.name].samples

        def hear(message: Any) -> None:
            header = getattr(message, "header", None)
            stamp = math.nan if header is None else ros.to_seconds(header.stamp)
            frame = "" if header is None else header.frame_id
            value = _read(topic, message, stamp)
            samples.append(Sample(self.clock_s, stamp, frame, value))

        return hear

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Hear for that long on the wall, or until something holds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            self._executor.spin_once(0.01)

    def advance(self, seconds: float, each: Callable[[], None] = lambda: None) -> float:
        """Hear for that long on the platform's clock; `each` is called at 10 Hz of it.

        Returns:
            The time that went by, s.

        Raises:
            StalledError: the clock stands still.
        """
        start = last = self._started()
        called, moved = -math.inf, time.monotonic()
        while last - start < seconds:
            self._executor.spin_once(0.01)
            now = self.clock_s
            if now > last:
                last, moved = now, time.monotonic()
            elif time.monotonic() - moved > STALLED_S:
                raise StalledError(f"the platform's clock stands still at {now:.3f} s")
            if now - called >= COMMAND_PERIOD_S:
                called = now
                each()
        return last - start

    def _started(self) -> float:
        self.wait(START_S, lambda: math.isfinite(self.clock_s))
        if not math.isfinite(self.clock_s):
            raise StalledError("a clock is announced, but nothing is heard on it")
        return self.clock_s

    def record(self, seconds: float) -> float:
        """Wait for the platform, then record; returns the duration on the platform's clock.

        Raises:
            StalledError: nobody publishes any measurement, or the clock stands still.
        """
        names = [topic.name for topic in measured(self.rover)]
        self.wait(START_S, lambda: any(self.node.count_publishers(name) for name in names))
        if not any(self.node.count_publishers(name) for name in names):
            domain = os.environ.get("ROS_DOMAIN_ID", "0")
            raise StalledError(
                f"no platform is heard in {START_S:g} s in ROS_DOMAIN_ID {domain}, namespace "
                f"{self.node.get_namespace()}: start one, such as `tenacious run --parts simulator`"
            )
        self.wait(START_S, lambda: bool(self.observed[contract.JOINT_STATES.name].samples))
        self.forget()
        duration = self.advance(seconds)
        for topic in measured(self.rover):
            self._announced(topic)
        return duration

    def forget(self) -> None:
        """Drop all samples but those of latched topics, which come once."""
        for topic in measured(self.rover):
            if topic.quality is not contract.Quality.LATCHED:
                self.observed[topic.name].samples.clear()

    def _announced(self, topic: Topic) -> None:
        observed = self.observed[topic.name]
        name = self.node.resolve_topic_name(topic.name)
        publishers = self.node.get_publishers_info_by_topic(name)
        observed.types = tuple(sorted({info.topic_type for info in publishers}))
        observed.mismatch = ""
        for info in publishers:
            fits, reason = qos_check_compatible(info.qos_profile, ros.profile(topic.quality))
            if fits == QoSCompatibility.ERROR:
                observed.mismatch = f"{topic.quality.value} is due: {reason.strip()}"

    # -- commanding ---------------------------------------------------------------------------

    def drive(self, linear_mps: float, angular_radps: float, seconds: float) -> tuple[float, float]:
        """Command a twist for that long, then listen for two seconds; start and end of commands."""
        self.forget()
        message = TwistStamped()
        message.header.frame_id = self.rover.frames["base"]
        message.twist.linear.x, message.twist.angular.z = linear_mps, angular_radps

        def send() -> None:
            message.header.stamp = ros.to_stamp(self.clock_s)
            self._cmd_vel.publish(message)

        start = self._started()
        self.advance(seconds, send)
        end = self.clock_s
        self.advance(2.0)
        return start, end

    def samples(self, topic: Topic) -> list[Any]:
        """Values heard on a topic, without those that could not be read."""
        values = [sample.value for sample in self.observed[topic.name].samples]
        return [value for value in values if not isinstance(value, str)]

    def position(self, joint: str) -> float:
        """Newest position of a joint, rad; NaN when it was not heard."""
        for value in reversed(self.samples(contract.JOINT_STATES)):
            if joint in value.names:
                return float(value.position[value.names.index(joint)])
        return math.nan

    def move_scoop(self, angles: dict[str, float], seconds: float) -> None:
        """Send a trajectory and listen until a second after its end."""
        point = JointTrajectoryPoint(positions=list(angles.values()))
        point.time_from_start = Duration(sec=int(seconds), nanosec=int(seconds % 1 * 1e9))
        self._scoop.publish(JointTrajectory(joint_names=list(angles), points=[point]))
        self.advance(seconds + 1.0)

    def arm(self, on: bool) -> None:
        """Latch power."""
        self._arm.publish(Bool(data=on))

    def release(self) -> None:
        """Open the latch."""
        self._release.publish(Empty())

    def camera(self, **settings: Any) -> str | None:
        """Ask the camera; `None` when there is no service or no answer, empty when it succeeded."""
        self.wait(3.0, self._camera.service_is_ready)
        if not self._camera.service_is_ready():
            return None
        asked = self._camera.call_async(SetCameraControls.Request(**settings))
        self.wait(8.0, asked.done)
        if not asked.done():
            return None
        answer = asked.result()
        return "" if answer.success else answer.message or "refused without a reason"


def _read(topic: Topic, message: Any, stamp: float) -> Any:
    """A message as plain data; a text when it cannot be read."""
    try:
        reader = _READERS[topic.type.rsplit("/", 1)[1]]
        return reader(topic, message, stamp)
    except ros.MessageError as error:
        return str(error)


def _vector(vector: Any) -> Any:
    return np.array([vector.x, vector.y, vector.z])


def _picture(_topic: Topic, message: Any, _stamp: float) -> Picture:
    pixels = ros.from_image(message)
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    if not finite.size:
        return Picture(message.encoding, message.width, message.height, 0.0, 0.0, math.nan)
    low, high, median = float(finite.min()), float(finite.max()), float(np.median(finite[::7]))
    return Picture(message.encoding, message.width, message.height, low, high, median)


def _optics(_topic: Topic, message: Any, _stamp: float) -> Optics:
    k, p = np.reshape(message.k, (3, 3)), np.reshape(message.p, (3, 4))
    return Optics(message.width, message.height, k, p, np.array(message.d))


_READERS: dict[str, Callable[[Topic, Any, float], Any]] = {
    "JointState": lambda _, m, t: measurements.Joints(
        t, tuple(m.name), np.array(m.position), np.array(m.velocity), np.array(m.effort)
    ),
    "Imu": lambda _, m, t: measurements.Imu(
        t, _vector(m.angular_velocity), _vector(m.linear_acceleration)
    ),
    "Image": _picture,
    "CameraInfo": _optics,
    "Vector3Stamped": lambda _, m, t: measurements.Sun(t, _vector(m.vector)),
    "BatteryState": lambda _, m, t: measurements.Battery(t, m.voltage, m.current, m.percentage),
    "Temperature": lambda topic, m, t: measurements.Temperature(
        t, topic.name.removeprefix(contract.TEMPERATURE_PREFIX), m.temperature
    ),
    "Bool": lambda _, m, t: measurements.Attached(t, m.data),
}
