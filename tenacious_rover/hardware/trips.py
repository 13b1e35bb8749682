# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Limits that stop the wheels whatever is commanded: current, voltage, stall, controller's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.hardware.config import HardwareConfig
    from tenacious_rover.hardware.parts import WheelState

_MOVING_RADPS = 0.05
_TURNS_MISSED = 3.0


@dataclass
class Trips:
    """Watches the wheels; `active` names what stops them now."""

    config: HardwareConfig
    since: dict[str, float] = field(default_factory=dict)
    until: dict[str, float] = field(default_factory=dict)
    last_s: float = -np.inf

    def watch(
        self, time_s: float, state: WheelState, wanted: NDArray[np.float64]
    ) -> tuple[str, ...]:
        """Look at a fresh state; returns what has just tripped.

        Args:
            time_s: steady clock.
            state: of the wheels.
            wanted: commanded speeds (n,), rad/s.
        """
        config = self.config
        # A gap in looking is no evidence: within it the controller's own timeout stops the wheels.
        if time_s - self.last_s > max(config.trip_time_s / 2.0, _TURNS_MISSED / config.loop_hz):
            self.since.clear()
        self.last_s = time_s
        driven = np.abs(wanted) > _MOVING_RADPS
        slow = np.abs(state.velocity) < config.trip_stall_share * np.abs(wanted)
        backwards = driven & (state.velocity * wanted < 0.0) & (np.abs(state.velocity) > 0.5)
        found = {f"controller: {name}" for name in state.faults}
        held = {
            "over-current": bool((np.abs(state.current) > config.trip_current_a).any()),
            "under-voltage": 0.0 < state.voltage_v < config.trip_voltage_v,
            "stall or stuck encoder": bool((driven & slow).any()),
            "motor turns the wrong way": bool(backwards.any()),
        }
        for name, bad in held.items():
            if not bad:
                self.since.pop(name, None)
            elif time_s - self.since.setdefault(name, time_s) >= config.trip_time_s:
                found.add(name)
        fresh = tuple(sorted(name for name in found if name not in self.active(time_s)))
        for name in found:
            self.until[name] = time_s + config.trip_rest_s
        return fresh

    def active(self, time_s: float) -> tuple[str, ...]:
        """What keeps the wheels off."""
        return tuple(sorted(name for name, until in self.until.items() if time_s < until))
