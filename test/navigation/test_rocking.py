# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Wheels that a turn has dug in, in the soil of the simulator: rocking gets them out."""

import numpy as np
import pytest

from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.navigation.rocking import Rocking
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.world import WorldSpec

CONFIG = NavigationConfig()
TICK_S = 0.1


@pytest.fixture
def dug_in():
    soft = {"kind": "slip_patch", "x": 0.0, "y": 0.0, "radius_m": 3.0, "grip": 0.6}
    world = {"world": "soft", "size_m": 16, "resolution_m": 0.1, "faults": [soft]}
    world |= {"rocks": {"k": 0.0}, "start": {"x_m": 0.0, "y_m": 0.0, "yaw_deg": 0.0}}
    rover = load_rover("tenacious")
    made = Simulator(build_world(WorldSpec(**world), cache=False), rover, 1, cameras=False)
    made.advance(1.0)
    for _ in range(100):
        made.drive(0.0, -0.5)
        made.advance(TICK_S)
    return made


def moved(simulator, start):
    return float((frames.inverse(start) @ simulator.truth.map_T_base)[0, 3])


def straight_back(simulator, seconds=4.0):
    start = simulator.truth.map_T_base
    for _ in range(round(seconds / TICK_S)):
        simulator.drive(-0.1, 0.0)
        simulator.advance(TICK_S)
    return moved(simulator, start)


def test_straight_out_of_a_pit_only_digs(dug_in):
    assert abs(straight_back(dug_in)) < 0.03


def test_rocking_gets_the_wheels_out(dug_in):
    start = dug_in.truth.map_T_base
    rocking, far = Rocking(CONFIG, ahead=False), [0.0]
    while (wanted := rocking.steer(dug_in.time_s, dug_in.truth.map_T_base)) is not None:
        dug_in.drive(*wanted)
        dug_in.advance(TICK_S)
        far.append(moved(dug_in, start))
    assert rocking.free
    assert max(np.abs(far)) < 0.1
    assert straight_back(dug_in) < -0.15


def test_only_the_stroke_that_way_tells_that_it_is_free():
    """Downhill, ahead, every stroke carries; back it is after the 20th."""
    rocking, x, strokes, before = Rocking(CONFIG, ahead=False), 0.0, 0, 0.0
    for tick in range(2000):
        wanted = rocking.steer(TICK_S * tick, frames.planar(x, 0.0, 0.0))
        if wanted is None:
            break
        strokes += np.sign(wanted[0]) != before
        before = np.sign(wanted[0])
        x += TICK_S * wanted[0] * (before > 0.0 or strokes > 20)
    assert rocking.free
    assert strokes == 21


def test_wheels_that_stay_held_end_it():
    rocking, times = Rocking(CONFIG, ahead=True), np.arange(0.0, 200.0, TICK_S)
    wanted = [rocking.steer(float(t), np.eye(4)) for t in times]
    assert None in wanted
    until = wanted.index(None)
    assert not rocking.free
    assert times[until] == pytest.approx(CONFIG.rock_strokes * CONFIG.rock_stroke_s, rel=0.05)
    speeds = np.array([one[0] for one in wanted[:until]])
    assert (np.diff(np.sign(speeds)) != 0.0).sum() == CONFIG.rock_strokes - 1
