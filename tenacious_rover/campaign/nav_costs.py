# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What driving costs: CPU time from a pair of pictures to a command, and memory over an hour."""

from __future__ import annotations

import gc
import math
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from tenacious_rover.campaign.cases import Case
from tenacious_rover.campaign.drive import Drive, DriveConfig
from tenacious_rover.campaign.rehearsal import Rehearsal
from tenacious_rover.navigation.navigator import Navigator
from tenacious_rover.navigation.state import Command, Goal
from tenacious_rover.perception.mapper import TerrainMapper

if TYPE_CHECKING:
    from tenacious_rover.perception.stereo import Sight
    from tenacious_rover.rover.measurements import Stereo

TARGETS = {
    "cycle_ms_p95": "<= 150",
    "cycle_without_stereo_ms_p95": "<= 60",
    "growth_mb": "<= 5",
    "growth_blocks": "<= 2000",
}
CASE = Case(0.05, 0.0, 3)
_SETTLED_S = 600.0
_PICTURE_S = 5.0


def cycle_times(seconds: float, description: str = "tenacious") -> dict[str, float]:
    """CPU time of one process from stereo pair to command, at the rover's own picture size.

    Args:
        seconds: of driving, real pictures twice a second.
        description: of the rover.

    Returns:
        Median and 95 % of cycles that had a new pair, with and without matching it, ms.
    """
    drive = Drive(CASE, DriveConfig(description=description, camera_hz=2.0, turning_hz=2.0))
    matched: list[float] = []
    match = drive.mapper.matcher.match

    def timed(left: Any, right: Any) -> Sight:
        began = time.process_time()
        found = match(left, right)
        matched.append(1000.0 * (time.process_time() - began))
        return found

    drive.mapper.matcher.match = timed  # type: ignore[method-assign]
    cycles: list[tuple[float, float]] = []
    drive.driver.go(Goal(*drive.goal, time_limit_s=drive.limit_s), drive.zones)
    while drive.simulator.time_s < seconds and not drive.command.done:
        matched.clear()
        drive.step()
        if len(matched) == 1:
            cycles.append((drive.thought_ms[-1] + drive.cycles_ms[-1], matched[0]))
    # The first pairs wake up caches.
    whole, pairs = np.array(cycles[3:]).T
    rest = whole - pairs
    return {
        "cycles": float(len(whole)),
        "cycle_ms_p50": float(np.percentile(whole, 50)),
        "cycle_ms_p95": float(np.percentile(whole, 95)),
        "cycle_without_stereo_ms_p50": float(np.percentile(rest, 50)),
        "cycle_without_stereo_ms_p95": float(np.percentile(rest, 95)),
    }


def growth(seconds: float) -> dict[str, float]:
    """Memory over `seconds` of cycles at 10 Hz, after ten minutes in which all is settled.

    One navigator drives to and fro on rehearsed ground; one mapper takes in a rendered pair every
    five seconds, at the poses of that drive. Resident memory also moves with what the allocator
    keeps; the blocks of Python's own are exact.

    Returns:
        Cycles, and by how much memory grew, in MB and in blocks.
    """
    rehearsal, pair = Rehearsal(CASE), _pair()
    navigator = Navigator(rehearsal.rover, rehearsal.config)
    mapper = TerrainMapper(rehearsal.rover, rehearsal.perception)
    ends = [rehearsal.goal, rehearsal.world.spec.start[:2]]
    command, cycles, first, drives = Command(done=True), 0, (math.nan, 0), 0
    while rehearsal.time_s < seconds:
        if command.done:
            navigator.go(Goal(*ends[drives % 2]), rehearsal.zones)
            drives += 1
        pose, terrain = rehearsal.look(new=cycles % 10 == 0)
        if cycles % round(10 * _PICTURE_S) == 0:
            mapper.stereo(pair, pose.odom_T_base)
            assert mapper.terrain is not None
        command = navigator.cycle(rehearsal.time_s, pose, terrain)
        rehearsal.move(command, 0.1)
        cycles += 1
        if cycles == round(10 * min(_SETTLED_S, 0.5 * seconds)):
            first = _memory(rehearsal)
    last = _memory(rehearsal)
    return {
        "growth_cycles": float(cycles),
        "growth_drives": float(drives),
        "growth_mb": last[0] - first[0],
        "growth_blocks": float(last[1] - first[1]),
    }


def _memory(rehearsal: Rehearsal) -> tuple[float, int]:
    """Resident MB and Python's blocks, without what the rehearsal itself notes down."""
    rehearsal.track.clear()
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6, sys.getallocatedblocks()


def _pair() -> Stereo:
    """A rendered pair at the start of the case."""
    drive = Drive(CASE, DriveConfig(description="tenacious"))
    drive.simulator.advance(0.5)
    return drive.simulator.capture()
