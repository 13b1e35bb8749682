# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags that are written, split, killed, and read by others."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Reader

from tenacious_rover.recording import metadata
from tenacious_rover.recording.config import RecordingConfig
from tenacious_rover.recording.error import RecordingError
from tenacious_rover.recording.mcap_file import McapFile
from tenacious_rover.recording.salvage import salvage
from tenacious_rover.recording.schema import Schema
from tenacious_rover.recording.writer import BagWriter
from tenacious_rover.rover.contract import Quality

HERE = Path(__file__).parent
COUNT = Schema("std_msgs/msg/UInt64", "ros2msg", "uint64 data\n", "")


def message(number):
    return b"\x00\x01\x00\x00" + number.to_bytes(8, "little")


def counted(folder, config=None, count=100, step_ns=10_000_000):
    writer = BagWriter(folder, config or RecordingConfig(sync=False), {"world": "w", "seed": "3"})
    writer.add_topic("/count", COUNT.name, (metadata.of_quality(Quality.LATCHED),), COUNT)
    for number in range(count):
        writer.write("/count", 5_000_000_000 + number * step_ns, message(number))
        writer.tick()
    writer.close()
    return writer


def read(folder):
    with AnyReader([folder]) as reader:
        return [
            (at, reader.deserialize(raw, connection.msgtype).data)
            for connection, at, raw in reader.messages()
        ]


def test_rosbags_reads_what_was_written(tmp_path):
    counted(tmp_path / "bag")
    assert read(tmp_path / "bag") == [(5_000_000_000 + n * 10_000_000, n) for n in range(100)]


def test_splits_by_time_and_each_file_stands_alone(tmp_path):
    counted(tmp_path / "bag", RecordingConfig(split_s=1.0, sync=False), count=350)
    files = sorted((tmp_path / "bag").glob("*.mcap"))
    assert [f.name for f in files] == [f"bag_{n}.mcap" for n in range(4)]
    seen = []
    for path in files:
        with path.open("rb") as file:
            reader = make_reader(file, validate_crcs=True)
            summary = reader.get_summary()
            numbers = [int.from_bytes(m.data[4:], "little") for _, _, m in reader.iter_messages()]
            assert summary.statistics.message_count == len(numbers)
            assert [s.name for s in summary.schemas.values()] == [COUNT.name]
            seen += numbers
    assert seen == list(range(350))
    assert [n for _, n in read(tmp_path / "bag")] == list(range(350))


def test_splits_by_size(tmp_path):
    config = RecordingConfig(split_mb=0.1, chunk_kb=16, compression_level=0, sync=False)
    writer = BagWriter(tmp_path / "bag", config)
    writer.add_topic("/bulk", "std_msgs/msg/UInt64", (), COUNT)
    for n in range(100):
        writer.write("/bulk", n, os.urandom(5000))
    writer.close()
    sizes = [p.stat().st_size for p in (tmp_path / "bag").glob("*.mcap")]
    assert len(sizes) >= 5
    assert max(sizes) < 130_000


def test_metadata_is_that_of_rosbag2(tmp_path):
    counted(tmp_path / "bag", RecordingConfig(split_s=0.5, sync=False))
    text = (tmp_path / "bag" / "metadata.yaml").read_text(encoding="utf-8")
    info = yaml.safe_load(text)["rosbag2_bagfile_information"]
    assert info["version"] == 9
    assert info["storage_identifier"] == "mcap"
    assert info["message_count"] == 100
    assert info["duration"]["nanoseconds"] == 990_000_000
    assert info["starting_time"]["nanoseconds_since_epoch"] == 5_000_000_000
    assert info["custom_data"] == {"world": "w", "seed": "3"}
    assert [f["message_count"] for f in info["files"]] == [50, 50]
    (topic,) = info["topics_with_message_count"]
    (qos,) = topic["topic_metadata"]["offered_qos_profiles"]
    assert qos["durability"] == "transient_local"
    assert qos["reliability"] == "reliable"
    assert "&id" not in text
    with Reader(tmp_path / "bag") as reader:
        (connection,) = reader.connections
        assert connection.ext.offered_qos_profiles[0].durability.name == "TRANSIENT_LOCAL"


def test_a_folder_that_holds_something_is_refused(tmp_path):
    counted(tmp_path / "bag")
    with pytest.raises(RecordingError, match="is not empty"):
        BagWriter(tmp_path / "bag")


