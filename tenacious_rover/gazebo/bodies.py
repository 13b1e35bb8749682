# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rigid bodies of a description: what fixed joints hold together, with one mass and inertia.

SDF gives a link without inertia a kilogram, and every fixed joint costs the solver six constraints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover import frames
from tenacious_rover.rover.urdf import MOVING, Joint, Urdf, only, origin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Rover


@dataclass(frozen=True)
class Body:
    """Links that move as one.

    Attributes:
        name: of the link that the others are fixed to.
        joint: that moves it; `None` for the root and for the payload on its latch.
        base_T_body: (4, 4) with all joints at zero.
        members: link to body_T_link (4, 4).
        mass_kg: of all.
        centre: (3,) of mass, in the body.
        inertia: (3, 3) about the centre, along the body's axes.
    """

    name: str
    joint: Joint | None
    base_T_body: NDArray[np.float64]
    members: dict[str, NDArray[np.float64]]
    mass_kg: float
    centre: NDArray[np.float64]
    inertia: NDArray[np.float64]


def bodies(rover: Rover, model: Urdf) -> dict[str, Body]:
    """Bodies by name, the root first; the payload is one of its own."""
    payload = rover.payload.link if rover.payload else ""
    movers = {j.child: j for j in model.joints.values() if j.kind in MOVING}
    parents = {j.child: j.parent for j in model.joints.values()}
    groups: dict[str, list[str]] = {}
    for link in model.links:
        head = link
        while head in parents and head not in movers and head != payload:
            head = parents[head]
        groups.setdefault(head, []).append(link)
    order = sorted(groups, key=lambda head: head != model.base)
    return {head: _body(model, head, groups[head], movers.get(head)) for head in order}


def _body(model: Urdf, head: str, links: list[str], joint: Joint | None) -> Body:
    base_T_body = model.base_T_link(head)
    body_T_base = frames.inverse(base_T_body)
    members = {link: body_T_base @ model.base_T_link(link) for link in links}
    parts = []
    for link, body_T_link in members.items():
        if model.mass(link) > 0.0:
            where = f"{model.where}: link {link!r}"
            inertial = only(model.links[link], "inertial", where)
            body_T_mass = body_T_link @ origin(inertial, where)
            turn = body_T_mass[:3, :3]
            parts.append(
                (model.mass(link), body_T_mass[:3, 3], turn @ model.inertia(link) @ turn.T)
            )
    mass = sum(part[0] for part in parts)
    if mass <= 0.0:
        return Body(head, joint, base_T_body, members, 0.0, np.zeros(3), np.zeros((3, 3)))
    centre = sum((m * c for m, c, _ in parts), np.zeros(3)) / mass
    inertia = np.zeros((3, 3))
    for m, c, about in parts:  # parallel axes (Steiner)
        d = c - centre
        inertia += about + m * (d @ d * np.eye(3) - np.outer(d, d))
    return Body(head, joint, base_T_body, members, mass, centre, inertia)
