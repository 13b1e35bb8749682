# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Small worlds made by hand: a plane, a step, a rock here or there."""

from __future__ import annotations

import dataclasses

import numpy as np

from tenacious_rover.rover.description import load_rover
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.ground import SOILS, Block, Craters, Rocks, World
from tenacious_rover.simulator.world import checked

GRAVITY = 1.62


def plane(slope_deg=0.0, size_m=12.0, step=0.05, soil="mare", rocks=(), faults=(), start=(0, 0, 0)):
    """A tilted plane that rises towards +x, with `rocks` as (x, y, radius of a ball, z)."""
    n = round(size_m / step) + 1
    ruler = step * np.arange(n) - size_m / 2.0
    heights = np.tile(np.tan(np.radians(slope_deg)) * ruler, (n, 1)).astype(np.float32)
    content = {
        "world": "yard",
        "size_m": size_m,
        "resolution_m": step,
        "start": {"x_m": start[0], "y_m": start[1], "yaw_deg": start[2]},
        "sun": {"azimuth_deg": 180.0, "elevation_deg": 30.0},
        "faults": list(faults),
    }
    balls = np.array(rocks, float).reshape(-1, 4)
    return World(
        spec=checked(content, "yard"),
        heights=heights,
        origin=np.full(2, -size_m / 2.0),
        resolution_m=step,
        rocks=Rocks(
            balls[:, [0, 1, 3]],
            np.repeat(balls[:, 2:3], 3, axis=1),
            np.tile(np.eye(3), (len(balls), 1, 1)),
            2.0 * balls[:, 2],
        ),
        craters=Craters(np.zeros((0, 2)), np.zeros(0), np.zeros(0)),
        soils=(SOILS[soil],),
        soil_index=np.zeros((n, n), np.uint8),
        lander=(),
        digest="0" * 64,
    )


def with_block(world, x, y, size):
    """The same world with a box of `size` (3,) that stands on the plane as its lander."""
    pose = np.eye(4)
    pose[:3, 3] = (x, y, size[2] / 2.0)
    block = Block(pose, np.array(size), (0.5, 0.5, 0.5), "lander")
    return dataclasses.replace(world, lander=(block,))


def simulator(world=None, seed=0, **keywords):
    """A simulator without cameras."""
    return Simulator(world or plane(), load_rover("tenacious"), seed, cameras=False, **keywords)


def driven(sim, linear, angular, seconds):
    """Drive for a while with a command at 10 Hz; what was measured."""
    found = []
    for _ in range(round(seconds * 10)):
        sim.drive(linear, angular)
        found += sim.advance(0.1)
    return found


def of(kind, found):
    """Those measurements of a kind."""
    return [one for one in found if isinstance(one, kind)]
