# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Exported worlds: where they are, whether they are stale, and a rover put into one for a run."""

from __future__ import annotations

import functools
import json
import os
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenacious_rover.gazebo import bridge, vehicle
from tenacious_rover.gazebo.error import GazeboError
from tenacious_rover.gazebo.light import Ground, read_ground
from tenacious_rover.gazebo.sdf import VERSION, pose
from tenacious_rover.gazebo.world import GENERATOR
from tenacious_rover.rover import frames
from tenacious_rover.rover.resources import roots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenacious_rover.rover.model import Rover

SHIPPED = ("worlds", "gazebo")
DROP_M = 0.01
"""A rover begins this high above its wheels' ground."""
TEXTURES = ("diffuse", "normal")


def exports_folder() -> Path:
    """Where `tenacious gazebo export` writes: below `TENACIOUS_CACHE` or the user's cache."""
    given = os.environ.get("TENACIOUS_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (Path(given) if given else base / "tenacious_rover") / "gazebo"


@dataclass(frozen=True)
class Exported:
    """An exported world: its folder and what `world.json` says."""

    folder: Path
    facts: dict[str, Any]

    @functools.cached_property
    def ground(self) -> Ground:
        """Heights and boxes, read from the exported files."""
        return read_ground(self.folder, self.facts)

    def stale(self, key: str) -> bool:
        """Whether the world file (hash `key`) or the exporter has changed since."""
        return bool(self.facts.get("key") != key or self.facts.get("generator") != GENERATOR)


def exported(name_or_path: str) -> Exported:
    """An exported world by name or by its folder: the user's own, then the shipped ones.

    Raises:
        GazeboError: none; says the command that makes it.
    """
    given = Path(name_or_path)
    stem = given.stem if given.suffix in (".yaml", ".sdf") else given.name
    places = [given, exports_folder() / stem, *(root.joinpath(*SHIPPED, stem) for root in roots())]
    for place in places:
        if (place / "world.sdf").is_file() and (place / "world.json").is_file():
            try:
                return Exported(place, json.loads((place / "world.json").read_text("utf-8")))
            except (OSError, ValueError) as error:
                raise GazeboError(f"{place}/world.json: {error}") from error
    raise GazeboError(
        f"world {name_or_path!r} is not exported for Gazebo: run `tenacious gazebo export {stem}`"
    )


@dataclass(frozen=True)
class Spawn:
    """A rover in a world.

    Attributes:
        rover: with its description.
        name: of its model.
        x, y, yaw: of base_link in map, m and rad; None for the world's start.
    """

    rover: Rover
    name: str
    place: tuple[float, float, float] | None = None


def assembled(world: Exported, spawns: Sequence[Spawn], wheels: vehicle.Wheels) -> str:
    """SDF of the world with rovers in it, its files named by absolute paths.

    Raises:
        GazeboError: the exported file is broken, or two rovers share a name.
    """
    names = [spawn.name for spawn in spawns]
    if len(set(names)) != len(names):
        raise GazeboError(f"two rovers of one name: {', '.join(names)}")
    try:
        tree = ET.parse(world.folder / "world.sdf")  # noqa: S314 - our own export
    except (OSError, ET.ParseError) as error:
        raise GazeboError(f"{world.folder}/world.sdf: {error}") from error
    root = tree.getroot()
    inner = root.find("world")
    if inner is None or root.get("version") != VERSION:
        raise GazeboError(f"{world.folder}/world.sdf: not an export of this version: export again")
    textures = [part for texture in root.iter("texture") for part in texture]
    for found in (*root.iter("uri"), *(part for part in textures if part.tag in TEXTURES)):
        found.text = str((world.folder / (found.text or "")).resolve())
    for spawn in spawns:
        inner.extend(placed_models(world, spawn, wheels))
    ET.indent(root, " ")
    return f'<?xml version="1.0"?>\n{ET.tostring(root, encoding="unicode")}\n'


def placed_models(world: Exported, spawn: Spawn, wheels: vehicle.Wheels) -> list[ET.Element]:
    """`<model>` of a rover and of its payload, with their poses in the world."""
    x, y, yaw = spawn.place or world.facts["start"]
    below = min(w.position[2] - w.radius_m for w in spawn.rover.wheels)
    map_T_base = frames.planar(x, y, yaw, float(world.ground.height(x, y)) - below + DROP_M)
    made = vehicle.models(spawn.rover, spawn.name, wheels)
    return [_placed(model, map_T_base) for model in made]


def _placed(model: ET.Element, map_T_base: Any) -> ET.Element:
    """A model with its pose in the world; the payload's own is relative to base_link."""
    old = model.find("pose")
    base_T_model = frames.planar(0.0, 0.0, 0.0)
    if old is not None:
        numbers = [float(v) for v in (old.text or "").split()]
        base_T_model = frames.from_rpy(tuple(numbers[:3]), tuple(numbers[3:]))  # type: ignore[arg-type]
        model.remove(old)
    model.insert(0, pose(map_T_base @ base_T_model))
    return model


def bridge_yaml(spawns: Sequence[Spawn]) -> dict[str, str]:
    """Model's name to the text of its bridge file; the clock is in the first one only."""
    texts = {}
    for number, spawn in enumerate(spawns):
        found = bridge.lines(
            spawn.name,
            scoop=spawn.rover.scoop is not None,
            payload=spawn.rover.payload is not None,
        )
        texts[spawn.name] = bridge.as_yaml(found if number == 0 else found[1:])
    return texts
