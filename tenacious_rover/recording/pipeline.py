# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The thread that compresses and writes, so that the node never waits for a disk."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from tenacious_rover.recording.drops import Drops
from tenacious_rover.recording.error import RecordingError
from tenacious_rover.recording.guard import DiskGuard, Verdict, free_bytes
from tenacious_rover.recording.topics import VITAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tenacious_rover.recording.writer import BagWriter

_LOOK_S = 1.0
_IDLE_S = 0.1


class Item(NamedTuple):
    """A serialized message on its way; times in ns."""

    topic: str
    worth: int
    log_ns: int
    publish_ns: int
    sequence: int
    data: bytes


class Pipeline:
    """Takes messages from the node's thread, writes them in its own.

    Args:
        writer: the bag; only this object's thread touches it from now on.
        queue_bytes: what may wait; beyond it messages are dropped and counted.
        free: free bytes on the disk of a folder.
    """

    def __init__(
        self, writer: BagWriter, queue_bytes: int, free: Callable[[Path], int] = free_bytes
    ) -> None:
        self.writer = writer
        self.drops = Drops()
        self.verdict = Verdict()
        self.failure = ""
        self._guard = DiskGuard(writer.config.quota_mb, writer.config.reserve_mb)
        self._free = free
        self._queue: deque[Item] = deque()
        self._topics: deque[tuple[str, str, tuple[dict[str, Any], ...]]] = deque()
        self._waiting = 0
        self._limit = queue_bytes
        self._wake = threading.Condition()
        self._ending = False
        self._looked, self._unseen = -_LOOK_S, 0
        self._burst = min(8e6, writer.config.quota_mb * 1e4)
        self._thread = threading.Thread(target=self._work, name="bag writer", daemon=True)
        self._thread.start()

    def add_topic(self, name: str, kind: str, qos: tuple[dict[str, Any], ...]) -> None:
        """Make a topic known to the bag, before its first message."""
        with self._wake:
            self._topics.append((name, kind, qos))

    def put(self, items: Iterable[Item]) -> None:
        """Hand over messages, in order; never waits for the disk."""
        with self._wake:
            for item in items:
                # What is vital finds room where images no longer do.
                share = 1.0 if item.worth >= VITAL else 0.9
                if self._waiting + len(item.data) > self._limit * share:
                    self.drops.add("queue", item.topic)
                    continue
                self._queue.append(item)
                self._waiting += len(item.data)
            self._wake.notify()

    @property
    def waiting(self) -> int:
        """Bytes handed over and not yet written."""
        return self._waiting

    def close(self) -> None:
        """Write what waits, end the bag."""
        with self._wake:
            self._ending = True
            self._wake.notify()
        self._thread.join()

    # -- the thread ---------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while True:
                with self._wake:
                    if not self._queue and not self._ending:
                        self._wake.wait(_IDLE_S)
                    batch, self._queue = self._queue, deque()
                    topics, self._topics = self._topics, deque()
                    ending = self._ending
                for topic in topics:
                    self.writer.add_topic(*topic)
                self._look()
                for item in batch:
                    self._write(item)
                with self._wake:
                    self._waiting -= sum(len(item.data) for item in batch)
                if not self.verdict.stop:
                    self.writer.tick()
                if ending and not self._queue:
                    break
        except RecordingError as error:
            self.failure = str(error)
        self._finish()

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked >= _LOOK_S and not self.verdict.stop:
            self._looked, self._unseen = now, 0
            self.verdict = self._guard.look(self.writer.size, self._free(self.writer.folder))

    def _write(self, item: Item) -> None:
        verdict = self.verdict
        if verdict.stop or (item.worth < verdict.floor and item.worth < VITAL):
            self.drops.add("shed", item.topic)
            return
        self.writer.write(item.topic, item.log_ns, item.data, item.publish_ns, item.sequence)
        # A burst between two looks must not run over the quota.
        self._unseen += len(item.data)
        if self._unseen > self._burst:
            self._looked = -_LOOK_S
            self._look()

    def _finish(self) -> None:
        self.writer.custom["dropped"] = json.dumps(self.drops.facts())
        self.writer.custom["disk_guard"] = self.verdict.words if self.verdict.warn else ""
        try:
            self.writer.close()
        except (RecordingError, OSError) as error:
            self.failure = self.failure or str(error)
