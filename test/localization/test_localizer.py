# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole on known drives: frames, signs, lost sensors, rest, restart, honesty."""

import dataclasses
import functools

import made_sensors as synthetic
import numpy as np
import pytest
from scipy.stats import chi2

from tenacious_rover.localization import attitude, checkpoint
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.estimate import Fix
from tenacious_rover.localization.localizer import Localizer
from tenacious_rover.localization.sun import site
from tenacious_rover.rover import frames
from tenacious_rover.rover.measurements import Imu, Joints, Sun

MACHINE = synthetic.rover()
SITE = site(60.5, -4.6, "2025-06-05T19:17:00Z")
CONFIG = LocalizationConfig(start_yaw_sigma_deg=0.5)
DT = 0.02


def localizer(config=CONFIG, yaw=0.0, place=SITE):
    return Localizer(MACHINE, config, frames.planar(0.0, 0.0, yaw), place)


def samples(drive, noise=None, seed=0, sun=True, **more):
    rng = np.random.default_rng(seed)
    noise = noise or synthetic.Noise()
    streams = [
        synthetic.inertial(drive, MACHINE, noise, rng),
        synthetic.wheels(drive, MACHINE, noise, rng, **more),
    ]
    if sun:
        streams.append(synthetic.suns(drive, SITE, noise, rng))
    return synthetic.merged(*streams)


def error(found, drive):
    """Position error (3,) m and heading error in degrees."""
    estimate = found.estimate
    truth = drive.at(estimate.time_s)
    turn = attitude.log(estimate.map_T_base[:3, :3] @ truth[:3, :3].T)
    return estimate.map_T_base[:3, 3] - truth[:3, 3], np.degrees(turn[2])


@pytest.mark.parametrize("speed", [0.08, -0.08])
@pytest.mark.parametrize("turn", [0.15, -0.15])
def test_circle_forwards_and_backwards(speed, turn):
    drive = synthetic.Drive(lambda t: (speed, turn), 30.0, dt=DT)
    found = synthetic.feed(localizer(), samples(drive, synthetic.PERFECT))
    position, heading = error(found, drive)
    assert np.linalg.norm(position) < 0.01 * drive.distance()
    assert abs(heading) < 0.2
    assert found.estimate.linear[0] == pytest.approx(speed, abs=0.004)
    assert found.estimate.angular[2] == pytest.approx(turn, abs=0.004)


@pytest.mark.parametrize(("pitch", "climbs"), [(-0.2, 1.0), (0.2, -1.0)])
def test_up_and_down_a_slope(pitch, climbs):
    """Nose up is a negative pitch about y; driving on then climbs."""
    level = attitude.exp(np.array([0.0, pitch, 0.0]))
    drive = synthetic.Drive(lambda t: (0.08, 0.0), 20.0, level=level, dt=DT)
    found = synthetic.feed(localizer(), samples(drive, synthetic.PERFECT, sun=False))
    position, _ = error(found, drive)
    assert np.linalg.norm(position) < 0.02 * drive.distance()
    height = found.estimate.map_T_base[2, 3]
    assert height == pytest.approx(climbs * drive.distance() * np.sin(0.2), rel=0.03)


def test_side_slope_is_a_roll():
    level = attitude.exp(np.array([0.15, 0.0, 0.0]))
    drive = synthetic.Drive(lambda t: (0.08, 0.0), 10.0, level=level, dt=DT)
    found = synthetic.feed(localizer(), samples(drive, synthetic.PERFECT, sun=False))
    assert attitude.log(found.estimate.map_T_base[:3, :3])[0] == pytest.approx(0.15, abs=0.003)


def test_ten_minutes_of_rest_do_not_drift():
    drive = synthetic.Drive(lambda t: (0.08, 0.05) if t < 5.0 else (0.0, 0.0), 620.0, dt=0.1)
    listed = samples(drive, sun=False, every=2)
    found = localizer(place=None)
    before = None
    for sample in listed:
        found.take(sample)
        if before is None and sample.time_s > 60.0:
            before = found.estimate
    after = found.estimate
    assert np.linalg.norm(after.odom_T_base[:3, 3] - before.odom_T_base[:3, 3]) < 1e-3
    turned = attitude.log(after.odom_T_base[:3, :3] @ before.odom_T_base[:3, :3].T)
    assert np.degrees(np.abs(turned)).max() < 0.05
    noise = synthetic.Noise()
    base_R_imu = MACHINE.base_T_imu[:3, :3]
    gap = found.timeline.state.gyro_bias - base_R_imu @ noise.gyro_bias
    assert np.abs(gap).max() < 1e-4


@functools.cache
def half_minute():
    """A curve, its samples, and what is seen on it; made once, for they take longer than a test."""
    drive = synthetic.Drive(lambda t: (0.08, 0.1), 30.0, dt=DT)
    return drive, tuple(samples(drive)), tuple(synthetic.sightings(drive, np.random.default_rng(1)))


