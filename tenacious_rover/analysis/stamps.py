# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Stamp and frame of a serialized message without decoding it: headers stand at the front."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIME = {False: struct.Struct(">iI"), True: struct.Struct("<iI")}
_LENGTH = {False: struct.Struct(">I"), True: struct.Struct("<I")}
_HEADER = "std_msgs/msg/Header"
_STAMP = "builtin_interfaces/msg/Time"


class Stamp(NamedTuple):
    """Seconds, and the frame when there is a header."""

    time_s: float
    frame: str


def kind_of(fielddefs: Mapping[str, Any], kind: str) -> str:
    """`header`, `stamp` or empty: what a type's first field is (rosbags field definitions)."""
    try:
        _, fields = fielddefs[kind]
        _, (node, name) = fields[0]
        first = name if int(node) == 2 else ""
    except (TypeError, ValueError, LookupError):
        return ""
    return {_HEADER: "header", _STAMP: "stamp"}.get(str(first), "")


def stamp_of(raw: bytes, what: str) -> Stamp | None:
    """The stamp of a CDR message whose first field is a header or a stamp."""
    if not what or len(raw) < (16 if what == "header" else 12):
        return None
    little = raw[1] == 1
    seconds, nanoseconds = _TIME[little].unpack_from(raw, 4)
    frame = ""
    if what == "header":
        (length,) = _LENGTH[little].unpack_from(raw, 12)
        frame = raw[16 : 16 + max(length - 1, 0)].decode("utf-8", "replace")
    return Stamp(seconds + nanoseconds * 1e-9, frame)
