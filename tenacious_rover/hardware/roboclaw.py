# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""RoboClaw motor controllers in packet serial mode (Basicmicro's user manual, rev. 5.7).

A packet is address, command, payload (big endian), CRC-16 of all that (polynomial 0x1021, start 0:
`binascii.crc_hqx`). A write is answered by 0xFF, a read by the data and a CRC over the request's
first two bytes and the data. JPL's open rover uses the same parts.
"""

from __future__ import annotations

import struct
from binascii import crc_hqx
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.hardware.error import CorruptFrameError, HardwareError
from tenacious_rover.hardware.parts import WheelState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.hardware.parts import SerialPort

ACK = 0xFF
SET_SERIAL_TIMEOUT = 14
READ_VERSION = 21
READ_MAIN_VOLTAGE = 24
DRIVE_M1_M2_SPEED = 37
READ_CURRENTS = 49
READ_ENCODERS = 78
READ_TEMPERATURE = 82
READ_STATUS = 90
READ_ISPEEDS = 79
TRIPS = {
    0x0001: "emergency stop",
    0x0002: "temperature",
    0x0004: "temperature 2",
    0x0008: "supply voltage high",
    0x0010: "logic voltage high",
    0x0020: "logic voltage low",
    0x0040: "M1 driver",
    0x0080: "M2 driver",
    0x0100: "M1 speed",
    0x0200: "M2 speed",
    0x0400: "M1 position",
    0x0800: "M2 position",
    0x1000: "M1 current",
    0x2000: "M2 current",
}
TRIES = 3
LARGEST_STEP_RAD = 10.0
LARGEST_SPEED_RADPS = 50.0
SUPPLY_V = (4.0, 40.0)
"""A 16-bit checksum lets one garbled answer in 65,536 pass: what no wheel does is refused, too."""


class RoboClaw:
    """One controller with two motors; raw units (encoder counts and 10 mA)."""

    def __init__(self, port: SerialPort, address: int = 0x80) -> None:
        self.port, self.address = port, address

    def read(self, command: int, form: str) -> tuple[int, ...]:
        """Ask for values of a struct `form`; tried again when the answer is corrupt."""
        size = struct.calcsize(form)
        head = bytes((self.address, command))
        last: HardwareError | None = None
        for _ in range(TRIES):
            self.port.reset_input_buffer()
            self.port.write(head)
            answer = self.port.read(size + 2)
            try:
                return struct.unpack(form, self._whole(head, answer, size))
            except HardwareError as error:
                last = error
        assert last is not None
        raise last

    def write(self, command: int, form: str, *values: int) -> None:
        """Send values and wait for the acknowledgement."""
        packet = bytes((self.address, command)) + struct.pack(form, *values)
        packet += struct.pack(">H", crc_hqx(packet, 0))
        for _ in range(TRIES):
            self.port.reset_input_buffer()
            self.port.write(packet)
            if self.port.read(1) == bytes((ACK,)):
                return
        raise HardwareError(f"RoboClaw 0x{self.address:02x}: no acknowledgement of {command}")

    def version(self) -> str:
        """The firmware's text, which ends with a line feed and a zero."""
        head = bytes((self.address, READ_VERSION))
        self.port.reset_input_buffer()
        self.port.write(head)
        answer = b""
        while len(answer) < 50 and not answer.endswith(b"\n\0"):
            byte = self.port.read(1)
            if not byte:
                break
            answer += byte
        text = self._whole(head, answer + self.port.read(2), len(answer))
        return text.rstrip(b"\n\0").decode("ascii", "replace")

    def _whole(self, head: bytes, answer: bytes, size: int) -> bytes:
        who = f"RoboClaw 0x{self.address:02x}"
        if not answer:
            raise HardwareError(f"{who}: silent; is it powered, in packet serial mode, wired?")
        if len(answer) != size + 2:
            raise CorruptFrameError(f"{who}: {len(answer)} of {size + 2} bytes of an answer")
        data = answer[:size]
        if struct.unpack(">H", answer[size:])[0] != crc_hqx(head + data, 0):
            raise CorruptFrameError(f"{who}: an answer with a wrong checksum")
        return data


@dataclass(frozen=True)
class Gearing:
    """From encoder counts to wheel angles."""

    counts_per_turn: float
    """Of the wheel: encoder counts times gear ratio."""

    @property
    def per_rad(self) -> float:
        """Counts per rad of the wheel."""
        return self.counts_per_turn / (2.0 * np.pi)


@dataclass(frozen=True)
class _Slow:
    """Of one controller, 10 mA and V."""

    currents: tuple[int, ...]
    voltage_v: float
    trips: tuple[str, ...]


