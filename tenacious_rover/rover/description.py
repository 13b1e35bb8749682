# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A `Rover` from its description: xacro to URDF to numbers.

What URDF has words for (masses, axles, limits, shapes, frames) is read from there. The rest stands
in one element of the robot, so that nothing is said twice (scoop and payload may be left out):

    <tenacious version="1">
      <gravity mps2=""/>
      <limits speed_mps="" turn_rate_radps="" tilt_deg=""/>
      <frames base="" imu=""/>
      <wheel joint="" side="left|right"/>                         one per driven wheel
      <camera eye="left|right" frame="" width_px="" height_px="" hfov_deg=""/>      two
      <chassis link=""/>
      <scoop lift_joint="" tilt_joint="" blade_length_m="" blade_width_m="" capacity_ml=""
             stow_lift_rad="" stow_tilt_rad=""/>
      <payload link="" size_m="x y z"/>
      <battery wh=""/>
      <temperatures parts="battery motors"/>
    </tenacious>
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover import frames
from tenacious_rover.rover.model import Box, Camera, Limits, Payload, Rover, Scoop, Wheel
from tenacious_rover.rover.resources import named
from tenacious_rover.rover.urdf import RoverError, Urdf, number, numbers, only, text

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from pathlib import Path

__all__ = ["RoverError", "expanded", "load_rover", "rover_of"]

SUFFIX = ".urdf.xacro"
VERSION = "1"


def load_rover(name_or_path: str) -> Rover:
    """The rover of a shipped description or of a file; read once per process.

    Args:
        name_or_path: such as `tenacious`, `my_rover.urdf.xacro` or `plain.urdf`; xacro arguments
            may follow: `tenacious camera_width:=400 camera_height:=300`.

    Raises:
        RoverError: no such description, or it is broken; names file and element.
    """
    words = str(name_or_path).split()
    arguments = [word for word in words if ":=" in word]
    name = " ".join(word for word in words if ":=" not in word)
    try:
        path = named("description", name, SUFFIX)
    except FileNotFoundError as error:
        raise RoverError(f"description: {error}") from error
    return _loaded(path.resolve(), path.stat().st_mtime_ns, tuple(arguments))


@functools.lru_cache(maxsize=16)
def _loaded(path: Path, changed_ns: int, arguments: tuple[str, ...]) -> Rover:
    del changed_ns
    return rover_of(expanded(path, arguments), str(path))


def expanded(path: Path, arguments: tuple[str, ...] = ()) -> str:
    """URDF text of a xacro or URDF file.

    Args:
        path: the file.
        arguments: xacro arguments, each `name:=value`; one that the file does not know is refused.
    """
    import xacro

    given = dict(argument.split(":=", 1) for argument in arguments)
    source = path.read_text(encoding="utf-8", errors="replace")
    unknown = [name for name in given if f'name="{name}"' not in source]
    if unknown:
        raise RoverError(f"{path}: has no xacro argument {unknown[0]!r}")
    try:
        return str(xacro.process_file(str(path), mappings=given).toprettyxml(indent="  "))
    except Exception as error:  # xacro raises whatever its expressions raise
        words = str(error).strip() or type(error).__name__
        raise RoverError(f"{path}: {words}") from error


def rover_of(urdf: str, where: str = "urdf") -> Rover:
    """The rover of a URDF text.

    Args:
        urdf: with the element `<tenacious>`.
        where: put before messages, such as the file's name.

    Raises:
        RoverError: names the element that is missing or wrong.
    """
    model = Urdf(urdf, where)
    more = only(model.root, "tenacious", where)
    if text(more, "version", where) != VERSION:
        raise RoverError(f"{where}: <tenacious>: version is not {VERSION!r}")
    named_frames = only(more, "frames", where)
    base, imu = (text(named_frames, role, where) for role in ("base", "imu"))
    if model.base != base:
        raise RoverError(f"{where}: <frames>: base {base!r} is not the root link {model.base!r}")
    cameras = _cameras(model, more)
    joints = [text(e, "joint", where) for e in more.findall("wheel")]
    return Rover(
        name=text(model.root, "name", where),
        mass_kg=model.mass(),
        gravity_mps2=number(only(more, "gravity", where), "mps2", where, low=0.0),
        wheels=_wheels(model, more),
        chassis=_chassis(model, more),
        cameras=cameras,
        imu_frame=imu,
        base_T_imu=model.base_T_link(imu),
        scoop=_scoop(model, more),
        payload=_payload(model, more),
        limits=_limits(model, more, joints),
        frames={
            "base": base,
            "imu": imu,
            "camera_left": cameras["left"].frame,
            "camera_right": cameras["right"].frame,
        },
        temperatures=tuple(text(only(more, "temperatures", where), "parts", where).split()),
        battery_wh=number(only(more, "battery", where), "wh", where, low=0.0),
        urdf=urdf,
    )


