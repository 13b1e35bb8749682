# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a replay found, per core: which outputs differ from the recording, and by how much."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

TOLERANCES = {"localization": 1e-3, "perception": 1e-3, "navigation": 2e-3}
"""What counts as the same: m of the place, m of a cell's height, m/s (and rad/s) of a command."""
UNITS = {"localization": "m", "perception": "m", "navigation": "m/s or rad/s"}


@dataclass
class Comparison:
    """Of one core: rows (time s, difference) of every output that both have."""

    core: str
    recorded: int
    rows: list[tuple[float, float]] = field(default_factory=list)
    details: list[dict[str, Any]] = field(default_factory=list)
    """Of outputs that differ, the first few: time, what was recorded, what came now."""
    skipped: int = 0
    """Inputs that the node took and the bag does not have."""

    @property
    def tolerance(self) -> float:
        """Differences up to here are none."""
        return TOLERANCES[self.core]

    @property
    def differing(self) -> int:
        """Outputs that differ."""
        return sum(difference > self.tolerance for _, difference in self.rows)

    @property
    def missing(self) -> int:
        """Recorded outputs that did not come again."""
        return self.recorded - len(self.rows)

    @property
    def worst(self) -> tuple[float, float]:
        """Time and size of the largest difference."""
        return max(self.rows, key=lambda row: row[1], default=(math.nan, 0.0))

    @property
    def first_s(self) -> float | None:
        """Time of the first output that differs."""
        return next((t for t, d in self.rows if d > self.tolerance), None)

    @property
    def same(self) -> bool:
        """Nothing differs, nothing is missing."""
        return self.differing == 0 and self.missing == 0

    def add(self, time_s: float, difference: float, **detail: Any) -> None:
        """One output."""
        self.rows.append((time_s, difference))
        if difference > self.tolerance and len(self.details) < 20:
            self.details.append({"time_s": time_s, "difference": difference, **detail})

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "core": self.core,
            "outputs": self.recorded,
            "compared": len(self.rows),
            "differing": self.differing,
            "missing": self.missing,
            "inputs_skipped": self.skipped,
            "worst": self.worst[1],
            "unit": UNITS[self.core],
            "first_s": self.first_s,
            "details": self.details,
        }
