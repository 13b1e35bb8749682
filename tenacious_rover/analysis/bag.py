# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Any bag, opened: rosbag2 with MCAP or sqlite3, one file of it, ROS 1; whole, or cut off.

What can be read is read; what cannot is said in `Bag.notes`.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.rosbag1 import ReaderError as Ros1Error
from rosbags.rosbag2 import ReaderError as Ros2Error
from rosbags.typesys import Stores, get_typestore

from tenacious_rover.analysis.error import AnalysisError
from tenacious_rover.recording.error import RecordingError
from tenacious_rover.recording.salvage import salvage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from rosbags.interfaces import Connection

ENDINGS = (".mcap", ".db3", ".bag")
_BROKEN = (AnyReaderError, Ros1Error, Ros2Error)


class Said(NamedTuple):
    """One message: when it was received, s on the bag's clock, and its content."""

    topic: str
    kind: str
    time_s: float
    raw: bytes


@dataclass
class Bag:
    """An open bag; use it as a context manager.

    Attributes:
        path: what was asked for.
        topics: topic to type.
        counts: topic to number of messages, as the bag says.
        facts: what the recorder wrote about rover, config, commit, world and seed.
        notes: what is missing or was mended, for a person.
    """

    path: Path
    topics: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stack = ExitStack()
        self._reader = self._opened(self.path)
        for connection in self._reader.connections:
            known = self.topics.setdefault(connection.topic, connection.msgtype)
            if known != connection.msgtype:
                self.notes.append(
                    f"{connection.topic} has two types, {known} and {connection.msgtype}"
                )
            self.counts[connection.topic] = (
                self.counts.get(connection.topic, 0) + connection.msgcount
            )
        for reader in self._reader.readers:
            storage = getattr(reader, "storage", None)
            custom = getattr(getattr(storage, "metadata", None), "custom", None)
            self.facts |= {str(k): str(v) for k, v in (custom or {}).items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close files; remove what was mended."""
        self._stack.close()

    # -- reading ------------------------------------------------------------------------------

    @property
    def span_s(self) -> tuple[float, float]:
        """First and last time of reception, s; (0, 0) for a bag without messages."""
        if not self._reader.message_count:
            return 0.0, 0.0
        return self._reader.start_time * 1e-9, self._reader.end_time * 1e-9

    def messages(
        self,
        wanted: Mapping[str, float] | None = None,
        start_s: float | None = None,
        stop_s: float | None = None,
    ) -> Iterator[Said]:
        """Messages in order of reception.

        Args:
            wanted: topic to the least time between two of its messages, s; what comes sooner is
                skipped unread. `None`: everything.
            start_s: from here.
            stop_s: until before here.
        """
        chosen = [c for c in self._reader.connections if wanted is None or c.topic in wanted]
        if not chosen:
            return
        next_ns = {c.topic: 0 for c in chosen}
        periods = {t: int(1e9 * p) for t, p in (wanted or {}).items()}
        try:
            for connection, at_ns, raw in self._reader.messages(chosen, _ns(start_s), _ns(stop_s)):
                topic = connection.topic
                period = periods.get(topic, 0)
                if period:
                    if 0 < next_ns[topic] - at_ns <= period:
                        continue
                    next_ns[topic] = at_ns + period
                yield Said(topic, connection.msgtype, at_ns * 1e-9, bytes(raw))
        except (*_BROKEN, ValueError, OSError, EOFError, IndexError) as error:
            self.notes.append(f"reading stopped early: {error}")

    def decode(self, said: Said) -> Any | None:
        """The message, or `None` (and one note per topic) when its type is not known."""
        try:
            return self._reader.deserialize(said.raw, said.kind)
        except Exception as error:  # noqa: BLE001  (a foreign bag may hold anything)
            words = f"{said.topic}: {said.kind} cannot be decoded ({type(error).__name__})"
            if words not in self.notes:
                self.notes.append(words)
            return None

    @property
    def indexed(self) -> bool:
        """Whether a stretch can be read without reading all before it."""
        storages = [s for reader in self._reader.readers for s in _storages(reader)]
        return all(getattr(s, "chunks", True) for s in storages if hasattr(s, "chunks"))

    @property
    def fielddefs(self) -> dict[str, Any]:
        """Type to field definitions, as rosbags has them."""
        return dict(self._reader.typestore.fielddefs)

    @property
    def connections(self) -> list[Connection]:
        """Of the rosbags reader."""
        return list(self._reader.connections)

    # -- opening ------------------------------------------------------------------------------

    def _opened(self, path: Path) -> AnyReader:
        target = located(path)
        try:
            return self._enter(target)
        except (AnyReaderError, FileNotFoundError, OSError, ValueError, AssertionError) as error:
            first = str(error)
        if not any(target.rglob("*.mcap")) and target.suffix != ".mcap":
            raise AnalysisError(f"{path}: not a bag that can be read: {first}")
        scratch = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bag_")))
        try:
            saved = salvage(target, scratch / "bag")
            reader = self._enter(scratch / "bag")
        except (RecordingError, AnyReaderError, OSError, ValueError) as error:
            raise AnalysisError(f"{path}: not a bag that can be read: {error}") from error
        self.notes.append(f"the bag was cut off ({first}); {saved.words}")
        return reader

    def _enter(self, target: Path) -> AnyReader:
        if target.suffix == ".bag":
            store = get_typestore(Stores.ROS1_NOETIC)
        else:
            store = get_typestore(Stores.LATEST)
        return self._stack.enter_context(AnyReader([target], default_typestore=store))


def located(path: Path) -> Path:
    """The bag of a run folder, a bag folder, or a bag file.

    Raises:
        AnalysisError: there is none.
    """
    if not path.exists():
        raise AnalysisError(f"{path}: no such file or folder")
    if path.is_file():
        if path.suffix not in ENDINGS:
            raise AnalysisError(
                f"{path}: not one of the endings {', '.join(ENDINGS)}; a bag is a folder with "
                "metadata.yaml, or one of its files"
            )
        return path
    if (path / "metadata.yaml").is_file() or any(path.glob("*.mcap")) or any(path.glob("*.db3")):
        return path
    for name in (path / "bag", *sorted(path.glob("bag*"))):
        if name.is_dir() and any(name.iterdir()):
            return located(name)
    raise AnalysisError(f"{path}: holds no bag (no metadata.yaml, no .mcap, no .db3)")


def run_facts(path: Path) -> dict[str, Any]:
    """The `run.json` of a run folder, or nothing."""
    file = path / "run.json"
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except ValueError:
        return {}


def _storages(reader: Any) -> list[Any]:
    storage = getattr(reader, "storage", None)
    return list(getattr(storage, "storages", None) or ([storage] if storage is not None else []))


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e9)
