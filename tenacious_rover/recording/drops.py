# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What was lost on the way to the bag, counted by topic and reason."""

from __future__ import annotations

from collections import Counter, defaultdict


class Drops:
    """Counts losses.

    `transport`: gaps in the numbers that each publisher gives its messages (DDS dropped them, or
    they never came); `queue`: the writer could not follow; `shed`: the disk guard's doing.
    """

    REASONS = ("transport", "queue", "shed")

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {reason: Counter() for reason in self.REASONS}
        self._last: dict[str, dict[bytes, int]] = defaultdict(dict)

    def seen(self, topic: str, publisher: bytes, sequence: int) -> None:
        """A message with that number came from that publisher."""
        last = self._last[topic].get(publisher)
        if last is not None and sequence > last + 1:
            self.counts["transport"][topic] += sequence - last - 1
        if last is None or sequence > last:
            self._last[topic][publisher] = sequence

    def add(self, reason: str, topic: str, count: int = 1) -> None:
        """Lost for another reason."""
        self.counts[reason][topic] += count

    def total(self, *reasons: str) -> int:
        """Messages lost; all reasons when none is named."""
        return sum(self.counts[reason].total() for reason in reasons or self.REASONS)

    def facts(self) -> dict[str, dict[str, int]]:
        """Reason to topic to count, only what there is."""
        return {reason: dict(counts) for reason, counts in self.counts.items() if counts}
