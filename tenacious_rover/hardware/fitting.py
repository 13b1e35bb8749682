# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""From a configuration to drivers: the one place that knows which class serves which name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenacious_rover.hardware.error import HardwareError
from tenacious_rover.hardware.slot import Slot
from tenacious_rover.rover.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacious_rover.hardware.config import HardwareConfig
    from tenacious_rover.rover.model import Rover

PARTS = (
    "motors",
    "imu",
    "power",
    "servos",
    "sun",
    "latch",
    "estop",
    "cameras",
    "thermometers",
)


def slots(rover: Rover, config: HardwareConfig) -> dict[str, Slot]:
    """A slot per part of `PARTS`; the drivers' libraries are imported only when they are used."""
    makers = {
        "motors": _motors(rover, config),
        "imu": _imu(config),
        "power": _power(config),
        "servos": _servos(rover, config),
        "sun": _sun(config),
        "latch": _latch(config),
        "estop": _estop(config),
        "cameras": _cameras(rover, config),
        "thermometers": _thermometers(config),
    }
    return {name: Slot(name, makers[name], config.retry_s) for name in PARTS}


def i2c_bus(config: HardwareConfig) -> Any:
    """The bus of a number, or the socket of an emulated one."""
    if config.i2c.isdigit():
        from smbus2 import SMBus

        try:
            return SMBus(int(config.i2c))
        except OSError as error:
            raise HardwareError(
                f"/dev/i2c-{config.i2c}: {error.strerror}; is I2C switched on and are you in the "
                "group i2c?"
            ) from error
    from tenacious_rover.hardware.remote import RemoteBus

    return RemoteBus(config.i2c)


def _motors(rover: Rover, config: HardwareConfig) -> Callable[[], Any] | None:
    if config.motors == "none":
        return None

    def opened() -> Any:
        from tenacious_rover.hardware.serial_line import SerialLine

        if config.motors == "framed":
            from tenacious_rover.hardware.framed import FramedMotors

            port = SerialLine(config.motors_port, config.motors_baud, 0.02)
            return FramedMotors(port, config.motor_timeout_s)
        from tenacious_rover.hardware.roboclaw import Gearing, RoboClawMotors

        count = len(rover.wheels)
        if len(config.roboclaw_channels) != count or len(config.motor_directions) != count:
            raise HardwareError(
                f"roboclaw_channels and motor_directions: {count} values each, one per wheel"
            )
        return RoboClawMotors(
            SerialLine(config.motors_port, config.motors_baud, 0.03),
            config.roboclaw_addresses,
            tuple(divmod(value, 2) for value in config.roboclaw_channels),
            config.motor_directions,
            Gearing(config.counts_per_turn),
            config.motor_timeout_s,
        )

    return opened


def _imu(config: HardwareConfig) -> Callable[[], Any] | None:
    if config.imu == "none":
        return None

    def opened() -> Any:
        if config.imu == "icm20948":
            from tenacious_rover.hardware.icm20948 import Icm20948

            return Icm20948(i2c_bus(config), config.imu_address)
        from tenacious_rover.hardware.bno085 import Bno085

        return Bno085(config.imu_address)

    return opened


def _power(config: HardwareConfig) -> Callable[[], Any] | None:
    if config.power == "none":
        return None

    def opened() -> Any:
        from tenacious_rover.hardware.ina import INA219, INA226, Ina

        chip = INA219 if config.power == "ina219" else INA226
        return Ina(i2c_bus(config), chip, config.power_address, config.shunt_ohm)

    return opened


def _servos(rover: Rover, config: HardwareConfig) -> Callable[[], Any] | None:
    scoop = rover.scoop
    if config.servos == "none" or scoop is None:
        return None

    def opened() -> Any:
        from tenacious_rover.hardware.pca9685 import Pca9685, Servo

        limits = (scoop.lift_limits, scoop.tilt_limits)
        servos = tuple(
            Servo(
                config.servo_channels[n],
                config.servo_centre_us[n],
                config.servo_us_per_rad[n],
                limits[n],
            )
            for n in range(2)
        )
        return Pca9685(i2c_bus(config), servos, config.servos_address)

    return opened


def _sun(config: HardwareConfig) -> Callable[[], Any] | None:
    if config.sun == "none":
        return None

    def opened() -> Any:
        from tenacious_rover.hardware.photodiodes import Photodiodes

        return Photodiodes(i2c_bus(config), config.sun_address, config.sun_least_v)

    return opened


def _latch(config: HardwareConfig) -> Callable[[], Any] | None:
    if config.latch == "none":
        return None

    def opened() -> Any:
        if config.latch == "expander":
            from tenacious_rover.hardware.expander import Expander, ExpanderLatch

            return ExpanderLatch(Expander(i2c_bus(config), config.expander_address))
        from tenacious_rover.hardware.lines import GpioLatch

        arm, release, contact = config.latch_pins
        return GpioLatch(arm, release, contact)

    return opened


def _estop(config: HardwareConfig) -> Callable[[], Any] | None:
    if config.estop == "none":
        return None

    def opened() -> Any:
        if config.estop == "expander":
            from tenacious_rover.hardware.expander import Expander, ExpanderStop

            return ExpanderStop(Expander(i2c_bus(config), config.expander_address))
        from tenacious_rover.hardware.lines import GpioEmergencyStop

        return GpioEmergencyStop(config.estop_pin)

    return opened


def _cameras(rover: Rover, config: HardwareConfig) -> Callable[[], Any] | None:
    if config.cameras == "none":
        return None

    def opened() -> Any:
        from tenacious_rover.hardware import cameras

        eyes = rover.cameras
        if config.cameras == "socket":
            from tenacious_rover.hardware.remote import RemoteCameras

            return RemoteCameras(config.camera_left)
        if config.cameras == "depth":
            return cameras.DepthCamera(eyes)
        calibration = cameras.calibration_file(config.camera_calibration)
        if config.cameras == "picamera2":
            return cameras.PiCameras(eyes, calibration)
        return cameras.V4l2Cameras(config.camera_left, config.camera_right, eyes, calibration)

    return opened


def _thermometers(config: HardwareConfig) -> Callable[[], Any] | None:
    chosen = {}
    for word in config.temperatures.split():
        part, equals, file = word.partition("=")
        if not (part and equals and file):
            raise ConfigError(f"temperatures: {word!r} is not of the form part=file")
        chosen[part] = file
    if not chosen:
        return None

    def opened() -> Any:
        from tenacious_rover.hardware.thermometers import Thermometers

        return Thermometers(chosen)

    return opened