def _wheels(model: Urdf, more: ET.Element) -> tuple[Wheel, ...]:
    where, out = model.where, []
    for element in more.findall("wheel"):
        joint = model.joint(text(element, "joint", where))
        side = text(element, "side", where)
        if side not in ("left", "right"):
            raise RoverError(f"{where}: <wheel joint={joint.name!r}>: side {side!r}: left or right")
        if joint.kind != "continuous":
            raise RoverError(f"{where}: wheel joint {joint.name!r} is {joint.kind}, not continuous")
        radius, width = model.cylinder(joint.child)
        axle = model.base_T_link(joint.child)
        if not np.allclose(np.abs(axle[:3, :3] @ joint.axis), [0.0, 1.0, 0.0], atol=1e-6):
            raise RoverError(f"{where}: wheel joint {joint.name!r} does not turn about y")
        sign = 1 if side == "left" else -1
        out.append(Wheel(joint.child, joint.name, sign, axle[:3, 3], radius, width))
    if {wheel.side for wheel in out} != {1, -1}:
        raise RoverError(f"{where}: <tenacious> needs a <wheel> on the left and on the right")
    return tuple(out)


def _cameras(model: Urdf, more: ET.Element) -> dict[str, Camera]:
    where, out = model.where, {}
    for element in more.findall("camera"):
        eye, frame = text(element, "eye", where), text(element, "frame", where)
        if not frame.endswith("_optical_frame"):
            raise RoverError(f"{where}: <camera>: frame {frame!r} does not end in _optical_frame")
        width = int(number(element, "width_px", where, low=16.0))
        height = int(number(element, "height_px", where, low=16.0))
        fov = math.radians(number(element, "hfov_deg", where, low=5.0, high=170.0))
        focal = width / 2.0 / math.tan(fov / 2.0)
        pose = model.base_T_link(frame)
        out[eye] = Camera(eye, frame, pose, width, height, focal, focal, width / 2.0, height / 2.0)
    if set(out) != {"left", "right"}:
        raise RoverError(f"{where}: <tenacious> needs a <camera> with eye left and one with right")
    return out


def _chassis(model: Urdf, more: ET.Element) -> Box:
    link = text(only(more, "chassis", model.where), "link", model.where)
    low, high = model.bounds(link)
    return Box((low + high) / 2.0, high - low)


def _scoop(model: Urdf, more: ET.Element) -> Scoop | None:
    element, where = more.find("scoop"), model.where
    if element is None:
        return None
    lift = model.joint(text(element, "lift_joint", where))
    tilt = model.joint(text(element, "tilt_joint", where))
    lift_T_tilt = frames.inverse(model.base_T_link(lift.child)) @ model.base_T_link(tilt.child)
    return Scoop(
        lift.name,
        tilt.name,
        lift.limits,
        tilt.limits,
        model.base_T_link(lift.child)[:3, 3],
        float(np.hypot(lift_T_tilt[0, 3], lift_T_tilt[2, 3])),
        number(element, "blade_length_m", where, low=0.0),
        number(element, "blade_width_m", where, low=0.0),
        number(element, "capacity_ml", where, low=0.0),
        (number(element, "stow_lift_rad", where), number(element, "stow_tilt_rad", where)),
    )


def _payload(model: Urdf, more: ET.Element) -> Payload | None:
    element, where = more.find("payload"), model.where
    if element is None:
        return None
    link = text(element, "link", where)
    size = numbers(element, "size_m", where, 3)
    return Payload(link, model.base_T_link(link), size, model.mass(link))


def _limits(model: Urdf, more: ET.Element, wheel_joints: list[str]) -> Limits:
    element, where = only(more, "limits", model.where), model.where
    return Limits(
        number(element, "speed_mps", where, low=0.0),
        number(element, "turn_rate_radps", where, low=0.0),
        math.radians(number(element, "tilt_deg", where, low=0.0, high=90.0)),
        min(model.joint(name).effort for name in wheel_joints),
    )