def test_file_is_whole_after_every_flush(tmp_path):
    path = tmp_path / "a.mcap"
    file = McapFile(path, level=1)
    channel = file.add_channel("/count", COUNT, {})
    for n in range(5):
        file.write(channel, n, n, n, message(n))
        file.flush()
        with path.open("rb") as copy:
            assert len(list(make_reader(copy, validate_crcs=True).iter_messages())) == n + 1
    file.close()
    with path.open("rb") as copy:
        assert make_reader(copy).get_summary().statistics.message_count == 5


def test_large_messages_have_chunks_of_their_own(tmp_path):
    path = tmp_path / "a.mcap"
    file = McapFile(path, level=1)
    picture = file.add_channel("/picture", COUNT, {})
    count = file.add_channel("/count", COUNT, {})
    for n in range(40):
        if n % 4 == 0:
            file.write(picture, n, n, n, bytes(40_000))
        file.write(count, n, n, n, message(n))
        if n % 10 == 9:
            file.flush()
    file.close()
    with path.open("rb") as copy:
        reader = make_reader(copy, validate_crcs=True)
        kinds = [set(c.message_index_offsets) for c in reader.get_summary().chunk_indexes]
        assert all(len(kind) == 1 for kind in kinds)
        assert {picture} in kinds
        times = [m.log_time for _, _, m in reader.iter_messages(topics=["/count"])]
        assert times == list(range(40))
        assert len(list(reader.iter_messages(topics=["/picture"]))) == 10


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(1, 4000), seed=st.integers(0, 100))
def test_salvage_gives_a_prefix_of_a_cut_bag(cut, seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut")
    noise = random.Random(seed)
    file = McapFile(folder / "bag_0.mcap", level=1)
    channel = file.add_channel("/count", COUNT, {})
    for n in range(60):
        file.write(channel, n, n, n, message(n) + noise.randbytes(20))
        if n % 3 == 2:
            file.flush()
    file.close()
    path = folder / "bag_0.mcap"
    whole = path.read_bytes()
    path.write_bytes(whole[: max(len(whole) - cut, 0)])
    try:
        saved = salvage(folder, folder / "saved")
    except RecordingError as error:
        assert "no message" in str(error)  # noqa: PT017
        return
    with AnyReader([folder / "saved"]) as reader:
        numbers = [raw[4] for _, _, raw in reader.messages()]
    assert numbers == list(range(saved.messages))
    assert saved.messages % 3 == 0


def kill_once(folder, delay_s, sync="no"):
    """Run a writer, kill it after it has spoken and a delay; the last number it had flushed."""
    command = [sys.executable, str(HERE / "kill_writer.py"), str(folder), sync]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    said = process.stdout.read().split()
    process.wait()
    return int(said[-1]) if said else 0


def test_what_was_flushed_survives_kill(tmp_path):
    noise = random.Random(1)
    for n in range(4):
        folder = tmp_path / f"bag_{n}"
        promised = kill_once(folder, noise.uniform(0.0, 0.4))
        try:
            numbers = [v for _, v in counts(folder)]
        except Exception:  # noqa: BLE001  (killed inside a write: the end mark is cut)
            salvage(folder, tmp_path / f"saved_{n}")
            numbers = [v for _, v in counts(tmp_path / f"saved_{n}")]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= promised


def counts(folder):
    with AnyReader([folder]) as reader:
        chosen = [c for c in reader.connections if c.topic == "/count"]
        return [(at, int.from_bytes(raw[4:], "little")) for _, at, raw in reader.messages(chosen)]


def test_a_full_disk_leaves_a_whole_file(tmp_path, monkeypatch):
    path = tmp_path / "a.mcap"
    file = McapFile(path, level=0)
    channel = file.add_channel("/count", COUNT, {})
    file.write(channel, 1, 1, 1, message(1))
    file.flush()
    room, real = [5000], os.pwrite

    def pwrite(handle, data, offset):
        # The mark fits again when the piece of the chunk is cut off.
        if len(data) > 100:
            if room[0] <= 0:
                raise OSError(28, "No space left on device")
            data = bytes(data[: room[0]])
            room[0] -= len(data)
        return real(handle, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    file.write(channel, 2, 2, 2, os.urandom(20_000))
    with pytest.raises(RecordingError, match="No space left"):
        file.flush()
    with path.open("rb") as copy:
        assert [m.log_time for _, _, m in make_reader(copy).iter_messages()] == [1]
