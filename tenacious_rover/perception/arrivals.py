# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Images and poses as they arrive, in any order, to frames whose pose is known."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]

_KEPT = 4
"""Images of one eye that wait for the other, and frames that wait for a pose."""
_REMEMBERED = 64
"""Stamps of frames that came already."""


@dataclass(frozen=True)
class Posed:
    """A pose at a time: odom_T_base (4, 4) and its covariance (6, 6)."""

    time_s: float
    odom_T_base: Float
    covariance: Float


class PoseHistory:
    """Poses of the last seconds.

    Args:
        span_s: how far back.
    """

    def __init__(self, span_s: float = 5.0) -> None:
        self.span_s = span_s
        self._poses: deque[Posed] = deque()

    def add(self, posed: Posed) -> None:
        """Take a pose.

        One that is not newer than the newest is left out, unless it is older by more than the span:
        then the clock was set back, and a new history begins.
        """
        if self._poses and posed.time_s <= self._poses[-1].time_s:
            if posed.time_s > self._poses[-1].time_s - self.span_s:
                return
            self._poses.clear()
        self._poses.append(posed)
        while self._poses[0].time_s < posed.time_s - self.span_s:
            self._poses.popleft()

    @property
    def newest_s(self) -> float:
        """Time of the newest pose; minus infinity when there is none."""
        return self._poses[-1].time_s if self._poses else -np.inf

    @property
    def oldest_s(self) -> float:
        """Time of the oldest pose kept; infinity when there is none."""
        return self._poses[0].time_s if self._poses else np.inf

    def at(self, time_s: float) -> Posed | None:
        """The pose between its neighbours, or `None` outside of the history."""
        if not self.oldest_s <= time_s <= self.newest_s:
            return None
        after = next(i for i, p in enumerate(self._poses) if p.time_s >= time_s)
        late = self._poses[after]
        if late.time_s == time_s or after == 0:
            return late
        early = self._poses[after - 1]
        share = (time_s - early.time_s) / (late.time_s - early.time_s)
        return Posed(time_s, between(early.odom_T_base, late.odom_T_base, share), late.covariance)


def between(a_T_b: Float, a_T_c: Float, share: float) -> Float:
    """The transform `share` of the way from one to another; for small turns."""
    p, q = frames.quaternion(a_T_b), frames.quaternion(a_T_c)
    if p @ q < 0.0:
        q = -q
    mixed = (1.0 - share) * p + share * q
    place = (1.0 - share) * a_T_b[:3, 3] + share * a_T_c[:3, 3]
    return frames.transform(place, mixed / np.linalg.norm(mixed))


@dataclass
class Counts:
    """Of images since the start."""

    frames: int = 0
    used: int = 0
    duplicates: int = 0
    unpaired: int = 0
    late: int = 0
    skipped: int = 0
    bad: int = 0


@dataclass
class FrameQueue:
    """Pairs by exact stamp, then waits for poses.

    A frame comes out once, when the pose history reaches past its stamp. Of several that wait the
    newest goes first, so that a slow machine works on what matters; older ones are skipped.
    """

    eyes: int = 2
    counts: Counts = field(default_factory=Counts)
    _halves: OrderedDict[int, dict[str, Any]] = field(default_factory=OrderedDict)
    _ready: dict[int, dict[str, Any]] = field(default_factory=dict)
    _seen: deque[int] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def add(self, eye: str, stamp_ns: int, image: Any, eyes: int | None = None) -> None:
        """Take the image of one eye; `eyes` is how many a frame has."""
        if stamp_ns in self._seen or eye in self._halves.get(stamp_ns, {}):
            self.counts.duplicates += 1
            return
        half = self._halves.setdefault(stamp_ns, {})
        half[eye] = image
        if len(half) == (self.eyes if eyes is None else eyes):
            del self._halves[stamp_ns]
            self._seen.append(stamp_ns)
            self._ready[stamp_ns] = half
            self.counts.frames += 1
        while len(self._halves) > _KEPT:
            self._halves.popitem(last=False)
            self.counts.unpaired += 1
        while len(self._ready) > _KEPT:
            del self._ready[min(self._ready)]
            self.counts.skipped += 1

    def next(self, poses: PoseHistory) -> tuple[int, dict[str, Any], Posed] | None:
        """Stamp in ns, images by eye, and pose of the newest frame whose pose is known."""
        for stamp in sorted(self._ready, reverse=True):
            time_s = stamp * 1e-9
            if time_s > poses.newest_s:
                continue
            images = self._ready.pop(stamp)
            posed = poses.at(time_s)
            if posed is None:
                self.counts.late += 1
                continue
            for older in [s for s in self._ready if s < stamp]:
                del self._ready[older]
                self.counts.skipped += 1
            return stamp, images, posed
        return None
