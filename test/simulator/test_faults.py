# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Things that go wrong do what they say, for as long as they say, and are refused when wrong."""

import numpy as np
import pytest
from yard import driven, of, plane, simulator

from tenacious_rover.rover.measurements import Battery, Imu, Joints
from tenacious_rover.simulator.error import SimulatorError
from tenacious_rover.simulator.faults import KINDS, FaultBoard, fault

WHEEL = "wheel_front_left_joint"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "gremlin"}, "not one of dropout"),
        ({}, "kind"),
        ("dropout", "mapping"),
        ({"kind": "dropout", "sensor": "nose"}, "sensor: 'nose'"),
        ({"kind": "dropout"}, "sensor"),
        ({"kind": "blackout", "start_s": 5, "end_s": 4}, "not after"),
        ({"kind": "blackout", "start_s": -1}, "start_s: -1"),
        ({"kind": "lens_dust", "cover": 2}, "cover: 2"),
        ({"kind": "stuck_wheel", "wheel": "w", "depth": 1}, "depth"),
        ({"kind": "slip_patch", "x": 0.0, "y": "far"}, "y: 'far'"),
    ],
)
def test_wrong_fault_is_refused_by_name(values, words):
    with pytest.raises(SimulatorError, match=words):
        fault(values, "worlds/x.yaml: faults[0]")


@pytest.mark.parametrize(
    "values",
    [{"kind": "stuck_wheel", "wheel": "fifth"}, {"kind": "stuck_encoder", "joint": "knee"}],
)
def test_part_that_the_rover_lacks_is_refused(values):
    with pytest.raises(SimulatorError, match="not one of"):
        FaultBoard([], simulator().rover).add(values)


def test_every_kind_says_what_it_is():
    for kind, model in KINDS.items():
        assert model.__doc__
        assert model.model_fields["kind"].default == kind


def test_faults_of_the_world_file_hold_in_their_window():
    faults = [{"kind": "dropout", "sensor": "imu", "start_s": 1.0, "end_s": 2.0}]
    found = simulator(plane(faults=faults)).advance(3.0)
    times = np.array([one.time_s for one in of(Imu, found)])
    assert len(times) == pytest.approx(200, abs=2)
    assert not np.any((times > 1.02) & (times < 1.98))
    assert len(of(Joints, found)) == 150


def test_noise_is_louder():
    quiet, loud = simulator(), simulator()
    loud.inject({"kind": "noise", "sensor": "imu", "factor": 20.0})
    spread = [np.std([o.gyro for o in of(Imu, s.advance(2.0))[50:]]) for s in (quiet, loud)]
    assert spread[1] > 8 * spread[0]


def test_gyro_bias_steps():
    sim = simulator()
    before = np.mean([o.gyro for o in of(Imu, sim.advance(1.0))], axis=0)
    sim.inject({"kind": "gyro_bias", "step_radps": [0.0, 0.0, 0.05]})
    sim.advance(0.1)
    after = np.mean([o.gyro for o in of(Imu, sim.advance(1.0))], axis=0)
    assert after - before == pytest.approx([0, 0, 0.05], abs=2e-3)


def test_stuck_wheel_stands_and_drags_the_rover_aside():
    sim = simulator()
    sim.inject({"kind": "stuck_wheel", "wheel": WHEEL, "end_s": 6.0})
    driven(sim, 0.06, 0.0, 5.0)
    assert abs(sim.truth.rates[0]) < 1e-3
    assert sim.truth.rates[1] > 0.5
    assert np.arctan2(*sim.truth.map_T_base[[1, 0], [0, 0]]) > 0.02  # to the left
    driven(sim, 0.06, 0.0, 3.0)
    assert sim.truth.rates[0] > 0.5


def test_stuck_encoder_lies_while_the_wheel_turns():
    sim = simulator()
    sim.inject({"kind": "stuck_encoder", "joint": WHEEL})
    joints = of(Joints, driven(sim, 0.06, 0.0, 3.0))
    assert np.ptp([one.position[0] for one in joints]) == 0.0
    assert joints[-1].velocity[0] == 0.0
    assert sim.truth.rates[0] > 0.5


def test_slip_patch_holds_the_rover_back():
    ends = []
    for grip in (1.0, 0.25):
        sim = simulator()
        sim.inject({"kind": "slip_patch", "x": 0.0, "y": 0.0, "radius_m": 3.0, "grip": grip})
        driven(sim, 0.05, 0.0, 10.0)
        ends.append((sim.truth.xy[0], sim.truth.slip.mean()))
    assert ends[1][0] < 0.85 * ends[0][0]
    assert ends[1][1] > ends[0][1] + 0.1


def test_blackout_is_silent_and_deaf_and_stops_the_rover():
    sim = simulator()
    driven(sim, 0.06, 0.0, 1.0)
    sim.inject({"kind": "blackout", "start_s": 1.0, "end_s": 4.0})
    found = driven(sim, 0.06, 0.0, 2.9)
    assert len(found) <= 3
    assert np.abs(sim.truth.rates).max() < 0.05
    assert of(Imu, driven(sim, 0.06, 0.0, 1.5))
    assert sim.truth.rates.min() > 0.5


def test_brown_out_takes_the_motors_not_the_sensors():
    sim = simulator()
    driven(sim, 0.06, 0.0, 2.0)
    sim.inject({"kind": "brown_out"})
    found = driven(sim, 0.06, 0.0, 3.0)
    assert np.abs(sim.truth.rates).max() < 0.05
    assert len(of(Imu, found)) == 300
    assert of(Battery, found)


def test_sticking_latch_opens_at_the_third_release():
    sim = simulator(plane(faults=[{"kind": "sticking_latch", "tries": 2}]))
    sim.arm(True)
    outcomes = []
    for _ in range(3):
        sim.release()
        sim.advance(0.5)
        outcomes.append(sim.truth.attached)
    assert outcomes == [True, True, False]
    assert not sim.reports
