# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""How far sim time may go: never so far ahead of a node that it falls behind.

Nodes beat at 5 Hz of their own clock, which is the simulator's, and say how far they have worked.
Time waits for the slowest of them. A node that is expected and has not beaten yet counts as being
at the start; one that makes no progress for long is given up, and that is said.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class _Node:
    stamp_s: float
    heard_s: float
    """Wall time of its last progress."""
    warned: bool = False


@dataclass(frozen=True)
class Word:
    """Something to say about a node: `name` is `node_behind`, `node_lost` or `node_missing`."""

    name: str
    node: str
    message: str


class Pace:
    """Decides whether time may pass; wall time is handed in.

    Args:
        bound_s: how far the clock may be ahead of the slowest node, sim time.
        speed: at most this many times real time; 0 for as fast as the nodes follow.
        expected: nodes to wait for from the start.
        warn_s: wall time without progress after which a node is reported.
        patience_s: and after which it is no longer waited for.
    """

    def __init__(
        self,
        bound_s: float,
        speed: float = 0.0,
        expected: tuple[str, ...] = (),
        warn_s: float = 3.0,
        patience_s: float = 30.0,
    ) -> None:
        self.bound_s, self.speed = bound_s, speed
        self.warn_s, self.patience_s = warn_s, patience_s
        self._expected = expected
        self._nodes: dict[str, _Node] = {}
        self._anchor: tuple[float, float] | None = None
        self._words: list[Word] = []
        self.waited_s = 0.0
        """Wall time that the clock stood because of a node."""
        self._waiting_since: float | None = None

    def beat(self, node: str, stamp_s: float, wall_s: float) -> None:
        """A node says it has worked up to `stamp_s`."""
        known = self._nodes.get(node)
        if known is None or stamp_s > known.stamp_s:
            self._nodes[node] = _Node(stamp_s, wall_s)

    def leave(self, node: str) -> None:
        """A node is gone and not waited for any more."""
        self._nodes.pop(node, None)
        self._expected = tuple(name for name in self._expected if name != node)

    def may_pass(self, time_s: float, wall_s: float) -> bool:
        """Whether the clock may go on from `time_s` now."""
        if not self._in_time(time_s, wall_s):
            return False
        if self._anchor is None:
            for name in self._expected:
                self._nodes.setdefault(name, _Node(0.0, wall_s))
            self._anchor = (time_s, wall_s)
        slow = [name for name, one in self._nodes.items() if time_s - one.stamp_s > self.bound_s]
        if not slow:
            if self._waiting_since is not None:
                self.waited_s += wall_s - self._waiting_since
                self._waiting_since = None
            return True
        if self._waiting_since is None:
            self._waiting_since = wall_s
        for name in slow:
            self._judge(name, time_s, wall_s)
        return False

    def words(self) -> list[Word]:
        """What is to be said since the last call."""
        said, self._words = self._words, []
        return said

    @property
    def slowest(self) -> tuple[str, float] | None:
        """The node that has worked the least far, and how far."""
        if not self._nodes:
            return None
        name = min(self._nodes, key=lambda n: self._nodes[n].stamp_s)
        return name, self._nodes[name].stamp_s

    def _in_time(self, time_s: float, wall_s: float) -> bool:
        """Whether real time has come far enough for the wanted speed."""
        if self.speed <= 0.0:
            return True
        if self._anchor is None:
            return True
        since_s, wall0 = self._anchor
        if time_s - since_s > self.speed * (wall_s - wall0):
            return False
        # Time lost while waiting for a node is not caught up with a burst.
        if time_s - since_s < self.speed * (wall_s - wall0 - 1.0):
            self._anchor = (time_s, wall_s)
        return True

    def _judge(self, name: str, time_s: float, wall_s: float) -> None:
        node = self._nodes[name]
        # The clock itself may have stood for another node meanwhile.
        since = node.heard_s
        if self._waiting_since is not None:
            since = max(since, self._waiting_since)
        silent = wall_s - since
        lag = time_s - node.stamp_s
        if silent > self.patience_s:
            words = f"{name} made no progress for {silent:.0f} s: time goes on without it"
            self._words.append(Word("node_lost", name, words))
            self.leave(name)
        elif silent > self.warn_s and not node.warned:
            node.warned = True
            kind = "node_behind" if node.stamp_s > 0.0 else "node_missing"
            words = f"{name} is {lag:.2f} s behind; time waits for it since {silent:.1f} s"
            self._words.append(Word(kind, name, words))
