# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The order in which a node took its inputs, so that a bag can be replayed exactly.

DDS and the executor decide which message a node sees first; a recorder cannot know. A node whose
core can be replayed therefore tells, with its heartbeat, which inputs it took since the last one:
contract topic and stamp of each. It costs a few kB/s.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from std_msgs.msg import String

from tenacious_rover import ros
from tenacious_rover.rover import contract, frames

if TYPE_CHECKING:
    from rclpy.node import Node


class FeedLog:
    """Collects and tells. Entries are `[topic, ns]`; topics by their place in `names`."""

    def __init__(self, node: Node) -> None:
        self._node = node.get_name()
        self._publisher = ros.publisher(node, contract.FEED)
        self._names: list[str] = []
        self._entries: list[tuple[int, int]] = []

    def note(self, name: str, message: Any) -> None:
        """An input was taken; of transforms only those of map count."""
        header = getattr(message, "header", None)
        if name == contract.TF.name:
            first = message.transforms[0] if message.transforms else None
            if first is None or first.header.frame_id != frames.MAP:
                return
            header = first.header
        stamp = None if header is None else header.stamp
        self.add(name, 0 if stamp is None else stamp.sec * 10**9 + stamp.nanosec)

    def add(self, name: str, stamp_ns: int) -> None:
        """Something else that happened, at a time of the node's clock."""
        if name not in self._names:
            self._names.append(name)
        self._entries.append((self._names.index(name), stamp_ns))

    def tell(self) -> None:
        """Publish what was collected."""
        if not self._entries:
            return
        entries, self._entries = self._entries, []
        content = {"node": self._node, "names": self._names, "inputs": entries}
        self._publisher.publish(String(data=json.dumps(content, separators=(",", ":"))))
