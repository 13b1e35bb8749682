# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""New bags from old ones, message by message as they are: cut and merge."""

from __future__ import annotations

from contextlib import ExitStack
from heapq import merge as merged
from typing import TYPE_CHECKING, Any

from tenacious_rover.analysis.bag import Bag, Said
from tenacious_rover.analysis.error import AnalysisError
from tenacious_rover.recording import metadata
from tenacious_rover.recording.config import RecordingConfig
from tenacious_rover.recording.error import RecordingError
from tenacious_rover.recording.schema import Schema
from tenacious_rover.recording.writer import BagWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

_PLAIN = RecordingConfig(sync=False, flush_s=5.0)
_STATIC = "/tf_static"


def cut(
    source: Path,
    target: Path,
    start_s: float | None = None,
    stop_s: float | None = None,
    topics: Callable[[str], bool] = lambda topic: True,
) -> int:
    """Copy a stretch of a bag, and of latched topics what was valid at its beginning.

    Args:
        source: any bag.
        target: a fresh folder.
        start_s: seconds from the bag's first message.
        stop_s: seconds from the bag's first message.
        topics: which to keep.

    Returns:
        Number of messages.

    Raises:
        AnalysisError: unreadable, nothing left, or `target` cannot be written.
    """
    with Bag(source) as bag:
        begin = bag.span_s[0]
        kept = {name: 0.0 for name in bag.topics if topics(name)}
        if not kept:
            raise AnalysisError(
                f"{source}: no topic is left; it has {', '.join(sorted(bag.topics))}"
            )
        start = None if start_s is None else begin + start_s
        stop = None if stop_s is None else begin + stop_s
        writer = _writer(target, bag.facts | {"cut_from": source.resolve().name})
        add_topics(writer, bag, kept)
        count = 0
        for said in _latched(bag, kept, start):
            writer.write(said.topic, round((start or 0.0) * 1e9), said.raw)
            count += 1
        for said in bag.messages(kept, start, stop):
            writer.write(said.topic, round(said.time_s * 1e9), said.raw)
            writer.tick()
            count += 1
        writer.close()
    if not count:
        raise AnalysisError(f"{source}: nothing between {start_s} and {stop_s} s")
    return count


def merge(sources: Sequence[Path], target: Path) -> int:
    """One bag of several, in the order of their times; number of messages.

    Raises:
        AnalysisError: one is unreadable, or the same topic has two types.
    """
    with ExitStack() as stack:
        bags = [stack.enter_context(Bag(source)) for source in sources]
        kinds: dict[str, str] = {}
        for bag in bags:
            for name, kind in bag.topics.items():
                if kinds.setdefault(name, kind) != kind:
                    raise AnalysisError(f"{bag.path}: {name} is {kind}, elsewhere {kinds[name]}")
        facts: dict[str, str] = {}
        for bag in reversed(bags):
            facts |= bag.facts
        names = ", ".join(source.resolve().name for source in sources)
        writer = _writer(target, facts | {"merged_from": names})
        for bag in bags:
            add_topics(writer, bag, bag.topics)
        count = 0
        for said in merged(*(bag.messages() for bag in bags), key=lambda s: s.time_s):
            writer.write(said.topic, round(said.time_s * 1e9), said.raw)
            writer.tick()
            count += 1
        writer.close()
    return count


def add_topics(writer: BagWriter, bag: Bag, names: Iterable[str]) -> None:
    """Make topics of a bag known to a writer, with their definitions and QoS."""
    wanted = set(names)
    for connection in bag.connections:
        if connection.topic not in wanted or connection.topic in writer.counts:
            continue
        definition = connection.msgdef
        encoding = {1: "ros2msg", 2: "ros2idl"}.get(int(definition.format.value), "")
        known = Schema(connection.msgtype, encoding, definition.data, connection.digest)
        qos = tuple(_qos(q) for q in getattr(connection.ext, "offered_qos_profiles", ()))
        writer.add_topic(connection.topic, connection.msgtype, qos, known if encoding else None)


def _qos(profile: Any) -> dict[str, Any]:
    return metadata.quality_of_service(
        profile.reliability.name != "BEST_EFFORT",
        profile.durability.name == "TRANSIENT_LOCAL",
        int(profile.depth),
    )


def _writer(target: Path, facts: dict[str, str]) -> BagWriter:
    try:
        return BagWriter(target, _PLAIN, facts)
    except RecordingError as error:
        raise AnalysisError(str(error)) from error


def _latched(bag: Bag, kept: dict[str, float], start: float | None) -> list[Said]:
    """Of topics kept for late joiners: the last message before `start`; all static transforms."""
    if start is None:
        return []
    single = {
        c.topic
        for c in bag.connections
        if c.topic in kept
        and any(
            q.durability.name == "TRANSIENT_LOCAL" and q.depth == 1
            for q in getattr(c.ext, "offered_qos_profiles", ())
        )
    }
    wanted = dict.fromkeys(single | ({_STATIC} & set(kept)), 0.0)
    if not wanted:
        return []
    last: dict[str, Said] = {}
    static: list[Said] = []
    for said in bag.messages(wanted, None, start):
        if said.topic == _STATIC:
            static.append(said)
        else:
            last[said.topic] = said
    return [*static, *last.values()]
