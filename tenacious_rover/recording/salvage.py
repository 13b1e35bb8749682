# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Makes a clean bag of one that was cut off: killed recorder, power loss, full disk."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml
import zstandard
from mcap.exceptions import McapError
from mcap.records import Channel, Message
from mcap.records import Schema as SchemaRecord
from mcap.stream_reader import StreamReader

from tenacious_rover.recording.config import RecordingConfig
from tenacious_rover.recording.error import RecordingError
from tenacious_rover.recording.metadata import FILE
from tenacious_rover.recording.schema import Schema
from tenacious_rover.recording.writer import BagWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BROKEN = (McapError, EOFError, struct.error, zstandard.ZstdError, ValueError, OSError)


@dataclass(frozen=True)
class Salvaged:
    """What was saved; `lost_bytes` at the ends of files could not be read."""

    messages: int
    lost_bytes: int
    first_ns: int
    last_ns: int

    @property
    def words(self) -> str:
        """For a person."""
        seconds = (self.last_ns - self.first_ns) * 1e-9
        return (
            f"{self.messages} messages over {seconds:.1f} s were saved, "
            f"{self.lost_bytes} bytes at the end are lost"
        )


def salvage(source: Path, target: Path) -> Salvaged:
    """Copy everything readable of a bag folder or MCAP file to a new bag folder.

    Raises:
        RecordingError: no MCAP file there, nothing readable, or `target` is not empty.
    """
    files = [source] if source.is_file() else sorted(source.glob("*.mcap"), key=_number)
    if not files:
        raise RecordingError(f"{source}: no .mcap file in here")
    writer = BagWriter(target, RecordingConfig(sync=False), _custom(source))
    count, lost, first, last = 0, 0, 2**63 - 1, 0
    for path in files:
        with path.open("rb") as stream:
            good = 0
            for schema, channel, message in _readable(stream):
                if channel.topic not in writer.counts:
                    found = Schema(
                        schema.name,
                        schema.encoding,
                        schema.data.decode(),
                        channel.metadata.get("topic_type_hash", ""),
                    )
                    text = channel.metadata.get("offered_qos_profiles", "")
                    qos = tuple(yaml.safe_load(text) or ()) if text else ()
                    writer.add_topic(channel.topic, schema.name, qos, found)
                writer.write(
                    channel.topic,
                    message.log_time,
                    message.data,
                    message.publish_time,
                    message.sequence,
                )
                count += 1
                first, last = min(first, message.log_time), max(last, message.log_time)
                good = stream.tell()
            lost += max(path.stat().st_size - good - _TAIL, 0) if not _whole(path) else 0
    writer.close()
    if not count:
        raise RecordingError(f"{source}: holds no message that can be read")
    return Salvaged(count, lost, first, last)


_TAIL = 51


def _whole(path: Path) -> bool:
    """Whether the file has its end mark."""
    with path.open("rb") as file:
        file.seek(0, 2)
        if file.tell() < 16:
            return False
        file.seek(-8, 2)
        return file.read() == b"\x89MCAP0\r\n"


def _readable(stream: object) -> Iterator[tuple[SchemaRecord, Channel, Message]]:
    """Messages in the order of the file until it cannot be read any further."""
    schemas: dict[int, SchemaRecord] = {}
    channels: dict[int, Channel] = {}
    try:
        for record in StreamReader(stream, validate_crcs=True).records:  # type: ignore[arg-type]
            if isinstance(record, SchemaRecord):
                schemas[record.id] = record
            elif isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Message) and record.channel_id in channels:
                channel = channels[record.channel_id]
                none = SchemaRecord(data=b"", encoding="", id=0, name="")
                yield schemas.get(channel.schema_id, none), channel, record
    except _BROKEN:
        return


def _custom(source: Path) -> dict[str, str]:
    """The facts of the old `metadata.yaml`, when it can be read."""
    try:
        content = yaml.safe_load((source / FILE).read_text(encoding="utf-8"))
        custom = content["rosbag2_bagfile_information"]["custom_data"] or {}
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return {}
    return {str(key): str(value) for key, value in custom.items()} | {"repaired": "true"}


def _number(path: Path) -> tuple[int, str]:
    tail = path.stem.rsplit("_", 1)[-1]
    return (int(tail) if tail.isdigit() else -1, path.name)
