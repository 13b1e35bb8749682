# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Tells systemd how a run is doing (sd_notify(3)): up, alive, about to stop. Silent elsewhere."""

from __future__ import annotations

import math
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping


class Notifier:
    """Speaks to the socket of `NOTIFY_SOCKET`, and takes that variable away from child processes.

    Args:
        environment: of this process, as systemd set it.
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        path = environment.pop("NOTIFY_SOCKET", "")
        # A leading @ stands for the zero byte of Linux' abstract names.
        self._address = "\0" + path[1:] if path.startswith("@") else path
        microseconds = environment.pop("WATCHDOG_USEC", "0")
        environment.pop("WATCHDOG_PID", None)
        self._every_s = int(microseconds) * 1e-6 / 3.0 if microseconds.isdigit() else 0.0
        self._next_s = -math.inf
        self._up = False
        self._said = ""

    def watch(self, now_s: float, missing: set[str]) -> None:
        """Call it often while all processes are alive.

        Args:
            now_s: steady clock.
            missing: nodes that were not heard yet; once it is empty, the run is up.
        """
        if not self._up:
            if missing:
                self._status(f"waiting for {', '.join(sorted(missing))}")
                return
            self._up = True
            self._send("READY=1\nSTATUS=all nodes are up")
        if self._every_s and now_s >= self._next_s:
            self._next_s = now_s + self._every_s
            self._send("WATCHDOG=1")

    def stopping(self, why: str) -> None:
        """The run ends."""
        self._send(f"STOPPING=1\nSTATUS={why}")

    def _status(self, words: str) -> None:
        if words != self._said:
            self._said = words
            self._send(f"STATUS={words}")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        # A manager that went away is no reason to stop driving.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(text.encode(), self._address)
