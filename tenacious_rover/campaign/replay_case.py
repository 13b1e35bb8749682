# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A stretch of a bag that became a test: the cut, the settings, and what the cores gave."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenacious_rover.analysis.bag import Bag
from tenacious_rover.analysis.edit import cut
from tenacious_rover.campaign.replay import replay
from tenacious_rover.campaign.replay_setup import Options, ReplayError, prepare

if TYPE_CHECKING:
    from tenacious_rover.campaign.replay_comparison import Comparison

CASES = Path("test") / "replay" / "cases"
_LARGE_MB = 30.0


def save(source: Path, options: Options, name: str, folder: Path = CASES) -> Path:
    """Keep the stretch that `options` name as `folder/name`: a small bag and `case.json`.

    What the cores give on the cut bag now is what the test expects from then on: run it after the
    bug is mended.

    Raises:
        ReplayError: the case exists, or would be too large for a repository.
        AnalysisError: the bag cannot be cut.
    """
    target = folder / name
    if target.exists():
        raise ReplayError(f"{target}: there is a case of that name")
    target.mkdir(parents=True)
    try:
        with Bag(source) as bag:
            setup = prepare(bag, options)
        cut(source, target / "bag", options.start_s, options.stop_s, lambda t: t in setup.topics)
        _small(target)
        whole = replace(options, start_s=None, stop_s=None)
        case: dict[str, Any] = {
            "settings": options.settings,
            "cores": list(options.cores),
            "chain": options.chain,
            "description": options.description,
            "start_map_T_base": None
            if setup.start_map_T_base is None
            else setup.start_map_T_base.tolist(),
            "start_goal": setup.start_goal,
        }
        found = _run(target, case, whole)
        case["expected"] = {c.core: expectation(c) for c in found}
        text = json.dumps(case, indent=1)
        (target / "case.json").write_text(text + "\n", encoding="utf-8")
    except BaseException:
        shutil.rmtree(target)
        raise
    return target


def _small(target: Path) -> None:
    size = sum(p.stat().st_size for p in (target / "bag").iterdir()) / 1e6
    if size > _LARGE_MB:
        raise ReplayError(
            f"{target.name}: {size:.0f} MB is too much for a test; shorten it with --from and "
            "--to, or leave cores out with --cores"
        )


def check(target: Path) -> list[str]:
    """Run a case again; what is not as expected, in words."""
    case = json.loads((target / "case.json").read_text(encoding="utf-8"))
    options = Options(
        case["settings"],
        cores=tuple(case["cores"]),
        chain=case["chain"],
        description=case["description"],
    )
    troubles = []
    for one in _run(target, case, options):
        wanted, given = case["expected"][one.core], expectation(one)
        troubles += [
            f"{target.name}: {one.core}: {key} was {wanted[key]}, is {given[key]}"
            for key in wanted
            if abs(given[key] - wanted[key]) > _SLACK[key] * max(wanted[key], 1.0)
        ]
    return troubles


_SLACK = {"compared": 0.0, "differing": 0.02, "worst": 0.02}
"""Relative: another machine's rounding is no regression."""


def expectation(found: Comparison) -> dict[str, float]:
    """How far the outputs were from the recording, in numbers that keep."""
    worst = found.worst[1]
    return {
        "compared": len(found.rows),
        "differing": found.differing,
        "worst": round(worst, 4) if worst < 1e6 else 1e6,
    }


def _run(target: Path, case: dict[str, Any], options: Options) -> list[Comparison]:
    begin = (case["start_map_T_base"], case["start_goal"])
    with Bag(target / "bag") as bag:
        return replay(bag, options, begin=begin)
