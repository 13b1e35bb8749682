# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""World files of the embedded simulator, exported for Gazebo, and kept in step with it.

The two rooms know nothing of each other; this module stands above both.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

from tenacious_rover.gazebo import slip
from tenacious_rover.gazebo.vehicle import Wheels
from tenacious_rover.gazebo.world import MAX_ROCKS, export
from tenacious_rover.simulator.build import build_world, key
from tenacious_rover.simulator.ground import SOILS
from tenacious_rover.simulator.world import load_world

if TYPE_CHECKING:
    from pathlib import Path

    from tenacious_rover.rover.model import Rover
    from tenacious_rover.simulator.world import WorldSpec

MOON_MPS2 = 1.62


def world_key(spec: WorldSpec, gravity_mps2: float = MOON_MPS2) -> str:
    """Of all in a world file that an export depends on: its ground, light, start and gravity."""
    light = [round(float(v), 6) for v in spec.sun_direction(0.0)]
    text = f"{key(spec)} {light} {spec.start} {gravity_mps2:g}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def export_world(
    name: str, folder: Path, gravity_mps2: float = MOON_MPS2, max_rocks: int = MAX_ROCKS
) -> dict[str, Any]:
    """Export a world file, by name or path, to `folder`; what `world.json` says.

    Raises:
        WorldError: the world file is wrong.
        GazeboError: it cannot be exported.
    """
    spec = load_world(name)
    soil = SOILS[spec.soil]
    return export(
        build_world(spec),
        folder,
        name=spec.world,
        key=world_key(spec, gravity_mps2),
        sun=spec.sun_direction(0.0),
        start=spec.start,
        friction=math.tan(math.radians(soil.friction_deg)),
        gravity_mps2=gravity_mps2,
        max_rocks=max_rocks,
    )


def wheels_on(rover: Rover, spec: WorldSpec) -> Wheels:
    """How a rover's wheels meet the main soil of a world."""
    soil = SOILS[spec.soil]
    wheel = rover.wheels[0]
    load = rover.mass_kg * rover.gravity_mps2 / len(rover.wheels)
    slips = slip.compliance(soil, load, wheel.radius_m, wheel.width_m)
    return Wheels(math.tan(math.radians(soil.friction_deg)), slips)
