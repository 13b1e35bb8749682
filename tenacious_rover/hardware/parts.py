# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The parts of a physical rover, as small protocols; each has at least one real driver here.

A driver opens its device when it is made and raises `HardwareError` when that fails. All calls
return within the driver's own short timeout. `close()` leaves the part in its safe state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tenacious_rover.rover.measurements import Stereo


class I2cBus(Protocol):
    """What drivers need of an I2C bus; `smbus2.SMBus` is one."""

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]:
        """`length` bytes from `register` on."""

    def write_i2c_block_data(self, i2c_addr: int, register: int, data: list[int]) -> None:
        """Bytes to `register` and on."""


class SerialPort(Protocol):
    """What drivers need of a serial port; `serial.Serial` is one."""

    @property
    def in_waiting(self) -> int:
        """Bytes that wait to be read."""

    def read(self, size: int = 1) -> bytes:
        """At most `size` bytes, fewer after the port's timeout."""

    def write(self, data: bytes) -> int | None:
        """Send bytes."""

    def reset_input_buffer(self) -> None:
        """Throw away what came in."""

    def close(self) -> None:
        """Let go of the port."""


@dataclass(frozen=True)
class WheelState:
    """Of the driven wheels, arrays (n,) in the order of the rover's wheels.

    Attributes:
        position: rad, counted since the driver was made.
        velocity: rad/s.
        current: A, positive when it drives.
        voltage_v: of the motor supply.
        faults: names of trips that the controller reports.
    """

    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    current: NDArray[np.float64]
    voltage_v: float
    faults: tuple[str, ...] = ()


class Motors(Protocol):
    """Wheel motors with encoders behind one or more controllers."""

    def drive(self, velocity: NDArray[np.float64]) -> None:
        """Wheel speeds (n,), rad/s. The controller stops by itself when this is not repeated."""

    def stop(self) -> None:
        """Stop now, even when the link has just failed and come back."""

    def read(self) -> WheelState:
        """Encoders and currents."""

    def close(self) -> None:
        """Stop and let go."""


class Inertial(Protocol):
    """An IMU."""

    def read(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gyro (3,) rad/s and specific force (3,) m/s^2 in the IMU's frame."""

    def close(self) -> None:
        """Let go."""


class Cameras(Protocol):
    """A stereo pair or a depth camera."""

    def read(self, time_s: float) -> Stereo | None:
        """The newest pair, or nothing new."""

    def set_exposure(self, auto: bool, exposure_us: float, gain: float) -> None:
        """Both eyes alike."""

    def close(self) -> None:
        """Let go."""


class Servos(Protocol):
    """The scoop's two joints."""

    def move(self, angles: NDArray[np.float64]) -> None:
        """Lift and tilt, rad, at once; ramps are the platform's business."""

    def relax(self) -> None:
        """No torque."""

    def close(self) -> None:
        """Relax and let go."""


class PowerMonitor(Protocol):
    """Battery voltage and current."""

    def read(self) -> tuple[float, float]:
        """V, and A drawn (positive when discharging)."""

    def close(self) -> None:
        """Let go."""


class Latch(Protocol):
    """The payload's latch: an arm line, a release line, and a contact that senses the payload."""

    def arm(self, on: bool) -> None:
        """Power to the latch."""

    def release(self) -> None:
        """Open it; works only while armed, in hardware too."""

    def attached(self) -> bool:
        """What the contact says."""

    def close(self) -> None:
        """Both lines off."""


class SunSensor(Protocol):
    """A sun sensor."""

    def read(self) -> NDArray[np.float64] | None:
        """Unit vector (3,) to the sun in base_link; nothing in shadow."""

    def close(self) -> None:
        """Let go."""


class Temperatures(Protocol):
    """Thermometers of parts."""

    def read(self) -> dict[str, float]:
        """Part to degrees Celsius."""

    def close(self) -> None:
        """Let go."""


class EmergencyStop(Protocol):
    """A switch that a person can hit."""

    def pressed(self) -> bool:
        """Also when its wire is broken."""

    def close(self) -> None:
        """Let go."""
