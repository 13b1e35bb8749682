# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""How long a mission will take, for progress displays and time limits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tenacious_rover.mission.file import (
    Deploy,
    Drive,
    Leave,
    Mission,
    Panorama,
    Photograph,
    Sample,
    Step,
    Turn,
    Wait,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

DETOUR = 1.25
"""Driven over straight distance on ground with rocks."""
SHOT_S = 3.0
TURN_RADPS = 0.15
SAMPLE_S = 90.0
DEPLOY_S = 100.0
FIELD_OF_VIEW = math.radians(75.0)


def step_seconds(step: Step, distance_m: float, speed_mps: float) -> float:
    """Expected duration of a step; `distance_m` is the straight way to its place, if it has one."""
    travel = DETOUR * distance_m / speed_mps
    if isinstance(step, Leave):
        return step.distance_m / speed_mps
    if isinstance(step, Drive):
        return 5.0 + DETOUR * distance_m / min(step.speed_mps or speed_mps, speed_mps)
    if isinstance(step, Turn):
        return abs(math.radians(step.angle_deg)) / TURN_RADPS
    if isinstance(step, Panorama):
        span = math.radians(step.span_deg)
        shots = math.ceil(span / (FIELD_OF_VIEW * (1.0 - step.overlap)))
        return span / TURN_RADPS + SHOT_S * shots
    if isinstance(step, Photograph):
        return SHOT_S * max(step.count, 1)
    if isinstance(step, Sample):
        return SAMPLE_S + travel
    if isinstance(step, Deploy):
        return DEPLOY_S + travel
    assert isinstance(step, Wait)
    return step.seconds


def durations(mission: Mission, start: tuple[float, float], speed_mps: float) -> list[float]:
    """Expected seconds of every step, in order, from a start place in map."""
    here, seconds = start, []
    for step in mission.steps:
        place = getattr(step, "to_m", None) or getattr(step, "near_m", None) or here
        seconds.append(step_seconds(step, math.dist(here, place), speed_mps))
        here = place
    return seconds


def progress(
    seconds: Sequence[float], step: int, running_remaining_s: float | None, spent_s: float
) -> tuple[float, float]:
    """Share done (0..1) and seconds remaining, when step number `step` has run for `spent_s`."""
    ahead = sum(seconds[step + 1 :])
    current = 0.0
    if step < len(seconds):
        guess = max(seconds[step] - spent_s, 0.1 * seconds[step])
        current = guess if running_remaining_s is None else running_remaining_s
    behind = sum(seconds[:step]) + (spent_s if step < len(seconds) else 0.0)
    remaining = ahead + current
    total = behind + remaining
    return (behind / total if total > 0.0 else 1.0), remaining
