# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A physical rover as one thing: commands go in at any time, measurements come out of each step.

`wheels(now)`, `inertia(now)`, `slow(now)` and `pictures(now)` are called at their own rates; none
of them waits for another. Times are of one steady clock, handed in.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.hardware.fitting import PARTS, slots
from tenacious_rover.hardware.trips import Trips
from tenacious_rover.rover.kinematics import wheel_speeds
from tenacious_rover.rover.measurements import (
    Attached,
    Battery,
    Imu,
    Joints,
    Measurement,
    Stereo,
    Sun,
    Temperature,
)
from tenacious_rover.rover.safety import DriveGate, LatchGate, Release

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tenacious_rover.hardware.config import HardwareConfig
    from tenacious_rover.hardware.parts import WheelState
    from tenacious_rover.hardware.slot import Slot
    from tenacious_rover.rover.model import Rover


_TEMPERATURES_EVERY = 5
_COOLED_K = 5.0


class ScoopRamp:
    """Where the servos are on their way; they have no sensor, so this is all that is known."""

    def __init__(self, angles: tuple[float, float]) -> None:
        self._from = self._to = np.array(angles, float)
        self._began_s, self._ends_s = 0.0, 0.0

    def move(self, now_s: float, angles: NDArray[np.float64], duration_s: float) -> None:
        """Go there within a time."""
        self._from, self._to = self.at(now_s), np.asarray(angles, float)
        self._began_s, self._ends_s = now_s, now_s + max(duration_s, 0.02)

    def at(self, now_s: float) -> NDArray[np.float64]:
        """Angles (2,) now, rad."""
        if now_s >= self._ends_s:
            return self._to.copy()
        share = (now_s - self._began_s) / (self._ends_s - self._began_s)
        return np.asarray(self._from + np.clip(share, 0.0, 1.0) * (self._to - self._from))


