# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""SDF as text: elements, poses, numbers; and the Gazebo systems that the exports use.

Version 1.9 is enough for all that is exported, so that sdformat 12 and later read it.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import numpy as np
from transforms3d.euler import mat2euler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

VERSION = "1.9"


def element(tag: str, *content: Any, **attributes: Any) -> ET.Element:
    """An element; `content` are elements, numbers, texts, booleans or sequences of numbers."""
    made = ET.Element(tag, {key.rstrip("_"): word(value) for key, value in attributes.items()})
    for item in content:
        if isinstance(item, ET.Element):
            made.append(item)
        else:
            made.text = word(item)
    return made


def word(value: Any) -> str:
    """A value as SDF writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.9g}"
    if isinstance(value, (list, tuple, np.ndarray)):
        return " ".join(word(part) for part in value)
    return str(value)


def pose(a_T_b: NDArray[np.float64], **attributes: Any) -> ET.Element:
    """`<pose>` of a (4, 4)."""
    rpy = mat2euler(a_T_b[:3, :3], "sxyz")
    clean = [0.0 if abs(v) < 1e-12 else round(float(v), 9) for v in (*a_T_b[:3, 3], *rpy)]
    return element("pose", clean, **attributes)


def at(x: float, y: float, z: float) -> ET.Element:
    """`<pose>` without turn."""
    return element("pose", [x, y, z, 0, 0, 0])


def material(rgb: Sequence[float], shine: float = 0.05) -> ET.Element:
    """A matt material of a linear colour."""
    colour = [round(float(c), 4) for c in rgb] + [1]
    return element(
        "material",
        element("ambient", colour),
        element("diffuse", colour),
        element("specular", [shine] * 3 + [1]),
    )


def system(name: str, *content: ET.Element) -> ET.Element:
    """`<plugin>` of one of Gazebo's own systems, such as `DiffDrive` (see table.py)."""
    from tenacious_rover.gazebo.table import SYSTEMS

    return element(
        "plugin", *content, filename=SYSTEMS[name].library, name=f"gz::sim::systems::{name}"
    )


def document(*content: ET.Element) -> str:
    """The text of a whole SDF file."""
    root = element("sdf", *content, version=VERSION)
    ET.indent(root, " ")
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0"?>\n{text}\n'
