# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""IMU ICM-20948 over I2C (TDK data sheet DS-000189): +-250 deg/s, +-2 g."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.hardware.error import HardwareError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.hardware.parts import I2cBus

ADDRESS = 0x69
WHO_AM_I = 0xEA
BANK_SELECT = 0x7F
REG_WHO_AM_I = 0x00
REG_PWR_MGMT_1 = 0x06
REG_PWR_MGMT_2 = 0x07
REG_ACCEL_XOUT_H = 0x2D
BANK2_GYRO_SMPLRT_DIV = 0x00
BANK2_GYRO_CONFIG_1 = 0x01
BANK2_ACCEL_CONFIG = 0x14
STANDARD_GRAVITY = 9.80665
GYRO_PER_RADPS = 131.0 * 180.0 / np.pi
ACCEL_PER_MPS2 = 16384.0 / STANDARD_GRAVITY


class Icm20948:
    """Accelerometer and gyroscope; the magnetometer is of no use where there is no field."""

    def __init__(self, bus: I2cBus, address: int = ADDRESS) -> None:
        self.bus, self.address = bus, address
        self._last = b""
        self._same = 0
        self._bank(0)
        found = self._read(REG_WHO_AM_I, 1)[0]
        if found != WHO_AM_I:
            raise HardwareError(
                f"IMU at 0x{address:02x}: answers 0x{found:02x}, an ICM-20948 answers 0xea"
            )
        self._write(REG_PWR_MGMT_1, 0x01)
        self._write(REG_PWR_MGMT_2, 0x00)
        self._bank(2)
        # Low-pass 51 Hz, +-250 deg/s; low-pass 50 Hz, +-2 g; sampled at 225 Hz.
        self._write(BANK2_GYRO_SMPLRT_DIV, 0x04)
        self._write(BANK2_GYRO_CONFIG_1, (3 << 3) | 1)
        self._write(BANK2_ACCEL_CONFIG, (3 << 3) | 1)
        self._bank(0)

    def read(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gyro (3,) rad/s and specific force (3,) m/s^2.

        Raises:
            HardwareError: no answer, or the very same sample 50 times: a live one has noise.
        """
        raw = self._read(REG_ACCEL_XOUT_H, 12)
        self._same = self._same + 1 if raw == self._last else 0
        self._last = raw
        if self._same >= 50:
            raise HardwareError(f"IMU at 0x{self.address:02x}: its values have frozen")
        values = np.array(struct.unpack(">6h", raw), float)
        return values[3:] / GYRO_PER_RADPS, values[:3] / ACCEL_PER_MPS2

    def close(self) -> None:
        """To sleep."""
        self._write(REG_PWR_MGMT_1, 0x41)

    def _bank(self, bank: int) -> None:
        self._write(BANK_SELECT, bank << 4)

    def _read(self, register: int, length: int) -> bytes:
        try:
            return bytes(self.bus.read_i2c_block_data(self.address, register, length))
        except OSError as error:
            raise HardwareError(f"IMU at 0x{self.address:02x}: {error}") from error

    def _write(self, register: int, value: int) -> None:
        try:
            self.bus.write_i2c_block_data(self.address, register, [value])
        except OSError as error:
            raise HardwareError(f"IMU at 0x{self.address:02x}: {error}") from error
