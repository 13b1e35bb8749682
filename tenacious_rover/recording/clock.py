# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Which time a message gets in the bag: the rover's clock at the moment of its reception."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections import deque

_CLOCK = struct.Struct("<iI")
_KEPT = 4096


def clock_ns(data: bytes) -> int:
    """The time in a serialized rosgraph_msgs/Clock (CDR, little endian)."""
    seconds, nanoseconds = _CLOCK.unpack_from(data, 4)
    return int(seconds) * 10**9 + int(nanoseconds)


class Ticks:
    """Remembers what `/clock` said and when, on the computer's clock."""

    def __init__(self) -> None:
        self._received: deque[int] = deque(maxlen=_KEPT)
        self._said: deque[int] = deque(maxlen=_KEPT)

    def __bool__(self) -> bool:
        return bool(self._said)

    def tick(self, received_ns: int, said_ns: int) -> None:
        """A clock message; they come in order."""
        self._received.append(received_ns)
        self._said.append(said_ns)

    def at(self, received_ns: int) -> int:
        """The newest tick that had come by then; the oldest known for what is older."""
        place = bisect_right(self._received, received_ns)
        return self._said[max(place - 1, 0)]
