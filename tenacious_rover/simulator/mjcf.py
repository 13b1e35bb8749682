# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rover's URDF as a MuJoCo model that stands in a world: masses, joints, motors, contacts.

Wheels do not touch the ground here: `wheel_soil` does that. Everything else touches it as a height
field; rocks are a pool of ellipsoids that `dynamics` moves to where the rover is.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover import frames
from tenacious_rover.simulator.error import SimulatorError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Rover
    from tenacious_rover.simulator.config import SimulatorConfig
    from tenacious_rover.simulator.ground import World

GROUND, STONE, BODY, PAYLOAD = 1, 2, 4, 8
"""Collision bits."""
PAYLOAD_BODY = "payload"


def model_xml(rover: Rover, world: World, config: SimulatorConfig) -> str:
    """MJCF of the rover in the world; the height field's data is filled in after compiling.

    Raises:
        SimulatorError: the description cannot be simulated; says which part of it.
    """
    urdf = _parsed(rover)
    root = ET.Element("mujoco", model=rover.name)
    _add(root, "compiler", angle="radian", fusestatic="true", autolimits="true")
    option = _add(
        root,
        "option",
        timestep=f"{config.step_s:.9g}",
        integrator="implicitfast",
        gravity=f"0 0 {-rover.gravity_mps2:.9g}",
    )
    _add(option, "flag", midphase="disable")
    _add(root, "size", memory="24M")
    _ground(root, world)
    body = root.find("worldbody")
    assert body is not None
    for number in range(config.rock_pool):
        stone = _add(body, "body", name=f"rock{number}", mocap="true", pos=f"{number} 0 -900")
        _add(stone, "geom", type="ellipsoid", size=".1 .1 .1", name=f"rock{number}", **_STONE)
    _Tree(urdf, rover, config).build(root, body)
    return ET.tostring(root, encoding="unicode")


_STONE = {"contype": str(STONE), "conaffinity": str(BODY), "friction": "0.7 0.005 0.0001"}
_SOIL = {"contype": str(GROUND), "conaffinity": "0", "friction": "0.7 0.02 0.001"}


def _add(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, tag, {k: str(v) for k, v in attributes.items()})


def _words(values: NDArray[np.float64] | tuple[float, ...]) -> str:
    return " ".join(f"{float(value):.9g}" for value in values)


def _parsed(rover: Rover) -> ET.Element:
    if not rover.urdf:
        raise SimulatorError(f"the rover {rover.name!r} has no URDF text to make a body from")
    try:
        return ET.fromstring(rover.urdf)  # noqa: S314 - the user's own file
    except ET.ParseError as error:
        raise SimulatorError(f"the URDF of {rover.name!r} is not XML: {error}") from error


def _ground(root: ET.Element, world: World) -> None:
    rows, columns = world.heights.shape
    low, high = float(world.heights.min()), float(world.heights.max())
    half = (columns - 1) * world.resolution_m / 2.0, (rows - 1) * world.resolution_m / 2.0
    span = max(high - low, 0.01) + 2.0
    asset = _add(root, "asset")
    size = _words((half[0], half[1], span, 1.0))
    _add(asset, "hfield", name="ground", nrow=str(rows), ncol=str(columns), size=size)
    body = _add(root, "worldbody")
    middle = (world.origin[0] + half[0], world.origin[1] + half[1], low - 1.0)
    _add(body, "geom", name="ground", type="hfield", hfield="ground", pos=_words(middle), **_SOIL)
    for number, block in enumerate(world.lander):
        _add(
            body,
            "geom",
            name=f"lander{number}",
            type="box",
            size=_words(np.asarray(block.size) / 2.0),
            pos=_words(block.map_T_block[:3, 3]),
            quat=_words(frames.quaternion(block.map_T_block)),
            **_STONE,
        )


def hfield_data(world: World) -> NDArray[np.float32]:
    """Heights as the compiled model wants them, between 0 and 1; room of 1 m on both sides."""
    low, high = float(world.heights.min()), float(world.heights.max())
    span = max(high - low, 0.01) + 2.0
    return ((world.heights - (low - 1.0)) / span).astype(np.float32)


