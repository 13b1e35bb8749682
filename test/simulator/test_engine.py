# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One class to drive the simulator: time, order, safety, determinism."""

import hashlib
import math
import subprocess
import sys

import numpy as np
import pytest
from yard import driven, of, plane, simulator

from tenacious_rover.rover.measurements import Attached, Battery, Imu, Joints, Sun, Temperature
from tenacious_rover.simulator import journal
from tenacious_rover.simulator.error import SimulatorError

RUN = """
import sys, hashlib
sys.path.insert(0, "test/simulator")
from test_engine import digest, story
print(digest(*story(seed=int(sys.argv[1]))))
"""


def story(seed=3):
    """Drive over a rock, scoop, release; returns the simulator and what it measured."""
    sim = simulator(plane(4.0, rocks=[(0.5, 0.1, 0.06, -0.01)]), seed)
    found = driven(sim, 0.06, 0.1, 3.0)
    sim.inject({"kind": "slip_patch", "x": 0.3, "y": 0.0, "radius_m": 0.2})
    found += driven(sim, 0.06, 0.0, 2.0)
    sim.drive(math.nan, 0.0)
    sim.move_scoop(0.4, 1.0, 1.0)
    sim.arm(True)
    found += sim.advance(1.0)
    sim.release()
    found += sim.advance(1.0)
    return sim, found


def digest(sim, found):
    hasher = hashlib.sha256()
    for one in found:
        hasher.update(repr(type(one)).encode())
        for value in vars(one).values():
            hasher.update(np.asarray(value).tobytes() if not isinstance(value, tuple) else b"")
    hasher.update(sim.dynamics.data.qpos.tobytes())
    return hasher.hexdigest()


def test_samples_come_in_order_at_their_rates():
    sim = simulator()
    found = sim.advance(2.0) + sim.advance(3.0)
    times = [one.time_s for one in found]
    assert times == sorted(times)
    counts = {kind: len(of(kind, found)) for kind in (Imu, Joints, Sun, Battery)}
    assert counts == {Imu: 500, Joints: 250, Sun: 5, Battery: 5}
    assert len(of(Temperature, found)) == len(sim.rover.temperatures)
    assert [one.attached for one in of(Attached, found)] == [True]
    assert found[-1].time_s == pytest.approx(5.0)


def test_imu_at_rest_feels_gravity_upwards():
    sim = simulator()
    sim.advance(2.0)
    imu = of(Imu, sim.advance(2.0))
    accel = np.mean([one.accel for one in imu], axis=0)
    assert accel[2] == pytest.approx(1.62, abs=0.03)
    assert np.abs(accel[:2]).max() < 0.03
    assert np.abs(np.mean([one.gyro for one in imu], axis=0)).max() < 0.003


def test_gyro_integrates_to_the_true_turn():
    sim = simulator()
    sim.advance(1.0)
    sim._suite._imu.gyro_bias[:] = 0.0
    before = np.arctan2(sim.truth.map_T_base[1, 0], sim.truth.map_T_base[0, 0])
    imu = of(Imu, driven(sim, 0.0, 0.3, 5.0))
    after = np.arctan2(sim.truth.map_T_base[1, 0], sim.truth.map_T_base[0, 0])
    assert sum(one.gyro[2] for one in imu) * 0.01 == pytest.approx(after - before, abs=0.01)


def test_stops_by_itself_half_a_second_after_the_newest_command():
    sim = simulator()
    sim.advance(1.0)
    driven(sim, 0.08, 0.0, 2.0)
    sim.advance(0.35)
    assert sim.truth.linear[0] > 0.05
    sim.advance(1.5)
    assert abs(sim.truth.linear[0]) < 1e-3


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_command_that_is_no_number_stops_and_is_reported(bad):
    sim = simulator()
    driven(sim, 0.08, 0.0, 2.0)
    driven(sim, 0.05, bad, 1.5)
    assert np.abs(sim.truth.rates).max() < 1e-2
    assert sim.reports[0][1] == "command_refused"


def test_command_beyond_the_limits_is_clamped():
    sim = simulator()
    driven(sim, 5.0, 0.0, 2.0)
    wheel = sim.rover.wheels[0]
    assert sim.truth.rates[0] * wheel.radius_m == pytest.approx(
        sim.rover.limits.speed_mps, rel=0.02
    )


def test_same_speed_whatever_the_rate_of_commands():
    ends = []
    for rate in (5, 20):
        sim = simulator()
        for _ in range(5 * rate):
            sim.drive(0.06, 0.0)
            sim.advance(1.0 / rate)
        ends.append(sim.truth.xy[0])
    assert ends[0] == pytest.approx(ends[1], abs=1e-4)


def test_release_only_while_armed_and_arming_runs_out():
    sim = simulator()
    sim.release()
    assert sim.truth.attached
    assert sim.reports[-1][1] == "release_ignored"
    sim.arm(True)
    sim.advance(30.1)
    sim.release()
    assert sim.truth.attached
    sim.arm(True)
    sim.arm(False)
    sim.release()
    assert sim.truth.attached
    sim.arm(True)
    sim.advance(29.0)
    sim.release()
    assert [one.attached for one in of(Attached, sim.advance(0.1))] == [False]
    sim.release()
    assert "nothing" in sim.reports[-1][2]


def test_same_seed_same_run_bit_for_bit_in_two_processes():
    outcomes = {
        subprocess.run(
            [sys.executable, "-c", RUN, "3"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    }
    assert outcomes == {digest(*story(3))}


def test_other_seed_other_noise_same_ground():
    a, b = simulator(seed=1), simulator(seed=2)
    x, y = of(Imu, a.advance(0.1))[-1], of(Imu, b.advance(0.1))[-1]
    assert not np.array_equal(x.gyro, y.gyro)
    assert np.array_equal(a.dynamics.data.qpos, b.dynamics.data.qpos)


def test_command_log_runs_again_exactly():
    sim, found = story()
    lines = [journal.line(command) for command in sim.log]
    again = simulator(plane(4.0, rocks=[(0.5, 0.1, 0.06, -0.01)]), 3)
    log = journal.commands(lines)
    stops = [700, 1501, sim.dynamics.steps]
    measured = [one for part in journal.rerun(again, log, stops) for one in part]
    assert digest(again, measured) == digest(sim, found)


def test_how_time_is_cut_does_not_matter():
    a, b = simulator(), simulator()
    for sim, step in ((a, 0.02), (b, 0.1)):
        sim.drive(0.05, 0.1)
        for _ in range(round(0.4 / step)):
            sim.advance(step)
    assert np.array_equal(a.dynamics.data.qpos, b.dynamics.data.qpos)


def test_metadata_names_the_seed_and_the_ground():
    data = simulator(seed=9).metadata
    assert data["seed"] == 9
    assert {"world", "world_seed", "world_digest", "rover"} <= set(data)


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan])
def test_time_passes_forwards_only(seconds):
    with pytest.raises(SimulatorError, match="advance"):
        simulator().advance(seconds)


def test_no_cameras_no_picture():
    with pytest.raises(SimulatorError, match="cameras=False"):
        simulator().capture()


@pytest.mark.parametrize("text", ["", "{}", '{"step": 1, "name": "explode", "arguments": []}'])
def test_broken_journal_is_refused(text):
    with pytest.raises(SimulatorError, match="command 1"):
        journal.commands([text])
