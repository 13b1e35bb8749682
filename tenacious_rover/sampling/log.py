# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The sample log: a record someone could sell on.

Append-only entries in SQLite (WAL, synchronous=FULL), each hashed over its content and the hash of
the entry before. `append` returns when the entry is on the disk; what it returned for survives
`kill -9` and power loss. The last hash is also published on `sampling/record` and printed on the
certificate, so that even a log rewritten from the start can be found out.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenacious_rover.sampling import schema
from tenacious_rover.sampling.error import SamplingError

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("sample", "custody", "attempt")


@dataclass(frozen=True)
class Entry:
    """One link of the chain; `body` is JSON as it was hashed."""

    sequence: int
    kind: str
    sample: str
    body: str
    previous: str
    hash: str

    @property
    def facts(self) -> dict[str, Any]:
        """The body."""
        return dict(json.loads(self.body))


@dataclass(frozen=True)
class Verdict:
    """What `verify` found: `problems` is empty for a sound log."""

    entries: int
    head: str
    problems: tuple[str, ...]


class SampleLog:
    """A log in a file.

    Args:
        path: the file; made when it is not there, unless `read_only`.
        read_only: look only; a log of an older schema is read as it is.

    Raises:
        SamplingError: not a sample log, or it cannot be opened.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        try:
            if read_only:
                if not path.is_file():
                    raise SamplingError(f"{path}: no sample log here")
                self._base = _connected(f"file:{path}?mode=ro", uri=True)
                if schema.version(self._base) == 0:
                    raise SamplingError(f"{path}: not a sample log")
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = _connected(str(path))
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=FULL")
            schema.migrate(self._base)
        except (OSError, sqlite3.Error) as error:
            raise SamplingError(f"{path}: {error}") from error

    def append(self, kind: str, sample: str, facts: dict[str, Any]) -> Entry:
        """Add an entry; it is on the disk when this returns.

        Args:
            kind: one of `KINDS`.
            sample: id of the sample it is about.
            facts: JSON values; NaN and infinity are refused.

        Raises:
            SamplingError: refused, or the disk does not take it.
        """
        if kind not in KINDS:
            raise SamplingError(f"kind {kind!r} is not one of {', '.join(KINDS)}")
        try:
            body = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise SamplingError(f"{sample}: facts cannot be logged: {error}") from error
        try:
            self._base.execute("BEGIN IMMEDIATE")
            last, previous = self._base.execute("SELECT sequence, hash FROM head").fetchone()
            entry = Entry(last + 1, kind, sample, body, previous, "")
            entry = Entry(last + 1, kind, sample, body, previous, digest(entry))
            row = (entry.sequence, kind, sample, body, previous, entry.hash)
            self._base.execute("INSERT INTO entry VALUES(?,?,?,?,?,?)", row)
            self._base.execute(
                "UPDATE head SET sequence = ?, hash = ?", (entry.sequence, entry.hash)
            )
            self._base.execute("COMMIT")
        except sqlite3.Error as error:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            raise SamplingError(f"{self.path}: not logged: {error}") from error
        return entry

    def entries(self, sample: str = "", kind: str = "") -> list[Entry]:
        """Entries in order, of one sample or kind when given."""
        rows = self._base.execute(
            "SELECT sequence, kind, sample, body, previous, hash FROM entry ORDER BY sequence"
        )
        every = (Entry(*row) for row in rows)
        return [e for e in every if sample in ("", e.sample) and kind in ("", e.kind)]

    def sample(self, name: str) -> Entry:
        """The record of a sample.

        Raises:
            SamplingError: there is none of that name.
        """
        found = self.entries(name, "sample")
        if not found:
            known = ", ".join(e.sample for e in self.entries(kind="sample")) or "none"
            raise SamplingError(f"{name}: no such sample in {self.path}; there: {known}")
        return found[-1]

    def next_name(self) -> str:
        """Id for the next sample, such as `S003`; also counts those that were only attempted."""
        used = {e.sample for e in self.entries()}
        return f"S{len(used) + 1:03d}"

    def verify(self, head: str = "", images: Path | None = None) -> Verdict:
        """Check every link; with `head`, that this known hash is still part of the chain.

        Args:
            head: a hash of the log from elsewhere (certificate, downlink).
            images: the run's folder, to check the pictures' checksums as well.
        """
        try:
            problems = [str(r[0]) for r in self._base.execute("PRAGMA integrity_check")]
            problems = [f"database: {p}" for p in problems if p != "ok"]
            every = self.entries()
        except sqlite3.Error as error:
            return Verdict(0, "", (f"database: {error}",))
        previous, hashes = "", {""}
        for number, entry in enumerate(every, 1):
            where = f"entry {entry.sequence}"
            if entry.sequence != number:
                problems.append(f"{where}: entry {number} is missing")
                break
            if entry.previous != previous:
                problems.append(f"{where}: does not follow from the entry before")
            if digest(entry) != entry.hash:
                problems.append(f"{where} ({entry.kind} {entry.sample}): content was changed")
            previous = entry.hash
            hashes.add(entry.hash)
        problems += self._head_problems(len(every), previous)
        if head and head not in hashes:
            problems.append(f"hash {head[:16]}… is not in this log: cut short or rewritten")
        if images is not None:
            problems += _picture_problems(every, images)
        return Verdict(len(every), previous, tuple(problems))

    def _head_problems(self, count: int, last: str) -> list[str]:
        if schema.version(self._base) < 2:
            return []
        row = self._base.execute("SELECT sequence, hash FROM head").fetchone()
        if row is None:
            return ["the head is missing"]
        if row != (count, last):
            return [f"cut short: the head tells of {row[0]} entries, {count} are here"]
        return []

    def close(self) -> None:
        """Let go."""
        self._base.close()


def digest(entry: Entry) -> str:
    """SHA-256 over a link, but for its own hash."""
    content = [entry.sequence, entry.kind, entry.sample, entry.body, entry.previous]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def _connected(path: str, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(path, uri=uri, isolation_level=None, timeout=10.0)


def _picture_problems(entries: list[Entry], folder: Path) -> list[str]:
    problems = []
    for entry in entries:
        if entry.kind != "sample":
            continue
        for picture in entry.facts.get("images", ()):
            path = folder / picture["path"]
            if not path.is_file():
                problems.append(f"{entry.sample}: {picture['path']} is missing")
            elif hashlib.sha256(path.read_bytes()).hexdigest() != picture["sha256"]:
                problems.append(f"{entry.sample}: {picture['path']} was changed")
    return problems
