# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Servos behind a PCA9685 over I2C (NXP data sheet rev. 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.hardware.error import HardwareError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.hardware.parts import I2cBus

REG_MODE1 = 0x00
REG_LED0_ON_L = 0x06
REG_ALL_LED_OFF_H = 0xFD
REG_PRESCALE = 0xFE
SLEEP, AUTO_INCREMENT, RESTART = 0x10, 0x20, 0x80
OSCILLATOR_HZ = 25e6
STEPS = 4096


@dataclass(frozen=True)
class Servo:
    """One servo: pulse at angle 0, pulse per rad (negative turns the other way), limits in rad."""

    channel: int
    centre_us: float
    us_per_rad: float
    limits: tuple[float, float]


class Pca9685:
    """Moves servos by pulses."""

    def __init__(
        self,
        bus: I2cBus,
        servos: tuple[Servo, ...],
        address: int = 0x40,
        frequency_hz: float = 50.0,
    ) -> None:
        self.bus, self.servos, self.address = bus, servos, address
        prescale = round(OSCILLATOR_HZ / (STEPS * frequency_hz)) - 1
        self.step_us = (prescale + 1) / OSCILLATOR_HZ * 1e6
        self._write(REG_MODE1, SLEEP | AUTO_INCREMENT)
        self._write(REG_PRESCALE, prescale)
        self._write(REG_MODE1, AUTO_INCREMENT)
        self._write(REG_MODE1, AUTO_INCREMENT | RESTART)

    def move(self, angles: NDArray[np.float64]) -> None:
        """Angles in rad, in the order of the servos; kept inside their limits."""
        if not np.isfinite(angles).all() or len(angles) != len(self.servos):
            raise HardwareError(f"servos: {len(self.servos)} finite angles are due")
        for servo, angle in zip(self.servos, angles, strict=True):
            kept = float(np.clip(angle, *servo.limits))
            off = round((servo.centre_us + servo.us_per_rad * kept) / self.step_us)
            base = REG_LED0_ON_L + 4 * servo.channel
            self._write(base, 0, 0, off & 0xFF, (off >> 8) & 0x0F)

    def relax(self) -> None:
        """No pulses: no torque."""
        self._write(REG_ALL_LED_OFF_H, 0x10)

    def close(self) -> None:
        """Relax."""
        self.relax()

    def _write(self, register: int, *values: int) -> None:
        try:
            self.bus.write_i2c_block_data(self.address, register, list(values))
        except OSError as error:
            raise HardwareError(f"servo driver at 0x{self.address:02x}: {error}") from error