class _Tree:
    """Links and joints of the URDF, as MuJoCo bodies below the chassis' free joint."""

    def __init__(self, urdf: ET.Element, rover: Rover, config: SimulatorConfig) -> None:
        self.rover, self.config = rover, config
        self.links = {link.get("name", ""): link for link in urdf.iter("link")}
        self.children: dict[str, list[ET.Element]] = {}
        self.joints: dict[str, ET.Element] = {}
        for joint in urdf.findall("joint"):
            parent = joint.find("parent")
            if parent is None:
                raise SimulatorError(f"joint {joint.get('name')!r} has no parent")
            self.children.setdefault(parent.get("link", ""), []).append(joint)
            self.joints[joint.get("name", "")] = joint
        self.wheel_joints = {wheel.joint for wheel in rover.wheels}
        self.scoop_joints: tuple[str, ...] = ()
        if rover.scoop is not None:
            self.scoop_joints = (rover.scoop.lift_joint, rover.scoop.tilt_joint)
        missing = (self.wheel_joints | set(self.scoop_joints)) - set(self.joints)
        if missing:
            raise SimulatorError(f"the URDF of {rover.name!r} has no joint {min(missing)!r}")

    def build(self, root: ET.Element, worldbody: ET.Element) -> None:
        """Bodies, motors, differential, latch, sensors."""
        base = self.rover.frames.get("base", frames.BASE)
        if base not in self.links:
            raise SimulatorError(f"the URDF of {self.rover.name!r} has no link {base!r}")
        chassis = _add(worldbody, "body", name="base", pos="0 0 0")
        _add(chassis, "freejoint", name="base")
        imu = self.rover.base_T_imu
        quat = _words(frames.quaternion(imu))
        _add(chassis, "site", name="imu", pos=_words(imu[:3, 3]), quat=quat)
        self._fill(chassis, base)
        payload = self.rover.payload
        if payload is not None:
            house = _add(
                worldbody, "body", name=PAYLOAD_BODY, pos=_words(payload.base_T_payload[:3, 3])
            )
            house.set("quat", _words(frames.quaternion(payload.base_T_payload)))
            _add(house, "freejoint", name=PAYLOAD_BODY)
            self._fill(house, payload.link)
        self._constraints(root)
        self._actuators(root)
        sensors = _add(root, "sensor")
        _add(sensors, "accelerometer", name="accel", site="imu")
        _add(sensors, "gyro", name="gyro", site="imu")

    def _fill(self, body: ET.Element, name: str) -> None:
        link = self.links[name]
        self._inertia(body, link)
        self._geoms(body, link)
        for joint in self.children.get(name, []):
            child = _linked(joint)
            payload = self.rover.payload
            if payload is not None and child == payload.link:
                continue
            where = _origin(joint)
            nested = _add(body, "body", name=child, pos=_words(where[:3, 3]))
            nested.set("quat", _words(frames.quaternion(where)))
            if joint.get("type") != "fixed":
                self._joint(nested, joint)
            self._fill(nested, child)

    def _inertia(self, body: ET.Element, link: ET.Element) -> None:
        inertial = link.find("inertial")
        if inertial is None:
            return
        where = _origin(inertial)
        mass, tensor = inertial.find("mass"), inertial.find("inertia")
        if mass is None or tensor is None:
            raise SimulatorError(f"link {link.get('name')!r}: inertial without mass or inertia")
        keys = ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")
        i = {key: float(tensor.get(key, "0")) for key in keys}
        matrix = np.array(
            [
                [i["ixx"], i["ixy"], i["ixz"]],
                [i["ixy"], i["iyy"], i["iyz"]],
                [i["ixz"], i["iyz"], i["izz"]],
            ]
        )
        turned = where[:3, :3] @ matrix @ where[:3, :3].T
        full = (turned[0, 0], turned[1, 1], turned[2, 2], turned[0, 1], turned[0, 2], turned[1, 2])
        _add(
            body,
            "inertial",
            pos=_words(where[:3, 3]),
            mass=mass.get("value", "0"),
            fullinertia=_words(full),
        )

    def _geoms(self, body: ET.Element, link: ET.Element) -> None:
        name = link.get("name", "")
        for number, collision in enumerate(link.findall("collision")):
            where = _origin(collision)
            shape, size = _shape(collision, name)
            bits = {"contype": str(BODY), "conaffinity": str(GROUND | STONE | PAYLOAD)}
            if self._is_wheel(name) or self._is_blade(name):
                # `wheel_soil` and `scoop` are what the ground does to them.
                bits["conaffinity"] = str(STONE | PAYLOAD)
            if self.rover.payload is not None and name == self.rover.payload.link:
                # On its latch it does not touch the rover; `dynamics` lets it do so at release.
                bits = {"contype": "0", "conaffinity": str(GROUND | STONE)}
            _add(
                body,
                "geom",
                name=f"{name}_{number}",
                type=shape,
                size=size,
                pos=_words(where[:3, 3]),
                quat=_words(frames.quaternion(where)),
                mass="0",
                friction="0.7 0.02 0.001",
                **bits,
            )

    def _is_wheel(self, link: str) -> bool:
        return any(_linked(self.joints[name]) == link for name in self.wheel_joints)

    def _is_blade(self, link: str) -> bool:
        scoop = self.rover.scoop
        return scoop is not None and _linked(self.joints[scoop.tilt_joint]) == link

    def _joint(self, body: ET.Element, joint: ET.Element) -> None:
        name, kind = joint.get("name", ""), joint.get("type", "")
        if kind not in ("revolute", "continuous"):
            raise SimulatorError(
                f"joint {name!r}: type {kind!r} is not fixed, revolute, continuous"
            )
        axis = _numbers(joint.find("axis"), "xyz", (1.0, 0.0, 0.0))
        if name in self.wheel_joints and not np.allclose(axis, (0.0, 1.0, 0.0)):
            raise SimulatorError(f"joint {name!r}: the axle of a wheel must be its y axis")
        made = _add(body, "joint", name=name, type="hinge", axis=_words(axis))
        dynamics = joint.find("dynamics")
        if dynamics is not None:
            made.set("damping", dynamics.get("damping", "0"))
            made.set("frictionloss", dynamics.get("friction", "0"))
        limit = joint.find("limit")
        if kind == "revolute" and limit is not None:
            made.set("range", f"{limit.get('lower', '0')} {limit.get('upper', '0')}")
        if name in self.wheel_joints:
            made.set("armature", f"{self.config.wheel_armature_kgm2:.9g}")
        elif name in self.scoop_joints:
            made.set("armature", f"{self.config.scoop_armature_kgm2:.9g}")
        else:
            made.set("armature", "0.0005")

    def _constraints(self, root: ET.Element) -> None:
        equality = _add(root, "equality")
        for name, joint in self.joints.items():
            mimic = joint.find("mimic")
            if mimic is None:
                continue
            ratio = f"{mimic.get('offset', '0')} {mimic.get('multiplier', '1')} 0 0 0"
            _add(
                equality,
                "joint",
                joint1=name,
                joint2=mimic.get("joint", ""),
                polycoef=ratio,
                solref="0.008 1",
            )
        if self.rover.payload is not None:
            _add(
                equality,
                "weld",
                name="latch",
                body1="base",
                body2=PAYLOAD_BODY,
                solref="0.008 1",
                relpose=_relpose(self.rover.payload.base_T_payload),
            )

    def _actuators(self, root: ET.Element) -> None:
        motors = _add(root, "actuator")
        for wheel in self.rover.wheels:
            limit = self._effort(wheel.joint) or self.rover.limits.wheel_torque_nm
            _add(
                motors,
                "position",
                name=wheel.joint,
                joint=wheel.joint,
                kp=f"{self.config.wheel_stiffness:.9g}",
                kv=f"{self.config.wheel_damping:.9g}",
                forcerange=_words((-limit, limit)),
            )
        for name in self.scoop_joints:
            limit = self._effort(name) or 3.0
            _add(
                motors,
                "position",
                name=name,
                joint=name,
                kp=f"{self.config.scoop_stiffness:.9g}",
                kv=f"{self.config.scoop_damping:.9g}",
                forcerange=_words((-limit, limit)),
            )

    def _effort(self, name: str) -> float:
        limit = self.joints[name].find("limit")
        return 0.0 if limit is None else float(limit.get("effort", "0"))


