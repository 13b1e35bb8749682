# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What the conformance suite writes down of a platform, and what it says about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PASSED, FAILED, SKIPPED = "passed", "failed", "not tested"


@dataclass(frozen=True)
class Verdict:
    """One check of one topic."""

    topic: str
    check: str
    outcome: str
    words: str = ""


@dataclass(frozen=True)
class Sample:
    """One message.

    Attributes:
        clock_s: the platform's clock when it arrived; NaN when no clock was known yet.
        stamp_s: of its header; NaN for messages without one.
        frame: of its header.
        value: a measurement, `Picture` or `Optics` (conformance_values.py); a text says what is
            wrong with a message that could not be read.
    """

    clock_s: float
    stamp_s: float
    frame: str
    value: Any


@dataclass
class Observed:
    """What was heard of one topic.

    Attributes:
        types: that publishers of this name announce.
        mismatch: a difference in quality of service that keeps messages away; empty if none.
    """

    types: tuple[str, ...] = ()
    mismatch: str = ""
    samples: list[Sample] = field(default_factory=list)
