# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""URDF as numbers: the tree of links and joints, masses, collision shapes, frames."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover import frames
from tenacious_rover.rover.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MOVING = ("revolute", "continuous", "prismatic")


class RoverError(ConfigError):
    """A description cannot be used; the message names file and element."""


def only(parent: ET.Element, tag: str, where: str) -> ET.Element:
    """The one child `tag`."""
    found = parent.findall(tag)
    if len(found) != 1:
        raise RoverError(f"{where}: <{parent.tag}> has {len(found)} elements <{tag}>, needs 1")
    return found[0]


def text(element: ET.Element, key: str, where: str) -> str:
    """An attribute that must be there."""
    value = element.get(key)
    if not value:
        raise RoverError(f"{where}: <{element.tag}>: attribute {key!r} is missing or empty")
    return value


def number(
    element: ET.Element, key: str, where: str, low: float = -math.inf, high: float = math.inf
) -> float:
    """An attribute that is a finite number within bounds."""
    word = text(element, key, where)
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and low <= value <= high):
        raise RoverError(
            f"{where}: <{element.tag}>: {key}={word!r} is not a number from {low} to {high}"
        )
    return value


def numbers(element: ET.Element, key: str, where: str, n: int) -> NDArray[np.float64]:
    """An attribute of `n` finite numbers with spaces."""
    word = text(element, key, where)
    try:
        values = np.array([float(part) for part in word.split()])
    except ValueError:
        values = np.array([])
    if len(values) != n or not np.isfinite(values).all():
        raise RoverError(f"{where}: <{element.tag}>: {key}={word!r} is not {n} numbers")
    return values


@dataclass(frozen=True)
class Joint:
    """One joint; `parent_T_child` (4, 4) at angle zero, `axis` (3,) in the child's frame."""

    name: str
    kind: str
    parent: str
    child: str
    parent_T_child: NDArray[np.float64]
    axis: NDArray[np.float64]
    limits: tuple[float, float]
    effort: float
    velocity: float
    mimic: tuple[str, float, float] | None
    """Joint, multiplier, offset."""

    def at(self, value: float) -> NDArray[np.float64]:
        """parent_T_child (4, 4) at a position in rad or m."""
        motion = np.eye(4)
        if self.kind == "prismatic":
            motion[:3, 3] = self.axis * value
        elif self.kind in MOVING:
            half = value / 2.0
            quaternion = np.array([math.cos(half), *(math.sin(half) * self.axis)])
            motion = frames.transform(np.zeros(3), quaternion)
        return np.asarray(self.parent_T_child @ motion)


