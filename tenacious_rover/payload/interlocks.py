# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What must be true before the latch may open. A pure state machine: facts in, permission out.

Nothing else in autonomy publishes `payload/arm` or `payload/release`. The platform has its own gate
behind it: a latch without power ignores a release, and power drops out by itself after 30 s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacious_rover.payload.config import PayloadConfig


@dataclass(frozen=True)
class Facts:
    """What is known at one moment; `None` when nothing is."""

    time_s: float
    step_active: bool = False
    """A deployment goal is being executed."""
    confirmed: bool = False
    """That goal said `confirm: true`."""
    attached: bool | None = None
    pose_time_s: float | None = None
    speed_mps: float | None = None
    turn_radps: float | None = None
    tilt_rad: float | None = None


@dataclass(frozen=True)
class Interlock:
    """One condition: `name`, what it demands, and whether facts satisfy it."""

    name: str
    demand: str
    holds: Callable[[Facts, PayloadConfig], bool]


def _at_rest(f: Facts, c: PayloadConfig) -> bool:
    return _below(f.speed_mps, c.rest_speed_mps) and _below(f.turn_radps, c.rest_turn_radps)


def _below(value: float | None, limit: float) -> bool:
    """NaN and unknown are not below anything."""
    return value is not None and math.isfinite(value) and abs(value) <= limit


def _fresh(f: Facts, c: PayloadConfig) -> bool:
    return f.pose_time_s is not None and _below(f.time_s - f.pose_time_s, c.pose_age_s)


TABLE = (
    Interlock("step", "a deployment goal is being executed", lambda f, c: f.step_active is True),
    Interlock("confirm", "that goal asks for release", lambda f, c: f.confirmed is True),
    Interlock("attached", "the latch reports the house", lambda f, c: f.attached is True),
    Interlock("pose", "the pose is fresh", _fresh),
    Interlock("rest", "the rover stands still", _at_rest),
    Interlock(
        "tilt",
        "the rover is level enough",
        lambda f, c: _below(f.tilt_rad, math.radians(c.release_tilt_deg)),
    ),
)
"""Conditions of arming and of release; release also needs `armed` and `window` (below)."""
NAMES = (*(item.name for item in TABLE), "rest_time", "armed", "window")


class Gate:
    """Two steps to a release: `arm`, then `release` inside the window, facts good throughout.

    One permission comes from one arming. Any fact that turns bad, and time that jumps backwards,
    disarms; so does a new gate (a restarted node begins locked).
    """

    def __init__(self, config: PayloadConfig) -> None:
        self._config = config
        self._armed_at: float | None = None
        self._rest_since: float | None = None
        self._last: float | None = None

    @property
    def armed(self) -> bool:
        """Whether a release may follow."""
        return self._armed_at is not None

    def observe(self, facts: Facts) -> tuple[str, ...]:
        """Take in facts; names of interlocks that do not hold. Call it at 5 Hz or more."""
        gap = 0.0 if self._last is None else facts.time_s - self._last
        if not 0.0 <= gap <= self._config.pose_age_s or not math.isfinite(facts.time_s):
            self.disarm()
            self._rest_since = None
        self._last = facts.time_s if math.isfinite(facts.time_s) else None
        open_ = [item.name for item in TABLE if not item.holds(facts, self._config)]
        if self._last is None or "rest" in open_ or "pose" in open_:
            self._rest_since = None
        elif self._rest_since is None:
            self._rest_since = facts.time_s
        since = self._rest_since
        if since is None or facts.time_s - since < self._config.rest_time_s:
            open_.append("rest_time")
        if open_ or (
            self._armed_at is not None and self._waited(facts) > self._config.window_close_s
        ):
            self.disarm()
        return tuple(open_)

    def arm(self, facts: Facts) -> tuple[str, ...]:
        """First step. Empty when armed now; else what stands against it."""
        open_ = self.observe(facts)
        if not open_:
            self._armed_at = facts.time_s
        return open_

    def release(self, facts: Facts) -> tuple[str, ...]:
        """Second step. Empty: the latch may be opened, once. Else what stands against it."""
        armed_before = self._armed_at is not None
        open_ = self.observe(facts)
        if self._armed_at is None:
            late = armed_before and not open_
            return (*open_, "window" if late else "armed")
        if self._waited(facts) < self._config.window_open_s:
            return ("window",)
        self.disarm()
        return ()

    def disarm(self) -> None:
        """Back to the beginning."""
        self._armed_at = None

    def _waited(self, facts: Facts) -> float:
        assert self._armed_at is not None
        return facts.time_s - self._armed_at


def table() -> list[tuple[str, str]]:
    """Every interlock and what it demands, for people."""
    rows = [(item.name, item.demand) for item in TABLE]
    rows.append(("rest_time", "it has stood still for `rest_time_s`"))
    rows.append(("armed", "armed by this gate since, nothing turned bad meanwhile"))
    rows.append(("window", "between `window_open_s` and `window_close_s` after arming"))
    return rows
