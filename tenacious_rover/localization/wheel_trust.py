# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of the wheels' samples: mean motion at a lower rate, or rest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.localization import events

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig
    from tenacious_rover.localization.sensors import Stillness
    from tenacious_rover.localization.timeline import Timeline
    from tenacious_rover.localization.wheels import Rolling

_STILL_PERIOD_S = 0.2
_WEARY_S = 2.0
"""After so long a contradiction the wheels win back trust by a wider gate."""


class WheelTrust:
    """Puts rolling and standing into the timeline."""

    def __init__(self, config: LocalizationConfig, still: Stillness, half_base_m: float) -> None:
        self._config, self._still, self._half_base = config, still, half_base_m
        self._waiting: list[Rolling] = []
        self._rolled_s = self._stood_s = -math.inf
        self._refused_s = 0.0
        self._anchored = False

    def take(self, timeline: Timeline, rolling: Rolling) -> None:
        """One sample of the wheels."""
        state = timeline.state
        bias_sigma = math.sqrt(float(state.covariance[9, 9]))
        if self._still.rolled(rolling, state.gyro_bias, bias_sigma):
            self._stand(timeline, rolling.time_s)
            return
        self._anchored = False
        self._waiting.append(rolling)
        if rolling.time_s - self._rolled_s >= 0.99 / self._config.wheel_rate_hz:
            self._roll(timeline)

    def _roll(self, timeline: Timeline) -> None:
        """Mean wheel motion since the last time."""
        rolled, self._waiting = self._waiting, []
        time_s = rolled[-1].time_s
        forward = float(np.mean([r.forward for r in rolled]))
        turning = float(np.mean([r.turning for r in rolled]))
        weary = self._refused_s > _WEARY_S
        event = events.wheels(time_s, forward, turning, self._half_base, self._config, weary)
        timeline.insert(event)
        refused = event.result is not None and not event.result[1]
        step = time_s - self._rolled_s if refused and math.isfinite(self._rolled_s) else 0.0
        self._refused_s = self._refused_s + step if refused else 0.0
        self._rolled_s = time_s

    def _stand(self, timeline: Timeline, time_s: float) -> None:
        """Standing still: the pose keeps, the velocity is nothing, the gyro shows its bias."""
        self._waiting = []
        if not self._anchored:
            self._anchored = True
            timeline.insert(events.anchor(time_s))
        if time_s - self._stood_s < _STILL_PERIOD_S:
            return
        self._stood_s = time_s
        sigma = self._config.gyro_noise / math.sqrt(_STILL_PERIOD_S)
        timeline.insert(events.still(time_s, self._still.mean_gyro(), sigma))
