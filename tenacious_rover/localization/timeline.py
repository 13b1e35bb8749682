# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Measurements in the order of their stamps, whatever the order they come in.

The newest seconds of measurements are kept with snapshots of the filter between them. One that
comes late is put in its place and everything after it is applied again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenacious_rover.localization import filter as eskf

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Apply = Callable[[eskf.State, "Event"], tuple[float, bool] | None]

_SNAPSHOT_EVERY = 5


@dataclass(eq=False)
class Event:
    """A measurement at its time.

    Attributes:
        apply: changes the state; returns normalised innovation and whether it was used, if gated.
        sample: an inertial sample (7,) - gyro, accel, noise factor - or `None`.
        loose: factor on the measurement's standard deviation.
        result: what the newest application returned.
    """

    time_s: float
    kind: str
    apply: Apply | None = None
    sample: NDArray | None = None
    loose: float = 1.0
    result: tuple[float, bool] | None = None
    after: eskf.State | None = None


class Timeline:
    """The filter's state and how it came about during the newest `keep_s` seconds."""

    def __init__(self, state: eskf.State, gravity: float, noise: NDArray, keep_s: float) -> None:
        self.state = state
        self._base = state.copy()
        self._gravity, self._noise, self._keep_s = gravity, noise, keep_s
        self._events: list[Event] = []
        self._times: list[float] = []
        self._since_snapshot = 0

    def insert(self, event: Event) -> bool:
        """Apply a measurement at its time; `False` when it comes too late to be used."""
        if event.time_s < self._base.time_s:
            return False
        index = bisect_right(self._times, event.time_s)
        self._events.insert(index, event)
        self._times.insert(index, event.time_s)
        if index == len(self._events) - 1:
            self._apply(self.state, event, keep=True)
            if len(self._events) > 64 and self._times[0] < event.time_s - 1.5 * self._keep_s:
                self._forget(event.time_s - self._keep_s)
        else:
            self._replay(index)
        return True

    def withdraw(self, event: Event) -> None:
        """Undo a measurement; nothing when it is older than what is kept."""
        index = self._index(event)
        if index is not None:
            del self._events[index], self._times[index]
            self._replay(index)

    def loosen(self, kind: str, since_s: float, until_s: float, factor: float) -> None:
        """Trust the measurements of a kind in an interval less, and apply all again."""
        first, last = bisect_right(self._times, since_s), bisect_right(self._times, until_s)
        changed = [e for e in self._events[first:last] if e.kind == kind]
        for event in changed:
            event.loose = factor
        if changed:
            self._replay(first)

    def at(self, time_s: float) -> eskf.State:
        """The state at a time within what is kept, or propagated to a time ahead."""
        index = bisect_right(self._times, time_s)
        state, first = self._before(index)
        if index == len(self._events):
            state = self.state.copy()
        else:
            for event in self._events[first:index]:
                self._apply(state, event, keep=False)
        eskf.advance(state, time_s, self._gravity, self._noise)
        return state

    # -- inside -------------------------------------------------------------------------------

    def _index(self, event: Event) -> int | None:
        for index in range(bisect_left(self._times, event.time_s), len(self._events)):
            if self._events[index] is event:
                return index
            if self._times[index] > event.time_s:
                break
        return None

    def _before(self, index: int) -> tuple[eskf.State, int]:
        """A copy of the newest snapshot before event `index`, and the event it continues with."""
        for earlier in range(index - 1, -1, -1):
            snapshot = self._events[earlier].after
            if snapshot is not None:
                return snapshot.copy(), earlier + 1
        return self._base.copy(), 0

    def _replay(self, index: int) -> None:
        state, first = self._before(index)
        self.state = state
        for event in self._events[first:]:
            self._apply(state, event, keep=True)

    def _apply(self, state: eskf.State, event: Event, keep: bool) -> None:
        if event.sample is not None:
            state.x[51:58] = event.sample
        eskf.advance(state, event.time_s, self._gravity, self._noise)
        if event.apply is not None:
            result = event.apply(state, event)
            if keep:
                event.result = result
        if keep:
            self._since_snapshot += 1
            due = self._since_snapshot >= _SNAPSHOT_EVERY
            event.after = state.copy() if due else None
            if due:
                self._since_snapshot = 0

    def _forget(self, before_s: float) -> None:
        """Drop what is older, up to a snapshot."""
        index = bisect_left(self._times, before_s)
        while index > 0 and self._events[index - 1].after is None:
            index -= 1
        if index > 0:
            snapshot = self._events[index - 1].after
            assert snapshot is not None
            self._base = snapshot
            del self._events[:index], self._times[:index]
