# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rover's own scoop sequence on simulated ground: soil is taken, buried rock is noticed."""

import numpy as np
import pytest
from yard import plane, simulator

from tenacious_rover.rover.measurements import Joints as Sample
from tenacious_rover.sampling.config import SamplingConfig
from tenacious_rover.sampling.scooping import Joints, Phase, Scooping

SCOOP = simulator().rover.scoop
X, Y = 0.43, float(SCOOP.lift_origin[1])


def scooped(world):
    sim = simulator(world)
    sim.advance(1.5)
    scooping = Scooping(sim.rover, SamplingConfig())
    while not scooping.finished:
        for sample in sim.advance(0.02):
            if not isinstance(sample, Sample) or scooping.finished:
                continue
            a, b = (sample.names.index(name) for name in (SCOOP.lift_joint, SCOOP.tilt_joint))
            pitch = float(np.arcsin(sim.truth.map_T_base[2, 0]))
            angles = sample.position[a], sample.position[b], sample.effort[a], sample.effort[b]
            target = scooping.step(Joints(sample.time_s, *map(float, angles), pitch))
            if target is not None:
                sim.move_scoop(target.lift, target.tilt, target.duration_s)
    return sim, scooping


@pytest.mark.parametrize("world", [{}, {"slope_deg": 8.0}, {"slope_deg": -8.0}, {"soil": "loose"}])
def test_soil_is_taken(world):
    sim, scooping = scooped(plane(**world))
    assert scooping.phase is Phase.DONE
    assert sim.truth.carried_ml > 10.0


@pytest.mark.parametrize("soil", ["loose", "powder"])
def test_soft_ground_is_felt_before_the_blade_is_buried(soil):
    sim, scooping = scooped(plane(soil=soil))
    depth = -float(scooping.contact[2]) - sim.rover.wheel_radius_m
    assert -0.01 < depth < 0.03


@pytest.mark.parametrize("below_m", [-0.01, 0.005, 0.012])
@pytest.mark.parametrize("aside_m", [0.0, 0.03])
def test_rock_under_the_blade_is_noticed_by_the_front_that_rises(below_m, aside_m):
    sim, scooping = scooped(plane(rocks=[(X, Y + aside_m, 0.06, -0.06 - below_m)]))
    assert scooping.phase is Phase.ROCK
    assert scooping.front_rise_m > SamplingConfig().rock_rise_m
    assert sim.truth.carried_ml < SamplingConfig().min_volume_ml
    assert not sim.truth.hits


def test_rock_below_the_hole_does_not_matter():
    sim, scooping = scooped(plane(rocks=[(X, Y, 0.06, -0.06 - 0.03)]))
    assert scooping.phase is Phase.DONE
    assert sim.truth.carried_ml > 10.0
