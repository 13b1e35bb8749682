# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What of a mission is done, on disk, so that a restart goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Checkpoint:
    """Steps of the mission with this digest that have ended, and how."""

    digest: str
    outcomes: tuple[str, ...] = ()
    elapsed_s: float = 0.0


def digest(mission_file: Path) -> str:
    """Identity of a mission: a changed file does not resume."""
    return hashlib.sha256(mission_file.read_bytes()).hexdigest()


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint in one step that survives power loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(asdict(checkpoint), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load(path: Path, expected_digest: str) -> Checkpoint:
    """The checkpoint of this mission, or an empty one when there is none that fits."""
    empty = Checkpoint(expected_digest)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = Checkpoint(
            str(content["digest"]), tuple(content["outcomes"]), float(content["elapsed_s"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return empty
    return found if found.digest == expected_digest else empty
