# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The pictures of a run: PNG, sidecar and one SQLite table to ask.

A picture counts when its sidecar stands under its final name: the PNG is on disk by then, and the
table can be made again from the sidecars, which is done at every opening.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tenacious_rover.imaging.error import ImagingError
from tenacious_rover.imaging.sidecar import Sidecar, parsed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_TABLE = """CREATE TABLE IF NOT EXISTS image(
  id TEXT PRIMARY KEY, kind TEXT, purpose TEXT, time_s REAL, eye TEXT, batch TEXT,
  x REAL, y REAL, path TEXT, sha256 TEXT, sidecar TEXT NOT NULL)"""


@dataclass(frozen=True)
class Query:
    """Which pictures; what is left out does not restrict."""

    kind: str = ""
    purpose: str = ""
    """Part of it."""
    near: tuple[float, float] | None = None
    radius_m: float = 2.0
    group: str = ""


class Catalogue:
    """Open for writing (the imaging node) or `read_only` (everyone else).

    Raises:
        ImagingError: the folder cannot be used.
    """

    def __init__(
        self, run_folder: Path, reserve_mb: float = 0.0, *, read_only: bool = False
    ) -> None:
        self.run_folder = run_folder
        self.folder = run_folder / "images"
        self._reserve = reserve_mb * 1e6
        path = self.folder / "catalogue.sqlite"
        try:
            if read_only:
                if not path.is_file():
                    raise ImagingError(f"{path}: no image catalogue in this run")
                self._base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=FULL")
            self._base.execute(_TABLE)
            self._reconcile()
        except (OSError, sqlite3.Error) as error:
            raise ImagingError(f"{path}: {error}") from error

    def store(self, rgb: NDArray[np.uint8], **facts: Any) -> Sidecar:
        """Keep a picture (h, w, 3); `facts` are fields of `Sidecar` but those made here.

        Raises:
            ImagingError: no space, or the disk refuses.
        """
        name = facts.pop("id", None) or self.next_id(facts["kind"], facts["eye"])
        done, png = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        if not done:
            raise ImagingError(f"{name}: the picture cannot be written as PNG")
        data = png.tobytes()
        self._space(len(data))
        sidecar = Sidecar(
            id=name,
            path=f"images/{name}.png",
            sha256=hashlib.sha256(data).hexdigest(),
            width_px=rgb.shape[1],
            height_px=rgb.shape[0],
            **{"group": name, **facts},
        )
        try:
            durable(self.folder / f"{name}.png", data)
            durable(self.folder / f"{name}.json", sidecar.text().encode())
            self._insert(sidecar)
        except (OSError, sqlite3.Error) as error:
            raise ImagingError(f"{name}: not stored: {error}") from error
        return sidecar

    def store_raw(self, name: str, values: NDArray[np.uint16]) -> Path:
        """Raw values (h, w, c) as a 16-bit TIFF beside the picture `name`."""
        done, data = cv2.imencode(".tiff", values[..., ::-1])
        if not done:
            raise ImagingError(f"{name}: the values cannot be written as TIFF")
        self._space(data.nbytes)
        durable(self.folder / f"{name}.tiff", data.tobytes())
        return self.folder / f"{name}.tiff"

    def next_id(self, kind: str, eye: str) -> str:
        """A name not used yet; names sort in the order of taking."""
        (count,) = self._base.execute("SELECT count(*) FROM image").fetchone()
        return f"{count + 1:05d}_{kind}_{eye}"

    def find(self, query: Query | None = None) -> list[Sidecar]:
        """Pictures that match, oldest first."""
        query = query or Query()
        words, values = ["1"], []
        for column, value in (("kind", query.kind), ("batch", query.group)):
            if value:
                words.append(f"{column} = ?")
                values.append(value)
        if query.purpose:
            words.append("purpose LIKE ?")
            values.append(f"%{query.purpose}%")
        if query.near is not None:
            words.append("(x - ?) * (x - ?) + (y - ?) * (y - ?) <= ? * ?")
            (x, y), r = query.near, query.radius_m
            values += [x, x, y, y, r, r]  # type: ignore[list-item]
        rows = self._base.execute(
            f"SELECT sidecar FROM image WHERE {' AND '.join(words)} ORDER BY id",  # noqa: S608
            values,
        )
        return [parsed(row[0]) for row in rows]

    def get(self, name: str) -> Sidecar:
        """One picture.

        Raises:
            ImagingError: there is none of that name.
        """
        row = self._base.execute("SELECT sidecar FROM image WHERE id = ?", (name,)).fetchone()
        if row is None:
            raise ImagingError(f"{name}: no such picture in {self.folder}")
        return parsed(row[0])

    def pixels(self, sidecar: Sidecar) -> NDArray[np.uint8]:
        """(h, w, 3) of a picture, checked against its checksum.

        Raises:
            ImagingError: missing or changed.
        """
        return read_picture(self.run_folder / sidecar.path, sidecar.sha256)

    def close(self) -> None:
        """Let go."""
        self._base.close()

    def _insert(self, s: Sidecar) -> None:
        x, y = (s.position_m or (None, None))[:2]
        row = (s.id, s.kind, s.purpose, s.time_s, s.eye, s.group, x, y, s.path, s.sha256, s.text())
        with self._base:
            marks = ",".join("?" * len(row))
            self._base.execute(f"INSERT OR REPLACE INTO image VALUES({marks})", row)

    def _reconcile(self) -> None:
        known = {row[0] for row in self._base.execute("SELECT id FROM image")}
        for path in sorted(self.folder.glob("*.json")):
            if path.stem not in known:
                self._insert(parsed(path.read_text(encoding="utf-8"), str(path)))
        for leftover in self.folder.glob("*.part"):
            leftover.unlink()

    def _space(self, needed: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < needed + self._reserve:
            raise ImagingError(
                f"{self.folder}: {free / 1e6:.0f} MB free, "
                f"a picture must leave {self._reserve / 1e6:.0f} MB"
            )


def read_picture(path: Path, sha256: str = "") -> NDArray[np.uint8]:
    """(h, w, 3) of a PNG.

    Raises:
        ImagingError: missing, not a picture, or not the one with that checksum.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImagingError(f"{path}: {error.strerror}") from error
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise ImagingError(f"{path}: the file was changed: its checksum is not the recorded one")
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ImagingError(f"{path}: not a picture")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def durable(path: Path, data: bytes) -> None:
    """Write a file so that after a crash it is whole under its name, or not there."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
