# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A sun sensor of four photodiodes behind an ADS1115 (Texas Instruments SBAS444).

Each diode looks 45 degrees up, to the front, left, rear and right, and sees the cosine of the
sun's angle to its axis. Opposite diodes give the direction: with a, b the readings of front and
rear, (a - b) and (a + b) are sqrt(2) times the x and z component.
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.hardware.error import HardwareError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tenacious_rover.hardware.parts import I2cBus

REG_CONVERSION = 0x00
REG_CONFIG = 0x01
CONVERSION_S = 1.3e-3
FULL_SCALE_V = 4.096
AXES = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [-1.0, 0.0, 1.0], [0.0, -1.0, 1.0]]) / np.sqrt(2)
"""(4, 3) of the diodes in base_link."""


def direction(volts: NDArray[np.float64], least_v: float) -> NDArray[np.float64] | None:
    """Unit vector (3,) of readings (4,) front, left, rear, right; `None` in shadow.

    A diode that looks away from the sun reads nothing and says nothing; the others are solved for
    by least squares, so three lit diodes are the least.
    """
    lit = volts > least_v
    if lit.sum() < 3:
        return None
    found, *_ = np.linalg.lstsq(AXES[lit], volts[lit], rcond=None)
    length = float(np.linalg.norm(found))
    return np.asarray(found / length) if length > 0.0 else None


class Photodiodes:
    """Reads the four diodes one after the other."""

    def __init__(
        self,
        bus: I2cBus,
        address: int = 0x48,
        least_v: float = 0.05,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.bus, self.address, self.least_v, self.wait = bus, address, least_v, wait
        self.volts()

    def volts(self) -> NDArray[np.float64]:
        """(4,) V."""
        return np.array([self._channel(n) for n in range(4)])

    def read(self) -> NDArray[np.float64] | None:
        """Unit vector (3,) in base_link, or nothing in shadow."""
        return direction(self.volts(), self.least_v)

    def close(self) -> None:
        """Nothing to leave safe."""

    def _channel(self, number: int) -> float:
        # Start, single-ended input, +-4.096 V, single shot, 860 samples a second, no comparator.
        config = 0x8000 | (4 + number) << 12 | 1 << 9 | 1 << 8 | 7 << 5 | 3
        try:
            self.bus.write_i2c_block_data(self.address, REG_CONFIG, list(struct.pack(">H", config)))
            self.wait(CONVERSION_S)
            raw = bytes(self.bus.read_i2c_block_data(self.address, REG_CONVERSION, 2))
        except OSError as error:
            raise HardwareError(f"sun sensor at 0x{self.address:02x}: {error}") from error
        return max(struct.unpack(">h", raw)[0], 0) * FULL_SCALE_V / 32768.0
