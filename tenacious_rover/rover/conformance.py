# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Does a platform keep the rover contract? Checks on what was recorded of it, topic by topic.

    recorded topics ─► presence, type, frame, rate ─► values (conformance_values.py) ─► verdicts
    recorded trials ─► what the wheels did when told so      (conformance_trials.py)        ─┘

Times of samples are those of their headers: a simulator may run slower or faster than the wall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover import conformance_values as values
from tenacious_rover.rover import contract
from tenacious_rover.rover.conformance_record import (
    FAILED,
    PASSED,
    SKIPPED,
    Observed,
    Sample,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from tenacious_rover.rover.contract import Topic
    from tenacious_rover.rover.model import Rover

LATE = 0.85
"""A topic is late below this part of its rate."""
GAP = 3.5
"""Longest silence, in periods."""
CLOCK_S = 1.0
"""A stamp may be this far from the platform's clock when it arrives."""


def measured(rover: Rover) -> tuple[Topic, ...]:
    """All topics that a platform of this rover has to measure."""
    temperatures = tuple(
        contract.Topic(
            f"{contract.TEMPERATURE_PREFIX}{part}",
            contract.TEMPERATURE_TYPE,
            contract.Quality.STATE,
            contract.TEMPERATURE_RATE_HZ,
        )
        for part in rover.temperatures
    )
    listed = (*contract.MEASUREMENTS, *temperatures)
    if rover.payload is None:
        listed = tuple(topic for topic in listed if topic is not contract.PAYLOAD_ATTACHED)
    return listed


def judged(rover: Rover, observed: Mapping[str, Observed], duration_s: float) -> list[Verdict]:
    """Verdicts on the recorded topics of a platform at rest or driving.

    Args:
        rover: what the platform should be.
        observed: topic name to what was heard.
        duration_s: length of the recording on the platform's clock.
    """
    out: list[Verdict] = []
    for topic in measured(rover):
        heard = observed.get(topic.name, Observed())
        found = list(_heard(topic, heard, duration_s))
        out += found
        if any(verdict.outcome != PASSED for verdict in found):
            continue
        out += _stamps(rover, topic, heard.samples, duration_s)
        out += values.of(rover, topic, [sample.value for sample in heard.samples])
    return out + values.between(rover, observed)


def _heard(topic: Topic, heard: Observed, duration_s: float) -> Iterable[Verdict]:
    """Whether there is anything to look at."""
    name = topic.name
    if not heard.types:
        outcome = SKIPPED if topic.optional else FAILED
        yield Verdict(name, "published", outcome, "nobody publishes it")
    elif topic.type not in heard.types:
        yield Verdict(name, "type", FAILED, f"is {', '.join(heard.types)}, not {topic.type}")
    elif heard.mismatch:
        yield Verdict(name, "quality of service", FAILED, heard.mismatch)
    elif not heard.samples:
        due = topic.rate_hz is None or duration_s * topic.rate_hz >= 1.5
        outcome = SKIPPED if topic.optional or not due else FAILED
        yield Verdict(name, "published", outcome, f"silent for {duration_s:.0f} s")
    else:
        yield Verdict(name, "published", PASSED, topic.type)
        broken = [s.value for s in heard.samples if isinstance(s.value, str)]
        if broken:
            yield Verdict(name, "readable", FAILED, broken[0])


def _stamps(
    rover: Rover, topic: Topic, samples: list[Sample], duration_s: float
) -> Iterable[Verdict]:
    """Frame, clock, order and rate."""
    if topic.frame_role is not None:
        wanted = rover.frames[topic.frame_role]
        wrong = sorted({s.frame for s in samples} - {wanted})
        words = f"is {wrong[0]!r}, not {wanted!r}" if wrong else wanted
        yield Verdict(topic.name, "frame", FAILED if wrong else PASSED, words)
    stamps = np.array([sample.stamp_s for sample in samples])
    if topic.rate_hz is None or not np.isfinite(stamps).all():
        return
    yield _on_the_clock(topic, samples)
    steps = np.diff(stamps)
    if (steps < 0.0).any() or (steps == 0.0).sum() > 0:
        words = f"{int((steps <= 0.0).sum())} of {len(steps)} do not advance"
        yield Verdict(topic.name, "order", FAILED, words)
        return
    yield _rate(topic, stamps, duration_s)


def _on_the_clock(topic: Topic, samples: list[Sample]) -> Verdict:
    away = np.array([s.clock_s - s.stamp_s for s in samples])
    away = away[np.isfinite(away)]
    if not len(away):
        return Verdict(topic.name, "clock", SKIPPED, "the platform's clock was not heard")
    typical = float(np.median(away))
    if abs(typical) > CLOCK_S:
        words = f"stamps are {typical:+.3g} s away from the platform's clock"
        return Verdict(topic.name, "clock", FAILED, words)
    return Verdict(topic.name, "clock", PASSED, f"{1e3 * typical:.0f} ms old on arrival")


def _rate(topic: Topic, stamps: NDArray[np.float64], duration_s: float) -> Verdict:
    nominal = topic.rate_hz or 1.0
    if duration_s * nominal < 3.0 or len(stamps) < 2:
        late = len(stamps) < max(int(duration_s * nominal) - 1, 1)
        words = f"{len(stamps)} in {duration_s:.1f} s"
        return Verdict(topic.name, "rate", FAILED if late else PASSED, words)
    rate = (len(stamps) - 1) / (stamps[-1] - stamps[0])
    gap = max(float(np.diff(stamps).max()), duration_s - float(stamps[-1] - stamps[0]))
    words = f"{rate:.4g} Hz, due {nominal:g} Hz, longest gap {gap:.2g} s"
    bad = rate < LATE * nominal or gap > GAP / nominal + 0.1
    return Verdict(topic.name, "rate", FAILED if bad else PASSED, words)
