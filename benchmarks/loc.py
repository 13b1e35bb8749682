# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Drift and heading over 100 m loops on three soils, beside three peers on the same measurements.

    tenacious bench loc                    the whole study; stop and start it as you like
    tenacious bench loc --quick            one loop of 6 m
    tenacious bench loc --case mare-0-100m-400x300-2hz-all         one loop again

A loop is a bent circle around the lander, driven with stops in the simulator; who drives looks at
the truth, who estimates does not. Each loop ends in four traps with little grip, where being stuck
must be seen. The very first loop has pictures at 2 Hz, the others at 1 Hz; kiss-icp runs on the
first seed of each soil. Scored with evo. `TENACIOUS_BENCH_SEEDS`, `_LENGTH_M` and `_CAMERA`
(400x300) choose less or more.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

from tenacious_rover.campaign import loop_scoring, loop_study
from tenacious_rover.campaign.pool import Store, run_all

if TYPE_CHECKING:
    from tenacious_rover.campaign.study import Study

CASES = "a loop"
SEEDS = 20


def measure(study: Study) -> dict[str, Any]:
    length = float(os.environ.get("TENACIOUS_BENCH_LENGTH_M", "6" if study.quick else "100"))
    camera = os.environ.get("TENACIOUS_BENCH_CAMERA", "400x300")
    seeds = int(os.environ.get("TENACIOUS_BENCH_SEEDS", SEEDS))
    due = [loop.id for loop in loop_study.loops(study.seed, seeds, length, camera)]
    if study.quick:
        due = due[:1]
    store = Store(study.folder / "loops.jsonl", loop_study.key())
    work = functools.partial(loop_study.worked, folder=study.folder)
    if study.case:
        due = [study.case]
        store.add({**work(study.case), "case": study.case})
    records = list(run_all(due, work, store, study.jobs, "loops").values())
    kept, wrong = loop_study.sorted_out(records)
    if not kept:
        return {"figures": {}, "failures": wrong}
    loop_study.rows(kept, study.folder / "loops.csv")
    loop_study.plot(kept, study.folder, study.folder / "error.png")
    missing = [f"{len(due) - len(records)} of {len(due)} loops"] if len(records) < len(due) else []
    return {
        "figures": loop_scoring.summed(kept),
        "peers": loop_scoring.compared(kept),
        "targets": loop_study.TARGETS,
        "failures": wrong,
        "seeds": sorted({int(record["case"].split("-")[1]) for record in kept}),
        "missing": missing,
        "text": loop_study.table(kept),
    }
