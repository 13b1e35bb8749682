# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rover's body: weight, sinkage, slopes, rocks, the house on its latch and off it."""

import numpy as np
import pytest
from yard import GRAVITY, driven, plane, simulator, with_block

from tenacious_rover.rover.description import load_rover
from tenacious_rover.simulator.config import SimulatorConfig
from tenacious_rover.simulator.dynamics import Dynamics

ROVER = load_rover("tenacious")


def dynamics(world=None, rover=ROVER, **config):
    return Dynamics(world or plane(), rover, SimulatorConfig(**config))


def settled(body, seconds=3.0):
    for _ in range(round(seconds / 0.002)):
        body.step()
    return body


def test_mass_of_the_model_is_the_descriptions():
    body = dynamics()
    own = body.model.body_rootid == body.base
    house = np.arange(body.model.nbody) == body.payload
    assert np.sum(body.model.body_mass[own | house]) == pytest.approx(ROVER.mass_kg, rel=1e-6)


def test_ground_carries_the_weight_and_wheels_sink_a_few_mm():
    body = settled(dynamics())
    assert body.results[:, 2].sum() == pytest.approx(ROVER.mass_kg * GRAVITY, rel=2e-3)
    assert np.all((body.results[:, 1] > 0.001) & (body.results[:, 1] < 0.006))
    assert np.linalg.norm(body.velocity[0]) < 1e-4


def test_softer_soil_is_sunk_into_deeper():
    depths = [
        settled(dynamics(plane(soil=s))).results[:, 1].mean() for s in ("mare", "loose", "powder")
    ]
    assert depths == sorted(depths)


def test_free_fall():
    body = dynamics()
    body.data.qpos[2] += 1.0
    body.data.qpos[body.payload_q + 2] += 1.0
    z0, n = body.data.qpos[2], 250
    for _ in range(n):
        body.step()
    t = n * 0.002
    # Semi-implicit Euler falls dt v / 2 further than the parabola.
    assert z0 - body.data.qpos[2] == pytest.approx(
        0.5 * GRAVITY * t * t + 0.001 * GRAVITY * t, rel=1e-3
    )


def test_energy_is_not_made_when_it_lands():
    body = dynamics()
    body.data.qpos[2] += 0.05
    body.data.qpos[body.payload_q + 2] += 0.05
    mass, highest = ROVER.mass_kg, 0.0
    z0 = body.data.qpos[2]
    for _ in range(1500):
        body.step()
        speed = body.data.qvel[0:3]
        energy = mass * (GRAVITY * (body.data.qpos[2] - z0) + 0.5 * speed @ speed)
        highest = max(highest, energy)
    assert highest < 1e-3 * mass * GRAVITY * 0.05 + 2e-3
    assert np.linalg.norm(body.data.qvel[0:3]) < 1e-2


def test_parked_on_a_slope_it_stays():
    body = settled(dynamics(plane(12.0)), 8.0)
    x = body.data.qpos[0]
    settled(body, 4.0)
    assert abs(body.data.qpos[0] - x) < 0.002
    assert body.results[:, 2].sum() == pytest.approx(
        ROVER.mass_kg * GRAVITY * np.cos(np.radians(12.0)), rel=0.05
    )


def test_slip_rises_with_slope():
    slips = []
    for slope in (0.0, 5.0, 10.0):
        sim = simulator(plane(slope))
        sim.advance(1.0)
        driven(sim, 0.05, 0.0, 10.0)
        slips.append(sim.truth.slip.mean())
    assert slips == sorted(slips)
    assert slips[0] < 0.2
    assert slips[2] > slips[0] + 0.1


def test_loose_crater_wall_entraps():
    sim = simulator(plane(18.0, soil="loose"))
    sim.advance(1.0)
    driven(sim, 0.05, 0.0, 25.0)
    x = sim.truth.xy[0]
    driven(sim, 0.05, 0.0, 5.0)
    assert abs(sim.truth.xy[0] - x) < 0.02
    assert sim.truth.slip.min() > 0.9
    assert sim.truth.sinkage_m.max() > 0.02


def test_straight_and_circle():
    sim = simulator()
    sim.advance(1.0)
    driven(sim, 0.06, 0.0, 20.0)
    x, y = sim.truth.xy
    assert 0.9 < x < 1.2
    assert abs(y) < 0.02
    sim = simulator()
    sim.advance(1.0)
    driven(sim, 0.05, 0.2, 30.0)
    # Skidding wheels turn it less than wanted; never more, never the other way.
    assert 0.04 < sim.truth.angular[2] < 0.2


