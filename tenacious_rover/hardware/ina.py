# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Power monitors INA219 and INA226 over I2C (Texas Instruments SBOS448, SBOS547)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenacious_rover.hardware.error import HardwareError

if TYPE_CHECKING:
    from tenacious_rover.hardware.parts import I2cBus


@dataclass(frozen=True)
class Chip:
    """What differs between the two."""

    name: str
    configuration: int
    bus_shift: int
    bus_lsb_v: float
    shunt_lsb_v: float


INA219 = Chip("INA219", 0x399F, 3, 4e-3, 10e-6)
INA226 = Chip("INA226", 0x4527, 0, 1.25e-3, 2.5e-6)
REG_CONFIGURATION = 0x00
REG_SHUNT = 0x01
REG_BUS = 0x02


class Ina:
    """Supply voltage, and current from the drop over a shunt."""

    def __init__(
        self, bus: I2cBus, chip: Chip = INA226, address: int = 0x40, shunt_ohm: float = 0.01
    ) -> None:
        self.bus, self.chip, self.address, self.shunt_ohm = bus, chip, address, shunt_ohm
        try:
            bus.write_i2c_block_data(
                address, REG_CONFIGURATION, list(struct.pack(">H", chip.configuration))
            )
        except OSError as error:
            raise HardwareError(f"{chip.name} at 0x{address:02x}: {error}") from error

    def read(self) -> tuple[float, float]:
        """V, and A drawn."""
        bus_v = (self._register(REG_BUS, ">H") >> self.chip.bus_shift) * self.chip.bus_lsb_v
        shunt_v = self._register(REG_SHUNT, ">h") * self.chip.shunt_lsb_v
        return bus_v, shunt_v / self.shunt_ohm

    def close(self) -> None:
        """Nothing to leave safe."""

    def _register(self, register: int, form: str) -> int:
        try:
            raw = bytes(self.bus.read_i2c_block_data(self.address, register, 2))
        except OSError as error:
            raise HardwareError(f"{self.chip.name} at 0x{self.address:02x}: {error}") from error
        return int(struct.unpack(form, raw)[0])
