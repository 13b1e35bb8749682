# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""World files: what they may say, and everything that can be wrong with one before it is built."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from tenacious_rover.rover.resources import named, roots
from tenacious_rover.simulator import sky
from tenacious_rover.simulator.error import SimulatorError
from tenacious_rover.simulator.faults import fault
from tenacious_rover.simulator.ground import SOILS
from tenacious_rover.simulator.terrain.error import WorldError
from tenacious_rover.simulator.terrain.spec import Degrees, Dem, Metres, Rocks, Strict, Terrain

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

LANDING = datetime(2025, 6, 5, 19, 17, tzinfo=UTC)
Point = tuple[Metres, Metres]


class Site(Strict):
    """A place on the Moon."""

    latitude_deg: Annotated[float, Field(ge=-90.0, le=90.0)] = 60.5
    longitude_deg: Annotated[float, Field(ge=-180.0, le=360.0)] = -4.6


class Sun(Strict):
    """A sun that stands still, instead of the ephemeris."""

    azimuth_deg: Degrees = Field(description="east of north")
    elevation_deg: Annotated[float, Field(ge=-90.0, le=90.0)]


class Start(Strict):
    """Where base_link is when the run begins."""

    x_m: Metres = 0.0
    y_m: Metres = 0.0
    yaw_deg: Degrees = 0.0


class Lander(Strict):
    """The lander at the map's origin."""

    footprint_m: Annotated[float, Field(ge=1.0, le=10.0)] = Field(
        default=3.2, description="with its legs"
    )
    height_m: Annotated[float, Field(ge=0.5, le=10.0)] = 2.3
    yaw_deg: Degrees = 0.0


class SoilPatch(Strict):
    """A disc of another soil."""

    x_m: Metres
    y_m: Metres
    radius_m: Annotated[float, Field(gt=0.0, le=500.0)]
    soil: str

    @field_validator("soil")
    @classmethod
    def _known(cls, value: str) -> str:
        return known_soil(value)


class Disc(Strict):
    """A place without rocks and small craters, such as a goal of a study."""

    x_m: Metres
    y_m: Metres
    radius_m: Annotated[float, Field(gt=0.0, le=50.0)]


class Zone(Strict):
    """A polygon in map, m."""

    name: str
    polygon_m: Annotated[list[Point], Field(min_length=3)]


class Zones(Strict):
    """Where a rover must not go, and where it must stay."""

    keep_out: tuple[Zone, ...] = ()
    keep_in: tuple[Zone, ...] = ()


class WorldSpec(Strict):
    """A whole world; x is east, y north, the origin the lander."""

    world: str
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    size_m: Annotated[float, Field(ge=4.0, le=1000.0)] = Field(
        default=40.0, description="of each side"
    )
    resolution_m: Annotated[float, Field(ge=0.01, le=1.0)] = 0.05
    site: Site = Site()
    epoch_utc: datetime = LANDING
    fixed_sun: Sun | None = Field(default=None, alias="sun")
    start_pose: Start = Field(default=Start(), alias="start")
    terrain: Terrain = Terrain()
    dem: Dem | None = None
    rocks: Rocks = Rocks()
    soil: str = "mare"
    soil_patches: tuple[SoilPatch, ...] = ()
    clear: tuple[Disc, ...] = ()
    lander: Lander | None = None
    zones: Zones = Zones()
    faults: list[dict[str, Any]] = Field(default_factory=list)

    @field_validator("soil")
    @classmethod
    def _known(cls, value: str) -> str:
        return known_soil(value)

    @field_validator("epoch_utc")
    @classmethod
    def _utc(cls, value: datetime) -> datetime:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    @model_validator(mode="after")
    def _fits(self) -> WorldSpec:
        half = self.size_m / 2.0
        x, y, _ = self.start
        if max(abs(x), abs(y)) > half - 0.5:
            raise ValueError(f"start: ({x:g}, {y:g}) should be 0.5 m or more inside size_m / 2")
        if self.lander and self.lander.footprint_m > self.size_m / 2.0:
            raise ValueError("lander.footprint_m should be at most half of size_m")
        if self.dem and (self.terrain.features or self.terrain.slope.angle_deg):
            raise ValueError("terrain.slope and terrain.features should be left out with a dem")
        if self.rocks.largest_m > self.size_m / 4.0:
            raise ValueError("rocks.largest_m should be at most a quarter of size_m")
        return self

    @property
    def start(self) -> tuple[float, float, float]:
        """X and y in m, yaw in rad of base_link in map when the run begins."""
        pose = self.start_pose
        return pose.x_m, pose.y_m, math.radians(pose.yaw_deg)

    def sun_direction(self, time_s: float = 0.0) -> NDArray[np.float64]:
        """Unit vector (3,) to the sun in map, `time_s` after the epoch."""
        if self.fixed_sun:
            return sky.from_angles(self.fixed_sun.azimuth_deg, self.fixed_sun.elevation_deg)
        site = self.site
        return sky.sun_direction(site.latitude_deg, site.longitude_deg, self.epoch_utc, time_s)

    def varied(
        self,
        *,
        seed: int | None = None,
        rock_k: float | None = None,
        slope_deg: float | None = None,
        uphill_deg: float | None = None,
        size_m: float | None = None,
        start: tuple[float, float, float] | None = None,
        sun_deg: tuple[float, float] | None = None,
        **fields: Any,
    ) -> WorldSpec:
        """The same world with another seed, rock abundance and so on; checked again.

        Args:
            seed: of all populations.
            rock_k: area fraction of rocks; q then follows the law for it.
            slope_deg: of the regional slope.
            uphill_deg: where the slope rises to, from +x towards +y.
            size_m: of each side.
            start: x, y in m and yaw in rad.
            sun_deg: azimuth and elevation of a sun that stands still.
            fields: any other field of the world file, whole.

        Raises:
            WorldError: a value is not allowed.
        """
        content = self.model_dump(by_alias=True)
        content.update(fields)
        if seed is not None:
            content["seed"] = seed
        if size_m is not None:
            content["size_m"] = size_m
        if rock_k is not None and rock_k != self.rocks.k:
            content["rocks"] = {**content["rocks"], "k": rock_k, "q": None}
        asked = {"angle_deg": slope_deg, "uphill_deg": uphill_deg}
        given = {name: value for name, value in asked.items() if value is not None}
        if given:
            terrain = content["terrain"]
            content["terrain"] = {**terrain, "slope": {**terrain.get("slope", {}), **given}}
        if start is not None:
            content["start"] = {"x_m": start[0], "y_m": start[1], "yaw_deg": math.degrees(start[2])}
        if sun_deg is not None:
            content["sun"] = {"azimuth_deg": sun_deg[0], "elevation_deg": sun_deg[1]}
        return checked(content, self.world)


