# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The disk guard: how much may still be written, and what is given up first."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenacious_rover.recording.topics import SHED_ORDER, VITAL

if TYPE_CHECKING:
    from pathlib import Path

WARN_SHARE = 0.25
SHED_SHARES = (0.20, 0.15, 0.10, 0.06, 0.03)
"""Share of the allowance that is left when worth 0, 1, … is no longer written."""
_MB = 1e6
_INDEX_MB = 0.1
"""Kept for the indexes at the end of a file, beside a hundredth of the allowance."""


@dataclass(frozen=True)
class Verdict:
    """What may be written. Topics worth less than `floor` are shed; `stop`: nothing at all."""

    floor: int = 0
    warn: bool = False
    stop: bool = False
    left_mb: float = float("inf")
    limit: str = ""

    @property
    def words(self) -> str:
        """For the log and the event."""
        if self.stop:
            return f"recording has ended: the {self.limit} is used up"
        shed = ", ".join(SHED_ORDER[: self.floor])
        tail = f"; no longer recorded: {shed}" if shed else ""
        return f"{self.left_mb:.0f} MB left of the {self.limit}{tail}"


class DiskGuard:
    """Watches the quota of the bag and the space of its disk.

    Args:
        quota_mb: the bag may have.
        reserve_mb: of the disk must stay free.
    """

    def __init__(self, quota_mb: float, reserve_mb: float) -> None:
        self.quota_mb = quota_mb
        self.reserve_mb = reserve_mb
        self.verdict = Verdict()

    def look(self, used_bytes: int, free_bytes: int) -> Verdict:
        """The verdict for a bag of that size on a disk with that much free.

        What was shed stays shed: a bag with holes in random places teaches less.
        """
        by_quota = self.quota_mb - used_bytes / _MB
        by_disk = free_bytes / _MB - self.reserve_mb
        left = min(by_quota, by_disk)
        limit = "quota" if by_quota <= by_disk else "disk"
        # The allowance: all that this bag can become on this disk.
        allowance = min(self.quota_mb, used_bytes / _MB + max(by_disk, 0.0))
        share = left / allowance if allowance > 0.0 else 0.0
        floor = sum(share <= threshold for threshold in SHED_SHARES)
        self.verdict = Verdict(
            floor=min(max(floor, self.verdict.floor), VITAL),
            warn=share <= WARN_SHARE,
            stop=self.verdict.stop or left <= _INDEX_MB + 0.01 * allowance,
            left_mb=max(left, 0.0),
            limit=f"{limit} of {self.quota_mb if limit == 'quota' else allowance:.0f} MB",
        )
        return self.verdict


def free_bytes(folder: Path) -> int:
    """Free for us on the disk of a folder."""
    return shutil.disk_usage(folder).free
