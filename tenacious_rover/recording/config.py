# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Configuration of the recorder."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover.config import bounded, described, one_of

PROFILES = ("flight", "science", "everything")


@dataclass(frozen=True)
class RecordingConfig:
    """What is recorded, how, and how much of the disk it may take."""

    profile: str = one_of(
        "science",
        PROFILES,
        "flight: the contract without images and point clouds; science: the whole contract; "
        "everything: every topic that is published",
    )
    output: str = described("", "folder of the bag; empty: bag/ in the run's folder")
    split_mb: float = bounded(1000.0, 0.1, 100_000.0, "a file of the bag ends at this size")
    split_s: float = bounded(900.0, 1.0, 86_400.0, "and after this much of the clock")
    flush_s: float = bounded(
        0.4, 0.05, 10.0, "at most this much is lost when the process is killed"
    )
    sync: bool = described(True, "have the disk itself keep what was flushed: survives power loss")
    chunk_kb: int = bounded(768, 16, 65_536, "compressed together")
    compression_level: int = bounded(1, 0, 19, "of zstd; 0 writes as it is")
    queue_mb: float = bounded(96.0, 1.0, 4096.0, "memory for what waits for the disk")
    quota_mb: float = bounded(20_000.0, 1.0, 10_000_000.0, "the bag never grows beyond this")
    reserve_mb: float = bounded(500.0, 0.0, 100_000.0, "of the disk stay free")
    poll_ms: float = bounded(25.0, 2.0, 500.0, "wall time between looks into the queues of DDS")
