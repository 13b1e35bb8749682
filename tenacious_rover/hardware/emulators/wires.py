# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Wires that programs can open: a pseudo-terminal for serial, sockets for I2C and cameras.

A wire can be cut, can lose and change bytes, and can be slow.
"""

from __future__ import annotations

import json
import os
import select
import socket
import threading
import time
import tty
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from tenacious_rover.hardware.emulators.i2c_chips import FakeBus
    from tenacious_rover.rover.measurements import Stereo


class Device(Protocol):
    """A device on a serial line."""

    def feed(self, data: bytes, now_s: float) -> bytes:
        """Answers to what came in."""

    def tick(self, now_s: float) -> bytes:
        """What it says by itself."""


@dataclass
class Noise:
    """Chance per byte of being lost and of being changed, and a delay of answers."""

    lose: float = 0.0
    change: float = 0.0
    latency_s: float = 0.0


class SerialWire:
    """A device behind a pseudo-terminal that is reached by the path `link`.

    Args:
        device: answers.
        link: symbolic link to the terminal; it moves when the wire is plugged in again.
        noise: of the line.
        rng: draws the noise.
    """

    def __init__(self, device: Device, link: Path, noise: Noise, rng: np.random.Generator) -> None:
        self.device, self.link, self.noise, self._rng = device, Path(link), noise, rng
        self._master = self._slave = -1
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True, name="serial wire")
        self.plug()
        self._thread.start()

    def plug(self) -> None:
        """A fresh terminal behind the link."""
        with self._lock:
            self._master, self._slave = os.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            fresh = self.link.with_name(self.link.name + ".new")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(os.ttyname(self._slave))
            fresh.replace(self.link)

    def unplug(self) -> None:
        """Cut: whoever has it open gets an error."""
        with self._lock:
            self.link.unlink(missing_ok=True)
            for end in (self._master, self._slave):
                if end >= 0:
                    os.close(end)
            self._master = self._slave = -1

    def close(self) -> None:
        """End."""
        self._end.set()
        self._thread.join(1.0)
        self.unplug()

    def _run(self) -> None:
        while not self._end.is_set():
            with self._lock:
                master = self._master
                data = self._read(master)
                now = time.monotonic()
                out = self.device.feed(self._spoilt(data), now) if data else b""
                out += self.device.tick(now)
            if out:
                if self.noise.latency_s:
                    time.sleep(self.noise.latency_s)
                with self._lock, suppress(OSError):
                    if self._master == master and master >= 0:
                        os.write(master, self._spoilt(out))
            if master < 0:
                time.sleep(0.002)

    def _read(self, master: int) -> bytes:
        if master < 0 or not select.select([master], [], [], 0.002)[0]:
            return b""
        try:
            return os.read(master, 4096)
        except OSError:
            return b""

    def _spoilt(self, data: bytes) -> bytes:
        if not (self.noise.lose or self.noise.change):
            return data
        kept = bytearray()
        for byte in data:
            if self._rng.random() < self.noise.lose:
                continue
            changed = self._rng.random() < self.noise.change
            kept.append(byte ^ int(self._rng.integers(1, 256)) if changed else byte)
        return bytes(kept)


class SocketServer:
    """Answers JSON lines on a Unix socket; `answer(request) -> (facts, bytes)`."""

    def __init__(
        self, path: Path, answer: Callable[[dict[str, Any]], tuple[dict[str, Any], bytes]]
    ) -> None:
        self.path = Path(path)
        self.path.unlink(missing_ok=True)
        self._answer = answer
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(self.path))
        self._socket.listen()
        threading.Thread(target=self._accept, daemon=True, name=self.path.name).start()

    def close(self) -> None:
        """No more connections."""
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        # Whoever asked may be gone before the answer.
        with suppress(OSError), peer, peer.makefile("rb") as lines:
            for line in lines:
                try:
                    facts, body = self._answer(json.loads(line))
                except OSError as error:
                    facts, body = {"error": str(error)}, b""
                head = json.dumps({**facts, "bytes": len(body)}).encode() + b"\n"
                peer.sendall(head + body)


def bus_server(path: Path, bus: FakeBus) -> SocketServer:
    """An I2C bus on a socket, as `hardware.remote.RemoteBus` speaks to."""

    def answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        if "read" in request:
            return {"data": bus.read_i2c_block_data(*request["read"])}, b""
        bus.write_i2c_block_data(*request["write"])
        return {}, b""

    return SocketServer(path, answer)


def camera_server(
    path: Path,
    grab: Callable[[], Stereo | None],
    expose: Callable[[bool, float, float], None],
) -> SocketServer:
    """A stereo pair on a socket, as `hardware.remote.RemoteCameras` speaks to."""

    def answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        if "exposure" in request:
            expose(*request["exposure"])
            return {}, b""
        pair = grab()
        if pair is None or pair.right is None:
            return {}, b""
        facts = {
            "shape": list(pair.left.shape),
            "exposure_us": pair.exposure_us,
            "gain": pair.gain,
        }
        return facts, pair.left.tobytes() + pair.right.tobytes()

    return SocketServer(path, answer)
