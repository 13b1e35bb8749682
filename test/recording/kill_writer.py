# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Writes a bag until it is killed; says on stdout what it has flushed. Arguments: folder, sync."""

import sys
import time
from pathlib import Path

from tenacious_rover.recording import metadata
from tenacious_rover.recording.config import RecordingConfig
from tenacious_rover.recording.schema import Schema
from tenacious_rover.recording.writer import BagWriter
from tenacious_rover.rover.contract import Quality

TEXT = "uint64 data\n"


def message(number: int) -> bytes:
    """A std_msgs/UInt64 in CDR."""
    return b"\x00\x01\x00\x00" + number.to_bytes(8, "little")


def main() -> None:
    folder, sync = Path(sys.argv[1]), sys.argv[2] == "sync"
    config = RecordingConfig(split_s=1.0, flush_s=0.05, sync=sync, chunk_kb=64)
    writer = BagWriter(folder, config, {"rover": "test"})
    qos = (metadata.of_quality(Quality.STATE),)
    writer.add_topic(
        "/count", "std_msgs/msg/UInt64", qos, Schema("std_msgs/msg/UInt64", "ros2msg", TEXT, "")
    )
    writer.add_topic(
        "/bulk",
        "std_msgs/msg/String",
        (),
        Schema("std_msgs/msg/String", "ros2msg", "string data\n", ""),
    )
    bulk = bytes(range(256)) * 40
    bulk = b"\x00\x01\x00\x00" + len(bulk).to_bytes(4, "little") + bulk
    number = 0
    flushed = writer._flushed
    while True:
        for _ in range(20):
            number += 1
            now = time.time_ns()
            writer.write("/count", now, message(number))
            writer.write("/bulk", now, bulk)
        writer.tick()
        if writer._flushed != flushed:
            flushed = writer._flushed
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
        time.sleep(0.001)


if __name__ == "__main__":
    main()