def _linked(joint: ET.Element) -> str:
    child = joint.find("child")
    if child is None:
        raise SimulatorError(f"joint {joint.get('name')!r} has no child")
    return child.get("link", "")


def _relpose(a_T_b: NDArray[np.float64]) -> str:
    return f"{_words(a_T_b[:3, 3])} {_words(frames.quaternion(a_T_b))}"


def _numbers(
    element: ET.Element | None, key: str, otherwise: tuple[float, ...]
) -> NDArray[np.float64]:
    if element is None or element.get(key) is None:
        return np.array(otherwise)
    return np.array([float(word) for word in element.get(key, "").split()])


def _origin(element: ET.Element) -> NDArray[np.float64]:
    origin = element.find("origin")
    zero = (0.0, 0.0, 0.0)
    return frames.from_rpy(_numbers(origin, "xyz", zero), _numbers(origin, "rpy", zero))


def _shape(collision: ET.Element, link: str) -> tuple[str, str]:
    geometry = collision.find("geometry")
    shape = next(iter(geometry), None) if geometry is not None else None
    if shape is not None and shape.tag == "box":
        return "box", _words(_numbers(shape, "size", (0.0, 0.0, 0.0)) / 2.0)
    if shape is not None and shape.tag == "cylinder":
        half = float(shape.get("length", "0")) / 2.0
        return "cylinder", _words((float(shape.get("radius", "0")), half))
    if shape is not None and shape.tag == "sphere":
        return "sphere", shape.get("radius", "0")
    raise SimulatorError(f"link {link!r}: a collision shape is not box, cylinder or sphere")
