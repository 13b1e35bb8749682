# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The disk guard, the queue before the writer, what is worth what, and which time counts."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.highlevel import AnyReader

from tenacious_rover.recording.clock import Ticks, clock_ns
from tenacious_rover.recording.config import PROFILES, RecordingConfig
from tenacious_rover.recording.drops import Drops
from tenacious_rover.recording.guard import DiskGuard
from tenacious_rover.recording.pipeline import Item, Pipeline
from tenacious_rover.recording.schema import Schema
from tenacious_rover.recording.topics import SHED_ORDER, VITAL, wanted, worth
from tenacious_rover.recording.writer import BagWriter
from tenacious_rover.rover import contract

MB = 1_000_000
BYTES = Schema("std_msgs/msg/UInt64", "ros2msg", "uint64 data\n", "")


def test_every_profile_records_samples_and_events():
    for name in PROFILES:
        topics = {w.topic.name for w in wanted(name, ("battery",), simulated=True)}
        assert {contract.EVENTS.name, contract.SAMPLE_RECORD.name, "temperature/battery"} <= topics
        assert contract.CLOCK.name in topics


def test_flight_leaves_out_the_heavy_streams_and_hardware_has_no_truth():
    flight = {w.topic.name for w in wanted("flight", (), simulated=False)}
    assert contract.IMAGE_LEFT.name not in flight
    assert contract.TERRAIN_POINTS.name not in flight
    assert contract.INFO_LEFT.name in flight
    assert contract.TRUTH_ODOMETRY.name not in flight
    science = {w.topic.name for w in wanted("science", (), simulated=False)}
    assert contract.IMAGE_LEFT.name in science


def test_worth_follows_the_stated_order():
    assert worth(contract.TERRAIN_POINTS.name) == 0
    assert worth("somebody/else") == 0
    assert worth(contract.IMAGE_LEFT.name) == 1
    assert worth(contract.EVENTS.name) == worth(contract.SAMPLE_RECORD.name) == VITAL
    every = (*contract.COMMANDS, *contract.MEASUREMENTS, *contract.OFFERED, *contract.TRUTH)
    assert {worth(t.name) for t in every} == set(range(len(SHED_ORDER) + 1))


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(0, 500)), min_size=1, max_size=40))
def test_guard_never_takes_anything_back(states):
    guard = DiskGuard(quota_mb=100.0, reserve_mb=50.0)
    before = guard.verdict
    for used, free in states:
        now = guard.look(int(used * MB), int(free * MB))
        assert now.floor >= before.floor
        assert now.stop or not before.stop
        assert now.stop or (used < 100.0 and free > 50.0)
        before = now


def test_guard_sheds_in_steps_as_the_quota_fills():
    guard = DiskGuard(quota_mb=100.0, reserve_mb=0.0)
    found = [guard.look(int(used * MB), 10**12) for used in (10, 78, 82, 88, 92, 95, 97.5, 99.5)]
    assert [v.floor for v in found[:-1]] == [0, 0, 1, 2, 3, 4, 5]
    assert [v.warn for v in found[:2]] == [False, True]
    assert found[-1].stop
    assert "used up" in found[-1].words
    assert "camera streams" in found[3].words


def test_a_nearly_full_disk_is_seen_before_the_quota():
    guard = DiskGuard(quota_mb=10_000.0, reserve_mb=500.0)
    assert guard.look(5 * MB, 490 * MB).stop
    assert "disk" in guard.verdict.words


def pipeline(tmp_path, quota_mb, queue_bytes=50 * MB, **options):
    config = RecordingConfig(quota_mb=quota_mb, reserve_mb=0.0, sync=False, **options)
    return Pipeline(BagWriter(tmp_path / "bag", config), queue_bytes)


def test_tiny_quota_keeps_events_and_stays_below(tmp_path):
    import os

    line = pipeline(tmp_path, 4.0, compression_level=0, chunk_kb=16)
    for name in ("/camera", "/events"):
        line.add_topic(name, "std_msgs/msg/UInt64", ())
        line.writer.add_topic(name, "std_msgs/msg/UInt64", (), BYTES)
    for n in range(400):
        line.put([Item("/camera", 1, n * 1000, 0, n, os.urandom(20_000))])
        line.put([Item("/events", VITAL, n * 1000 + 1, 0, n, n.to_bytes(12, "little"))])
    line.close()
    assert not line.failure
    size = sum(p.stat().st_size for p in (tmp_path / "bag").iterdir())
    assert size < 4.0 * MB
    with AnyReader([tmp_path / "bag"]) as reader:
        counts = {c.topic: c.msgcount for c in reader.connections}
    shed = line.drops.counts["shed"]
    assert counts["/events"] == 400
    assert 0 < counts["/camera"] < 200
    assert counts["/camera"] + shed["/camera"] == 400
    assert '"/camera"' in line.writer.custom["dropped"]


def test_full_queue_drops_are_counted_and_room_is_kept_for_events(tmp_path, monkeypatch):
    line = pipeline(tmp_path, 100.0, queue_bytes=1000)
    line.close()
    line.put([Item("/camera", 1, n, 0, n, bytes(300)) for n in range(5)])
    line.put([Item("/events", VITAL, 9, 0, 0, bytes(50))])
    assert line.drops.counts["queue"] == {"/camera": 2}


def test_gaps_in_the_numbers_of_a_publisher_are_losses():
    drops = Drops()
    for number in (5, 6, 9, 10, 10, 8):
        drops.seen("/imu", b"a", number)
    drops.seen("/imu", b"b", 1)
    drops.seen("/imu", b"b", 3)
    assert drops.facts() == {"transport": {"/imu": 3}}
    assert drops.total() == 3


def test_a_message_gets_the_time_of_the_newest_tick_before_it():
    ticks = Ticks()
    assert not ticks
    for received, said in ((100, 7), (200, 8), (300, 9)):
        ticks.tick(received, said)
    assert [ticks.at(r) for r in (50, 100, 199, 200, 1000)] == [7, 7, 7, 8, 9]
    assert clock_ns(b"\x00\x01\x00\x00" + struct.pack("<iI", 12, 34)) == 12_000_000_034


@pytest.mark.parametrize("name", ["split_mb", "flush_s", "quota_mb"])
def test_config_has_bounds(name):
    from tenacious_rover.rover.config import ConfigError, configured

    with pytest.raises(ConfigError, match=name):
        configured(RecordingConfig, {name: -1.0})
