# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Mission files: what they may say, and everything that can be wrong with one before it flies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import numpy as np
import yaml
from matplotlib.path import Path as Outline
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

if TYPE_CHECKING:
    from pathlib import Path


class MissionError(ValueError):
    """The mission cannot be flown as written; the message names file, field and what is allowed."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Metres = Annotated[float, Field(ge=-10_000.0, le=10_000.0)]
Point = tuple[Metres, Metres]
Heading = Annotated[float, Field(ge=-360.0, le=360.0)]
Duration = Annotated[float, Field(gt=0.0, le=36_000.0)]


class _Step(_Strict):
    name: str = Field("", description="shown to people; the kind of step when empty")
    on_failure: Literal["abort", "continue"] = "abort"
    attempts: Annotated[int, Field(ge=1, le=10)] = 1
    time_limit_s: Duration | None = None

    @property
    def title(self) -> str:
        """What to call the step."""
        return self.name or getattr(self, "do", "").replace("_", " ")


class Leave(_Step):
    """Roll straight away from the lander, without planning, before there is a map."""

    do: Literal["leave_lander"]
    distance_m: Annotated[float, Field(gt=0.0, le=5.0)] = 1.0


class Drive(_Step):
    """Drive to a place in map around whatever the cameras see."""

    do: Literal["drive"]
    to_m: Point
    heading_deg: Heading | None = None
    tolerance_m: Annotated[float, Field(ge=0.05, le=5.0)] = 0.3
    speed_mps: Annotated[float, Field(gt=0.0, le=2.0)] | None = None


class Turn(_Step):
    """Turn in place; positive is left."""

    do: Literal["turn"]
    angle_deg: Heading


class Photograph(_Step):
    """Take a picture or a set of them."""

    do: Literal["photograph"]
    kind: Literal["single", "stereo", "burst", "bracket", "target"] = "stereo"
    purpose: str = "mission"
    count: Annotated[int, Field(ge=0, le=50)] = 0
    target_m: Point | None = None

    @model_validator(mode="after")
    def _aimed(self) -> Photograph:
        if self.kind == "target" and self.target_m is None:
            raise ValueError("target_m is missing: kind 'target' needs a place to look at")
        return self


class Panorama(_Step):
    """Turn in place and picture all around."""

    do: Literal["panorama"]
    purpose: str = "panorama"
    overlap: Annotated[float, Field(ge=0.1, le=0.8)] = 0.3
    span_deg: Annotated[float, Field(gt=0.0, le=360.0)] = 360.0


class Sample(_Step):
    """Choose a patch, scoop, verify and log."""

    do: Literal["collect_sample"]
    label: str = "sample"
    near_m: Point | None = None
    search_radius_m: Annotated[float, Field(gt=0.0, le=20.0)] = 2.0


class Deploy(_Step):
    """Set the Moonhouse down and prove that it stands."""

    do: Literal["deploy_payload"]
    near_m: Point | None = None
    search_radius_m: Annotated[float, Field(gt=0.0, le=20.0)] = 2.0


class Wait(_Step):
    """Stand still."""

    do: Literal["wait"]
    seconds: Annotated[float, Field(gt=0.0, le=86_400.0)]


Step = Leave | Drive | Turn | Photograph | Panorama | Sample | Deploy | Wait
STEP_KINDS = tuple(get_args(cls.model_fields["do"].annotation)[0] for cls in get_args(Step))


class Zone(_Strict):
    """A polygon in map, m."""

    name: str
    polygon_m: Annotated[list[Point], Field(min_length=3)]

    def contains(self, point: Point) -> bool:
        """Whether a place lies inside."""
        return bool(Outline(np.array(self.polygon_m)).contains_point(point))


class Zones(_Strict):
    """Where the rover must not go, and where it must stay."""

    keep_out: list[Zone] = []
    keep_in: list[Zone] = []


class Mission(_Strict):
    """A whole mission."""

    mission: str
    description: str = ""
    world: str | None = Field(None, description="the world it was written for")
    zones: Zones = Zones()
    steps: Annotated[list[Annotated[Step, Field(discriminator="do")]], Field(min_length=1)]


def load_mission(path: Path) -> Mission:
    """Read and check a mission file.

    Raises:
        MissionError: unreadable, not YAML, unknown step, missing field, NaN, out of bounds, a goal
            inside a keep-out zone or outside every keep-in zone.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MissionError(f"{path}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MissionError(f"{path}: not YAML: {error}") from error
    if not isinstance(content, dict):
        raise MissionError(f"{path}: not a mapping with the fields mission, steps, zones")
    try:
        mission = Mission.model_validate(content)
    except ValidationError as error:
        lines = [f"{path}: {_explained(item)}" for item in error.errors()]
        raise MissionError("\n".join(lines)) from error
    problems = misplaced(mission)
    if problems:
        raise MissionError("\n".join(f"{path}: {problem}" for problem in problems))
    return mission


def places(step: Step) -> dict[str, Point]:
    """Field name to place in map, of what a step names."""
    named = {field: getattr(step, field, None) for field in ("to_m", "near_m")}
    return {field: point for field, point in named.items() if point is not None}


def misplaced(mission: Mission) -> list[str]:
    """Places of steps that zones forbid, one line each."""
    found = []
    for number, step in enumerate(mission.steps):
        for field, point in places(step).items():
            where = f"steps.{number}.{field}: ({point[0]:g}, {point[1]:g})"
            found += [
                f"{where} lies inside the keep-out zone '{zone.name}'"
                for zone in mission.zones.keep_out
                if zone.contains(point)
            ]
            inside = [zone.contains(point) for zone in mission.zones.keep_in]
            if inside and not any(inside):
                names = ", ".join(zone.name for zone in mission.zones.keep_in)
                found.append(f"{where} lies outside the keep-in zone(s) {names}")
    return found


def _explained(item: Any) -> str:
    """One validation error for a person: field, value, what is allowed."""
    place = [part for part in item["loc"] if part not in STEP_KINDS]
    where = ".".join(str(part) for part in place) or "mission"
    kind, given = item["type"], item.get("input")
    if kind == "union_tag_invalid":
        return f"{where}.do: {item['ctx']['tag']!r} is not a step; steps: {', '.join(STEP_KINDS)}"
    if kind == "union_tag_not_found":
        return f"{where}: the field 'do' is missing; steps: {', '.join(STEP_KINDS)}"
    if kind == "missing":
        return f"{where}: is missing"
    if kind == "extra_forbidden":
        return f"{where}: no such field; known: {', '.join(_fields_at(item['loc']))}"
    shown = "" if isinstance(given, (dict, list)) else f"{given!r}: "
    message = item["msg"].replace("Input should be", "should be").removeprefix("Value error, ")
    return f"{where}: {shown}{message}"


def _fields_at(location: tuple[Any, ...]) -> list[str]:
    """Names allowed where an unknown field was found."""
    model: type[BaseModel] = Mission
    if location[0] == "zones":
        model = Zone if len(location) > 3 else Zones
    elif location[0] == "steps" and len(location) > 2:
        kinds = {get_args(cls.model_fields["do"].annotation)[0]: cls for cls in get_args(Step)}
        model = kinds.get(location[2], Mission)
    return sorted(model.model_fields)
