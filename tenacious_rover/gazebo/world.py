# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A world for Gazebo: the same ground, rocks, lander and sun as the embedded simulator's.

    world (arrays) ─► heightmap.png, regolith.png, rock_*.obj ─► world.sdf + world.json

Gazebo's own habits that this file makes up for (read in its sources):
the physics takes the height of a heightmap's collision from `<pose>` and ignores `<pos>`, the
renderer the other way round; the physics spaces n pixels by size / n, the renderer by
size / (n - 1); the default `<sampling>` of 2 quadruples the ground's nodes.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tenacious_rover.gazebo import terrain
from tenacious_rover.gazebo.error import GazeboError
from tenacious_rover.gazebo.sdf import at, document, element, material, pose, system

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Sequence

    from numpy.typing import NDArray

GENERATOR = 1
"""Raised whenever the same world would give other files."""
MAX_ROCKS = 1500
"""Each is two entities; more slow the start of Gazebo down."""
ROCK_SHAPES = 4
SEED = 20250605
"""Of textures and rock shapes, which all worlds share."""
STEP_S = 0.002
GREY = (0.30, 0.295, 0.285)


class Rocks(Protocol):
    """Ellipsoids."""

    @property
    def center(self) -> NDArray[np.float64]:
        """(n, 3) in map."""

    @property
    def semi_axes(self) -> NDArray[np.float64]:
        """(n, 3)."""

    @property
    def rotation(self) -> NDArray[np.float64]:
        """(n, 3, 3) map_R_rock."""

    @property
    def diameter_m(self) -> NDArray[np.float64]:
        """(n,) of the part above ground."""


class Block(Protocol):
    """A box of the lander."""

    @property
    def map_T_block(self) -> NDArray[np.float64]:
        """(4, 4)."""

    @property
    def size(self) -> NDArray[np.float64]:
        """(3,)."""

    @property
    def colour(self) -> tuple[float, float, float]:
        """Linear."""

    @property
    def label(self) -> str:
        """What it is part of."""


class Ground(Protocol):
    """What is exported of a world."""

    @property
    def heights(self) -> NDArray[np.float32]:
        """(n, n) in map, row 0 at the smallest y."""

    @property
    def origin(self) -> NDArray[np.float64]:
        """(2,) of the first node."""

    @property
    def resolution_m(self) -> float:
        """Between nodes."""

    @property
    def rocks(self) -> Rocks:
        """All rocks."""

    @property
    def lander(self) -> Sequence[Block]:
        """Its boxes."""

    @property
    def digest(self) -> str:
        """Hash of the content."""


def export(
    ground: Ground,
    folder: Path,
    *,
    name: str,
    key: str,
    sun: NDArray[np.float64],
    start: tuple[float, float, float],
    friction: float,
    gravity_mps2: float = 1.62,
    max_rocks: int = MAX_ROCKS,
) -> dict[str, Any]:
    """Write a world's folder, whole or not at all.

    Args:
        ground: the built world.
        folder: to make or to replace.
        name: of the world.
        key: hash of the world file, for staleness.
        sun: (3,) unit vector to the sun in map.
        start: x, y in m and yaw in rad of base_link.
        friction: coefficient of the ground.
        gravity_mps2: downwards.
        max_rocks: the largest are kept.

    Returns:
        What is in `world.json`.

    Raises:
        GazeboError: the ground cannot be a heightmap, or the folder cannot be written.
    """
    picture = terrain.heightmap(ground.heights, ground.resolution_m)
    kept = np.argsort(-ground.rocks.diameter_m)[:max_rocks]
    smallest = float(ground.rocks.diameter_m[kept].min()) if len(kept) else 0.0
    facts = {
        "name": name,
        "key": key,
        "generator": GENERATOR,
        "digest": ground.digest,
        "size_m": picture.size_m,
        "low_m": picture.low_m,
        "span_m": picture.span_m,
        "center": [float(v) + picture.size_m / 2.0 for v in ground.origin],
        "sun": [float(v) for v in sun],
        "start": [float(v) for v in start],
        "start_ground_m": _height(ground, start[0], start[1]),
        "gravity_mps2": gravity_mps2,
        "rocks": len(kept),
        "rocks_left_out": len(ground.rocks.diameter_m) - len(kept),
        "smallest_rock_m": smallest,
    }
    text = document(_world(ground, facts, picture, kept, friction))
    _written(folder, text, picture, facts)
    return facts


def _height(ground: Ground, x: float, y: float) -> float:
    column = round((x - float(ground.origin[0])) / ground.resolution_m)
    row = round((y - float(ground.origin[1])) / ground.resolution_m)
    return float(ground.heights[row, column])


def _written(folder: Path, text: str, picture: terrain.Heightmap, facts: dict[str, Any]) -> None:
    rng = np.random.default_rng(SEED)
    colour, normal = terrain.regolith(rng)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        (made / "world.sdf").write_text(text, encoding="utf-8")
        terrain.write_picture(made / "heightmap.png", picture.pixels)
        terrain.write_picture(made / "regolith.png", colour)
        terrain.write_picture(made / "regolith_normal.png", normal)
        for number in range(ROCK_SHAPES):
            (made / f"rock_{number}.obj").write_text(terrain.obj(*terrain.rock_shape(rng)))
        (made / "rock_collision.obj").write_text(terrain.obj(*terrain.ball(1)))
        (made / "world.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        made.chmod(0o755)
        if folder.exists():
            old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".old."))
            os.replace(folder, old / "world")  # noqa: PTH105 - both folders in one file system
            made.replace(folder)
            shutil.rmtree(old)
        else:
            made.replace(folder)
    except OSError as error:
        raise GazeboError(f"{folder}: cannot be written: {error.strerror or error}") from error


