# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A thread that does one thing at a steady rate, and knows how steady it was."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


class Loop:
    """Calls `work(now)` at `rate_hz` on the steady clock until it is stopped.

    A turn that comes late does not make the next ones come early: what was missed is left out.
    """

    def __init__(self, name: str, rate_hz: float, work: Callable[[float], None]) -> None:
        self.period_s = 1.0 / rate_hz
        self.missed = 0
        self.failure: BaseException | None = None
        self._work = work
        self._late: deque[float] = deque(maxlen=6000)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """No further turn."""
        self._end.set()

    def stop(self) -> None:
        """End, and wait for the turn that is going on."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(1.0)

    @property
    def running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread.is_alive()

    def jitter_ms(self, percentile: float = 99.0) -> float:
        """How late turns begin, ms."""
        late = list(self._late)
        return float(np.percentile(late, percentile) * 1e3) if late else 0.0

    def _run(self) -> None:
        due = time.monotonic()
        while not self._end.wait(max(due - time.monotonic(), 0.0)):
            now = time.monotonic()
            self._late.append(now - due)
            try:
                self._work(now)
            except BaseException as error:
                self.failure = error
                raise
            due += self.period_s
            behind = time.monotonic() - due
            if behind > self.period_s:
                skipped = int(behind / self.period_s)
                self.missed += skipped
                due += skipped * self.period_s
