# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of an answer of visual odometry: believed, or a sign that something is wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.localization import events
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.localization.immobility import ImmobilityMonitor
    from tenacious_rover.localization.sensors import Sensor, Stillness
    from tenacious_rover.localization.timeline import Event, Timeline
    from tenacious_rover.localization.visual import Motion

    Array = NDArray[np.float64]

_DOUBTS = 3
"""After so many sure pictures in a row against the gyro, it is the gyro that is wrong."""


class VisualTrust:
    """Puts visual motion into the timeline, and tells what it says about slip and rest.

    Attributes:
        seen_s: time of the newest picture.
    """

    def __init__(self, sensor: Sensor, monitor: ImmobilityMonitor, still: Stillness) -> None:
        self._sensor, self._monitor, self._still = sensor, monitor, still
        self.seen_s = -math.inf
        self._sighting: Event | None = None
        self._last: tuple[float, Array] | None = None
        self._doubts = 0

    def take(self, timeline: Timeline, time_s: float, motion: Motion) -> None:
        """One answer: the pose relative to the keyframe replaces the one before it."""
        if motion.known:
            if self._sighting is not None:
                timeline.withdraw(self._sighting)
            if self._believed(timeline, time_s, motion):
                self._sensor.good(time_s)
            else:
                self._sensor.bad("contradicts the rest")
            self._compare(time_s, motion)
        elif motion.reason:
            self._sensor.bad(motion.reason)
            self._monitor.blind()
            self._last = None
        if motion.new_keyframe:
            timeline.insert(events.keyframe(time_s))
            self._sighting = None
            self._last = (time_s, np.eye(4))
        self.seen_s = time_s

    def _believed(self, timeline: Timeline, time_s: float, motion: Motion) -> bool:
        """Put the motion in; wheels of the last interval that contradict it have slipped."""
        event = events.visual(time_s, motion.key_T_base, motion.covariance)
        timeline.insert(event)
        if event.result is not None and not event.result[1] and motion.sure:
            since = self._last[0] if self._last is not None else self.seen_s
            timeline.insert(events.slipping(since + 1e-6))
            if not event.result[1]:
                timeline.loosen("visual", time_s - 1e-9, time_s, 2.0)
            self._doubts = 0 if event.result[1] else self._doubts + 1
            if self._doubts >= _DOUBTS:
                timeline.insert(events.gyro_stepped(since + 1e-6))
        self._sighting = event
        return event.result is None or event.result[1]

    def _compare(self, time_s: float, motion: Motion) -> None:
        """Motion since the picture before, for slip and being stuck."""
        if self._last is not None:
            before_s, before = self._last
            step = frames.inverse(before) @ motion.key_T_base
            distance = float(np.linalg.norm(step[:3, 3]))
            sure = motion.noise_m
            if math.isnan(sure):
                sure = math.sqrt(float(np.trace(motion.covariance[:3, :3])))
            self._monitor.seen(time_s, step[:3, 3], time_s - before_s, sure)
            if distance > 0.004 + 4.0 * sure:
                self._still.moved()
        self._last = (time_s, motion.key_T_base)