def _world(
    ground: Ground,
    facts: dict[str, Any],
    picture: terrain.Heightmap,
    kept: NDArray[np.intp],
    friction: float,
) -> ET.Element:
    return element(
        "world",
        element(
            "physics",
            element("max_step_size", STEP_S),
            element("real_time_factor", 1.0),
            element("dart", element("collision_detector", "ode")),
            name="dart",
            type="dart",
        ),
        element("gravity", [0, 0, -facts["gravity_mps2"]]),
        element("magnetic_field", [0, 0, 0]),
        element("atmosphere", type="adiabatic"),
        system("Physics"),
        system("UserCommands"),
        system("SceneBroadcaster"),
        system("Sensors", element("render_engine", "ogre2")),
        system("Imu"),
        # No sky light on the Moon: what the sun does not reach is black.
        element(
            "scene",
            element("ambient", [0.01, 0.01, 0.01, 1]),
            element("background", [0, 0, 0, 1]),
            element("shadows", True),
            element("grid", False),
        ),
        _sun(np.array(facts["sun"])),
        _ground(facts, picture, friction),
        *_rocks(ground, kept, friction),
        *_lander(ground.lander),
        name=facts["name"],
    )


def _sun(sun: NDArray[np.float64]) -> ET.Element:
    return element(
        "light",
        at(*(50.0 * sun)),
        element("direction", [round(float(-v), 6) for v in sun]),
        element("diffuse", [1, 0.98, 0.95, 1]),
        element("specular", [0.05, 0.05, 0.05, 1]),
        element("intensity", 2.5),
        element("cast_shadows", True),
        element(
            "attenuation",
            element("range", 1000),
            element("constant", 1.0),
            element("linear", 0.0),
            element("quadratic", 0.0),
        ),
        name="sun",
        type="directional",
    )


def _ground(facts: dict[str, Any], picture: terrain.Heightmap, friction: float) -> ET.Element:
    x, y = facts["center"]
    n = picture.pixels.shape[0]
    seen, felt = picture.size_m, picture.size_m * n / (n - 1)

    def heights(size_m: float, *content: ET.Element) -> ET.Element:
        return element(
            "geometry",
            element(
                "heightmap",
                element("uri", "heightmap.png"),
                element("size", [size_m, size_m, picture.span_m]),
                *content,
                element("sampling", 1),
            ),
        )

    texture = element(
        "texture",
        element("size", terrain.TILE_M),
        element("diffuse", "regolith.png"),
        element("normal", "regolith_normal.png"),
    )
    return element(
        "model",
        element("static", True),
        element(
            "link",
            element(
                "collision",
                at(x, y, picture.low_m),
                heights(felt),
                _surface(friction),
                name="collision",
            ),
            element(
                "visual",
                element("cast_shadows", True),
                heights(seen, texture, element("pos", [x, y, picture.low_m])),
                name="visual",
            ),
            name="link",
        ),
        name="ground",
    )


def _surface(friction: float) -> ET.Element:
    ode = element("ode", element("mu", round(friction, 4)), element("mu2", round(friction, 4)))
    return element("surface", element("friction", ode))


def _rocks(ground: Ground, kept: NDArray[np.intp], friction: float) -> list[ET.Element]:
    """One model for all; the shapes are files that every rock of a kind shares."""
    if not len(kept):
        return []
    link = element("link", name="link")
    for number, index in enumerate(kept):
        map_T_rock = np.eye(4)
        map_T_rock[:3, :3] = ground.rocks.rotation[index]
        map_T_rock[:3, 3] = ground.rocks.center[index]
        if np.linalg.det(map_T_rock[:3, :3]) < 0.0:  # an ellipsoid is its own mirror image
            map_T_rock[:3, 0] *= -1.0
        size = [round(float(v), 5) for v in ground.rocks.semi_axes[index]]
        where = pose(map_T_rock)
        link.append(
            element(
                "visual",
                where,
                _mesh(f"rock_{number % ROCK_SHAPES}.obj", size),
                material(GREY),
                name=f"rock_{number}",
            )
        )
        link.append(
            element(
                "collision",
                where,
                _mesh("rock_collision.obj", size),
                _surface(friction),
                name=f"rock_{number}_collision",
            )
        )
    return [element("model", element("static", True), link, name="rocks")]


def _mesh(uri: str, scale: list[float]) -> ET.Element:
    return element("geometry", element("mesh", element("uri", uri), element("scale", scale)))


def _lander(blocks: Sequence[Block]) -> list[ET.Element]:
    if not blocks:
        return []
    link = element("link", name="link")
    for number, block in enumerate(blocks):
        shape = element("geometry", element("box", element("size", block.size)))
        where, name = pose(block.map_T_block), f"{block.label}_{number}"
        link.append(element("visual", where, shape, material(block.colour, 0.3), name=name))
        link.append(element("collision", where, shape, name=f"{name}_collision"))
    return [element("model", element("static", True), link, name="lander")]
