# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What is known of the site before the drive: the lander's shape and fiducials, from a YAML file.

lander:                       # boxes in map; turned by roll, pitch, yaw, or by yaw alone
  - {center_m: [0, 0, 1.6], size_m: [1.5, 1.5, 1.3], yaw_deg: 0}
  - {center_m: [1.1, 1.1, 0.5], size_m: [0.09, 0.09, 1.2], rpy_deg: [-25, 25, 0]}
markers:                      # ArUco, dictionary 4x4_50; x right, y up, z out of the marker
  - {id: 3, size_m: 0.2, position_m: [0.8, 0, 0.6], rpy_deg: [90, 0, 90]}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from tenacious_rover.localization.error import LocalizationError
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from pathlib import Path

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """A box: `map_T_block` (4, 4) at its centre, `size` (3,) m."""

    map_T_block: Array
    size: Array


@dataclass(frozen=True)
class Marker:
    """A square fiducial: `map_T_marker` (4, 4) at its centre, z out of it."""

    number: int
    size_m: float
    map_T_marker: Array


@dataclass(frozen=True)
class Landmarks:
    """All that may be recognised."""

    lander: tuple[Block, ...] = ()
    markers: tuple[Marker, ...] = ()


def load(path: Path) -> Landmarks:
    """Landmarks of a file.

    Raises:
        LocalizationError: names file, entry and what is wrong.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise LocalizationError(f"landmarks: {path}: {error}") from error
    if not isinstance(content, dict) or set(content) - {"lander", "markers"}:
        raise LocalizationError(f"landmarks: {path}: allowed are the lists 'lander' and 'markers'")
    lander = [
        _block(item, f"landmarks: {path}: lander[{k}]")
        for k, item in enumerate(content.get("lander") or [])
    ]
    markers = [
        _marker(item, f"landmarks: {path}: markers[{k}]")
        for k, item in enumerate(content.get("markers") or [])
    ]
    return Landmarks(tuple(lander), tuple(markers))


def _block(item: Any, where: str) -> Block:
    center = _numbers(item, "center_m", 3, where)
    size = _numbers(item, "size_m", 3, where)
    if (size <= 0.0).any():
        raise LocalizationError(f"{where}: size_m: {size.tolist()} is not three lengths above 0")
    yaw = _numbers(item, "yaw_deg", 1, where, default=[0.0])[0]
    turn = _numbers(item, "rpy_deg", 3, where, default=[0.0, 0.0, yaw])
    return Block(frames.from_rpy(center, np.radians(turn)), size)


def _marker(item: Any, where: str) -> Marker:
    number = _numbers(item, "id", 1, where)[0]
    size = _numbers(item, "size_m", 1, where)[0]
    if not (0 <= number < 50 and number == int(number) and size > 0.0):
        raise LocalizationError(f"{where}: id is a whole number from 0 to 49, size_m above 0")
    position = _numbers(item, "position_m", 3, where)
    turn = np.radians(_numbers(item, "rpy_deg", 3, where))
    return Marker(int(number), float(size), frames.from_rpy(position, turn))


def _numbers(item: Any, field: str, count: int, where: str, default: Any = None) -> Array:
    value = item.get(field, default) if isinstance(item, dict) else None
    try:
        found = np.asarray(value, float).reshape(-1)
    except (TypeError, ValueError):
        found = np.empty(0)
    if len(found) != count or not np.isfinite(found).all():
        raise LocalizationError(f"{where}: {field}: {value!r} is not {count} number(s)")
    return found
