# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Absolute fixes on rendered pictures at 400x300: the lander, places seen again, and neither.

The lander from 3 to 6 m, any side, under four suns, from an estimate that is 0.35 m off; places
after no time, an hour and a day of the sun's motion, from up to 0.4 m beside; both where they are
not: other ground, believed to be that place. Then a drive towards the lander from a wrong start.
`--quick` looks a quarter as often.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenacious_rover.campaign import fix_study
from tenacious_rover.campaign.pool import Store, run_all

if TYPE_CHECKING:
    from tenacious_rover.campaign.study import Study


def measure(study: Study) -> dict[str, Any]:
    rounds = 2 if study.quick else 8
    due = [f"{world}-{study.seed + k}" for k in range(rounds) for world in fix_study.WORLDS]
    due += [f"drive-{study.seed + k}" for k in range(1 if study.quick else 4)]
    store = Store(study.folder / "fixes.jsonl", "1")
    found = run_all(due, fix_study.looked, store, study.jobs, "views")
    kept = [record for record in found.values() if "error" not in record]
    views = [record for record in kept if "drive" not in record]
    drives = [record for record in kept if "drive" in record]
    return {
        "figures": fix_study.figures(views, drives),
        "targets": fix_study.TARGETS,
        "seeds": list(range(study.seed, study.seed + rounds)),
        "failures": [f"{k}: {r['error']}" for k, r in found.items() if "error" in r],
        "missing": [] if len(found) == len(due) else [f"{len(due) - len(found)} of {len(due)}"],
    }
