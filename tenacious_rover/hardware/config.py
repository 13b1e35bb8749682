# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Which parts a rover is made of, where they are wired, and when they trip."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover.config import bounded, described, one_of


@dataclass(frozen=True)
class HardwareConfig:
    """One rover's wiring; docs/hardware.md explains each field with a drawing."""

    # Wheels
    motors: str = one_of("framed", ("framed", "roboclaw", "none"), "controller of the wheels")
    motors_port: str = described("/dev/rover-motors", "serial port, see deploy/udev")
    motors_baud: int = bounded(115200, 9600, 2000000, "bits per second")
    roboclaw_addresses: tuple[int, ...] = described((128, 129), "of the controllers")
    roboclaw_channels: tuple[int, ...] = described(
        (0, 1, 2, 3), "per wheel 2 x controller + motor, in the order of the description"
    )
    motor_directions: tuple[int, ...] = described(
        (1, 1, 1, 1), "per wheel 1, or -1 for a motor mounted the other way round"
    )
    counts_per_turn: float = bounded(48000.0, 1.0, 1e8, "encoder counts in a turn of the wheel")
    motor_timeout_s: float = bounded(0.3, 0.1, 0.5, "the controller's own, without a command")
    track_factor: float = bounded(
        1.5, 1.0, 4.0, "track that the rover turns by, over the geometric one: wheels skid"
    )
    torque_per_a: float = bounded(0.4, 0.001, 100.0, "N m at the wheel per A")

    # I2C
    i2c: str = described("1", "bus number, or path of a socket that speaks for a bus")
    imu: str = one_of("icm20948", ("icm20948", "bno085", "none"), "inertial unit")
    imu_address: int = bounded(0x69, 0x08, 0x77, "on the bus")
    power: str = one_of("ina226", ("ina226", "ina219", "none"), "power monitor")
    power_address: int = bounded(0x41, 0x08, 0x77, "on the bus")
    shunt_ohm: float = bounded(0.01, 1e-5, 10.0, "of the power monitor")
    battery_full_v: float = bounded(12.6, 1.0, 60.0, "no load, full")
    battery_empty_v: float = bounded(9.6, 1.0, 60.0, "no load, empty")
    servos: str = one_of("pca9685", ("pca9685", "none"), "driver of the scoop's servos")
    servos_address: int = bounded(0x40, 0x08, 0x77, "on the bus")
    servo_channels: tuple[int, ...] = described((0, 1), "of lift and tilt")
    servo_centre_us: tuple[float, ...] = described((1500.0, 1500.0), "pulse at angle 0")
    servo_us_per_rad: tuple[float, ...] = described((570.0, 570.0), "negative turns the other way")
    sun: str = one_of("photodiodes", ("photodiodes", "none"), "sun sensor")
    sun_address: int = bounded(0x48, 0x08, 0x77, "of its converter on the bus")
    sun_least_v: float = bounded(0.05, 0.0, 5.0, "a darker diode sees no sun")

    # Temperatures
    temperatures: str = described(
        "electronics=/sys/class/thermal/thermal_zone0/temp",
        "part=file of 1/1000 degree C, with blanks between them; parts as in the description",
    )
    trip_celsius: float = bounded(90.0, 20.0, 150.0, "a hotter part stops the wheels")

    # Lines
    latch: str = one_of("gpio", ("gpio", "expander", "none"), "of the payload")
    latch_pins: tuple[int, ...] = described((17, 27, 22), "arm, release, contact")
    estop: str = one_of("gpio", ("gpio", "expander", "none"), "normally closed switch to ground")
    estop_pin: int = bounded(5, 0, 100, "of the switch, on gpio")
    expander_address: int = bounded(0x20, 0x08, 0x77, "on the bus")

    # Cameras
    cameras: str = one_of(
        "v4l2", ("v4l2", "picamera2", "depth", "socket", "none"), "what sees the ground"
    )
    camera_left: str = described("/dev/rover-camera-left", "device, index, file or socket")
    camera_right: str = described("/dev/rover-camera-right", "device, index or file")
    camera_hz: float = bounded(2.0, 0.1, 60.0, "while driving")
    camera_calibration: str = described("", "YAML of `tenacious calibrate camera`")

    # Loop and trips
    loop_hz: float = bounded(50.0, 10.0, 200.0, "commands and encoders")
    trip_current_a: float = bounded(4.0, 0.1, 100.0, "of one wheel, for trip_time_s")
    trip_voltage_v: float = bounded(9.0, 1.0, 60.0, "of the battery, for trip_time_s")
    trip_stall_share: float = bounded(0.2, 0.0, 1.0, "of the commanded speed; slower is a stall")
    trip_time_s: float = bounded(0.5, 0.05, 10.0, "how long a limit is passed before it trips")
    trip_rest_s: float = bounded(3.0, 0.0, 600.0, "wheels stay off this long after a trip")
    retry_s: float = bounded(1.0, 0.1, 60.0, "between attempts to find a lost part")
