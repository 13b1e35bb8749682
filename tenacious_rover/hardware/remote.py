# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A bus and cameras behind sockets: parts that another process emulates or forwards.

A request is a JSON line; so is an answer, followed by as many raw bytes as its `bytes` says.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.hardware.cameras import Watchdog
from tenacious_rover.hardware.error import HardwareError
from tenacious_rover.rover.measurements import Stereo

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 1.0
PICTURE_PATIENCE_S = 5.0


class _Peer:
    """One connection to a Unix socket; after a failure it has to be made anew."""

    def __init__(self, path: str | Path, patience_s: float = PATIENCE_S) -> None:
        self.path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(patience_s)
        try:
            self._socket.connect(self.path)
        except OSError as error:
            self._socket.close()
            raise HardwareError(f"{self.path}: {error.strerror or error}") from error
        self._file = self._socket.makefile("rb")

    def ask(self, **request: Any) -> tuple[dict[str, Any], bytes]:
        """Send a request; the answer and the bytes that follow it."""
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            line = self._file.readline()
            if not line:
                raise HardwareError(f"{self.path}: closed by the other side")
            answer = json.loads(line)
            body = self._file.read(answer.get("bytes", 0))
        except (OSError, ValueError) as error:
            raise HardwareError(f"{self.path}: {error}") from error
        if "error" in answer:
            raise HardwareError(answer["error"])
        return answer, body

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class RemoteBus:
    """An I2C bus behind a socket."""

    def __init__(self, path: str) -> None:
        self._peer = _Peer(path)

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]:
        """Bytes from a register on."""
        answer, _ = self._peer.ask(read=[i2c_addr, register, length])
        return [int(value) for value in answer["data"]]

    def write_i2c_block_data(self, i2c_addr: int, register: int, data: list[int]) -> None:
        """Bytes to a register and on."""
        self._peer.ask(write=[i2c_addr, register, data])


class RemoteCameras:
    """A stereo pair behind a socket."""

    def __init__(self, path: str) -> None:
        self._peer = _Peer(path, PICTURE_PATIENCE_S)
        self._dog = Watchdog(path)

    def read(self, time_s: float) -> Stereo | None:
        """The newest pair, stamped with the caller's clock."""
        answer, body = self._peer.ask(grab=True)
        if not body:
            return None
        shape = tuple(answer["shape"])
        both = np.frombuffer(body, np.uint8).reshape(2, *shape)
        self._dog.look(both[0])
        return Stereo(time_s, both[0], both[1], answer["exposure_us"], answer["gain"])

    def set_exposure(self, auto: bool, exposure_us: float, gain: float) -> None:
        """Both eyes alike."""
        self._peer.ask(exposure=[auto, exposure_us, gain])

    def close(self) -> None:
        """Let go."""
        self._peer.close()
