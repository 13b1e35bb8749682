# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Configuration of the mission node."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover.config import bounded, described


@dataclass(frozen=True)
class MissionConfig:
    """How a mission is run."""

    mission: str = described(
        "", "mission file to run as soon as every server is there; empty: wait"
    )
    resume: bool = described(False, "go on after the last finished step of run_folder's checkpoint")
    tick_hz: float = bounded(5.0, 0.5, 50.0, "rate at which the behaviour tree is ticked")
    ready_timeout_s: float = bounded(240.0, 1.0, 600.0, "wall time to wait for servers and pose")