def test_rocker_lets_a_wheel_over_a_rock_with_half_the_tilt():
    stone = (0.45, 0.1275, 0.06, -0.02)  # 4 cm above ground, before the left wheel
    sim = simulator(plane(rocks=[stone]))
    highest, tilt = 0.0, 0.0
    sim.advance(1.0)
    for _ in range(120):
        driven(sim, 0.06, 0.0, 0.1)
        data, body = sim.dynamics.data, sim.dynamics
        highest = max(highest, data.xpos[body.wheel_bodies[0], 2] - 0.072)
        tilt = max(tilt, sim.truth.tilt_rad)
    assert highest > 0.025  # it climbed
    assert tilt < 0.6 * highest / 0.255 + 0.03
    assert not sim.truth.hits


def test_a_rock_as_high_as_the_belly_is_hit_and_told():
    stone = (0.6, -0.06, 0.04, 0.05)  # beside the house, between the wheels
    sim = simulator(plane(rocks=[stone]))
    sim.advance(0.5)
    driven(sim, 0.08, 0.0, 10.0)
    assert any(other == "rock 0" for _, other in sim.truth.hits)
    assert sim.truth.xy[0] < 0.5


@pytest.mark.parametrize(
    ("aside", "part"), [(0.31, "wheel_front_left"), (0.0, "moonhouse"), (1.0, None)]
)
def test_whatever_of_the_rover_meets_the_lander_is_told(aside, part):
    """Wheels may climb rocks and the house may lie on ground; neither may touch the lander."""
    sim = simulator(with_block(plane(), 0.8, aside, (0.4, 0.4, 0.08)))
    sim.advance(0.5)
    driven(sim, 0.08, 0.0, 12.0)
    hits = sim.truth.hits
    assert any(part in mine and "lander" in other for mine, other in hits) if part else not hits


def test_latched_house_does_not_pass_through_a_rock():
    # As high as the house's floor and 1.5 cm more, below the belly, between the wheels.
    ends = []
    for top in (0.035, 0.065):
        sim = simulator(plane(rocks=[(0.6, 0.04, 0.1, top - 0.1)]))
        sim.advance(0.5)
        driven(sim, 0.06, 0.0, 7.0)
        ends.append(sim.truth.xy[0])
    assert ends[0] > 0.3
    assert ends[1] < ends[0] - 0.05


def released(world, clear=True):
    sim = simulator(world)
    sim.advance(1.0)
    sim.arm(True)
    sim.release()
    sim.advance(3.0)
    if clear:
        driven(sim, -0.05, 0.0, 8.0)
    return sim.truth


def test_house_stands_on_level_ground_where_it_was_let_go():
    truth = released(plane())
    house = truth.map_T_payload
    assert not truth.attached
    assert truth.upright
    assert house[2, 2] > np.cos(np.radians(5.0))
    assert abs(house[2, 3]) < 0.01
    assert house[0, 3] == pytest.approx(ROVER.payload.base_T_payload[0, 3], abs=0.05)
    assert np.linalg.norm(truth.map_T_base[:2, 3] - house[:2, 3]) > 0.3


def test_house_topples_on_a_steep_slope():
    # Rover across the slope of 48 degrees would roll itself; the house alone is set there.
    sim = simulator(plane(48.0))
    body = sim.dynamics
    body.unlatch()
    tilt = np.radians(48.0)
    at = body.payload_q
    body.data.qpos[at : at + 3] = (2.0, 0.0, 2.0 * np.tan(tilt) + 0.03)
    body.data.qpos[at + 3 : at + 7] = (np.cos(tilt / 2), 0.0, -np.sin(tilt / 2), 0.0)
    sim.advance(6.0)
    assert not sim.truth.upright


def test_second_rover_without_rockers_scoop_or_house_stands_and_drives():
    from tenacious_rover.simulator.engine import Simulator

    sim = Simulator(plane(), load_rover("yard"), cameras=False)
    sim.advance(2.0)
    driven(sim, 0.1, 0.0, 5.0)
    assert sim.truth.xy[0] > 0.25
    assert sim.truth.normal_n.sum() == pytest.approx(sim.rover.mass_kg * 9.81, rel=0.05)