def known_soil(name: str) -> str:
    """`name`, or ValueError with the soils there are."""
    if name not in SOILS:
        raise ValueError(f"should be one of {', '.join(SOILS)}")
    return name


def load_world(name_or_path: str | Path, seed: int | None = None) -> WorldSpec:
    """Read and check a world file, given by path or by the name of one in `worlds/`.

    Raises:
        WorldError: no such file, not YAML, an unknown field, a value that is not allowed.
    """
    try:
        path = named("worlds", str(name_or_path))
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WorldError(str(error)) from error
    except OSError as error:
        raise WorldError(f"{name_or_path}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WorldError(f"{path}: not YAML: {error}") from error
    if not isinstance(content, dict):
        raise WorldError(f"{path}: not a mapping with the fields {', '.join(_names(WorldSpec))}")
    dem = content.get("dem")
    if isinstance(dem, dict) and isinstance(dem.get("file"), str):
        content["dem"] = {**dem, "file": str((path.parent / dem["file"]).resolve())}
    if seed is not None:
        content["seed"] = seed
    return checked(content, str(path))


def known_worlds() -> dict[str, Path]:
    """Name to file of the worlds of this installation."""
    found: dict[str, Path] = {}
    for root in roots():
        for path in sorted((root / "worlds").glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def checked(content: dict[str, Any], where: str) -> WorldSpec:
    """The world that `content` describes, or `WorldError` with one line per mistake."""
    try:
        spec = WorldSpec.model_validate(content)
    except ValidationError as error:
        lines = [f"{where}: {_explained(item)}" for item in error.errors()]
        raise WorldError("\n".join(lines)) from error
    for number, values in enumerate(spec.faults):
        try:
            fault(values, f"faults.{number}")
        except SimulatorError as error:
            raise WorldError(f"{where}: {error}") from error
    return spec


def _explained(item: Any) -> str:
    """One validation error for a person: field, value, what is allowed."""
    place = [part for part in item["loc"] if part not in ("crater", "ridge")]
    field = ".".join(str(part) for part in place)
    kind, given = item["type"], item.get("input")
    if kind == "union_tag_invalid":
        allowed = item["ctx"]["expected_tags"].replace("'", "")
        return f"{field}.kind: {item['ctx']['tag']!r} should be one of {allowed}"
    if kind == "union_tag_not_found":
        return f"{field}.kind: is missing; one of crater, ridge"
    if kind == "missing":
        return f"{field}: is missing"
    if kind == "extra_forbidden":
        return f"{field}: no such field; known: {', '.join(_names(_model_at(item['loc'][:-1])))}"
    message = item["msg"].replace("Input should be", "should be").removeprefix("Value error, ")
    shown = "" if isinstance(given, (dict, list, BaseModel)) else f"{given!r} "
    return f"{field}: {shown}{message}" if field else message


def _model_at(location: tuple[Any, ...]) -> type[BaseModel]:
    """The model that a location of an error is in."""
    model: type[BaseModel] = WorldSpec
    for part in location:
        by_name = {field.alias or name: field for name, field in model.model_fields.items()}
        if part in by_name:
            models = _models(by_name[part].annotation)
            model = models[0] if models else model
            union = models
        elif isinstance(part, str):
            tagged = [m for m in union if part in get_args(m.model_fields["kind"].annotation)]
            model = tagged[0] if tagged else model
    return model


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is Literal:
        return []
    return [model for part in get_args(annotation) for model in _models(part)]


def _names(model: type[BaseModel]) -> list[str]:
    return sorted(field.alias or name for name, field in model.model_fields.items())