def broken(listed, kind, since, until, how):
    """Samples of a kind within a time: dropped, frozen, spiking, NaN or shifted."""
    out, last = [], None
    for s in listed:
        inside = isinstance(s, kind) and since <= s.time_s < until
        if not inside:
            out.append(s)
            last = s if isinstance(s, kind) else last
        elif how == "dropped":
            continue
        elif how == "frozen":
            out.append(dataclasses.replace(last, time_s=s.time_s))
        elif how == "shifted":
            out.append(dataclasses.replace(s, time_s=s.time_s - 0.15))
        else:
            bad = np.nan if how == "NaN" else 50.0
            field = {Imu: "gyro", Joints: "velocity", Sun: "direction"}[kind]
            if how == "spiking" and round(s.time_s / DT) % 7:
                out.append(s)
            else:
                out.append(dataclasses.replace(s, **{field: getattr(s, field) * 0 + bad}))
    return out


@pytest.mark.parametrize("how", ["dropped", "frozen", "spiking", "NaN", "shifted"])
@pytest.mark.parametrize(("kind", "name"), [(Imu, "imu"), (Joints, "wheels"), (Sun, "sun")])
def test_any_one_sensor_may_fail(kind, name, how):
    """Vision and what is left hold the place, and the loss is told."""
    drive, whole, seen = half_minute()
    listed = broken(whole, kind, 8.0, 25.0, how)
    found, told, waiting = localizer(), [], list(seen)
    for sample in listed:
        while waiting and waiting[0][0] <= sample.time_s:
            found.saw(*waiting.pop(0))
        found.take(sample)
        if 20.0 < sample.time_s < 24.9:
            told.append(found.estimate.status[name])
    position, heading = error(found, drive)
    assert np.linalg.norm(position) < 0.05
    assert abs(heading) < 1.5
    assert np.isfinite(found.estimate.covariance).all()
    if how in ("dropped", "NaN") or (how == "frozen" and name != "sun"):
        assert told[-1].startswith("lost")
    assert found.estimate.status[name] == "ok"


def test_without_vision_the_wheels_carry_on_and_the_covariance_says_so():
    drive = synthetic.Drive(lambda t: (0.08, 0.0), 60.0, dt=DT)
    seen = synthetic.sightings(drive, np.random.default_rng(1))
    with_eyes = synthetic.feed(localizer(), samples(drive), seen)
    blind = synthetic.feed(localizer(), samples(drive), [s for s in seen if s[0] < 20.0])
    assert blind.estimate.status["visual"].startswith("lost")
    position, _ = error(blind, drive)
    sigma = np.sqrt(np.diag(blind.estimate.covariance))[:3]
    assert sigma[0] > 3.0 * np.sqrt(with_eyes.estimate.covariance[0, 0])
    assert (np.abs(position) < 3.5 * sigma).all()


def test_late_pictures_change_nothing_in_the_end():
    drive = synthetic.Drive(lambda t: (0.08, 0.1), 15.0, dt=DT)
    listed, seen = samples(drive), synthetic.sightings(drive, np.random.default_rng(1))
    prompt = synthetic.feed(localizer(), listed, seen)
    late, waiting = localizer(), list(seen)
    for sample in listed:
        late.take(sample)
        while waiting and waiting[0][0] + 0.4 <= sample.time_s:
            late.saw(*waiting.pop(0))
    gap = late.estimate.map_T_base[:3, 3] - prompt.estimate.map_T_base[:3, 3]
    assert np.linalg.norm(gap) < 6e-3


def test_odom_is_continuous_while_the_sun_turns_map():
    config = LocalizationConfig(start_yaw_sigma_deg=20.0)
    drive = synthetic.Drive(lambda t: (0.08, 0.0), 12.0, dt=DT)
    wrong = np.radians(10.0)
    found = localizer(config, yaw=wrong)
    steps, last = [], None
    for sample in samples(drive):
        found.take(sample)
        now = found.estimate
        if last is not None and now.time_s > 1.5:
            jump = np.linalg.norm(now.odom_T_base[:3, 3] - last.odom_T_base[:3, 3])
            turn = abs(frames.wrapped(frames.yaw(now.odom_T_base) - frames.yaw(last.odom_T_base)))
            steps.append((jump, turn))
        last = now
    assert np.max(steps, axis=0)[0] < 0.01
    assert np.degrees(np.max(steps, axis=0)[1]) < 0.5
    assert np.degrees(frames.yaw(last.map_T_odom)) == pytest.approx(-10.0, abs=1.0)
    _, heading = error(found, drive)
    assert abs(heading) < 0.6


