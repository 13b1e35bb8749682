# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A serial port whose every failure is a `HardwareError`.

pyserial lets `termios.error`, which is no `OSError`, through when a device is pulled out.
"""

from __future__ import annotations

import os
import termios
from typing import TYPE_CHECKING, Any, TypeVar

import serial

from tenacious_rover.hardware.error import HardwareError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class SerialLine:
    """An open port; see `parts.SerialPort`."""

    def __init__(self, port: str, baud: int, timeout_s: float) -> None:
        self.name = port
        self._port: Any = None
        self._port = self._safe(lambda: serial.Serial(port, baud, timeout=timeout_s))

    @property
    def in_waiting(self) -> int:
        """Bytes that wait to be read."""
        return int(self._safe(lambda: self._port.in_waiting))

    def read(self, size: int = 1) -> bytes:
        """At most `size` bytes."""
        return bytes(self._safe(lambda: self._port.read(size)))

    def write(self, data: bytes) -> int:
        """Send bytes at once, or fail: the drive loop does not wait for a line that is full.

        Not by `serial.Serial.write`: it calls a write that went out whole late when the process
        was kept from running for its timeout, and the motors would be given up for a pause.
        """
        sent = self._safe(lambda: os.write(self._port.fileno(), data))
        if sent < len(data):
            raise HardwareError(f"{self.name}: takes {sent} of {len(data)} bytes; nobody reads")
        return sent

    def reset_input_buffer(self) -> None:
        """Throw away what came in."""
        self._safe(self._port.reset_input_buffer)

    def close(self) -> None:
        """Let go of the port."""
        self._safe(self._port.close)

    def _safe(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (OSError, termios.error, TypeError, ValueError) as error:
            raise HardwareError(f"{self.name}: {error}") from error
