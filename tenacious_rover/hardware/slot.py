# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A part that may be missing, fail and come back: opened again and again, spoken of once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tenacious_rover.hardware.error import HardwareError

if TYPE_CHECKING:
    from collections.abc import Callable


class Slot:
    """The place of one part; threads take turns at it.

    Args:
        name: for messages.
        open_part: makes the driver or raises `HardwareError`; `None`: not fitted.
        retry_s: between attempts.
        tolerated: failures in a row before the part is closed and opened anew.
    """

    def __init__(
        self,
        name: str,
        open_part: Callable[[], Any] | None,
        retry_s: float,
        tolerated: int = 3,
    ) -> None:
        self.name, self.retry_s, self.tolerated = name, retry_s, tolerated
        self._open = open_part
        self._failures = 0
        self._next_s = float("-inf")
        self._turn = threading.RLock()
        self.part: Any = None
        self.error = ""

    @property
    def fitted(self) -> bool:
        """Whether the rover is said to have this part."""
        return self._open is not None

    @property
    def working(self) -> bool:
        """Open, and its last call went well."""
        return self.part is not None and not self.error

    def use(self, time_s: float, work: Callable[[Any], Any]) -> Any:
        """What `work(part)` gives, or `None` while the part is missing or failed."""
        if self._open is None:
            return None
        with self._turn:
            if self.part is None and not self._reopened(time_s):
                return None
            try:
                result = work(self.part)
            except (HardwareError, OSError) as error:
                self.error = str(error)
                self._failures += 1
                if self._failures >= self.tolerated:
                    self.close()
                    self._next_s = time_s + self.retry_s
                return None
            self._failures, self.error = 0, ""
            return result

    def close(self) -> None:
        """Let go of the part; it is opened anew when it is used again."""
        with self._turn:
            part, self.part = self.part, None
            self._failures = 0
            if part is not None:
                try:
                    part.close()
                except (HardwareError, OSError) as error:
                    self.error = str(error)

    def _reopened(self, time_s: float) -> bool:
        if time_s < self._next_s:
            return False
        assert self._open is not None
        try:
            self.part = self._open()
        except (HardwareError, OSError) as error:
            self.error = str(error)
            self._next_s = time_s + self.retry_s
            return False
        self.error = ""
        return True
