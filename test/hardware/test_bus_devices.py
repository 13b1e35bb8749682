# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""I2C parts against registers of their data sheets; lines against gpiozero's mock pins."""

import struct

import gpiozero
import numpy as np
import pytest
from gpiozero.pins.mock import MockFactory
from hypothesis import given
from hypothesis import strategies as st

from tenacious_rover.hardware import icm20948, ina, lines, pca9685, photodiodes
from tenacious_rover.hardware.error import HardwareError


class Registers:
    """One device: registers that can be set and read; gone when `gone`."""

    def __init__(self, **preset):
        self.at, self.gone, self.written = dict(preset.get("at", {})), False, []

    def read_i2c_block_data(self, i2c_addr, register, length):
        if self.gone:
            raise OSError(121, "Remote I/O error")
        return list(self.at.get(register, bytes(length))[:length])

    def write_i2c_block_data(self, i2c_addr, register, data):
        if self.gone:
            raise OSError(121, "Remote I/O error")
        self.written.append((register, bytes(data)))


def imu_bus(who=0xEA):
    return Registers(at={icm20948.REG_WHO_AM_I: bytes((who,))})


def test_imu_scales():
    bus = imu_bus()
    imu = icm20948.Icm20948(bus)
    bus.at[icm20948.REG_ACCEL_XOUT_H] = struct.pack(">6h", 0, -8192, 16384, 131, 0, -262)
    gyro, accel = imu.read()
    assert np.degrees(gyro) == pytest.approx([1.0, 0.0, -2.0])
    assert accel == pytest.approx([0.0, -9.80665 / 2, 9.80665])


def test_another_chip_in_its_place_is_named():
    with pytest.raises(HardwareError, match="0x71"):
        icm20948.Icm20948(imu_bus(0x71))


def test_a_dead_imu_is_an_error_not_a_zero():
    bus = imu_bus()
    imu = icm20948.Icm20948(bus)
    with pytest.raises(HardwareError, match="frozen"):
        [imu.read() for _ in range(60)]
    bus.gone = True
    with pytest.raises(HardwareError, match="Remote I/O"):
        imu.read()


@pytest.mark.parametrize(
    ("chip", "bus_raw", "shunt_raw", "volts", "amperes"),
    [
        (ina.INA219, 3000 << 3, 1000, 12.0, 1.0),
        (ina.INA226, 9600, -4000, 12.0, -1.0),
    ],
)
def test_power_monitors(chip, bus_raw, shunt_raw, volts, amperes):
    bus = Registers(
        at={
            ina.REG_BUS: struct.pack(">H", bus_raw),
            ina.REG_SHUNT: struct.pack(">h", shunt_raw),
        }
    )
    assert ina.Ina(bus, chip, shunt_ohm=0.01).read() == pytest.approx((volts, amperes))


def test_servo_pulses():
    bus = Registers()
    servos = (
        pca9685.Servo(0, 1500.0, 600.0, (-1.0, 1.0)),
        pca9685.Servo(3, 1500.0, -600.0, (-0.5, 0.5)),
    )
    driver = pca9685.Pca9685(bus, servos)
    bus.written.clear()
    driver.move(np.array([0.5, 2.0]))
    pulses = {}
    for register, data in bus.written:
        on, off = struct.unpack("<HH", data)
        pulses[(register - 6) // 4] = (off - on) * driver.step_us
    assert pulses[0] == pytest.approx(1800.0, abs=driver.step_us)
    assert pulses[3] == pytest.approx(1200.0, abs=driver.step_us)
    with pytest.raises(HardwareError, match="finite"):
        driver.move(np.array([np.nan, 0.0]))


@given(st.floats(12.0, 80.0), st.floats(-180.0, 180.0))
def test_sun_direction_of_four_cosines(elevation_deg, azimuth_deg):
    up, around = np.radians([elevation_deg, azimuth_deg])
    sun = np.array([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)])
    volts = 3.0 * np.maximum(photodiodes.AXES @ sun, 0.0)
    found = photodiodes.direction(volts, 0.0)
    if (volts > 0.0).sum() < 3:
        assert found is None
    else:
        assert found == pytest.approx(sun, abs=1e-6)


def test_no_sun_in_shadow():
    assert photodiodes.direction(np.array([0.01, 0.02, 0.0, 0.01]), 0.05) is None


@pytest.fixture
def pins():
    before = gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory = MockFactory()
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


def test_latch_opens_only_while_armed(pins):
    seen = []
    latch = lines.GpioLatch(17, 27, 22, wait=lambda s: seen.append(pins.pin(27).state))
    with pytest.raises(HardwareError, match="not armed"):
        latch.release()
    assert seen == []
    latch.arm(True)
    latch.release()
    assert seen == [1]
    assert pins.pin(27).state == 0
    latch.close()
    assert pins.pin(17).state == 0


def test_latch_contact_is_closed_to_ground(pins):
    latch = lines.GpioLatch(17, 27, 22)
    pins.pin(22).drive_low()
    assert latch.attached()
    pins.pin(22).drive_high()
    assert not latch.attached()


def test_a_broken_wire_is_an_emergency_stop(pins):
    stop = lines.GpioEmergencyStop(5)
    pins.pin(5).drive_low()
    assert not stop.pressed()
    pins.pin(5).drive_high()
    assert stop.pressed()
