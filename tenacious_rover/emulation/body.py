# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The simulator behind the wires of emulated parts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.emulation.eyes import moment
from tenacious_rover.rover import contract
from tenacious_rover.rover.kinematics import twist
from tenacious_rover.rover.measurements import Battery, Imu, Joints, Stereo, Sun, Temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.emulation.eyes import EyesProcess
    from tenacious_rover.hardware.config import HardwareConfig
    from tenacious_rover.rover.model import Rover
    from tenacious_rover.simulator.engine import Simulator

_SUN_S = 2.5


class SimulatedBody:
    """A `hardware.emulators.body.Body` that is a simulated rover.

    Wires call from their own threads; `advance` lets simulated time pass in another one.

    Args:
        simulator: without cameras.
        rover, config: as of the wires.
        eyes: render what it would see.
    """

    def __init__(
        self, simulator: Simulator, rover: Rover, config: HardwareConfig, eyes: EyesProcess
    ) -> None:
        self.simulator, self.rover, self.config, self.eyes = simulator, rover, config, eyes
        self._lock = threading.RLock()
        self._speeds = np.zeros(len(rover.wheels))
        self._servo = list(rover.scoop.stow) if rover.scoop else [0.0, 0.0]
        self._lines = (False, False)
        self._imu: Imu | None = None
        self._joints: Joints | None = None
        self._battery: Battery | None = None
        self._sun: Sun | None = None
        self.celsius: dict[str, float] = {}
        """Newest temperature per part."""
        simulator.set_camera(rate_hz=0.0)
        # Until every sensor has spoken once, thermometers last.
        self.advance(1.0 / contract.TEMPERATURE_RATE_HZ + 0.1)

    def advance(self, seconds: float) -> None:
        """Let time pass; what is commanded goes on being commanded."""
        with self._lock:
            linear, angular = twist(self.rover, self._speeds, self.config.track_factor)
            self.simulator.drive(linear, angular)
            for sample in self.simulator.advance(seconds):
                if isinstance(sample, Imu):
                    self._imu = sample
                elif isinstance(sample, Joints):
                    self._joints = sample
                elif isinstance(sample, Battery):
                    self._battery = sample
                elif isinstance(sample, Sun):
                    self._sun = sample
                elif isinstance(sample, Temperature):
                    self.celsius[sample.part] = sample.celsius

    # -- what the wires ask -------------------------------------------------------------------

    def set_wheels(self, speeds: NDArray[np.float64]) -> None:
        """Taken over with the next advance."""
        self._speeds = np.array(speeds, float)

    def wheels(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Angles, speeds, currents by the newest encoder sample."""
        joints = self._joints
        assert joints is not None
        index = [joints.names.index(wheel.joint) for wheel in self.rover.wheels]
        current = joints.effort[index] / self.config.torque_per_a
        return joints.position[index], joints.velocity[index], current

    def imu(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The newest sample."""
        assert self._imu is not None
        return self._imu.gyro, self._imu.accel

    def power(self) -> tuple[float, float]:
        """Of the newest battery sample."""
        if self._battery is None:
            return self.config.battery_full_v, 0.0
        return self._battery.voltage_v, -self._battery.current_a

    def sun(self) -> NDArray[np.float64] | None:
        """The newest direction, unless it has been silent: shadow."""
        if self._sun is None or self.simulator.time_s - self._sun.time_s > _SUN_S:
            return None
        return self._sun.direction

    def set_servo(self, number: int, angle: float) -> None:
        """The scoop follows at once."""
        with self._lock:
            self._servo[number] = angle
            self.simulator.move_scoop(self._servo[0], self._servo[1], 0.05)

    def attached(self) -> bool:
        """As the simulator's contact says."""
        return bool(self.simulator.truth.attached)

    def set_latch(self, arm: bool, release: bool) -> None:
        """Two lines; a rising release with the arm line on opens the latch."""
        with self._lock:
            before, self._lines = self._lines, (arm, release)
            if arm != before[0]:
                self.simulator.arm(arm)
            if release and not before[1]:
                self.simulator.release()

    def grab(self) -> Stereo | None:
        """A picture of now; time goes on while it is rendered."""
        with self._lock:
            now = moment(self.simulator)
            self.simulator.photographed()
        return self.eyes.pair(now)

    def expose(self, auto: bool, exposure_us: float, gain: float) -> None:
        """Both eyes alike."""
        self.eyes.expose(auto, exposure_us, gain)
