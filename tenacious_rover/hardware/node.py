# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `hardware`: the rover contract on a physical rover."""

from __future__ import annotations

import dataclasses
import queue
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType

from tenacious_interfaces.msg import Event
from tenacious_interfaces.srv import SetCameraControls
from tenacious_rover import ros
from tenacious_rover.hardware.config import HardwareConfig
from tenacious_rover.hardware.loop import Loop
from tenacious_rover.hardware.platform import HardwarePlatform
from tenacious_rover.node import RoverNode, run
from tenacious_rover.platform_shell import CommandSubscriber, MeasurementPublisher
from tenacious_rover.rover import contract

if TYPE_CHECKING:
    from tenacious_rover.rover.measurements import Measurement

_IMU_HZ, _SLOW_HZ, _PAYLOAD_HZ, _PUBLISH_HZ, _LOOK_HZ = 100.0, 1.0, 5.0, 100.0, 30.0
_QUEUE = 2000
_JUMP_S, _SLEW_S = 0.5, 5e-6
"""A system's clock that is off by more was set; a smaller difference is followed at 500 ppm."""


class HardwareNode(RoverNode):
    """Loops in threads fill a queue; the executor publishes what is in it."""

    config: HardwareConfig

    def __init__(self) -> None:
        super().__init__("hardware", HardwareConfig)

    def build(self) -> None:
        """Open the parts, start the loops."""
        self._found: queue.Queue[Measurement] = queue.Queue(_QUEUE)
        self._reports: queue.Queue[tuple[str, str]] = queue.Queue()
        self.lost = 0
        self._offset_s = self.now - time.monotonic()
        self._camera_hz = self.config.camera_hz
        self._next_picture_s = 0.0
        self._trigger = False
        self._exposure: tuple[bool, float, float] | None = None
        self.platform = HardwarePlatform(self.rover, self.config, self._report)
        self.measured = MeasurementPublisher(self)
        self.commands = CommandSubscriber(self, self)
        self.diagnostics = ros.publisher(self, contract.DIAGNOSTICS)
        self.create_service(SetCameraControls, contract.SET_CAMERA_CONTROLS, self._controls)
        # Timers of the system's clock would stand still after it is set back.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0 / _PUBLISH_HZ, self._publish, clock=steady)
        self.create_timer(1.0, self._diagnose, clock=steady)
        self.loops = {
            "wheels": Loop("wheels", self.config.loop_hz, self._turn(self.platform.wheels)),
            "imu": Loop("imu", _IMU_HZ, self._turn(self.platform.inertia)),
            "slow": Loop("slow", _SLOW_HZ, self._turn(self.platform.slow)),
            "payload": Loop("payload", _PAYLOAD_HZ, self._turn(self.platform.payload)),
            "cameras": Loop("cameras", _LOOK_HZ, self._look),
        }
        for loop in self.loops.values():
            loop.start()

    def shut_down(self) -> None:
        """Wheels first: whoever ends this process does not wait for a camera."""
        if not hasattr(self, "loops"):
            return
        self.loops["wheels"].stop()
        self.platform.parts["motors"].close()
        for loop in self.loops.values():
            loop.end()
        for name, loop in self.loops.items():
            if name != "cameras":
                loop.stop()
        for name, slot in self.platform.parts.items():
            if name != "cameras":
                slot.close()

    # -- commands, on the steady clock --------------------------------------------------------

    def drive(self, linear_mps: float, angular_radps: float) -> None:
        """Newest cmd_vel."""
        self.platform.drive(time.monotonic(), linear_mps, angular_radps)

    def move_scoop(self, lift_rad: float, tilt_rad: float, duration_s: float) -> None:
        """Newest scoop command."""
        self.platform.move_scoop(time.monotonic(), lift_rad, tilt_rad, duration_s)

    def arm(self, on: bool) -> None:
        """Latch power."""
        self.platform.arm(time.monotonic(), on)

    def release(self) -> None:
        """Open the latch."""
        self.platform.release(time.monotonic())

    # -- loops --------------------------------------------------------------------------------

    def _turn(self, step: Any) -> Any:
        def work(now: float) -> None:
            offset = self._offset_s
            for one in step(now):
                self._keep(one, offset)

        return work

    def _look(self, now: float) -> None:
        streaming = self._camera_hz > 0.0 and now >= self._next_picture_s
        if not (streaming or self._trigger):
            return
        offset, self._trigger = self._offset_s, False
        wanted, self._exposure = self._exposure, None
        if self._camera_hz > 0.0:
            self._next_picture_s = now + 1.0 / self._camera_hz
        if wanted is not None:
            self.platform.expose(now, *wanted)
        pair = self.platform.pictures(now)
        if pair is not None:
            self._keep(pair, offset)

    def _keep(self, one: Measurement, offset_s: float) -> None:
        """For the executor, on the system's clock."""
        stamped = dataclasses.replace(one, time_s=one.time_s + offset_s)
        try:
            self._found.put_nowait(stamped)
        except queue.Full:
            self.lost += 1

    def _report(self, name: str, words: str) -> None:
        self._reports.put((name, words))

    # -- publishing ---------------------------------------------------------------------------

    def _publish(self) -> None:
        self._follow_clock()
        while not self._found.empty():
            self.measured.publish([self._found.get_nowait()])
        while not self._reports.empty():
            name, words = self._reports.get_nowait()
            worse = Event.ACTIVITY_HI if name == "part_back" else Event.WARNING_HI
            self.say(name, words, worse)

    def _follow_clock(self) -> None:
        """Stamps are of the system's clock, but may not run backwards when it is set."""
        off = self.now - time.monotonic() - self._offset_s
        if abs(off) > _JUMP_S:
            self.say("clock_jumped", f"the clock was set by {off:+.1f} s", Event.WARNING_HI)
            self._offset_s += off
        else:
            self._offset_s += float(np.clip(off, -_SLEW_S, _SLEW_S))

    def _controls(self, request: Any, response: Any) -> Any:
        """The cameras' thread takes it over before its next pair: nobody waits for them here."""
        now = time.monotonic()
        cameras = self.platform.parts["cameras"]
        numbers = (request.exposure_us, request.gain, request.rate_hz)
        response.success = cameras.working and bool(np.isfinite(numbers).all())
        if not cameras.working:
            response.message = f"cameras: {cameras.error or 'not there yet, or none fitted'}"
        elif not response.success:
            response.message = "camera/set_controls: a number is not finite"
        if not response.success:
            return response
        if request.rate_hz >= 0.0:
            self._camera_hz = min(request.rate_hz, _LOOK_HZ)
        self._exposure = (request.auto_exposure, request.exposure_us, request.gain)
        if request.trigger:
            # The next frame that is published begins after this stamp.
            self._trigger = True
            response.stamp = ros.to_stamp(now + self._offset_s)
        return response

    def _diagnose(self) -> None:
        array = DiagnosticArray(header=ros.header(self.now, ""))
        for name, error in self.platform.health().items():
            level = DiagnosticStatus.ERROR if error else DiagnosticStatus.OK
            array.status.append(
                DiagnosticStatus(
                    level=level,
                    name=f"hardware: {name}",
                    hardware_id=getattr(self.config, name, name) or name,
                    message=error or "works",
                )
            )
        stopped = self.platform.stops
        loops = DiagnosticStatus(name="hardware: loops", message=", ".join(stopped) or "drives")
        loops.level = DiagnosticStatus.WARN if stopped else DiagnosticStatus.OK
        for name, loop in self.loops.items():
            words = f"{loop.jitter_ms():.2f} ms late (99 %), {loop.missed} missed"
            loops.values.append(KeyValue(key=name, value=words))
        loops.values.append(KeyValue(key="lost measurements", value=str(self.lost)))
        array.status.append(loops)
        self.diagnostics.publish(array)


def main() -> None:
    """Entry point."""
    run(HardwareNode)


if __name__ == "__main__":
    main()