class Urdf:
    """A URDF text, checked as a tree.

    Args:
        source: the text.
        where: put before messages, such as the file's name.

    Raises:
        RoverError: not XML, not a robot, not one tree, or a joint or inertia that cannot be.
    """

    def __init__(self, source: str, where: str = "urdf") -> None:
        self.where = where
        try:
            self.root = ET.fromstring(source)  # noqa: S314 - the user's own file
        except ET.ParseError as error:
            raise RoverError(f"{where}: not XML: {error}") from error
        if self.root.tag != "robot":
            raise RoverError(f"{where}: <{self.root.tag}> is not <robot>")
        self.links = {text(e, "name", where): e for e in self.root.findall("link")}
        joints = [self._joint(element) for element in self.root.findall("joint")]
        self.joints = {joint.name: joint for joint in joints}
        self._up = {joint.child: joint for joint in joints}
        self.base = self._checked(joints)

    def _joint(self, element: ET.Element) -> Joint:
        name = text(element, "name", self.where)
        where = f"{self.where}: joint {name!r}"
        kind = text(element, "type", where)
        if kind not in (*MOVING, "fixed"):
            raise RoverError(
                f"{where}: type {kind!r} is not one of {', '.join((*MOVING, 'fixed'))}"
            )
        axis_element = element.find("axis")
        axis = np.array([1.0, 0.0, 0.0])
        if axis_element is not None:
            axis = numbers(axis_element, "xyz", where, 3)
        limit, limits, effort, velocity = element.find("limit"), (-math.inf, math.inf), 0.0, 0.0
        if kind in ("revolute", "prismatic") or limit is not None:
            limit = only(element, "limit", where)
            effort = number(limit, "effort", where, low=0.0)
            velocity = number(limit, "velocity", where, low=0.0)
            if kind != "continuous":
                limits = (number(limit, "lower", where), number(limit, "upper", where))
            if limits[0] > limits[1]:
                raise RoverError(f"{where}: limit: lower {limits[0]} is above upper {limits[1]}")
        if np.linalg.norm(axis) < 1e-9:
            raise RoverError(f"{where}: axis has no length")
        mimic = element.find("mimic")
        return Joint(
            name,
            kind,
            text(only(element, "parent", where), "link", where),
            text(only(element, "child", where), "link", where),
            origin(element, where),
            axis / np.linalg.norm(axis),
            limits,
            effort,
            velocity,
            None
            if mimic is None
            else (
                text(mimic, "joint", where),
                float(mimic.get("multiplier", 1.0)),
                float(mimic.get("offset", 0.0)),
            ),
        )

    def _checked(self, joints: list[Joint]) -> str:
        for joint in joints:
            for link in (joint.parent, joint.child):
                if link not in self.links:
                    raise RoverError(f"{self.where}: joint {joint.name!r}: no link {link!r}")
            if joint.mimic and joint.mimic[0] not in self.joints:
                raise RoverError(
                    f"{self.where}: joint {joint.name!r} mimics {joint.mimic[0]!r}, no joint"
                )
        if len(self._up) != len(joints) or len(self.joints) != len(joints):
            raise RoverError(f"{self.where}: two joints share a name or a child link")
        roots = [link for link in self.links if link not in self._up]
        if len(roots) != 1:
            raise RoverError(f"{self.where}: not one tree: roots {', '.join(roots) or 'none'}")
        for link in self.links:
            self._chain(link)
            if self.links[link].find("inertial") is not None:
                self._checked_inertia(link)
        return roots[0]

    def _checked_inertia(self, link: str) -> None:
        matrix = self.inertia(link)
        moments = np.linalg.eigvalsh(matrix)
        if (
            self.mass(link) <= 0.0
            or moments[0] <= 0.0
            or moments[2] > moments[0] + moments[1] + 1e-12
        ):
            raise RoverError(f"{self.where}: link {link!r}: mass or inertia that no body can have")

    def _chain(self, link: str) -> list[Joint]:
        """Joints from the root to `link`."""
        if link not in self.links:
            raise RoverError(f"{self.where}: no link {link!r}")
        chain: list[Joint] = []
        while link in self._up:
            chain.append(self._up[link])
            link = self._up[link].parent
            if len(chain) > len(self._up):
                raise RoverError(f"{self.where}: links go round in a circle at {link!r}")
        return chain[::-1]

    def joint(self, name: str) -> Joint:
        """The joint of that name."""
        if name not in self.joints:
            raise RoverError(f"{self.where}: no joint {name!r}")
        return self.joints[name]

    def base_T_link(
        self, link: str, positions: Mapping[str, float] | None = None
    ) -> NDArray[np.float64]:
        """(4, 4) with the joints at `positions` (rad or m), zero where not given; mimics follow."""
        out = np.eye(4)
        for joint in self._chain(link):
            out = out @ joint.at(self.position(joint, positions or {}))
        return out

    @staticmethod
    def position(joint: Joint, positions: Mapping[str, float]) -> float:
        """Of a joint, among positions of those that are driven."""
        if joint.mimic and joint.name not in positions:
            leader, multiplier, offset = joint.mimic
            return multiplier * positions.get(leader, 0.0) + offset
        return positions.get(joint.name, 0.0)

    def mass(self, link: str | None = None) -> float:
        """Of a link, or of all, kg."""
        chosen = [self.links[link]] if link else self.links.values()
        inertials = [e.find("inertial") for e in chosen]
        return float(
            sum(
                number(only(i, "mass", self.where), "value", self.where)
                for i in inertials
                if i is not None
            )
        )

    def centre(
        self, link: str, positions: Mapping[str, float] | None = None
    ) -> NDArray[np.float64]:
        """(3,) in base_link of the centre of a link's mass."""
        where = f"{self.where}: link {link!r}"
        inertial = only(self.links[link], "inertial", where)
        return np.asarray((self.base_T_link(link, positions) @ origin(inertial, where))[:3, 3])

    def inertia(self, link: str) -> NDArray[np.float64]:
        """(3, 3) about the link's centre of mass, in the axes of its `<inertial>`, kg m^2."""
        where = f"{self.where}: link {link!r}"
        element = only(only(self.links[link], "inertial", where), "inertia", where)
        xx, xy, xz, yy, yz, zz = (
            number(element, key, where) for key in ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
        )
        return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])

    def cylinder(self, link: str) -> tuple[float, float]:
        """Radius and length of the link's collision cylinder, m."""
        where = f"{self.where}: link {link!r}: collision"
        for element in self.links[link].iter("collision"):
            shape = element.find("geometry/cylinder")
            if shape is not None:
                return number(shape, "radius", where, 1e-6), number(shape, "length", where, 1e-6)
        raise RoverError(f"{where}: a wheel needs a cylinder")

    def bounds(
        self, link: str, kind: str = "collision", positions: Mapping[str, float] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest corner (3,) in base_link of a link's boxes, cylinders and spheres."""
        base_T_link, corners = self.base_T_link(link, positions), []
        where = f"{self.where}: link {link!r}: {kind}"
        for element in self.links[link].findall(kind):
            base_T_shape = base_T_link @ origin(element, where)
            for shape in only(element, "geometry", where):
                half = _extent(shape, base_T_shape[:3, :3], where)
                corners += [base_T_shape[:3, 3] - half, base_T_shape[:3, 3] + half]
        if not corners:
            raise RoverError(f"{where}: there is none")
        return np.min(corners, axis=0), np.max(corners, axis=0)


def origin(element: ET.Element, where: str) -> NDArray[np.float64]:
    """(4, 4) of an element's `<origin>`; identity without one."""
    found = element.find("origin")
    if found is None:
        return np.eye(4)
    xyz = numbers(found, "xyz", where, 3) if found.get("xyz") else np.zeros(3)
    rpy = numbers(found, "rpy", where, 3) if found.get("rpy") else np.zeros(3)
    return frames.from_rpy(xyz, rpy)


def _extent(shape: ET.Element, rotation: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """Half size (3,) along the base's axes of a turned shape."""
    if shape.tag == "box":
        return np.asarray(np.abs(rotation) @ numbers(shape, "size", where, 3) / 2.0)
    if shape.tag == "sphere":
        return np.full(3, number(shape, "radius", where))
    if shape.tag == "cylinder":
        axis = rotation[:, 2]
        half = number(shape, "length", where) / 2.0
        radius = number(shape, "radius", where)
        return np.asarray(np.abs(axis) * half + radius * np.sqrt(np.maximum(1.0 - axis**2, 0.0)))
    raise RoverError(f"{where}: shape {shape.tag!r} is not box, cylinder or sphere")
