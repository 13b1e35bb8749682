# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Things that go wrong, typed, each with its time window: from a world file or injected.

faults:
  - {kind: stuck_wheel, wheel: wheel_front_left_joint, start_s: 60, end_s: 90}
  - {kind: slip_patch, x: 4.0, y: -1.0, radius_m: 0.8, grip: 0.3}
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from tenacious_rover.simulator.error import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tenacious_rover.rover.model import Rover

Sensor = Literal["imu", "joints", "camera", "sun", "battery", "temperature"]


class _Fault(BaseModel):
    """Holds from `start_s` on, until before `end_s`, in sim time."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    start_s: float = Field(0.0, ge=0.0, description="when it begins")
    end_s: float = Field(math.inf, gt=0.0, description="when it ends")

    @model_validator(mode="after")
    def _ordered(self) -> _Fault:
        if not self.start_s < self.end_s:
            raise ValueError(f"end_s {self.end_s:g} is not after start_s {self.start_s:g}")
        return self

    def active(self, time_s: float) -> bool:
        """Whether it holds now."""
        return self.start_s <= time_s < self.end_s


class Dropout(_Fault):
    """A sensor is silent."""

    kind: Literal["dropout"] = "dropout"
    sensor: Sensor


class Noise(_Fault):
    """A sensor is noisier by a factor."""

    kind: Literal["noise"] = "noise"
    sensor: Literal["imu", "joints", "sun"]
    factor: float = Field(10.0, gt=0.0, le=1000.0)


class StuckWheel(_Fault):
    """A wheel does not turn, whatever its motor does."""

    kind: Literal["stuck_wheel"] = "stuck_wheel"
    wheel: str = Field(description="name of its joint")


class StuckEncoder(_Fault):
    """A joint's encoder keeps its reading; the motor goes on."""

    kind: Literal["stuck_encoder"] = "stuck_encoder"
    joint: str


class SlipPatch(_Fault):
    """Ground without grip: fluffy, deep soil that the cameras do not tell from the rest."""

    kind: Literal["slip_patch"] = "slip_patch"
    x: float
    y: float
    radius_m: float = Field(1.0, gt=0.0, le=100.0)
    grip: float = Field(0.3, ge=0.0, le=1.0, description="share of the shear strength that is left")
    digging: float = Field(2.0, ge=0.0, le=20.0, description="how much faster slip digs")


class Blackout(_Fault):
    """The platform's data bus is dead: no measurement comes out, no command goes in."""

    kind: Literal["blackout"] = "blackout"


class BrownOut(_Fault):
    """Motors have no power; electronics live on."""

    kind: Literal["brown_out"] = "brown_out"


class LensDust(_Fault):
    """Dust on a lens."""

    kind: Literal["lens_dust"] = "lens_dust"
    eye: Literal["left", "right", "both"] = "both"
    cover: float = Field(0.3, gt=0.0, le=1.0, description="share of the light that it takes")


class StickingLatch(_Fault):
    """The latch does not open at the first releases."""

    kind: Literal["sticking_latch"] = "sticking_latch"
    tries: int = Field(1, ge=1, le=1000, description="releases that do nothing")


class FrozenCamera(_Fault):
    """The camera delivers the same picture again, with a fresh stamp."""

    kind: Literal["frozen_camera"] = "frozen_camera"


class GyroBias(_Fault):
    """The gyro's bias steps by this much."""

    kind: Literal["gyro_bias"] = "gyro_bias"
    step_radps: tuple[float, float, float] = (0.0, 0.0, 0.02)


Fault = (
    Dropout
    | Noise
    | StuckWheel
    | StuckEncoder
    | SlipPatch
    | Blackout
    | BrownOut
    | LensDust
    | StickingLatch
    | FrozenCamera
    | GyroBias
)
KINDS: dict[str, type[_Fault]] = {
    kind.model_fields["kind"].default: kind for kind in Fault.__args__
}
_ADAPTER: TypeAdapter[Any] = TypeAdapter(Annotated[Fault, Field(discriminator="kind")])


def fault(values: Any, where: str = "fault") -> Fault:
    """A fault from a mapping as in the module's example; a `Fault` passes through.

    Raises:
        SimulatorError: names field, value and what is allowed.
    """
    if isinstance(values, _Fault):
        values = values.model_dump()
    elif isinstance(values, BaseModel):
        values = values.model_dump(exclude_unset=True)
    if not isinstance(values, dict):
        raise SimulatorError(f"{where}: {values!r} is not a mapping with a key 'kind'")
    if values.get("kind") not in KINDS:
        known = ", ".join(KINDS)
        raise SimulatorError(f"{where}: kind: {values.get('kind')!r} is not one of {known}")
    try:
        made: Fault = _ADAPTER.validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:]) or values["kind"]
        given = "is missing" if first["type"] == "missing" else f"{first.get('input')!r}"
        words = f"{where}: {field}: {given}: {first['msg']}"
        raise SimulatorError(words) from error
    return made


class FaultBoard:
    """The faults of one run and which of them hold at a time."""

    def __init__(self, faults: Iterable[Any], rover: Rover) -> None:
        self.rover = rover
        self.faults: list[Fault] = []
        for number, one in enumerate(faults):
            self.add(one, f"faults[{number}]")

    def add(self, values: Any, where: str = "fault") -> Fault:
        """Put up one more.

        Raises:
            SimulatorError: not a fault, or of a part that this rover does not have.
        """
        made = fault(values, where)
        wheels = [wheel.joint for wheel in self.rover.wheels]
        scoop = self.rover.scoop
        joints = wheels + ([scoop.lift_joint, scoop.tilt_joint] if scoop else [])
        if isinstance(made, StuckWheel) and made.wheel not in wheels:
            raise SimulatorError(f"{where}: wheel: {made.wheel!r} is not one of {wheels}")
        if isinstance(made, StuckEncoder) and made.joint not in joints:
            raise SimulatorError(f"{where}: joint: {made.joint!r} is not one of {joints}")
        self.faults.append(made)
        return made

    def active(self, time_s: float) -> Sequence[Fault]:
        """Those that hold now."""
        return [one for one in self.faults if one.active(time_s)]
