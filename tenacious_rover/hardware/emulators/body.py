# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What is behind the wires: wheels that turn, an IMU that feels. A simulator or a made-up one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Body(Protocol):
    """A rover seen from its wires. Arrays of wheels are (n,) in the order of the description."""

    def set_wheels(self, speeds: NDArray[np.float64]) -> None:
        """Wheel speeds that the motor controller regulates to, rad/s."""

    def wheels(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Angles rad, speeds rad/s, currents A."""

    def imu(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gyro (3,) rad/s, specific force (3,) m/s^2."""

    def power(self) -> tuple[float, float]:
        """V, A drawn."""

    def sun(self) -> NDArray[np.float64] | None:
        """Unit vector (3,) in base_link; nothing in shadow."""

    def set_servo(self, number: int, angle: float) -> None:
        """Angle of the scoop's joint `number`, rad."""

    def attached(self) -> bool:
        """Whether the payload is on its latch."""

    def set_latch(self, arm: bool, release: bool) -> None:
        """Levels of the two lines."""


class Bench:
    """A rover on a stand: wheels turn as told, nothing moves. The clock is handed in by `tick`."""

    def __init__(self, wheels: int = 4, gravity_mps2: float = 9.81) -> None:
        self.angles = np.zeros(wheels)
        self.speeds = np.zeros(wheels)
        self.gravity = gravity_mps2
        self.servo = [0.0, 0.0]
        self.on_latch = True
        self.stuck: set[int] = set()
        self.reversed: set[int] = set()
        self.volts = 12.0
        self._rng = np.random.default_rng(0)

    def tick(self, seconds: float) -> None:
        """Let time pass."""
        self.angles += self._turning() * seconds

    def set_wheels(self, speeds: NDArray[np.float64]) -> None:
        """Told by the motor controller."""
        self.speeds = np.array(speeds, float)

    def _turning(self) -> NDArray[np.float64]:
        turning = self.speeds.copy()
        turning[list(self.stuck)] = 0.0
        turning[list(self.reversed)] *= -1.0
        return turning

    def wheels(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Angles, speeds, currents."""
        turning = self._turning()
        return self.angles.copy(), turning, 0.1 * np.abs(turning) * np.sign(self.speeds)

    def imu(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """At rest, with the noise of a live chip."""
        gyro = self._rng.normal(0.0, 2e-3, 3)
        return gyro, np.array([0.0, 0.0, self.gravity]) + self._rng.normal(0.0, 0.02, 3)

    def power(self) -> tuple[float, float]:
        """Of the battery."""
        return self.volts, 0.4

    def sun(self) -> NDArray[np.float64] | None:
        """From the front, 45 degrees up."""
        return np.array([0.5, 0.5, np.sqrt(0.5)])

    def set_servo(self, number: int, angle: float) -> None:
        """Taken at once."""
        self.servo[number] = angle

    def attached(self) -> bool:
        """Until both lines are on."""
        return self.on_latch

    def set_latch(self, arm: bool, release: bool) -> None:
        """Opens with both."""
        if arm and release:
            self.on_latch = False
