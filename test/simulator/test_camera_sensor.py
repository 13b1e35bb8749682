# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The sensor's noise, metering and faults."""

import dataclasses

import numpy as np
import pytest
from camera_scene import camera, pose, sun, world

from tenacious_rover.simulator.camera import (
    CameraError,
    CameraSensor,
    Frame,
    Renderer,
    SensorConfig,
)

PLAIN = SensorConfig(vignetting=0.0, response_nonuniformity=0.0, psf_sigma_px=0.0)


def flat(cam, radiance):
    shape = (cam.height_px, cam.width_px)
    light = np.full((*shape, 3), radiance, np.float32)
    return Frame(light, np.ones(shape, np.float32), np.ones(shape, np.uint8))


def sensor(cam, config=PLAIN, seed=0):
    return CameraSensor(cam, config, np.random.default_rng(seed))


@pytest.mark.parametrize("gain", [1.0, 2.0, 4.0])
def test_noise_is_shot_and_read_noise_times_gain(gain):
    cam = camera(320, 240)
    electrons = 2000.0
    exposure = electrons / PLAIN.sensitivity / 0.1
    picture = sensor(cam).expose(flat(cam, 0.1), exposure, gain).astype(float)
    unit = 255.0 * gain / PLAIN.full_well_e
    assert picture.mean() == pytest.approx(electrons * unit, rel=0.01)
    expected = unit * np.sqrt(electrons + PLAIN.read_noise_e**2)
    # Rounding to whole values adds 1/12.
    assert picture.std() == pytest.approx(np.hypot(expected, np.sqrt(1.0 / 12.0)), rel=0.03)


def test_response_is_linear():
    cam = camera(320, 240)
    levels = [
        sensor(cam).expose(flat(cam, 0.1), us, 1.0).astype(float).mean() for us in (500, 1000, 2000)
    ]
    assert levels[1] / levels[0] == pytest.approx(2.0, rel=0.01)
    assert levels[2] / levels[0] == pytest.approx(4.0, rel=0.01)


def test_too_much_light_saturates():
    cam = camera()
    assert (sensor(cam).expose(flat(cam, 1.0), 1e6, 1.0) == 255).mean() > 0.99


def test_darkness_is_nearly_black():
    cam = camera()
    picture = sensor(cam).expose(flat(cam, 0.0), 5000.0, 1.0)
    assert picture.max() <= 2


def test_corners_get_less_light():
    cam = camera(320, 240)
    config = dataclasses.replace(PLAIN, vignetting=0.4)
    picture = sensor(cam, config).expose(flat(cam, 0.1), 1000.0, 2.0).astype(float)
    middle, corner = picture[115:125, 155:165].mean(), picture[:8, :8].mean()
    assert corner / middle == pytest.approx(0.6, abs=0.03)


def test_blur_keeps_the_light_and_softens_an_edge():
    cam = camera(100, 80)
    frame = flat(cam, 0.0)
    frame.radiance[:, 50:] = 0.1
    config = dataclasses.replace(PLAIN, psf_sigma_px=0.7, read_noise_e=0.0)
    sharp = sensor(cam, dataclasses.replace(config, psf_sigma_px=0.0)).expose(frame, 2000.0)
    soft = sensor(cam, config).expose(frame, 2000.0)
    moved = sensor(cam, config).expose(frame, 2000.0, 1.0, (8.0, 0.0))
    width = [int(((row > 10) & (row < 100)).sum()) for row in (sharp[40, :, 1], soft[40, :, 1])]
    assert width[1] > width[0]
    steep = [
        np.abs(np.diff(p[:, 30:70, 1].astype(float).mean(axis=0))).max() for p in (soft, moved)
    ]
    assert steep[1] < 0.4 * steep[0]
    assert moved.mean() == pytest.approx(soft.mean(), rel=0.02)


def test_dust_takes_light_where_it_lies():
    cam = camera(320, 240)
    one = sensor(cam)
    clean = one.expose(flat(cam, 0.1), 2000.0).astype(float)
    one.set_dust(0.3)
    dusty = one.expose(flat(cam, 0.1), 2000.0).astype(float)
    darker = dusty[..., 1] < 0.8 * clean[..., 1].mean()
    assert 0.1 < darker.mean() < 0.5
    one.set_dust(0.0)
    assert one.expose(flat(cam, 0.1), 2000.0).mean() == pytest.approx(clean.mean(), rel=0.01)
    with pytest.raises(CameraError, match="dust"):
        one.set_dust(1.5)


def test_metering_clips_no_terrain_and_uses_the_range():
    ground, cam = world(8, rocks=40), camera(160, 120)
    renderer, one = Renderer(ground), CameraSensor(cam)
    for elevation in (6.0, 12.0, 30.0):
        for yaw in (0.0, 90.0, 180.0):
            frame = renderer.render(cam, pose(ground, yaw=yaw, pitch=17.0), sun(0.0, elevation))
            picture = one.expose(frame, *one.auto(frame)).max(axis=2)
            terrain = picture[frame.label == 1]
            assert (terrain >= 250).mean() <= 0.005
            assert np.percentile(terrain, 99.5) > 60


def test_a_bright_lander_does_not_darken_the_ground():
    ground, cam = world(8), camera(160, 120)
    frame = Renderer(ground).render(cam, pose(ground, yaw=90.0, pitch=17.0), sun(0.0, 25.0))
    one = CameraSensor(cam)
    alone = one.auto(frame)
    frame.radiance[20:40, 20:40] = 0.75  # 2 % of the picture
    beside = one.auto(frame)
    assert beside[0] * beside[1] > 0.4 * alone[0] * alone[1]


def test_gain_comes_when_time_has_run_out():
    cam = camera()
    config = dataclasses.replace(PLAIN, exposure_max_us=1000.0)
    exposure, gain = sensor(cam, config).auto(flat(cam, 0.02))
    assert exposure == 1000.0
    assert 1.0 < gain <= config.gain_max
    assert sensor(cam, config).auto(flat(cam, 0.0)) == (1000.0, config.gain_max)


@pytest.mark.parametrize("bad", [(0.0, 1.0), (np.nan, 1.0), (100.0, 0.0), (100.0, np.inf)])
def test_impossible_settings_are_refused(bad):
    cam = camera()
    with pytest.raises(CameraError, match="positive"):
        sensor(cam).expose(flat(cam, 0.1), *bad)
    with pytest.raises(CameraError, match="frame"):
        sensor(camera(40, 30)).expose(flat(cam, 0.1), 100.0)


def test_noise_comes_from_the_generator():
    cam = camera()
    one, two = (sensor(cam, SensorConfig(), 5).expose(flat(cam, 0.1), 1000.0) for _ in range(2))
    other = sensor(cam, SensorConfig(), 6).expose(flat(cam, 0.1), 1000.0)
    assert (one == two).all()
    assert (one != other).any()
