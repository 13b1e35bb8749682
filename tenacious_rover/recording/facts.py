# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a bag says about itself: rover, config, commit, world, seed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import tenacious_rover
from tenacious_rover.rover import contract

if TYPE_CHECKING:
    from pathlib import Path

    from tenacious_rover.recording.config import RecordingConfig
    from tenacious_rover.rover.model import Rover

_OPTIONS = ("platform", "world", "seed", "mission", "description", "namespace", "speed", "start")


def gathered(run_folder: Path | None, rover: Rover, config: RecordingConfig) -> dict[str, str]:
    """Texts by name, for `custom_data` of the metadata.

    Args:
        run_folder: with `run.json` and `parameters/`, when this is a run of `tenacious`.
        rover: its name and description are named.
        config: of the recorder.
    """
    facts = {
        "rover": rover.name,
        "description_sha256": hashlib.sha256(rover.urdf.encode()).hexdigest(),
        "contract": str(contract.VERSION),
        "version": tenacious_rover.__version__,
        "recording": json.dumps(asdict(config)),
    }
    if run_folder is None:
        return facts
    path = run_folder / "run.json"
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
        options = known.get("options", {})
        facts |= {k: str(known[k]) for k in ("commit", "machine", "started") if k in known}
        facts |= {k: _text(options[k]) for k in _OPTIONS if k in options}
    parameters = {
        file.stem: file.read_text(encoding="utf-8")
        for file in sorted((run_folder / "parameters").glob("*.yaml"))
    }
    if parameters:
        facts["parameters"] = json.dumps(parameters)
    return facts


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
