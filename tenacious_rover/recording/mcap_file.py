# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One MCAP file that is whole at every moment.

Each chunk goes to the disk in one write together with an end mark (data end, footer, magic); the
next chunk takes the mark's place. A recorder that is killed therefore leaves a file that any MCAP
reader opens; what is lost is the chunk in memory. The records are those of the `mcap` package;
its own writer puts the end mark only when it is closed, and cannot choose how hard to compress.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

import zstandard
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    MessageIndex,
    Metadata,
    MetadataIndex,
    Statistics,
    SummaryOffset,
)
from mcap.records import Schema as SchemaRecord

from tenacious_rover.recording.error import RecordingError

if TYPE_CHECKING:
    from pathlib import Path

    from tenacious_rover.recording.schema import Schema

MAGIC = b"\x89MCAP0\r\n"
LIBRARY = "tenacious_rover"
_MESSAGE = struct.Struct("<BQHIQQ")
_FIXED = 22
_FOOTER = struct.Struct("<BQQQ")


def record(*items: McapRecord) -> bytes:
    """Records as bytes."""
    builder = RecordBuilder()
    for item in items:
        item.write(builder)
    return bytes(builder.end())  # type: ignore[no-untyped-call]


def footer(summary_start: int, offsets_start: int, crc: int) -> Footer:
    """The last record."""
    return Footer(summary_start=summary_start, summary_offset_start=offsets_start, summary_crc=crc)


END_MARK = record(DataEnd(0), footer(0, 0, 0)) + MAGIC


_BULKY = 32_768
"""A channel with messages of this size gets chunks of its own: who reads odometry need not unpack
pictures."""
_SMALL = 0


