# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Frame after frame until one is well exposed: the loop around `exposure.meter`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from tenacious_rover.imaging import exposure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from numpy.typing import NDArray

    from tenacious_rover.imaging.config import ImagingConfig

T = TypeVar("T")


@dataclass(frozen=True)
class Taken(Generic[T]):
    """A frame with the settings it was taken with and its share of clipped ground."""

    frame: T
    used: exposure.Exposure
    clipped: float


async def metered(
    take: Callable[[exposure.Exposure], Awaitable[tuple[NDArray[np.uint8], T]]],
    mask: NDArray[np.bool_],
    first: exposure.Exposure,
    config: ImagingConfig,
    sun: NDArray[np.float64] | None = None,
) -> Taken[T]:
    """The best frame of at most `metering_rounds`, which ends with the first good one.

    Args:
        take: one frame with these settings: raw values (h, w) or (h, w, c), and whatever is to be
            handed on.
        mask: (h, w) of the ground; left out where its shape is not the frame's.
        first: settings to begin with.
        config: targets and limits.
        sun: (3,) unit vector to it in map, when known.
    """
    low = sun is not None and float(np.arcsin(np.clip(sun[2], -1.0, 1.0))) < exposure.LOW_SUN
    used = first
    best: tuple[float, Taken[T]] | None = None
    for _ in range(config.metering_rounds):
        raw, frame = await take(used)
        ground = mask if raw.shape[:2] == mask.shape else mask[:0]
        seen = exposure.meter(raw, ground, used, config, low_sun=low)
        off = abs(math.log(max(seen.peak, 1.0) / config.peak_target))
        cost = off + (100.0 * seen.clipped if seen.clipped > config.clipped_share else 0.0)
        if best is None or cost < best[0]:
            best = (cost, Taken(frame, used, seen.clipped))
        if seen.good:
            break
        used = seen.next
    assert best is not None
    return best[1]
