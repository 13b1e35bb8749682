# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Motor controllers at the wire: bytes in, bytes out, and a timeout of their own."""

from __future__ import annotations

import struct
from binascii import crc_hqx
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tenacious_rover.hardware import framed, roboclaw

if TYPE_CHECKING:
    from tenacious_rover.hardware.emulators.body import Body


class RoboClawBoards:
    """Two-motor boards that share a line.

    Args:
        body: what the motors turn.
        addresses: of the boards; board k drives wheels 2k and 2k + 1.
        per_rad: encoder counts per rad of a wheel.
    """

    _WRITES: ClassVar = {roboclaw.DRIVE_M1_M2_SPEED: ">ii", roboclaw.SET_SERIAL_TIMEOUT: ">B"}

    def __init__(self, body: Body, addresses: tuple[int, ...], per_rad: float) -> None:
        self.body, self.addresses, self.per_rad = body, addresses, per_rad
        self.timeout_s = dict.fromkeys(addresses, 0.0)
        self.status = 0
        self._speeds = np.zeros(2 * len(addresses))
        self._heard_s = dict.fromkeys(addresses, 0.0)
        self._pending = b""
        self._last_s = 0.0

    def feed(self, data: bytes, now_s: float) -> bytes:
        """Answers to what came in; half a packet is forgotten after 10 ms of silence."""
        if now_s - self._last_s > 0.010:
            self._pending = b""
        self._last_s = now_s
        self._pending += data
        answers = b""
        while len(self._pending) >= 2:
            used, answer = self._packet(now_s)
            if not used:
                break
            self._pending = self._pending[used:]
            answers += answer
        return answers

    def tick(self, now_s: float) -> bytes:
        """Stop motors whose board was not spoken to; boards say nothing by themselves."""
        for index, address in enumerate(self.addresses):
            limit = self.timeout_s[address]
            if limit and now_s - self._heard_s[address] > limit:
                self._speeds[2 * index : 2 * index + 2] = 0.0
        self.body.set_wheels(self._speeds.copy())
        return b""

    def _packet(self, now_s: float) -> tuple[int, bytes]:
        address, command = self._pending[0], self._pending[1]
        if address not in self.addresses:
            return 1, b""
        if command in self._WRITES:
            form = self._WRITES[command]
            size = 2 + struct.calcsize(form) + 2
            if len(self._pending) < size:
                return 0, b""
            packet = self._pending[:size]
            if crc_hqx(packet[:-2], 0) != struct.unpack(">H", packet[-2:])[0]:
                return size, b""
            self._heard_s[address] = now_s
            self._written(address, command, struct.unpack(form, packet[2:-2]))
            return size, bytes((roboclaw.ACK,))
        data = self._data(self.addresses.index(address), command)
        if data is None:
            return 1, b""
        self._heard_s[address] = now_s
        check = crc_hqx(self._pending[:2] + data, 0)
        return 2, data + struct.pack(">H", check)

    def _written(self, address: int, command: int, values: tuple[int, ...]) -> None:
        if command == roboclaw.SET_SERIAL_TIMEOUT:
            self.timeout_s[address] = values[0] / 10.0
            return
        index = self.addresses.index(address)
        self._speeds[2 * index : 2 * index + 2] = np.array(values) / self.per_rad
        self.body.set_wheels(self._speeds.copy())

    def _data(self, board: int, command: int) -> bytes | None:
        angles, speeds, currents = (v[2 * board : 2 * board + 2] for v in self.body.wheels())
        if command == roboclaw.READ_VERSION:
            return b"USB Roboclaw 2x7a v4.2.8\n\0"
        if command == roboclaw.READ_ENCODERS:
            return struct.pack(">II", *(round(a * self.per_rad) % 2**32 for a in angles))
        if command == roboclaw.READ_ISPEEDS:
            return struct.pack(">ii", *(round(s * self.per_rad) for s in speeds))
        if command == roboclaw.READ_CURRENTS:
            return struct.pack(">hh", *(round(c * 100.0) for c in currents))
        if command == roboclaw.READ_MAIN_VOLTAGE:
            return struct.pack(">H", round(self.body.power()[0] * 10.0))
        if command == roboclaw.READ_STATUS:
            return struct.pack(">H", self.status)
        return None


class Microcontroller:
    """The rover's own board, as docs/firmware_protocol.md has it."""

    STATE_PERIOD_S = 0.02

    def __init__(self, body: Body, version: int = framed.VERSION) -> None:
        self.body, self.version = body, version
        self.trips = 0
        self.receiver = framed.Receiver()
        self._until_s = 0.0
        self._next_state_s = 0.0
        self._sequence = 0

    def feed(self, data: bytes, now_s: float) -> bytes:
        """Answers to what came in."""
        return b"".join(self._answer(frame, now_s) for frame in self.receiver.feed(data))

    def tick(self, now_s: float) -> bytes:
        """Stop when not spoken to; send the state 50 times a second."""
        if now_s > self._until_s:
            self.body.set_wheels(np.zeros(framed.WHEELS))
        if now_s < self._next_state_s:
            return b""
        self._next_state_s = now_s + self.STATE_PERIOD_S
        angles, speeds, currents = self.body.wheels()
        clock = int(now_s * 1000) % 2**32
        values = (clock, *angles, *speeds, *currents, self.body.power()[0], self.trips)
        return self._frame(framed.STATE, struct.pack(framed.STATE_FORM, *values))

    def _answer(self, frame: framed.Frame, now_s: float) -> bytes:
        if frame.kind == framed.HELLO:
            return self._frame(framed.GREETING, bytes((self.version,)) + b"tenacious")
        if frame.kind == framed.STOP:
            self._until_s = 0.0
            self.body.set_wheels(np.zeros(framed.WHEELS))
            return b""
        if frame.kind == framed.DRIVE and len(frame.payload) == struct.calcsize(framed.DRIVE_FORM):
            timeout_ms, *speeds = struct.unpack(framed.DRIVE_FORM, frame.payload)
            if np.isfinite(speeds).all() and 0 < timeout_ms <= 500:
                self._until_s = now_s + timeout_ms / 1000.0
                self.body.set_wheels(np.array(speeds))
                return b""
        return self._frame(framed.REFUSED, bytes((frame.kind,)))

    def _frame(self, kind: int, payload: bytes) -> bytes:
        self._sequence = (self._sequence + 1) % 256
        return framed.encode(framed.Frame(kind, self._sequence, payload))
