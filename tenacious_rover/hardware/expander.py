# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Latch and emergency stop on a GPIO expander MCP23017 over I2C (Microchip DS20001952).

Port A drives: bit 0 arms, bit 1 releases. Port B listens, with pull-ups: bit 0 is the payload's
contact, bit 1 the emergency stop, each a switch to ground.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tenacious_rover.hardware.error import HardwareError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacious_rover.hardware.parts import I2cBus

REG_IODIRA, REG_IODIRB = 0x00, 0x01
REG_GPPUB = 0x0D
REG_GPIOB = 0x13
REG_OLATA = 0x14
ARM, RELEASE = 0x01, 0x02
CONTACT, ESTOP = 0x01, 0x02


class Expander:
    """The chip; latch and stop share it.

    Directions and pull-ups are the same whoever sets them; only the latch touches port A's levels.
    """

    def __init__(self, bus: I2cBus, address: int = 0x20) -> None:
        self.bus, self.address = bus, address
        self.write(REG_IODIRA, 0xFF & ~(ARM | RELEASE))
        self.write(REG_IODIRB, 0xFF)
        self.write(REG_GPPUB, CONTACT | ESTOP)

    def write(self, register: int, value: int) -> None:
        """One register."""
        try:
            self.bus.write_i2c_block_data(self.address, register, [value])
        except OSError as error:
            raise HardwareError(f"expander at 0x{self.address:02x}: {error}") from error

    def inputs(self) -> int:
        """Port B."""
        try:
            return int(self.bus.read_i2c_block_data(self.address, REG_GPIOB, 1)[0])
        except OSError as error:
            raise HardwareError(f"expander at 0x{self.address:02x}: {error}") from error


class ExpanderLatch:
    """The coil gets current only with both lines on."""

    def __init__(
        self,
        chip: Expander,
        pulse_s: float = 0.5,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.chip, self.pulse_s, self.wait = chip, pulse_s, wait
        self._armed = False
        chip.write(REG_OLATA, 0)

    def arm(self, on: bool) -> None:
        """Power to the coil's upper end."""
        self._armed = on
        self.chip.write(REG_OLATA, ARM if on else 0)

    def release(self) -> None:
        """One pulse on the lower end."""
        if not self._armed:
            raise HardwareError("latch: release asked for while not armed")
        self.chip.write(REG_OLATA, ARM | RELEASE)
        try:
            self.wait(self.pulse_s)
        finally:
            self.chip.write(REG_OLATA, ARM if self._armed else 0)

    def attached(self) -> bool:
        """The payload presses the contact to ground."""
        return not self.chip.inputs() & CONTACT

    def close(self) -> None:
        """Both lines off."""
        self._armed = False
        self.chip.write(REG_OLATA, 0)


class ExpanderStop:
    """A normally closed switch to ground: a broken wire reads as pressed."""

    def __init__(self, chip: Expander) -> None:
        self.chip = chip

    def pressed(self) -> bool:
        """Open switch or broken wire."""
        return bool(self.chip.inputs() & ESTOP)

    def close(self) -> None:
        """Nothing to leave safe."""