class RoboClawMotors:
    """Wheels behind RoboClaws on one port.

    Args:
        port: open serial port with a timeout of 10 to 50 ms.
        addresses: of the controllers.
        channels: per wheel, the index of its controller and its motor, 0 or 1.
        directions: per wheel +1, or -1 for a motor that is mounted the other way round.
        gearing: of the wheels, which are alike.
        timeout_s: the controllers stop by themselves after so long without a packet.
    """

    def __init__(
        self,
        port: SerialPort,
        addresses: tuple[int, ...],
        channels: tuple[tuple[int, int], ...],
        directions: tuple[int, ...],
        gearing: Gearing,
        timeout_s: float = 0.3,
    ) -> None:
        self.port, self.channels, self.gearing = port, channels, gearing
        self.directions = np.array(directions, float)
        self.boards = [RoboClaw(port, address) for address in addresses]
        for board in self.boards:
            board.version()
            board.write(SET_SERIAL_TIMEOUT, ">B", max(int(timeout_s * 10), 1))
        self._turned = np.zeros(len(channels))
        self._counts: NDArray[np.int64] | None = None
        self._slow: dict[int, _Slow] = {}
        self._turn = 0

    def drive(self, velocity: NDArray[np.float64]) -> None:
        """Wheel speeds (n,), rad/s."""
        if not np.isfinite(velocity).all():
            raise HardwareError("a wheel speed is not a number")
        counts = np.rint(velocity * self.directions * self.gearing.per_rad).astype(int)
        for index, board in enumerate(self.boards):
            pair = [0, 0]
            for wheel, (of, motor) in enumerate(self.channels):
                if of == index:
                    pair[motor] = int(counts[wheel])
            board.write(DRIVE_M1_M2_SPEED, ">ii", *pair)

    def stop(self) -> None:
        """Speed zero to all, whatever one of them answers."""
        failed: HardwareError | None = None
        for board in self.boards:
            try:
                board.write(DRIVE_M1_M2_SPEED, ">ii", 0, 0)
            except HardwareError as error:
                failed = error
        if failed is not None:
            raise failed

    def read(self) -> WheelState:
        """Encoders and speeds, fresh; currents, supply and trips of one controller in turn.

        All of them each time would take longer than a turn of a 50 Hz loop at 115,200 baud.
        """
        counts, speeds = [], []
        for board in self.boards:
            counts.append(board.read(READ_ENCODERS, ">II"))
            speeds.append(board.read(READ_ISPEEDS, ">ii"))
        due = range(len(self.boards)) if not self._slow else [self._turn % len(self.boards)]
        for index in due:
            self._slow[index] = self._looked(self.boards[index])
        self._turn += 1
        here = np.array([counts[of][motor] for of, motor in self.channels], np.int64)
        speed = np.array([speeds[of][motor] for of, motor in self.channels], float)
        voltage = min(seen.voltage_v for seen in self._slow.values())
        self._counted(here, speed / self.gearing.per_rad, voltage)
        current = np.array([self._slow[of].currents[motor] for of, motor in self.channels], float)
        return WheelState(
            self._turned.copy(),
            speed * self.directions / self.gearing.per_rad,
            current * self.directions / 100.0,
            voltage,
            tuple(trip for seen in self._slow.values() for trip in seen.trips),
        )

    @staticmethod
    def _looked(board: RoboClaw) -> _Slow:
        status = board.read(READ_STATUS, ">H")[0]
        return _Slow(
            board.read(READ_CURRENTS, ">hh"),
            board.read(READ_MAIN_VOLTAGE, ">H")[0] / 10.0,
            tuple(name for bit, name in TRIPS.items() if status & bit),
        )

    def _counted(self, here: NDArray[np.int64], speed: NDArray[np.float64], voltage: float) -> None:
        """Add up the way since the last reading; the counter is 32 bits wide and runs over."""
        if not SUPPLY_V[0] <= voltage <= SUPPLY_V[1] or np.abs(speed).max() > LARGEST_SPEED_RADPS:
            raise CorruptFrameError(f"RoboClaw: {voltage:g} V and {speed} rad/s cannot be")
        before, self._counts = self._counts, here
        if before is None:
            return
        moved = ((here - before + 2**31) % 2**32 - 2**31) / self.gearing.per_rad
        if np.abs(moved).max() > LARGEST_STEP_RAD:
            self._counts = None
            raise CorruptFrameError(f"RoboClaw: encoders jumped by {moved} rad")
        self._turned += moved * self.directions

    def close(self) -> None:
        """Stop and let go."""
        try:
            self.stop()
        finally:
            self.port.close()
