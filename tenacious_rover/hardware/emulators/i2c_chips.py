# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Chips on an I2C bus, register by register."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tenacious_rover.hardware import expander, icm20948, ina, pca9685, photodiodes

if TYPE_CHECKING:
    from tenacious_rover.hardware.config import HardwareConfig
    from tenacious_rover.hardware.emulators.body import Body


class Chip(Protocol):
    """Registers of one chip."""

    def read(self, register: int, length: int) -> bytes:
        """Bytes from a register on."""

    def write(self, register: int, data: bytes) -> None:
        """Bytes to a register and on."""


class ImuChip:
    """ICM-20948: banks, identity, data registers at the scale that was configured."""

    def __init__(self, body: Body) -> None:
        self.body, self.bank, self.awake = body, 0, False

    def read(self, register: int, length: int) -> bytes:
        """Identity or twelve bytes of data."""
        if self.bank == 0 and register == icm20948.REG_WHO_AM_I:
            return bytes((icm20948.WHO_AM_I,))[:length]
        if self.bank == 0 and register == icm20948.REG_ACCEL_XOUT_H and self.awake:
            gyro, accel = self.body.imu()
            raw = np.concatenate([accel * icm20948.ACCEL_PER_MPS2, gyro * icm20948.GYRO_PER_RADPS])
            clipped = np.clip(np.rint(raw), -32768, 32767).astype(int)
            return struct.pack(">6h", *clipped)[:length]
        return bytes(length)

    def write(self, register: int, data: bytes) -> None:
        """Bank and sleep."""
        if register == icm20948.BANK_SELECT:
            self.bank = data[0] >> 4
        elif self.bank == 0 and register == icm20948.REG_PWR_MGMT_1:
            self.awake = not data[0] & 0x40


class PowerChip:
    """INA226 or INA219 over a shunt."""

    def __init__(self, body: Body, chip: ina.Chip, shunt_ohm: float) -> None:
        self.body, self.chip, self.shunt_ohm = body, chip, shunt_ohm

    def read(self, register: int, length: int) -> bytes:
        """Bus or shunt voltage."""
        volts, amperes = self.body.power()
        if register == ina.REG_BUS:
            raw = round(volts / self.chip.bus_lsb_v) << self.chip.bus_shift
            return struct.pack(">H", raw & 0xFFFF)[:length]
        if register == ina.REG_SHUNT:
            raw = round(amperes * self.shunt_ohm / self.chip.shunt_lsb_v)
            return struct.pack(">h", int(np.clip(raw, -32768, 32767)))[:length]
        return bytes(length)

    def write(self, register: int, data: bytes) -> None:
        """Configuration is taken as it is."""


class ServoChip:
    """PCA9685: pulses become angles of the body's servos."""

    def __init__(self, body: Body, config: HardwareConfig) -> None:
        self.body, self.config = body, config
        self.prescale = 30

    def read(self, register: int, length: int) -> bytes:
        """The prescaler."""
        return bytes((self.prescale if register == pca9685.REG_PRESCALE else 0,)) * length

    def write(self, register: int, data: bytes) -> None:
        """Prescaler and pulses."""
        if register == pca9685.REG_PRESCALE:
            self.prescale = data[0]
        channel = (register - pca9685.REG_LED0_ON_L) // 4
        if len(data) != 4 or channel not in self.config.servo_channels:
            return
        number = self.config.servo_channels.index(channel)
        on, off = struct.unpack("<HH", data)
        pulse_us = (off - on) * (self.prescale + 1) / pca9685.OSCILLATOR_HZ * 1e6
        centre, slope = self.config.servo_centre_us[number], self.config.servo_us_per_rad[number]
        self.body.set_servo(number, (pulse_us - centre) / slope)


class SunChip:
    """ADS1115 with four photodiodes."""

    FULL_SUN_V = 3.0

    def __init__(self, body: Body) -> None:
        self.body, self.channel = body, 0

    def read(self, register: int, length: int) -> bytes:
        """The last conversion."""
        if register != photodiodes.REG_CONVERSION:
            return bytes(length)
        direction = self.body.sun()
        seen = 0.0 if direction is None else float(photodiodes.AXES[self.channel] @ direction)
        volts = self.FULL_SUN_V * max(seen, 0.0)
        raw = int(np.clip(round(volts / photodiodes.FULL_SCALE_V * 32768.0), 0, 32767))
        return struct.pack(">h", raw)[:length]

    def write(self, register: int, data: bytes) -> None:
        """Starts a conversion."""
        if register == photodiodes.REG_CONFIG and len(data) == 2:
            config = struct.unpack(">H", data)[0]
            self.channel = ((config >> 12) & 0x7) - 4


class ExpanderChip:
    """MCP23017 with latch, contact and emergency stop."""

    def __init__(self, body: Body) -> None:
        self.body, self.pressed = body, False

    def read(self, register: int, length: int) -> bytes:
        """Port B: low is a closed switch."""
        if register != expander.REG_GPIOB:
            return bytes(length)
        level = 0 if self.body.attached() else expander.CONTACT
        return bytes((level | (expander.ESTOP if self.pressed else 0),))[:length]

    def write(self, register: int, data: bytes) -> None:
        """Port A."""
        if register == expander.REG_OLATA:
            arm, release = bool(data[0] & expander.ARM), bool(data[0] & expander.RELEASE)
            self.body.set_latch(arm, release)


class FakeBus:
    """A bus with chips; an address without a chip, or with one in `gone`, does not answer."""

    def __init__(self, chips: dict[int, Chip]) -> None:
        self.chips = chips
        self.gone: set[int] = set()

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]:
        """Bytes from a register on."""
        return list(self._chip(i2c_addr).read(register, length))

    def write_i2c_block_data(self, i2c_addr: int, register: int, data: list[int]) -> None:
        """Bytes to a register and on."""
        self._chip(i2c_addr).write(register, bytes(data))

    def _chip(self, address: int) -> Chip:
        if address in self.gone or address not in self.chips:
            raise OSError(121, "Remote I/O error")
        return self.chips[address]


def populated(body: Body, config: HardwareConfig) -> FakeBus:
    """A bus with the chips that a configuration expects, at its addresses."""
    chip = ina.INA219 if config.power == "ina219" else ina.INA226
    return FakeBus(
        {
            config.imu_address: ImuChip(body),
            config.power_address: PowerChip(body, chip, config.shunt_ohm),
            config.servos_address: ServoChip(body, config),
            config.sun_address: SunChip(body),
            config.expander_address: ExpanderChip(body),
        }
    )
