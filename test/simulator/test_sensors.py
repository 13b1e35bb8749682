# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What sensors make of the truth, and what sunlight makes of battery and parts."""

from datetime import UTC, datetime

import numpy as np
import pytest
from yard import driven, of, plane, simulator, with_block

from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.measurements import Battery, Sun
from tenacious_rover.simulator import power, sky
from tenacious_rover.simulator.config import SimulatorConfig
from tenacious_rover.simulator.sensors import ImuSensor, JointSensors, SunSensor

CONFIG = SimulatorConfig()
UP = np.array([0.0, 0.0, 1.62])


def test_imu_noise_has_its_density_and_bias_walks_as_said():
    sensor = ImuSensor(CONFIG, np.random.default_rng(1))
    gyro = np.array([sensor.sample(k / 100, np.zeros(3), UP).gyro for k in range(6000)])
    white = np.std(np.diff(gyro, axis=0)) / np.sqrt(2)
    assert white == pytest.approx(CONFIG.gyro_noise * 10.0, rel=0.04)
    ends = []
    for seed in range(60):
        one = ImuSensor(CONFIG, np.random.default_rng(seed))
        before = one.gyro_bias.copy()
        for k in range(400):
            one.sample(k / 100, np.zeros(3), UP)
        ends.append(one.gyro_bias - before)
    assert np.std(ends) == pytest.approx(CONFIG.gyro_walk * 2.0, rel=0.2)


def test_encoder_counts_whole_ticks_and_their_speed():
    sensor = JointSensors(("a", "b"), CONFIG, np.random.default_rng(0))
    for k in range(10):
        one = sensor.sample(k * 0.02, np.array([0.5 * k * 0.02, -1.0]), np.zeros(2))
    tick = 2 * np.pi / CONFIG.encoder_counts
    assert one.position / tick == pytest.approx(np.round(one.position / tick))
    assert np.all(np.abs(one.position - [0.09, -1.0]) <= tick)
    assert one.velocity[0] == pytest.approx(0.5, abs=tick / 0.1)
    assert one.velocity[1] == 0.0


def test_stuck_encoder_keeps_its_reading_and_goes_on_afterwards():
    sensor = JointSensors(("a",), CONFIG, np.random.default_rng(0))
    seen = [
        sensor.sample(k * 0.02, np.array([0.01 * k]), np.zeros(1), stuck=(0,) if 5 <= k < 9 else ())
        for k in range(12)
    ]
    held = [float(one.position[0]) for one in seen[5:9]]
    assert len(set(held)) == 1
    assert seen[10].position[0] > held[0] + 0.04


def test_sun_sensor_errs_by_what_it_says():
    sensor = SunSensor(CONFIG, np.random.default_rng(2))
    true = np.array([0.6, 0.0, 0.8])
    seen = np.array([sensor.sample(0.0, true).direction for _ in range(4000)])
    assert np.linalg.norm(seen, axis=1) == pytest.approx(1.0)
    angle = np.degrees(np.arccos(np.clip(seen @ true, -1, 1)))
    assert np.sqrt(np.mean(angle**2) / 2) == pytest.approx(CONFIG.sun_noise_deg, rel=0.05)


@pytest.mark.parametrize(("day", "elevation"), [(5, 11.86), (11, 30.96), (18, 1.18)])
def test_sun_stands_where_it_is_published(day, elevation):
    epoch = datetime(2025, 6, day, 19, 17, tzinfo=UTC)
    assert sky.angles(sky.sun_direction(60.5, -4.6, epoch))[1] == pytest.approx(elevation, abs=0.05)


def test_sun_measured_in_the_rovers_frame():
    sim = simulator(plane(start=(0.0, 0.0, 90.0)))
    sun = of(Sun, sim.advance(1.0))[0]
    # The sun stands in the south at 30 degrees; the rover looks north.
    assert sun.direction == pytest.approx([-np.cos(np.pi / 6), 0.0, 0.5], abs=0.05)


def test_no_sun_behind_the_lander_a_rock_or_a_hill():
    assert of(Sun, simulator(plane()).advance(1.0))
    assert not of(Sun, simulator(with_block(plane(), 0.0, -2.0, (2.0, 1.0, 3.0))).advance(1.0))
    assert not of(Sun, simulator(plane(rocks=[(-0.2, -1.4, 1.0, 0.3)])).advance(1.0))
    hill = plane()
    hill.heights[:60] = 3.0
    assert not of(Sun, simulator(hill).advance(1.0))


def test_battery_at_rest_in_the_dark_falls_by_its_load():
    system = power.PowerSystem(CONFIG, 50.0)
    start = system.charge
    for _ in range(3600):
        system.advance(1.0, 0.0, 5.0)
    assert start - system.charge == pytest.approx(5.0 / 50.0, rel=1e-9)
    assert system.current_a < 0.0
    assert system.voltage_v * system.current_a == pytest.approx(-5.0, rel=1e-9)


def test_battery_stays_between_empty_and_full():
    system = power.PowerSystem(CONFIG, 1.0)
    system.advance(36000.0, 0.0, 50.0)
    assert system.charge == 0.0
    system.advance(36000.0, 50.0, 0.0)
    assert system.charge == 1.0
    assert system.current_a == 0.0


def test_panel_gives_what_its_tilt_leaves():
    system = power.PowerSystem(CONFIG, 50.0)
    full = system.solar_w(1.0, True)
    assert full == pytest.approx(1361.0 * CONFIG.panel_area_m2 * CONFIG.panel_efficiency)
    assert system.solar_w(np.sin(np.radians(12.0)), True) == pytest.approx(full * 0.2079, rel=1e-3)
    assert system.solar_w(-0.3, True) == system.solar_w(1.0, False) == 0.0


def test_driving_costs_charge():
    still, moving = simulator(), simulator()
    still.advance(6.0)
    driven(moving, 0.08, 0.0, 6.0)
    assert moving.truth.charge < still.truth.charge


def test_part_comes_to_the_temperature_where_it_radiates_what_it_gets():
    thermal = power.Thermal(("battery",))
    for _ in range(3000):
        thermal.advance(60.0, np.array([10.0]))
    gone = thermal.EMISSIVITY * thermal.AREA_M2 * power.STEFAN_BOLTZMANN
    balance = (10.0 / gone + thermal.SPACE_K**4) ** 0.25
    assert thermal.kelvin[0] == pytest.approx(balance, rel=1e-6)


def test_all_parts_of_the_rover_have_a_temperature():
    rover = load_rover("tenacious")
    assert set(power.Thermal(rover.temperatures).celsius) == set(rover.temperatures)
    battery = of(Battery, simulator().advance(1.0))[0]
    assert 9.0 < battery.voltage_v < 13.0
