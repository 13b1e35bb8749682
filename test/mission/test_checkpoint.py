# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tenacious_rover.mission.checkpoint import Checkpoint, digest, load, save


def test_what_was_saved_is_loaded(tmp_path):
    path = tmp_path / "deep" / "checkpoint.json"
    saved = Checkpoint("abc", ("first: succeeded",), 12.5)
    save(path, saved)
    assert load(path, "abc") == saved
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_changed_mission_starts_afresh(tmp_path):
    path = tmp_path / "checkpoint.json"
    save(path, Checkpoint("abc", ("first: succeeded",), 12.5))
    assert load(path, "other") == Checkpoint("other")


def test_rubbish_starts_afresh(tmp_path):
    path = tmp_path / "checkpoint.json"
    for text in ("", "{", "[]", '{"digest": "abc"}', "\x00\x01"):
        path.write_text(text, encoding="utf-8")
        assert load(path, "abc") == Checkpoint("abc")
    assert load(tmp_path / "none.json", "abc") == Checkpoint("abc")


def test_digest_follows_content(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("a", encoding="utf-8")
    before = digest(path)
    path.write_text("b", encoding="utf-8")
    assert digest(path) != before
