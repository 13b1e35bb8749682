# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a run folder holds beside the bag: pictures, sample log, the house, how the run ended.

Read from the files themselves (JSON, SQLite): the report needs no other part of the rover.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tenacious_rover.analysis.bag import run_facts
from tenacious_rover.analysis.pictures import file_jpeg

if TYPE_CHECKING:
    from pathlib import Path

_WIDTHS = {"panorama": 1600, "target": 900}
_WIDTH = 460
_DETAIL_M = 0.24
"""Side of the square of ground that pictures of a sample show."""
_LOG_LINES = 12


@dataclass
class Picture:
    """A picture of the catalogue; `xy` in map when known."""

    id: str
    kind: str
    purpose: str
    time_s: float
    group: str
    eye: str
    sha256: str
    xy: tuple[float, float] | None
    jpeg: bytes
    size_px: tuple[int, int]
    exposure_us: float | None = None
    sun_elevation_deg: float | None = None


@dataclass
class RunFiles:
    """Of one run; empty where there is nothing."""

    facts: dict[str, Any] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    custody: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    house: dict[str, Any] = field(default_factory=dict)
    last_words: dict[str, str] = field(default_factory=dict)
    """Node to the end of its log, for nodes that complained."""
    notes: list[str] = field(default_factory=list)


def read(folder: Path) -> RunFiles:
    """Everything of a run folder; a folder that is none gives an empty answer."""
    files = RunFiles(facts=run_facts(folder))
    _read_pictures(folder, files)
    _read_samples(folder / "samples" / "samples.sqlite", files)
    _detail(folder, files)
    status = folder / "payload" / "status.json"
    if status.is_file():
        try:
            files.house = dict(json.loads(status.read_text(encoding="utf-8")))
        except ValueError as error:
            files.notes.append(f"{status.name}: {error}")
    for log in sorted((folder / "log").glob("*.log")):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if any("Traceback" in line or "[ERROR]" in line or "[FATAL]" in line for line in lines):
            files.last_words[log.stem] = "\n".join(lines[-_LOG_LINES:])
    return files


def _read_pictures(folder: Path, files: RunFiles) -> None:
    for card in sorted((folder / "images").glob("*.json")):
        try:
            facts = json.loads(card.read_text(encoding="utf-8"))
            kind, path = str(facts["kind"]), folder / str(facts["path"])
        except (ValueError, KeyError, TypeError) as error:
            files.notes.append(f"{card.name}: not a sidecar ({type(error).__name__})")
            continue
        data = file_jpeg(path, _WIDTHS.get(kind, _WIDTH))
        if data is None:
            files.notes.append(f"{path.name}: the picture is missing or damaged")
            continue
        place = facts.get("position_m")
        files.pictures.append(
            Picture(
                str(facts.get("id", card.stem)),
                kind,
                str(facts.get("purpose", "")),
                float(facts.get("time_s", 0.0)),
                str(facts.get("group", "")),
                str(facts.get("eye", "")),
                str(facts.get("sha256", "")),
                (float(place[0]), float(place[1])) if place else None,
                data,
                (int(facts.get("width_px", 0)), int(facts.get("height_px", 0))),
                facts.get("exposure_us"),
                facts.get("sun_elevation_deg"),
            )
        )


def _detail(folder: Path, files: RunFiles) -> None:
    """Pictures of samples show the ground around the place; the map of what is gone joins them."""
    known = {picture.id: picture for picture in files.pictures}
    for sample in files.samples:
        for image in sample.get("images", []):
            path, picture = folder / str(image.get("path", "")), known.get(image.get("id"))
            if picture is not None and "spot_px" in image:
                u, v = image["spot_px"]
                around = (float(u), float(v), _DETAIL_M * float(image["px_per_m"]))
                picture.jpeg = file_jpeg(path, _WIDTH, around) or picture.jpeg
            elif str(image.get("id", "")).endswith("_change"):
                data = file_jpeg(path, _WIDTH)
                if data is None:
                    files.notes.append(f"{path.name}: the picture is missing or damaged")
                    continue
                words = f"sample {sample['sample']} {image.get('purpose', '')}"
                size = (_WIDTH, _WIDTH)
                files.pictures.append(
                    Picture(image["id"], "map", words, 0.0, "", "map", "", None, data, size)
                )


def _read_samples(path: Path, files: RunFiles) -> None:
    if not path.is_file():
        return
    try:
        base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        rows = base.execute("SELECT kind, sample, body, hash FROM entry ORDER BY sequence")
        for kind, sample, body, digest in rows.fetchall():
            facts = {"sample": sample, "hash": digest, **json.loads(body)}
            if kind == "sample":
                files.samples.append(facts)
            elif kind == "custody":
                files.custody.append(facts)
            else:
                files.attempts.append(facts)
        base.close()
    except (sqlite3.Error, ValueError) as error:
        files.notes.append(f"{path.name}: cannot be read: {error}")
