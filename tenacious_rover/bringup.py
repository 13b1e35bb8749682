# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The one list of nodes per platform; `ros2 launch` files and `tenacious run` both read it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tenacious_rover.parameters import checked_file
from tenacious_rover.rover.config import ConfigError
from tenacious_rover.rover.resources import named, resource

if TYPE_CHECKING:
    from pathlib import Path

    from tenacious_rover.mission.file import Mission

PLATFORMS = ("simulator", "gazebo", "hardware")
AUTONOMY = (
    "localization",
    "perception",
    "navigation",
    "imaging",
    "sampling",
    "payload",
    "mission",
)


@dataclass(frozen=True)
class NodeSpec:
    """One process: `python -m module` or `ros2 run tenacious_rover executable`."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    room: str = ""

    @property
    def module(self) -> str:
        """Python module with `main()`."""
        return f"tenacious_rover.{self.room or self.name}.node"

    @property
    def executable(self) -> str:
        """Console script of the ROS package."""
        return f"{self.room or self.name}_node"


@dataclass(frozen=True)
class RunOptions:
    """What a run is made of.

    Attributes:
        platform: one of `PLATFORMS`.
        parts: names of nodes to start; empty for all of the platform.
        speed: at most this many times real time; 0 for as fast as the nodes follow.
        start: x, y in m and yaw in rad of base_link in map when the run begins.
        site: latitude and longitude in degrees, for the sun.
        epoch: UTC when the platform's clock read zero, ISO 8601.
        keep_out: polygons in map, each (n, 2) as a flat list.
    """

    platform: str = "simulator"
    world: str = "first_traverse"
    seed: int = 0
    mission: str = ""
    resume: bool = False
    description: str = "tenacious"
    config: Path | None = None
    run_folder: Path | None = None
    record: bool = True
    speed: float = 0.0
    start: tuple[float, float, float] = (0.0, 0.0, 0.0)
    site: tuple[float, float] | None = None
    epoch: str = ""
    keep_out: tuple[tuple[float, ...], ...] = ()
    keep_in: tuple[tuple[float, ...], ...] = ()
    namespace: str = ""
    log_level: str = "info"
    parts: tuple[str, ...] = ()


def nodes(options: RunOptions) -> list[NodeSpec]:
    """The nodes of a run, platform first.

    Raises:
        ConfigError: unknown platform or part, or a bad config file.
    """
    if options.platform not in PLATFORMS:
        raise ConfigError(f"platform: {options.platform!r} is not one of {', '.join(PLATFORMS)}")
    listed = [*_platform(options), NodeSpec("rover_state", room="rover")]
    listed += [NodeSpec(name, _autonomy_parameters(name, options)) for name in AUTONOMY]
    if options.record:
        listed.append(NodeSpec("recording"))
    unknown = set(options.parts) - {spec.name for spec in listed}
    if unknown:
        known = ", ".join(spec.name for spec in listed)
        raise ConfigError(f"parts: {min(unknown)!r} is not one of {known}")
    chosen = [spec for spec in listed if not options.parts or spec.name in options.parts]
    for spec in chosen:
        if spec.name == "simulator":
            # Its time waits for them from the start.
            spec.parameters["expected"] = " ".join(s.name for s in chosen if s is not spec)
    return [_completed(spec, options) for spec in chosen]


def _platform(options: RunOptions) -> list[NodeSpec]:
    if options.platform == "simulator":
        parameters = {"world": options.world, "seed": options.seed, "speed": options.speed}
        return [NodeSpec("simulator", parameters)]
    if options.platform == "gazebo":
        return [NodeSpec("gazebo_adapter", {"world": options.world}, room="gazebo")]
    return [NodeSpec("hardware")]


def _autonomy_parameters(name: str, options: RunOptions) -> dict[str, Any]:
    if name == "localization":
        x, y, yaw = options.start
        values: dict[str, Any] = {"start_x_m": x, "start_y_m": y}
        values["start_yaw_deg"] = math.degrees(yaw)
        if options.site is not None:
            values["latitude_deg"], values["longitude_deg"] = options.site
        if options.epoch:
            values["epoch"] = options.epoch
        return values | {"resume": options.resume}
    if name == "navigation":
        return {"keep_out": flattened(options.keep_out), "keep_in": flattened(options.keep_in)}
    if name == "mission":
        return {"mission": options.mission, "resume": options.resume}
    return {}


def prepared(options: RunOptions) -> tuple[RunOptions, Mission | None]:
    """Options with files found and checked: the mission, its zones, the world's start and site.

    Raises:
        ValueError, FileNotFoundError: the mission or the world is wrong or missing.
    """
    from tenacious_rover.mission.file import load_mission

    mission = None
    if options.mission:
        path = named("missions", options.mission)
        mission = load_mission(path)
        zones = mission.zones
        options = replace(
            options,
            mission=str(path.resolve()),
            keep_out=tuple(_flat(zone.polygon_m) for zone in zones.keep_out),
            keep_in=tuple(_flat(zone.polygon_m) for zone in zones.keep_in),
        )
    if options.platform != "hardware":
        from tenacious_rover.simulator.world import load_world

        world = load_world(options.world)
        options = replace(
            options,
            start=world.start,
            site=(world.site.latitude_deg, world.site.longitude_deg),
            epoch=world.epoch_utc.isoformat(),
        )
    return options, mission


def _flat(polygon: list[tuple[float, float]]) -> tuple[float, ...]:
    return tuple(value for point in polygon for value in point)


def flattened(polygons: tuple[tuple[float, ...], ...]) -> str:
    """Polygons as one text parameter: `x y x y …; x y …`."""
    return "; ".join(" ".join(f"{value:g}" for value in polygon) for polygon in polygons)


def _completed(spec: NodeSpec, options: RunOptions) -> NodeSpec:
    """Defaults of `config/tenacious.yaml`, then the user's file, then what the run decides."""
    parameters: dict[str, Any] = {}
    for path in (resource("config", "tenacious.yaml"), options.config):
        if path is not None:
            chosen = checked_file(path)
            parameters |= chosen.get("/**", {}) | chosen.get(spec.name, {})
    parameters |= spec.parameters
    parameters["use_sim_time"] = options.platform != "hardware"
    parameters["description"] = options.description
    if options.run_folder is not None:
        parameters["run_folder"] = str(options.run_folder)
    return NodeSpec(spec.name, parameters, spec.room)
