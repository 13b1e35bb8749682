# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The `metadata.yaml` of a rosbag2 folder, version 9 (Jazzy and later)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from tenacious_rover.rover.contract import Quality

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 9
FILE = "metadata.yaml"
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NEVER = {"sec": 9223372036, "nsec": 854775807}
_DEPTHS = {Quality.IMAGE: 2, Quality.COMMAND: 1, Quality.LATCHED: 1, Quality.LOG: 200}


@dataclass(frozen=True)
class TopicFacts:
    """A topic as `metadata.yaml` lists it; `qos` as of `quality_of_service`."""

    name: str
    type: str
    digest: str
    qos: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class FileFacts:
    """A file of the bag; times in ns."""

    path: str
    first_ns: int
    last_ns: int
    count: int


def quality_of_service(reliable: bool, kept: bool, depth: int) -> dict[str, Any]:
    """A QoS profile in rosbag2's words; `ros2 bag play` publishes with it."""
    return {
        "history": "keep_last",
        "depth": depth,
        "reliability": "reliable" if reliable else "best_effort",
        "durability": "transient_local" if kept else "volatile",
        "deadline": dict(_NEVER),
        "lifespan": dict(_NEVER),
        "liveliness": "automatic",
        "liveliness_lease_duration": dict(_NEVER),
        "avoid_ros_namespace_conventions": False,
    }


def of_quality(quality: Quality) -> dict[str, Any]:
    """The profile of a quality of the contract."""
    return quality_of_service(
        quality is not Quality.SENSOR,
        quality in (Quality.LATCHED, Quality.LOG),
        _DEPTHS.get(quality, 10),
    )


def qos_text(qos: tuple[dict[str, Any], ...]) -> str:
    """As the metadata of an MCAP channel holds it."""
    return _dumped(list(qos)).strip()


def document(
    topics: dict[str, tuple[TopicFacts, int]], files: list[FileFacts], custom: dict[str, str]
) -> dict[str, Any]:
    """The content of `metadata.yaml`.

    Args:
        topics: facts and number of messages by topic name.
        files: in order.
        custom: texts by name; the bag's own facts.
    """
    spoken = [f for f in files if f.count]
    first = min((f.first_ns for f in spoken), default=0)
    last = max((f.last_ns for f in spoken), default=0)
    return {
        "rosbag2_bagfile_information": {
            "version": VERSION,
            "storage_identifier": "mcap",
            "duration": {"nanoseconds": last - first},
            "starting_time": {"nanoseconds_since_epoch": first},
            "message_count": sum(f.count for f in files),
            "topics_with_message_count": [
                {
                    "topic_metadata": {
                        "name": facts.name,
                        "type": facts.type,
                        "serialization_format": "cdr",
                        "offered_qos_profiles": list(facts.qos),
                        "type_description_hash": facts.digest,
                    },
                    "message_count": count,
                }
                for facts, count in topics.values()
            ],
            "compression_format": "",
            "compression_mode": "",
            "relative_file_paths": [f.path for f in files],
            "files": [
                {
                    "path": f.path,
                    "starting_time": {"nanoseconds_since_epoch": f.first_ns if f.count else 0},
                    "duration": {"nanoseconds": f.last_ns - f.first_ns if f.count else 0},
                    "message_count": f.count,
                }
                for f in files
            ],
            "custom_data": custom or None,
            "ros_distro": os.environ.get("ROS_DISTRO", "kilted"),
        }
    }


def write(folder: Path, content: dict[str, Any], sync: bool = False) -> None:
    """Replace the folder's `metadata.yaml` in one step."""
    fresh = folder / f"{FILE}.new"
    with fresh.open("w", encoding="utf-8") as file:
        file.write(_dumped(content))
        if sync:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(folder / FILE)


def _dumped(content: Any) -> str:
    class Plain(_DUMPER):  # type: ignore[misc, valid-type]
        def ignore_aliases(self, data: Any) -> bool:
            del data
            return True

    return str(yaml.dump(content, Dumper=Plain, sort_keys=False, default_flow_style=False))
