# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs the cores again on a recorded bag, in this process, and says where they differ from it.

Each core is a lane: it is fed with the messages of the bag in their order, as its node was, and its
outputs are compared with the recorded ones stamp by stamp. By default each lane gets the recorded
outputs of the others, so that a difference belongs to one core.

    with Bag(path) as bag:
        comparisons = replay(bag, Options(settings={"navigation": {"max_tilt_deg": 12.0}}))
"""

from __future__ import annotations

import dataclasses
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.analysis.bag import Bag
from tenacious_rover.campaign.replay_feed import Feeder
from tenacious_rover.campaign.replay_lanes import Lane, LocalizationLane, PerceptionLane
from tenacious_rover.campaign.replay_navigation import NavigationLane
from tenacious_rover.campaign.replay_setup import CORES, Options, Setup, prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tenacious_rover.campaign.replay_comparison import Comparison


def replay(
    bag: Bag,
    options: Options | None = None,
    watch: Callable[[float], None] = lambda share: None,
    begin: tuple[Any, dict[str, Any] | None] | None = None,
) -> list[Comparison]:
    """Run the lanes over a bag.

    Args:
        bag: open.
        options: what to run and with which settings.
        watch: told the share that is done.
        begin: map_T_base (4, 4) and goal with which the bag begins, when it was cut out.

    Raises:
        ReplayError: see `prepare`.
        ConfigError: a setting is refused.
    """
    options = options or Options()
    setup = prepare(bag, options)
    partial = bool(options.start_s)
    if begin is not None and begin[0] is not None:
        setup.start_map_T_base, setup.start_goal = np.array(begin[0]), begin[1]
        partial = True
    lanes = make_lanes(setup, options, partial)
    opening, end = bag.span_s
    start = None if options.start_s is None else opening + options.start_s
    stop = None if options.stop_s is None else opening + options.stop_s
    first, last = start or opening, min(stop or end, end)
    told = first
    feeders = [Feeder(lane, setup.exact, first) for lane in lanes]
    for said in bag.messages(dict.fromkeys(setup.topics, 0.0), start, stop):
        if said.topic == "/tf" and b"map\x00" not in said.raw:
            continue
        message = bag.decode(said)
        if message is None:
            continue
        name = setup.topics[said.topic]
        for feeder in feeders:
            feeder.offer(name, message, said.time_s)
        if said.time_s - told > 1.0:
            told = said.time_s
            watch((told - first) / max(last - first, 1e-9))
    for feeder in feeders:
        feeder.finish()
        feeder.lane.comparison.skipped = feeder.skipped
    return [lane.comparison for lane in lanes]


def replay_side_by_side(
    path: Path,
    options: Options,
    jobs: int,
    watch: Callable[[float], None] = lambda share: None,
) -> list[Comparison]:
    """The same with a process for each core, when they do not feed each other.

    Raises:
        AnalysisError, ReplayError, ConfigError: see `replay`.
    """
    if jobs < 2 or options.chain or len(options.cores) < 2:
        with Bag(path) as bag:
            return replay(bag, options, watch)
    alone = [dataclasses.replace(options, cores=(core,)) for core in options.cores]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        # The longest first.
        waiting = {one.cores[0]: pool.submit(_one, path, one) for one in reversed(alone)}
        found = []
        for number, core in enumerate(options.cores, 1):
            found.append(waiting[core].result())
            watch(number / len(options.cores))
    return found


def _one(path: Path, options: Options) -> Comparison:
    with Bag(path) as bag:
        return replay(bag, options)[0]


def make_lanes(setup: Setup, options: Options, partial: bool) -> list[Lane]:
    """The lanes that were asked for, in the order of the data's flow.

    Args:
        setup: of the bag.
        options: what to run.
        partial: the stretch begins in the middle of a drive.
    """
    lanes: list[Lane] = []
    upstream: LocalizationLane | None = None
    mapping: PerceptionLane | None = None
    if "localization" in options.cores:
        upstream = LocalizationLane(setup)
        lanes.append(upstream)
    if "perception" in options.cores:
        mapping = PerceptionLane(setup, upstream if options.chain else None, partial)
        lanes.append(mapping)
    if "navigation" in options.cores:
        chained = (upstream, mapping) if options.chain else (None, None)
        lanes.append(NavigationLane(setup, *chained, setup.exact))
    assert [lane.comparison.core for lane in lanes] == [c for c in CORES if c in options.cores]
    return lanes
