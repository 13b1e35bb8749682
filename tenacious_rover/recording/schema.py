# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Message definitions as rosbag2 stores them: complete, with everything they are made of."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

_SEPARATOR = "=" * 80
_PRIMITIVE = {
    *("bool", "byte", "char", "float32", "float64", "string", "wstring"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}
_TYPE = re.compile(r"^([A-Za-z0-9_/]+)(<=\d+)?(\[[^\]]*\])?$")


@dataclass(frozen=True)
class Schema:
    """Of one type: `encoding` ros2msg, ros2idl or empty when no definition was found."""

    name: str
    encoding: str
    text: str
    digest: str
    """RIHS01 hash, or empty."""


def shares() -> list[Path]:
    """The `share` folders of this machine's ROS prefixes."""
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    return [Path(prefix) / "share" for prefix in (*prefixes, sys.prefix)]


def find(name: str, suffix: str) -> Path | None:
    """File of a type such as `sensor_msgs/msg/Imu` with a suffix such as `.msg`."""
    for share in shares():
        path = share / f"{name}{suffix}"
        if path.is_file():
            return path
    return None


def schema(name: str) -> Schema:
    """The definition of a type, from the share folder of its package."""
    gathered: dict[str, str] = {}
    for suffix, tag, encoding in ((".msg", "MSG", "ros2msg"), (".idl", "IDL", "ros2idl")):
        gathered = {}
        if _gather(name, suffix, gathered):
            text = _joined(name, gathered, tag)
            return Schema(name, encoding, text, digest(name))
    return Schema(name, "", "", digest(name))


def digest(name: str) -> str:
    """The type's RIHS01 hash, or empty."""
    path = find(name, ".json")
    if path is None:
        return ""
    for entry in json.loads(path.read_text(encoding="utf-8")).get("type_hashes", ()):
        if entry["type_name"] == name:
            return str(entry["hash_string"])
    return ""


def _joined(name: str, parts: dict[str, str], tag: str) -> str:
    """As rosbag2 does: the type itself, then each dependency under a line that names it."""

    def short(full: str) -> str:
        return full.replace("/msg/", "/", 1) if tag == "MSG" else full

    text = parts[name] if tag == "MSG" else f"{_SEPARATOR}\nIDL: {name}\n{parts[name]}"
    for other, body in parts.items():
        if other != name:
            text += f"\n{_SEPARATOR}\n{tag}: {short(other)}\n{body}"
    return text


def _gather(name: str, suffix: str, into: dict[str, str]) -> bool:
    """Put the definition of `name` and all below it into `into`; whether all were found."""
    if name in into:
        return True
    path = find(name, suffix)
    if path is None:
        return False
    text = path.read_text(encoding="utf-8")
    into[name] = text
    needs = _msg_needs(text, name) if suffix == ".msg" else _idl_needs(text)
    return all(_gather(other, suffix, into) for other in needs)


def _msg_needs(text: str, name: str) -> list[str]:
    found = []
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if len(words) < 2 or "=" in words[1][:1]:
            continue
        match = _TYPE.match(words[0])
        if match is None or match[1] in _PRIMITIVE:
            continue
        parts = match[1].split("/")
        package = parts[0] if len(parts) > 1 else name.split("/", maxsplit=1)[0]
        found.append(f"{package}/msg/{parts[-1]}")
    return found


def _idl_needs(text: str) -> list[str]:
    return re.findall(r'#include\s+"([^"]+)\.idl"', text)
