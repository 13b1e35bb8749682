# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What the cameras see of the rover: the visual shapes of its URDF, moved with its bodies.

Small shapes (grousers, solar cells, bolts) are left out: a pixel does not tell them, and each part
costs time in every picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import mujoco
import numpy as np

from tenacious_rover.rover import frames
from tenacious_rover.rover.urdf import Urdf, numbers, origin
from tenacious_rover.simulator.mjcf import PAYLOAD_BODY
from tenacious_rover.simulator.parts import Part

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

    from numpy.typing import NDArray

    from tenacious_rover.simulator.dynamics import Dynamics

_SMALLEST_SHARE = 0.06
_MOST_PER_LINK = 7
_HOUSE_RED = (0.26, 0.03, 0.025)
_SOIL = (0.11, 0.105, 0.095)


@dataclass(frozen=True)
class _Shape:
    body: int
    body_T_part: NDArray[np.float64]
    kind: str
    size: NDArray[np.float64]
    colour: tuple[float, float, float]
    surface: str


class Appearance:
    """Parts of the rover and payload where they are now."""

    def __init__(self, dynamics: Dynamics) -> None:
        self._dynamics = dynamics
        rover = dynamics.rover
        self._urdf = Urdf(rover.urdf)
        self._colours = {
            element.get("name", ""): _rgb(element)
            for element in self._urdf.root.iter("material")
            if element.find("color") is not None
        }
        payload = "" if rover.payload is None else rover.payload.link
        self._shapes = [
            shape for link in self._urdf.links if link != payload for shape in self._of_link(link)
        ]

    def parts(self) -> list[Part]:
        """All, in map; the bodies must be settled."""
        dynamics = self._dynamics
        poses = {body: dynamics.pose(body) for body in {shape.body for shape in self._shapes}}
        out = [
            Part(s.kind, poses[s.body] @ s.body_T_part, s.size, s.colour, "rover", s.surface)
            for s in self._shapes
        ]
        payload = dynamics.rover.payload
        where = dynamics.map_T_payload
        if payload is not None and where is not None:
            # The camera's house has its ridge along x; a house that is wider has it along y.
            turn = float(payload.size[1] > payload.size[0])
            where = where @ frames.planar(0.0, 0.0, turn * np.pi / 2.0)
            size = payload.size[[1, 0, 2]] if turn else payload.size
            out.append(Part("house", where, size, _HOUSE_RED, "house"))
        return out + self._soil()

    def _soil(self) -> list[Part]:
        """The heap in the bowl."""
        scoop = self._dynamics.scoop
        if scoop is None or scoop.carried_ml < 1.0:
            return []
        shape = scoop.scoop
        a, b = 0.46 * shape.blade_length_m, 0.46 * shape.blade_width_m
        # Half an ellipsoid.
        c = scoop.carried_ml * 1e-6 / (2.0 / 3.0 * np.pi * a * b)
        pose = self._dynamics.pose(int(self._dynamics.scoop_bodies[1]))
        pose = pose @ frames.from_rpy((0.5 * shape.blade_length_m, 0.0, 0.002), (0.0, 0.0, 0.0))
        size = 2.0 * np.array([a, b, c])
        return [Part("ellipsoid", pose, size, _SOIL, "rover")]

    def _of_link(self, link: str) -> list[_Shape]:
        body, body_T_link = self._carrier(link)
        found = []
        for visual in self._urdf.links[link].findall("visual"):
            made = _geometry(visual)
            if made is None:
                continue
            kind, size = made
            material = visual.find("material")
            name = "" if material is None else material.get("name", "")
            where = body_T_link @ origin(visual, f"link {link!r}")
            surface = _surface(link, name)
            colour = self._colours.get(name, (0.5, 0.5, 0.5))
            found.append(_Shape(body, where, kind, size, colour, surface))
        if not found:
            return []
        volumes = [float(np.prod(shape.size)) for shape in found]
        least = _SMALLEST_SHARE * max(volumes)
        order = sorted(range(len(found)), key=lambda i: -volumes[i])
        return [found[i] for i in order if volumes[i] >= least][:_MOST_PER_LINK]

    def _carrier(self, link: str) -> tuple[int, NDArray[np.float64]]:
        """The MuJoCo body that a link moves with, and body_T_link."""
        body_T_link = np.eye(4)
        parents = {joint.child: joint for joint in self._urdf.joints.values()}
        payload = self._dynamics.rover.payload
        name = link
        while name in parents:
            joint = parents[name]
            if payload is not None and name == payload.link:
                return self._id(PAYLOAD_BODY), body_T_link
            if joint.kind != "fixed":
                return self._id(name), body_T_link
            body_T_link = joint.parent_T_child @ body_T_link
            name = joint.parent
        return self._id("base"), body_T_link

    def _id(self, body: str) -> int:
        return int(mujoco.mj_name2id(self._dynamics.model, mujoco.mjtObj.mjOBJ_BODY, body))


def _rgb(material: ET.Element) -> tuple[float, float, float]:
    color = material.find("color")
    assert color is not None
    red, green, blue, _ = numbers(color, "rgba", "material", 4)
    # URDF's colours are meant for displays; the camera wants reflectance.
    return float(red) ** 2.2, float(green) ** 2.2, float(blue) ** 2.2


def _surface(link: str, material: str) -> str:
    if "wheel" in link:
        return "tyre"
    if "panel" in link:
        return "panel"
    return "foil" if "foil" in material else "paint"


def _geometry(visual: ET.Element) -> tuple[str, NDArray[np.float64]] | None:
    """Shape and size along its frame's axes; `None` for a mesh."""
    box, cylinder = visual.find("geometry/box"), visual.find("geometry/cylinder")
    sphere = visual.find("geometry/sphere")
    if box is not None:
        return "box", numbers(box, "size", "visual", 3)
    if cylinder is not None:
        d = 2.0 * float(cylinder.get("radius", "0"))
        return "cylinder", np.array([d, d, float(cylinder.get("length", "0"))])
    if sphere is not None:
        return "ellipsoid", np.full(3, 2.0 * float(sphere.get("radius", "0")))
    return None