def test_gyro_that_steps_is_found_out():
    drive = synthetic.Drive(lambda t: (0.08, 0.0), 40.0, dt=DT)
    listed = [
        dataclasses.replace(s, gyro=s.gyro + [0.0, 0.0, 0.02])
        if isinstance(s, Imu) and s.time_s > 10.0
        else s
        for s in samples(drive)
    ]
    seen = synthetic.sightings(drive, np.random.default_rng(1))
    found = synthetic.feed(localizer(), listed, seen)
    position, heading = error(found, drive)
    assert np.linalg.norm(position) < 0.05
    assert abs(heading) < 1.0
    assert found.timeline.state.gyro_bias[2] == pytest.approx(0.0215, abs=0.002)


def test_wheels_that_spin_in_place_do_not_move_the_rover():
    def drive_or_dig(t):
        return (0.08, 0.0) if t < 10.0 else (0.0, 0.0)

    drive = synthetic.Drive(drive_or_dig, 30.0, dt=DT)
    listed = samples(drive, slip=lambda t: 1.0 if t > 12.0 else 0.05)
    seen = synthetic.sightings(drive, np.random.default_rng(1))
    found = synthetic.feed(localizer(), listed, seen)
    position, _ = error(found, drive)
    assert np.linalg.norm(position) < 0.02
    assert np.nanmin(found.immobility.slip) > 0.8


def test_restart_from_a_checkpoint(tmp_path):
    drive = synthetic.Drive(lambda t: (0.08, 0.1) if t < 10 else (0.0, 0.0), 30.0, dt=DT)
    listed = samples(drive)
    before = localizer()
    for sample in listed:
        if sample.time_s < 14.0:
            before.take(sample)
    path = tmp_path / "checkpoint.json"
    checkpoint.save(path, before.timeline.state)
    after = localizer()
    after.resume(checkpoint.load(path), 0.01, 0.005)
    for sample in listed:
        if sample.time_s > 16.0:
            after.take(sample)
    gap = after.estimate.map_T_base[:3, 3] - before.estimate.map_T_base[:3, 3]
    assert np.linalg.norm(gap) < 5e-3
    assert after.estimate.covariance[0, 0] > 0.95 * before.estimate.covariance[0, 0]


def test_fix_is_believed_or_refused():
    drive = synthetic.Drive(lambda t: (0.08, 0.0), 5.0, dt=DT)
    found = synthetic.feed(localizer(), samples(drive))
    now = found.estimate
    near = frames.planar(0.01, 0.02, 0.0) @ now.map_T_base
    assert found.fix(Fix(now.time_s, near, 1e-4 * np.eye(6), "lander"))
    far = frames.planar(5.0, 0.0, 0.0) @ now.map_T_base
    assert not found.fix(Fix(now.time_s, far, 1e-4 * np.eye(6), "lander"))
    after = found.estimate
    assert np.allclose(after.odom_T_base[:3, 3], now.odom_T_base[:3, 3], atol=1e-9)
    assert frames.yaw(after.odom_T_base) == pytest.approx(frames.yaw(now.odom_T_base), abs=1e-9)
    assert [f.used for f in found.fixes] == [True, False]


def test_covariance_is_honest_over_many_runs():
    """Mean normalised error squared of position and heading inside its 99 % bounds."""
    runs, values = 30, []
    for seed in range(runs):
        rng = np.random.default_rng(1000 + seed)
        noise = synthetic.Noise(
            gyro=CONFIG.gyro_noise,
            accel=CONFIG.accel_noise,
            gyro_bias=CONFIG.gyro_bias_sigma * rng.standard_normal(3),
            accel_bias=CONFIG.accel_bias_sigma * rng.standard_normal(3),
            slip=float(CONFIG.slip_sigma * rng.standard_normal() * 0.5),
            sun=np.radians(CONFIG.sun_sigma_deg),
        )
        drive = synthetic.Drive(lambda t: (0.08, 0.15), 15.0, dt=0.05)
        yaw = np.radians(CONFIG.start_yaw_sigma_deg) * rng.standard_normal()
        start = frames.planar(*(CONFIG.start_position_sigma_m * rng.standard_normal(2)), yaw)
        found = Localizer(MACHINE, CONFIG, start, SITE)
        synthetic.feed(found, samples(drive, noise, seed, every=1), synthetic.sightings(drive, rng))
        estimate = found.estimate
        truth = drive.at(estimate.time_s)
        gap = np.empty(6)
        gap[:3] = truth[:3, 3] - estimate.map_T_base[:3, 3]
        gap[3:] = attitude.log(truth[:3, :3] @ estimate.map_T_base[:3, :3].T)
        parts = [0, 1, 5]
        block = estimate.covariance[np.ix_(parts, parts)]
        values.append(float(gap[parts] @ np.linalg.solve(block, gap[parts])))
    mean = np.mean(values) / 3.0
    low, high = chi2.ppf([0.005, 0.995], 3 * runs) / (3 * runs)
    assert 0.5 * low < mean < high, (mean, low, high)