class _Pending:
    """A chunk in memory."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.index: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.first_ns = 2**63 - 1
        self.last_ns = 0


class McapFile:
    """A file of a bag.

    Args:
        path: is created.
        level: of zstd; 0 writes chunks as they are.
        chunk_bytes: a chunk ends at this size, or when it is flushed.
        sync: whether `flush` waits for the disk.

    Raises:
        RecordingError: the file exists or cannot be made.
    """

    def __init__(
        self, path: Path, level: int = 1, chunk_bytes: int = 786_432, sync: bool = False
    ) -> None:
        self.path = path
        self.count = 0
        self.first_ns = 2**63 - 1
        self.last_ns = 0
        self.counts: dict[int, int] = {}
        self._level = level
        self._chunk_bytes = chunk_bytes
        self._sync = sync
        self._schemas: list[SchemaRecord] = []
        self._channels: list[Channel] = []
        self._chunks: list[ChunkIndex] = []
        self._pending: dict[int, _Pending] = {_SMALL: _Pending()}
        self._end = 0
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        except OSError as error:
            raise RecordingError(f"{path}: {error.strerror}") from error
        self._append(MAGIC + record(Header("ros2", LIBRARY)))

    @property
    def size(self) -> int:
        """Bytes, with what still waits."""
        return self._end + sum(len(pending.data) for pending in self._pending.values())

    def add_channel(self, topic: str, schema: Schema, metadata: dict[str, str]) -> int:
        """The id of a new channel for a topic."""
        known = {(s.name, s.data): s.id for s in self._schemas}
        key = (schema.name, schema.text.encode())
        if key not in known:
            added = SchemaRecord(len(self._schemas) + 1, key[1], schema.encoding, schema.name)
            self._schemas.append(added)
            self._pending[_SMALL].data += record(added)
            known[key] = added.id
        channel = Channel(len(self._channels) + 1, topic, "cdr", metadata, known[key])
        self._channels.append(channel)
        self._pending[_SMALL].data += record(channel)
        self.counts[channel.id] = 0
        return channel.id

    def write(
        self, channel: int, log_ns: int, publish_ns: int, sequence: int, data: bytes | memoryview
    ) -> None:
        """Add a message."""
        key = channel if channel in self._pending else _SMALL
        if key == _SMALL and len(data) >= _BULKY:
            # What explains the channel must be in the file before its messages.
            self._finish_chunk(_SMALL)
            key = channel
            self._pending[key] = _Pending()
        pending = self._pending[key]
        pending.index[channel].append((log_ns, len(pending.data)))
        size = _FIXED + len(data)
        pending.data += _MESSAGE.pack(0x05, size, channel, sequence, log_ns, publish_ns)
        pending.data += data
        pending.first_ns = min(pending.first_ns, log_ns)
        pending.last_ns = max(pending.last_ns, log_ns)
        self.first_ns = min(self.first_ns, log_ns)
        self.last_ns = max(self.last_ns, log_ns)
        self.counts[channel] += 1
        self.count += 1
        if len(pending.data) >= self._chunk_bytes:
            self._finish_chunk(key)

    def flush(self) -> None:
        """Everything so far is in the file, and on the disk when `sync` was asked for."""
        self._finish_chunks()
        if self._sync:
            os.fdatasync(self._file)

    def close(self, metadata: dict[str, dict[str, str]] | None = None) -> None:
        """Write indexes and summary; `metadata` records by name go in before."""
        self._finish_chunks()
        indexes = []
        for name, values in (metadata or {}).items():
            data = record(Metadata(metadata=values, name=name))
            indexes.append(MetadataIndex(offset=self._end, length=len(data), name=name))
            self._append(data)
        self._put(record(DataEnd(0)) + self._summary(self._end, indexes))
        os.fsync(self._file)
        os.close(self._file)

    # -- inside -------------------------------------------------------------------------------

    def _finish_chunks(self) -> None:
        for key in self._pending:
            self._finish_chunk(key)

    def _finish_chunk(self, key: int) -> None:
        pending = self._pending[key]
        if not pending.data:
            return
        if not pending.index:
            # Schemas and channels alone need no chunk.
            self._append(bytes(pending.data))
            self._pending[key] = _Pending()
            return
        raw = bytes(pending.data)
        packed = zstandard.compress(raw, self._level) if self._level else raw
        name = "zstd" if self._level else ""
        first, last = pending.first_ns, pending.last_ns
        chunk = record(Chunk(name, packed, last, first, zlib.crc32(raw), len(raw)))
        offsets: dict[int, int] = {}
        indexes = b""
        for channel, entries in pending.index.items():
            offsets[channel] = self._end + len(chunk) + len(indexes)
            indexes += record(MessageIndex(channel, entries))
        index = ChunkIndex(
            chunk_length=len(chunk),
            chunk_start_offset=self._end,
            compression=name,
            compressed_size=len(packed),
            message_end_time=last,
            message_index_length=len(indexes),
            message_index_offsets=offsets,
            message_start_time=first,
            uncompressed_size=len(raw),
        )
        self._append(chunk + indexes)
        self._chunks.append(index)
        self._pending[key] = _Pending()

    def _append(self, data: bytes) -> None:
        self._put(data + END_MARK)
        self._end += len(data)

    def _put(self, data: bytes) -> None:
        """Write at the end of what counts, whole or not at all."""
        view, at = memoryview(data), self._end
        try:
            while view:
                done = os.pwrite(self._file, view, at)
                view, at = view[done:], at + done
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, self._end)
                os.pwrite(self._file, END_MARK, self._end)
            raise RecordingError(f"{self.path}: {error.strerror}") from error

    def _summary(self, data_end: int, metadata: list[MetadataIndex]) -> bytes:
        start = data_end + len(record(DataEnd(0)))
        statistics = Statistics(
            attachment_count=0,
            channel_count=len(self._channels),
            channel_message_counts=dict(self.counts),
            chunk_count=len(self._chunks),
            message_count=self.count,
            message_end_time=self.last_ns,
            message_start_time=self.first_ns if self.count else 0,
            metadata_count=len(metadata),
            schema_count=len(self._schemas),
        )
        groups = (
            (Opcode.SCHEMA, record(*self._schemas)),
            (Opcode.CHANNEL, record(*self._channels)),
            (Opcode.STATISTICS, record(statistics)),
            (Opcode.CHUNK_INDEX, record(*self._chunks)),
            (Opcode.METADATA_INDEX, record(*metadata)),
        )
        body, offsets = b"", []
        for opcode, data in groups:
            if data:
                offsets.append(
                    SummaryOffset(
                        group_length=len(data), group_opcode=opcode, group_start=start + len(body)
                    )
                )
                body += data
        offsets_start = start + len(body)
        body += record(*offsets)
        head = _FOOTER.pack(Opcode.FOOTER, 20, start, offsets_start)
        crc = zlib.crc32(head, zlib.crc32(body))
        return body + record(footer(start, offsets_start, crc)) + MAGIC
