# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The sample log: durable, append-only, and honest about tampering."""

import random
import signal
import sqlite3
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenacious_rover.sampling import schema
from tenacious_rover.sampling.error import SamplingError
from tenacious_rover.sampling.log import SampleLog

WRITER = """
import sys
from pathlib import Path
from tenacious_rover.sampling.log import SampleLog
log = SampleLog(Path(sys.argv[1]))
number = 0
while True:
    entry = log.append("custody", f"S{number:05d}", {"n": number, "filler": "x" * 500})
    sys.stdout.write(f"{entry.sequence} {entry.hash}\\n")
    sys.stdout.flush()
    number += 1
"""


def kill_once(path, rng):
    """Let a process write, kill it; what it acknowledged as (sequence, hash)."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    for _ in range(rng.randrange(1, 40)):
        first = process.stdout.readline()
        assert first
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.wait()
    lines = (first + rest).decode().splitlines(keepends=True)
    return [tuple(line.split()) for line in lines if line.endswith("\n")]


def test_acknowledged_entries_survive_kill(tmp_path):
    rng = random.Random(1)
    path = tmp_path / "samples.sqlite"
    for _ in range(8):
        acknowledged = kill_once(path, rng)
        log = SampleLog(path)
        there = {(str(e.sequence), e.hash) for e in log.entries()}
        assert set(acknowledged) <= there
        assert not log.verify().problems
        log.close()


@pytest.fixture
def filled(tmp_path):
    log = SampleLog(tmp_path / "samples.sqlite")
    for n in range(5):
        log.append("sample", f"S{n:03d}", {"volume_ml": n * 1.5})
    yield log
    log.close()


def without_triggers(log):
    base = sqlite3.connect(log.path)
    for name in ("entry_no_update", "entry_no_delete"):
        base.execute(f"DROP TRIGGER {name}")
    return base


def test_sound_log_verifies_and_knows_its_heads(filled):
    assert not filled.verify().problems
    assert not filled.verify(head=filled.entries()[2].hash).problems
    assert "cut short or rewritten" in filled.verify(head="0" * 64).problems[0]


@pytest.mark.parametrize("words", ["UPDATE entry SET body = '{}'", "DELETE FROM entry"])
def test_entries_cannot_be_changed_by_accident(filled, words):
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        sqlite3.connect(filled.path).execute(words)


@given(
    row=st.integers(1, 5), column=st.sampled_from(["kind", "sample", "body", "previous", "hash"])
)
@settings(max_examples=25, deadline=None)
def test_any_changed_field_is_found(tmp_path_factory, row, column):
    log = SampleLog(tmp_path_factory.mktemp("log") / "s.sqlite")
    for n in range(5):
        log.append("sample", f"S{n:03d}", {"n": n})
    base = without_triggers(log)
    base.execute(f"UPDATE entry SET {column} = {column} || 'x' WHERE sequence = {row}")
    base.commit()
    assert log.verify().problems
    log.close()


@pytest.mark.parametrize("gone", ["sequence = 2", "sequence = 5", "sequence > 3"])
def test_removed_entries_are_found(filled, gone):
    base = without_triggers(filled)
    base.execute(f"DELETE FROM entry WHERE {gone}")
    base.commit()
    assert filled.verify().problems


def test_truncated_with_its_head_is_found_by_a_published_hash(filled):
    published = filled.entries()[-1].hash
    base = without_triggers(filled)
    base.execute("DELETE FROM entry WHERE sequence = 5")
    base.execute("UPDATE head SET sequence = 4, hash = (SELECT hash FROM entry WHERE sequence = 4)")
    base.commit()
    assert not filled.verify().problems
    assert filled.verify(head=published).problems


def test_old_schema_is_migrated_with_its_entries(tmp_path):
    path = tmp_path / "old.sqlite"
    new = SampleLog(tmp_path / "new.sqlite")
    new.append("sample", "S001", {"a": 1})
    base = sqlite3.connect(path, isolation_level=None)
    schema.migrate(base, until=1)
    e = new.entries()[0]
    row = (e.sequence, e.kind, e.sample, e.body, e.previous, e.hash)
    base.execute("INSERT INTO entry VALUES(?,?,?,?,?,?)", row)
    base.close()
    log = SampleLog(path)
    log.append("sample", "S002", {"a": 2})
    assert [x.sample for x in log.entries()] == ["S001", "S002"]
    assert not log.verify().problems


def test_newer_schema_is_refused(tmp_path):
    base = sqlite3.connect(tmp_path / "s.sqlite")
    base.execute("PRAGMA user_version = 99")
    base.commit()
    with pytest.raises(SamplingError, match="update it"):
        SampleLog(tmp_path / "s.sqlite")


def test_not_finite_is_refused_and_nothing_is_written(filled):
    with pytest.raises(SamplingError):
        filled.append("sample", "S009", {"volume_ml": float("nan")})
    assert filled.verify().entries == 5


def test_damaged_file_is_reported(tmp_path):
    path = tmp_path / "s.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(SamplingError, match=r"s\.sqlite"):
        SampleLog(path)
