# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A rosbag2 folder: `metadata.yaml` and MCAP files, split by size and time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tenacious_rover.recording import metadata
from tenacious_rover.recording.config import RecordingConfig
from tenacious_rover.recording.error import RecordingError
from tenacious_rover.recording.mcap_file import McapFile
from tenacious_rover.recording.metadata import FileFacts, TopicFacts
from tenacious_rover.recording.schema import schema

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tenacious_rover.recording.schema import Schema

_METADATA_S = 5.0


class BagWriter:
    """Writes one bag. Not for several threads at once.

    Args:
        folder: is created; its name names the files.
        config: splitting, compression, flushing.
        custom: what the bag says about itself: rover, config, commit, world, seed.

    Raises:
        RecordingError: the folder holds a bag already, or cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        config: RecordingConfig | None = None,
        custom: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.config = config or RecordingConfig()
        self.custom = dict(custom or {})
        self.counts: dict[str, int] = {}
        self._topics: dict[str, tuple[TopicFacts, Schema]] = {}
        self._channels: dict[str, int] = {}
        self._files: list[FileFacts] = []
        self._closed_bytes = 0
        self._flushed = time.monotonic()
        self._describe_at = 0.0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise RecordingError(f"{folder}: is not empty; a bag needs a fresh folder")
        except OSError as error:
            raise RecordingError(f"{folder}: {error.strerror}") from error
        self._file = self._opened()
        self._describe()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self._closed_bytes + self._file.size

    def add_topic(
        self,
        name: str,
        kind: str,
        qos: tuple[dict[str, Any], ...] = (),
        known: Schema | None = None,
    ) -> None:
        """Make a topic known; its type is read from the share folders unless `known` is given."""
        found = known or schema(kind)
        self._topics[name] = (TopicFacts(name, kind, found.digest, qos), found)
        self.counts.setdefault(name, 0)
        self._describe_at = 0.0

    def write(
        self,
        name: str,
        log_ns: int,
        data: bytes | memoryview,
        publish_ns: int = 0,
        sequence: int = 0,
    ) -> None:
        """Add a serialized message to a known topic.

        Raises:
            RecordingError: the disk refuses.
        """
        if self._full(log_ns):
            self._roll()
        channel = self._channels.get(name)
        if channel is None:
            facts, found = self._topics[name]
            extra = {
                "offered_qos_profiles": metadata.qos_text(facts.qos) if facts.qos else "",
                "topic_type_hash": facts.digest,
            }
            channel = self._channels[name] = self._file.add_channel(name, found, extra)
        self._file.write(channel, log_ns, publish_ns or log_ns, sequence, data)
        self.counts[name] += 1

    def tick(self) -> None:
        """Flush when it is time; call often."""
        now = time.monotonic()
        if now - self._flushed >= self.config.flush_s:
            self._file.flush()
            self._flushed = now
        if now >= self._describe_at:
            self._describe()
            self._describe_at = now + _METADATA_S

    def close(self) -> None:
        """End the last file with its index and write the final `metadata.yaml`."""
        self._end_file()
        self._describe()

    # -- inside -------------------------------------------------------------------------------

    def _full(self, log_ns: int) -> bool:
        file, config = self._file, self.config
        if file.count == 0:
            return False
        late = log_ns - file.first_ns >= config.split_s * 1e9
        return late or file.size >= config.split_mb * 1e6

    def _opened(self) -> McapFile:
        path = self.folder / f"{self.folder.name}_{len(self._files)}.mcap"
        config = self.config
        return McapFile(path, config.compression_level, config.chunk_kb * 1024, config.sync)

    def _roll(self) -> None:
        self._end_file()
        self._file = self._opened()
        self._describe()

    def _end_file(self) -> None:
        self._file.close({"rosbag2": {}, "tenacious": self.custom})
        self._files.append(self._facts())
        self._closed_bytes += self._file.path.stat().st_size
        self._channels = {}

    def _facts(self) -> FileFacts:
        file = self._file
        return FileFacts(file.path.name, file.first_ns, file.last_ns, file.count)

    def _describe(self) -> None:
        open_file = [] if self._files and self._files[-1].path == self._file.path.name else [0]
        files = self._files + [self._facts() for _ in open_file]
        topics = {name: (facts, self.counts[name]) for name, (facts, _) in self._topics.items()}
        try:
            metadata.write(
                self.folder, metadata.document(topics, files, self.custom), self.config.sync
            )
        except OSError as error:
            raise RecordingError(f"{self.folder / metadata.FILE}: {error.strerror}") from error
