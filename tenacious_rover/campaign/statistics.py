# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Shares with their 95 % intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binomtest, bootstrap

if TYPE_CHECKING:
    from collections.abc import Sequence


def share(successes: int, count: int) -> tuple[float, float, float]:
    """Share, lower and upper end of Wilson's 95 % interval; NaN, 0, 1 of nothing."""
    if count == 0:
        return math.nan, 0.0, 1.0
    interval = binomtest(successes, count).proportion_ci(0.95, method="wilson")
    return successes / count, float(interval.low), float(interval.high)


def mean(values: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """Mean and its bootstrapped 95 % interval; NaN where there are too few values."""
    kept = np.asarray([v for v in values if math.isfinite(v)])
    if len(kept) == 0:
        return math.nan, math.nan, math.nan
    if len(kept) < 3 or np.ptp(kept) == 0.0:
        return float(kept.mean()), math.nan, math.nan
    found = bootstrap(
        (kept,), np.mean, n_resamples=2000, method="percentile", rng=np.random.default_rng(seed)
    )
    low, high = found.confidence_interval
    return float(kept.mean()), float(low), float(high)
