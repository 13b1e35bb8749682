# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a study is asked for, and whether a figure met its target."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from pathlib import Path

_RELATIONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Study:
    """How to run a study.

    Attributes:
        quick: about a minute.
        seed: first seed; a study says which others it used.
        jobs: processes at a time.
        case: name of one case to run again, or empty.
        folder: where the study keeps results, so that it goes on where it was stopped.
    """

    quick: bool = False
    seed: int = 0
    jobs: int = 1
    case: str = ""
    folder: Path = Path("results")


def met(value: float, target: str) -> bool:
    """Whether `value` fulfils a target such as `<= 0.5`."""
    relation, number = target.split()
    return bool(_RELATIONS[relation](value, float(number)))
