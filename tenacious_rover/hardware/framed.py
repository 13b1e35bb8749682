# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The framed protocol of the rover's own microcontroller; docs/firmware_protocol.md says it all.

A frame on the wire is COBS(body + CRC-32) and a zero byte; a body is kind (1 byte), sequence
(1 byte) and a payload in little endian. A zero byte stands nowhere else, so that a receiver finds
the next frame after any loss. The CRC is that of Ethernet and zip (`zlib.crc32`), little endian: of
random garbage, a CRC of 16 bits would let one frame in 65,536 pass.
"""

from __future__ import annotations

import struct
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from cobs import cobs

from tenacious_rover.hardware.error import CorruptFrameError, HardwareError
from tenacious_rover.hardware.parts import WheelState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.hardware.parts import SerialPort

HELLO = 0x01
DRIVE = 0x02
STOP = 0x03
STATE = 0x82
GREETING = 0x81
REFUSED = 0xFE
VERSION = 1
WHEELS = 4
LONGEST = 96
"""Bytes of a frame on the wire; a longer one is noise."""
DRIVE_FORM = "<H4f"
"""Timeout in ms, four wheel speeds in rad/s."""
STATE_FORM = "<I4f4f4ffH"
"""Clock in ms, positions rad, speeds rad/s, currents A, supply V, trips."""
TRIPS = {1: "over-current", 2: "under-voltage", 4: "stall", 8: "over-temperature", 16: "e-stop"}


@dataclass(frozen=True)
class Frame:
    """One message."""

    kind: int
    sequence: int
    payload: bytes


def encode(frame: Frame) -> bytes:
    """Bytes for the wire."""
    body = struct.pack("BB", frame.kind, frame.sequence) + frame.payload
    return bytes(cobs.encode(body + struct.pack("<I", zlib.crc32(body)))) + b"\0"


def decode(wire: bytes) -> Frame:
    """The frame of the bytes before a zero.

    Raises:
        CorruptFrameError: not COBS, too long or short, or the checksum is wrong.
    """
    if len(wire) > LONGEST:
        raise CorruptFrameError("a frame too long")
    try:
        body = bytes(cobs.decode(wire))
    except cobs.DecodeError as error:
        raise CorruptFrameError(f"a frame that is not COBS: {error}") from error
    if len(body) < 6:
        raise CorruptFrameError(f"a frame of {len(body)} bytes")
    data, check = body[:-4], struct.unpack("<I", body[-4:])[0]
    if zlib.crc32(data) != check:
        raise CorruptFrameError("a frame with a wrong checksum")
    return Frame(data[0], data[1], data[2:])


class Receiver:
    """Cuts a stream of bytes into frames; counts what it threw away."""

    def __init__(self) -> None:
        self.corrupt = 0
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Whole frames that `data` completes."""
        frames = []
        for byte in data:
            if byte:
                if len(self._pending) <= LONGEST:
                    self._pending.append(byte)
                continue
            wire, self._pending = bytes(self._pending), bytearray()
            if not wire:
                continue
            try:
                frames.append(decode(wire))
            except CorruptFrameError:
                self.corrupt += 1
        return frames


class FramedMotors:
    """Four wheels behind a microcontroller that sends its state by itself, 50 times a second.

    Args:
        port: open serial port with a short timeout.
        timeout_s: the controller stops by itself after so long without a `DRIVE`.
        fresh_s: a state older than this is an error.
    """

    def __init__(self, port: SerialPort, timeout_s: float = 0.3, fresh_s: float = 0.25) -> None:
        self.port, self.timeout_s, self.fresh_s = port, timeout_s, fresh_s
        self.receiver = Receiver()
        self._sequence = 0
        self._state: WheelState | None = None
        self._state_at = -np.inf
        self._greeted(patience_s=2.0)

    def drive(self, velocity: NDArray[np.float64]) -> None:
        """Wheel speeds (4,), rad/s."""
        if velocity.shape != (WHEELS,) or not np.isfinite(velocity).all():
            raise HardwareError("wheel speeds must be four numbers")
        self._send(DRIVE, struct.pack(DRIVE_FORM, int(self.timeout_s * 1000), *velocity))

    def stop(self) -> None:
        """Stop now."""
        self._send(STOP, b"")

    def read(self) -> WheelState:
        """The newest state."""
        self._listen()
        if self._state is None or time.monotonic() - self._state_at > self.fresh_s:
            raise HardwareError("motor controller: no state within the last quarter second")
        return self._state

    def close(self) -> None:
        """Stop and let go."""
        try:
            self.stop()
        finally:
            self.port.close()

    def _greeted(self, patience_s: float) -> None:
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            self._send(HELLO, bytes((VERSION,)))
            for frame in self.receiver.feed(self.port.read(LONGEST)):
                if frame.kind == GREETING and frame.payload[:1] == bytes((VERSION,)):
                    return
                if frame.kind == GREETING:
                    raise HardwareError(
                        f"motor controller: speaks version {frame.payload[:1].hex()} of the "
                        f"protocol, this driver {VERSION}; flash the firmware that belongs to it"
                    )
        raise HardwareError("motor controller: no greeting; is it powered, wired, flashed?")

    def _send(self, kind: int, payload: bytes) -> None:
        self._sequence = (self._sequence + 1) % 256
        self.port.write(encode(Frame(kind, self._sequence, payload)))

    def _listen(self) -> None:
        for frame in self.receiver.feed(self.port.read(self.port.in_waiting)):
            if frame.kind == STATE and len(frame.payload) == struct.calcsize(STATE_FORM):
                self._accept(struct.unpack(STATE_FORM, frame.payload))

    def _accept(self, values: tuple[float, ...]) -> None:
        numbers = np.array(values[1:14], float)
        if not np.isfinite(numbers).all():
            self.receiver.corrupt += 1
            return
        trips = int(values[14])
        self._state = WheelState(
            numbers[0:4],
            numbers[4:8],
            numbers[8:12],
            float(numbers[12]),
            tuple(name for bit, name in TRIPS.items() if trips & bit),
        )
        self._state_at = time.monotonic()
