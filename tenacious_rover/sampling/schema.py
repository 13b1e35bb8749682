# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The sample log's tables, version by version, and how one becomes the next."""

from __future__ import annotations

import sqlite3

from tenacious_rover.sampling.error import SamplingError

VERSION = 2

_ENTRY = """CREATE TABLE entry(
  sequence INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  sample TEXT NOT NULL,
  body TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL)"""
_NO_CHANGE = tuple(
    f"""CREATE TRIGGER entry_no_{verb.lower()} BEFORE {verb} ON entry
    BEGIN SELECT RAISE(ABORT, 'the sample log is append-only'); END"""
    for verb in ("UPDATE", "DELETE")
)
# One row: how many entries there are and the last one's hash, so that a cut tail is seen.
_HEAD = """CREATE TABLE head(
  one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL, hash TEXT NOT NULL)"""

STEPS: dict[int, tuple[str, ...]] = {
    1: (_ENTRY, *_NO_CHANGE),
    2: (
        _HEAD,
        """INSERT INTO head SELECT 1, coalesce(max(sequence), 0), coalesce(
        (SELECT hash FROM entry ORDER BY sequence DESC LIMIT 1), '') FROM entry""",
        "CREATE INDEX entry_sample ON entry(sample)",
    ),
}
"""Statements that lead to a version from the one before. Version 1 had no head."""


def version(base: sqlite3.Connection) -> int:
    """Version of an open log; 0 for a fresh file."""
    return int(base.execute("PRAGMA user_version").fetchone()[0])


def migrate(base: sqlite3.Connection, until: int = VERSION) -> None:
    """Bring a log to `until`, each step whole or not at all.

    Raises:
        SamplingError: the log was written by a newer program.
    """
    present = version(base)
    if present > VERSION:
        raise SamplingError(
            f"the log has schema {present}; this program knows {VERSION}: update it"
        )
    for step in range(present + 1, until + 1):
        base.execute("BEGIN IMMEDIATE")
        try:
            if version(base) < step:
                for statement in STEPS[step]:
                    base.execute(statement)
                base.execute(f"PRAGMA user_version = {step}")
            base.execute("COMMIT")
        except sqlite3.Error:
            base.execute("ROLLBACK")
            raise
