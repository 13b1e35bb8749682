# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Gives a lane its messages in the order in which its node took them, as the topic `feed` tells.

Messages of the bag wait in a pool until the feed names them. What the feed names and the recorder
does not have (it lost it, or it lies before the stretch) is skipped and counted.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

from tenacious_rover.rover import contract, frames

if TYPE_CHECKING:
    from tenacious_rover.campaign.replay_lanes import Lane

MOMENTS = ("cycle", "begin", "stop")
_PATIENCE_S = 3.0
_KEPT = 4000
_KEPT_PICTURES = 40
_PICTURES = (contract.IMAGE_LEFT.name, contract.IMAGE_RIGHT.name, contract.DEPTH.name)


class Feeder:
    """Of one lane.

    Args:
        lane: is fed.
        exact: whether the bag tells the order; without it messages go on as they come.
        first_s: begin of the stretch on the bag's clock.
    """

    def __init__(self, lane: Lane, exact: bool, first_s: float) -> None:
        self.lane, self.exact = lane, exact
        self.skipped = 0
        self.last_ns = 0
        self._first_ns = round(first_s * 1e9)
        self._pool: dict[str, dict[int, deque[Any]]] = defaultdict(dict)
        self._queue: deque[tuple[str, int, float]] = deque()

    def offer(self, name: str, message: Any, time_s: float) -> None:
        """A message of the bag."""
        if name == contract.FEED.name:
            if self.exact:
                self._told(message.data, time_s)
        elif not self.exact or name in self.lane.outputs:
            self.lane.take(name, message)
        elif name in self.lane.inputs:
            self._keep(name, message)
        self._drain(time_s)

    def finish(self) -> None:
        """The bag ends."""
        self._drain(float("inf"))
        if self.exact:
            self.lane.finish(self.last_ns)

    # -- inside -------------------------------------------------------------------------------

    def _told(self, text: str, time_s: float) -> None:
        content = json.loads(text)
        if content["node"] != self.lane.comparison.core:
            return
        names = content["names"]
        self._queue.extend((names[i], ns, time_s) for i, ns in content["inputs"])

    def _keep(self, name: str, message: Any) -> None:
        ns = key_of(name, message)
        if ns is None:
            return
        waiting = self._pool[name]
        waiting.setdefault(ns, deque()).append(message)
        while len(waiting) > (_KEPT_PICTURES if name in _PICTURES else _KEPT):
            del waiting[next(iter(waiting))]

    def _drain(self, time_s: float) -> None:
        while self._queue:
            name, ns, told_s = self._queue[0]
            if name in MOMENTS:
                if not self.lane.moment(name, ns) and time_s - told_s < _PATIENCE_S:
                    return
                self._queue.popleft()
                self.last_ns = max(self.last_ns, ns)
                continue
            if name not in self.lane.inputs:
                self._queue.popleft()
                continue
            waiting = self._pool[name].get(ns)
            if waiting:
                self._queue.popleft()
                message = waiting.popleft()
                if not waiting:
                    del self._pool[name][ns]
                self.lane.take(name, message)
                self.last_ns = max(self.last_ns, ns)
            elif ns < self._first_ns or time_s - told_s >= _PATIENCE_S:
                self._queue.popleft()
                self.skipped += 1
            else:
                return


def key_of(name: str, message: Any) -> int | None:
    """The stamp by which the feed names a message, ns; `None`: it never names it."""
    header = getattr(message, "header", None)
    if name == contract.TF.name:
        first = message.transforms[0] if len(message.transforms) else None
        if first is None or first.header.frame_id != frames.MAP:
            return None
        header = first.header
    if header is None:
        return 0
    return int(header.stamp.sec) * 10**9 + int(header.stamp.nanosec)
