# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The scoop: what it takes is missing in the ground, what it meets is felt in its joints."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yard import driven, of, plane, simulator

from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.measurements import Joints
from tenacious_rover.simulator.bowl import Bowl
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.scoop import deposit

REPOSE = 0.7
DIG = ((-0.20, 1.33), (0.13, 1.0), (0.13, -0.1), (-0.2, -0.25))
"""Above the ground, in, curled, lifted: lift and tilt."""


def scooped(world=None, times=1):
    sim = simulator(world)
    before = sim.dynamics.heights.copy()
    for turn in range(times):
        for lift, tilt in DIG:
            sim.move_scoop(lift, tilt, 1.0)
            sim.advance(4.5 if (lift, tilt) == DIG[0] and not turn else 2.5)
    return sim, before


@pytest.fixture(scope="module")
def one():
    """One scoop of soil on level ground, and the heights before."""
    return scooped()


def gone_ml(sim, before):
    lost = (before.astype(float) - sim.dynamics.heights).sum()
    return lost * sim.world.resolution_m**2 * 1e6


def test_what_is_carried_is_missing_in_the_ground(one):
    sim, before = one
    truth = sim.truth
    assert truth.carried_ml > 5.0
    assert gone_ml(sim, before) == pytest.approx(truth.carried_ml, rel=1e-3)
    assert [dig.volume_ml for dig in truth.digs] == pytest.approx([truth.carried_ml], rel=1e-9)


def test_hole_is_where_the_record_says(one):
    sim, before = one
    place = sim.truth.digs[0].place
    rows, columns = np.nonzero(before - sim.dynamics.heights)
    weight = (before - sim.dynamics.heights)[rows, columns]
    x = sim.world.origin[0] + 0.05 * np.sum(columns * weight) / weight.sum()
    y = sim.world.origin[1] + 0.05 * np.sum(rows * weight) / weight.sum()
    assert place[:2] == pytest.approx([x, y], abs=0.003)
    scoop = sim.rover.scoop
    assert place[1] == pytest.approx(scoop.lift_origin[1], abs=0.02)


def test_window_of_changed_ground_is_handed_on(one):
    sim, before = one
    again = before.copy()
    for row, column, patch in sim.dynamics.changes:
        again[row : row + patch.shape[0], column : column + patch.shape[1]] = patch
    assert np.array_equal(again, sim.dynamics.heights)


def test_bowl_takes_no_more_than_it_holds():
    rover = load_rover("tenacious")
    small = replace(rover, scoop=replace(rover.scoop, capacity_ml=6.0))
    sim = Simulator(plane(), small, cameras=False)
    before, most = sim.dynamics.heights.copy(), 0.0
    for lift, tilt in DIG:
        sim.move_scoop(lift, tilt, 1.0)
        for _ in range(15):
            sim.advance(0.3)
            most = max(most, sim.truth.carried_ml)
    assert most == pytest.approx(6.0, rel=1e-6)
    assert gone_ml(sim, before) == pytest.approx(sim.truth.carried_ml, abs=0.01)


def test_ground_is_felt_as_effort_of_the_lift_joint():
    sim = simulator()
    sim.move_scoop(-0.2, 1.33, 3.0)
    air = of(Joints, sim.advance(5.0))[-20:]
    sim.move_scoop(0.08, 1.05, 1.5)
    soil = of(Joints, sim.advance(2.0))[-20:]
    at = air[0].names.index(sim.rover.scoop.lift_joint)
    rise = np.mean([o.effort[at] for o in soil]) - np.mean([o.effort[at] for o in air])
    assert rise > 0.12


def test_rock_stops_the_blade():
    x, y = 0.45, float(simulator().rover.scoop.lift_origin[1])
    sim, before = scooped(plane(rocks=[(x, y, 0.06, -0.01)]))
    assert gone_ml(sim, before) == 0.0
    assert not sim.truth.digs
    assert not sim.truth.hits


def test_turned_over_it_spills_back_to_the_ground():
    sim, before = scooped()
    sim.move_scoop(-0.3, 1.8, 3.0)
    sim.advance(4.0)
    assert sim.truth.carried_ml == 0.0
    assert gone_ml(sim, before) == pytest.approx(0.0, abs=0.05)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3e-5, 3e-5)),
        min_size=1,
        max_size=6,
    )
)
def test_soil_is_conserved_wherever_it_is_put(items):
    sim = SIM
    table = np.array(items)
    row, column, patch = deposit(sim.dynamics, table[:, :2], table[:, 2])
    r, c = patch.shape
    before = sim.dynamics.heights[row : row + r, column : column + c].astype(float)
    moved = (patch.astype(float) - before).sum() * 0.05**2
    assert moved == pytest.approx(table[:, 2].sum(), abs=1e-9)


SIM = simulator()


def test_soil_off_the_map_is_not_taken():
    assert deposit(SIM.dynamics, np.array([[7.0, 0.0]]), np.array([1e-5])) is None


def leaning(scoop, lift, tilt):
    """Up in the blade's frame on level ground."""
    total = lift + tilt
    return np.array([-np.sin(total), 0.0, np.cos(total)])


def test_stowed_bowl_holds_its_soil_on_slopes_and_upside_down_nothing():
    scoop = SIM.rover.scoop
    bowl = Bowl(scoop)
    stowed = leaning(scoop, *scoop.stow)
    assert bowl.holds_ml(stowed, REPOSE) == scoop.capacity_ml
    assert bowl.holds_ml(-stowed, REPOSE) == 0.0
    assert bowl.holds_ml(leaning(scoop, 0.0, 0.5 * np.pi), REPOSE) == pytest.approx(0.0, abs=1e-9)
    for roll, pitch in ((25.0, 0.0), (-25.0, 0.0), (0.0, 25.0), (0.0, -25.0)):
        turned = frames.from_rpy((0, 0, 0), (np.radians(roll), np.radians(pitch), 0.0))[:3, :3]
        assert bowl.holds_ml(turned @ stowed, REPOSE) > 20.0


def test_bowl_without_repose_holds_a_wedge_of_water():
    # A box of length L, walls h high, open at the front, that rears up by b: water stands level
    # with the front edge, a wedge of angle b; the walls are higher than that.
    scoop, b = SIM.rover.scoop, np.radians(10.0)
    wedge = scoop.blade_length_m**2 * np.tan(b) / 2.0 * scoop.blade_width_m * 1e6
    held = Bowl(scoop).holds_ml(np.array([np.sin(b), 0.0, np.cos(b)]), 0.0)
    assert held == pytest.approx(wedge, rel=0.04)


def test_a_scoop_that_leans_loses_what_it_does_not_hold():
    sim, before = scooped()
    carried = sim.truth.carried_ml
    sim.move_scoop(-0.3, 1.08, 2.0)
    sim.advance(3.0)
    left = sim.truth.carried_ml
    assert 0.0 < left < carried
    assert gone_ml(sim, before) == pytest.approx(left, abs=0.05)


def test_soil_stays_in_while_it_is_stowed_and_driven_over_a_slope():
    sim, _ = scooped(plane(8.0))
    carried = sim.truth.carried_ml
    sim.move_scoop(*sim.rover.scoop.stow, 4.0)
    sim.advance(5.0)
    driven(sim, 0.08, 0.0, 4.0)
    driven(sim, 0.0, 0.3, 6.0)
    assert sim.truth.carried_ml == pytest.approx(carried)
    assert carried > 5.0
