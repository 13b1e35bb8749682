# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What skid steering does in the simulator's soil between an arc and a turn in place."""

import numpy as np
import pytest

from tenacious_rover.navigation.follow import SlipCompensation
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.world import WorldSpec

SECONDS, SPEED = 6.0, 0.1


@pytest.fixture(scope="module")
def level():
    world = {"world": "level", "size_m": 16, "resolution_m": 0.1, "rocks": {"k": 0.0}}
    world |= {"start": {"x_m": 0.0, "y_m": 0.0, "yaw_deg": 0.0}}
    return load_rover("tenacious"), build_world(WorldSpec(**world), cache=False)


def driven(level, speed, rate):
    """Metres (straight from start to end) and rad."""
    rover, world = level
    simulator = Simulator(world, rover, 1, cameras=False)
    simulator.advance(1.0)
    start = simulator.truth.map_T_base
    for _ in range(round(SECONDS / 0.1)):
        simulator.drive(speed, rate)
        simulator.advance(0.1)
    moved = frames.inverse(start) @ simulator.truth.map_T_base
    return float(np.hypot(*moved[:2, 3])), frames.yaw(moved)


def test_the_sharpest_arc_that_is_asked_for_is_driven(level):
    speed, rate = SlipCompensation().command((SPEED, 10.0), level[0])
    metres, turned = driven(level, speed, rate)
    assert metres > 0.5 * speed * SECONDS
    assert turned / metres > 1.6  # 1/m: as sharp as the arcs that are planned


def test_beyond_it_the_wheels_dig(level):
    metres, turned = driven(level, SPEED, 0.5)
    assert metres < 0.2 * SPEED * SECONDS
    assert turned < 0.3 * 0.5 * SECONDS