class HardwarePlatform:
    """Parts, the contract's safety and trips.

    Args:
        rover: what the description says.
        config: which parts and where.
        report: called with (name, words) for whatever a person should hear of, once per change.
        parts: slots in place of those of the configuration.
    """

    def __init__(
        self,
        rover: Rover,
        config: HardwareConfig,
        report: Callable[[str, str], None] = lambda name, words: None,
        parts: dict[str, Slot] | None = None,
    ) -> None:
        self.rover, self.config, self.report = rover, config, report
        self.parts = slots(rover, config) if parts is None else parts
        self.gate = DriveGate(rover.limits)
        self.latch = LatchGate()
        self.trips = Trips(config)
        self.scoop = ScoopRamp(rover.scoop.stow) if rover.scoop else None
        self._wanted = np.zeros(len(rover.wheels))
        self._said: dict[str, str] = {}
        self._attached: bool | None = None
        self._voltage = math.nan
        self._armed = False
        self._seconds = 0
        self._hot: tuple[str, ...] = ()
        self.stops: tuple[str, ...] = ()
        """What kept the wheels off in the last turn of the drive loop."""

    # -- commands -----------------------------------------------------------------------------

    def drive(self, now_s: float, linear_mps: float, angular_radps: float) -> None:
        """Newest drive command."""
        if not self.gate.command(now_s, linear_mps, angular_radps):
            self.report("command_refused", "cmd_vel with a number that is not finite: stopped")

    def move_scoop(self, now_s: float, lift: float, tilt: float, duration_s: float) -> None:
        """Move the scoop within a time."""
        if self.scoop is not None:
            self.scoop.move(now_s, np.array([lift, tilt]), duration_s)

    def arm(self, now_s: float, on: bool) -> None:
        """Latch power."""
        self.latch.arm(now_s, on)
        self._latch_power(now_s)

    def release(self, now_s: float) -> Release:
        """Open the latch, if armed."""
        answer = self.latch.release(now_s)
        if answer.opens:
            self._latch_power(now_s)
            self._use("latch", now_s, lambda latch: latch.release())
        else:
            self.report("release_ignored", answer.why)
        return answer

    # -- steps --------------------------------------------------------------------------------

    def wheels(self, now_s: float) -> list[Measurement]:
        """One turn of the drive loop: command, encoders, trips."""
        linear, angular = self.gate.at(now_s)
        self.stops = self.stopped_by(now_s)
        if self.stops:
            linear = angular = 0.0
        wanted = wheel_speeds(self.rover, linear, angular, self.config.track_factor)
        self._wanted = wanted
        self._use("motors", now_s, lambda motors: motors.drive(wanted))
        state = self._use("motors", now_s, lambda motors: motors.read())
        angles = self._scooped(now_s)
        if state is None:
            return []
        for name in self.trips.watch(now_s, state, wanted):
            self.report("trip", f"{name}: wheels off for {self.config.trip_rest_s:g} s")
        if not math.isfinite(self._voltage):
            self._voltage = state.voltage_v
        return [self._joints(now_s, state, angles)]

    def inertia(self, now_s: float) -> list[Measurement]:
        """One sample of the IMU."""
        sample = self._use("imu", now_s, lambda imu: imu.read())
        return [] if sample is None else [Imu(now_s, *sample)]

    def slow(self, now_s: float) -> list[Measurement]:
        """Once a second: battery, sun; every fifth time temperatures."""
        found: list[Measurement] = []
        power = self._use("power", now_s, lambda monitor: monitor.read())
        if power is not None:
            self._voltage = power[0]
            found.append(Battery(now_s, power[0], -power[1], self._charge(power[0])))
        direction = self._use("sun", now_s, lambda sensor: sensor.read())
        if direction is not None:
            found.append(Sun(now_s, direction))
        self._seconds += 1
        if self._seconds % _TEMPERATURES_EVERY == 1:
            found += self._temperatures(now_s)
        return found

    def payload(self, now_s: float) -> list[Measurement]:
        """Latch power that ran out, and the contact, on change."""
        self._latch_power(now_s)
        attached = self._use("latch", now_s, lambda latch: latch.attached())
        if attached is None or attached == self._attached:
            return []
        self._attached = attached
        return [Attached(now_s, attached)]

    def pictures(self, now_s: float) -> Stereo | None:
        """The newest pair; may wait for a camera, so it has a thread of its own."""
        found = self._use("cameras", now_s, lambda cameras: cameras.read(now_s))
        return found if isinstance(found, Stereo) else None

    def expose(self, now_s: float, auto: bool, exposure_us: float, gain: float) -> bool:
        """Set both eyes; whether there were cameras to set."""
        self._use("cameras", now_s, lambda cameras: cameras.set_exposure(auto, exposure_us, gain))
        return self.parts["cameras"].working

    # -- state --------------------------------------------------------------------------------

    def stopped_by(self, now_s: float) -> tuple[str, ...]:
        """What keeps the wheels off whatever is commanded."""
        why = [*self.trips.active(now_s), *self._hot]
        estop = self.parts["estop"]
        if estop.fitted and self._use("estop", now_s, lambda line: not line.pressed()) is not True:
            why.append("emergency stop")
        return tuple(why)

    def health(self) -> dict[str, str]:
        """Part to error; empty text for one that works; parts that are not fitted are left out."""
        return {
            name: slot.error if not slot.working else ""
            for name, slot in self.parts.items()
            if slot.fitted
        }

    def close(self) -> None:
        """Everything into its safe state."""
        for name in PARTS:
            self.parts[name].close()

    # -- parts --------------------------------------------------------------------------------

    def _use(self, name: str, now_s: float, work: Callable[[Any], Any]) -> Any:
        slot = self.parts[name]
        result = slot.use(now_s, work)
        if slot.error != self._said.get(name, ""):
            self._said[name] = slot.error
            words = f"{name}: {slot.error}" if slot.error else f"{name}: works again"
            self.report("part_lost" if slot.error else "part_back", words)
        return result

    def _temperatures(self, now_s: float) -> list[Measurement]:
        """Of all parts; one that is too hot keeps the wheels off until it has cooled by 5 K."""
        celsius = self._use("thermometers", now_s, lambda meters: meters.read()) or {}
        hot = []
        for part, value in celsius.items():
            name = f"over-temperature of {part}"
            limit = self.config.trip_celsius - (_COOLED_K if name in self._hot else 0.0)
            if value > limit:
                hot.append(name)
                if name not in self._hot:
                    self.report("trip", f"{name}: {value:.0f} degrees C: wheels off")
        self._hot = tuple(hot)
        return [Temperature(now_s, part, value) for part, value in celsius.items()]

    def _latch_power(self, now_s: float) -> None:
        armed = self.latch.armed(now_s)
        if armed != self._armed:
            self._armed = armed
            self._use("latch", now_s, lambda latch: latch.arm(armed))

    def _scooped(self, now_s: float) -> NDArray[np.float64]:
        if self.scoop is None:
            return np.zeros(0)
        angles = self.scoop.at(now_s)
        self._use("servos", now_s, lambda servos: servos.move(angles))
        return angles

    def _joints(self, now_s: float, state: WheelState, angles: NDArray[np.float64]) -> Joints:
        names = [wheel.joint for wheel in self.rover.wheels]
        if self.rover.scoop is not None:
            names += [self.rover.scoop.lift_joint, self.rover.scoop.tilt_joint]
        # Servos tell neither speed nor torque; the contract wants numbers.
        rest = np.zeros(len(angles))
        return Joints(
            now_s,
            tuple(names),
            np.concatenate([state.position, angles]),
            np.concatenate([state.velocity, rest]),
            np.concatenate([state.current * self.config.torque_per_a, rest]),
        )

    def _charge(self, volts: float) -> float:
        span = self.config.battery_full_v - self.config.battery_empty_v
        return float(np.clip((volts - self.config.battery_empty_v) / span, 0.0, 1.0))
