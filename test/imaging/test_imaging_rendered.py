# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""HDR and panorama of rendered ground against the light that is really there."""

import numpy as np
import pytest

from tenacious_rover.imaging import exposure, panorama
from tenacious_rover.imaging.config import ImagingConfig
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.camera.sensor import CameraSensor, SensorConfig
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.world import load_world

CONFIG = ImagingConfig()
ROVER = load_rover("tenacious camera_width:=240 camera_height:=180")
CAMERA = ROVER.cameras["left"]


@pytest.fixture(scope="module")
def eyes():
    world = build_world(load_world("mare_calm").varied(seed=3, size_m=16), cache=False)
    simulator = Simulator(world, ROVER, 3)
    simulator.advance(0.5)
    return simulator.eyes


def looking(eyes, yaw):
    """map_T_optical of the left eye 1 m above the middle, and what it sees."""
    pose = frames.planar(0.0, 4.0, yaw, 1.0) @ CAMERA.base_T_optical
    turned = pose.copy()
    turned[:3, 3] = (0.0, 4.0, 1.2)
    return turned, eyes.frame(CAMERA, turned)


def test_merged_bracket_is_the_radiance_of_the_scene(eyes):
    _, frame = looking(eyes, 2.0)
    config = SensorConfig(vignetting=0.0)
    sensor = CameraSensor(CAMERA, config, np.random.default_rng(0))
    used = exposure.Exposure(CONFIG.first_exposure_us)
    for _ in range(CONFIG.metering_rounds):
        raw = sensor.expose(frame, used.exposure_us, used.gain)
        seen = exposure.meter(raw, frame.depth < np.inf, used, CONFIG)
        if seen.good:
            break
        used = seen.next
    settings = exposure.bracket(used, CONFIG.bracket_stops, CONFIG)
    pictures = [sensor.expose(frame, e.exposure_us, e.gain) for e in settings]
    merged = exposure.merged(pictures, list(settings), CONFIG)[..., 1]
    true = frame.radiance[..., 1]
    # Away from edges, which the lens blurs, and with light enough for a few steps of the converter.
    rise = np.hypot(*np.gradient(true))
    calm = (rise < 0.05 * true) & (true > 0.05 * np.percentile(true, 99))
    ratio = merged[calm] / true[calm]
    off = np.abs(ratio / np.median(ratio) - 1.0)
    assert calm.mean() > 0.1
    assert np.median(off) < 0.02
    assert np.percentile(off, 95) < 0.1


@pytest.mark.parametrize("error_deg", [0.0, 1.0])
def test_panorama_shows_what_a_camera_sees_in_any_direction(eyes, error_deg):
    rng = np.random.default_rng(7)
    yaws = np.cumsum([0.0, *panorama.turns(CAMERA.horizontal_fov, CONFIG.overlap)])
    views = []
    for number, yaw in enumerate(yaws):
        pose, frame = looking(eyes, yaw)
        wrong = np.radians(error_deg) * rng.standard_normal() if number else 0.0
        said = (frames.planar(0.0, 0.0, wrong) @ pose)[:3, :3]
        views.append(panorama.View(frame.radiance, said, CAMERA.matrix))
    made = panorama.stitched(views)
    between = 0.5 * (yaws[2] + yaws[3])
    pose, frame = looking(eyes, between)
    v, u = np.mgrid[: CAMERA.height_px, : CAMERA.width_px].reshape(2, -1)
    pixels = np.column_stack([u, v, np.ones(len(u))])
    rays = pixels @ np.linalg.inv(CAMERA.matrix).T @ pose[:3, :3].T
    azimuth = np.arctan2(rays[:, 1], rays[:, 0])
    tangent = rays[:, 2] / np.hypot(rays[:, 0], rays[:, 1])
    away = np.mod(made.first_azimuth - azimuth, 2.0 * np.pi)
    column = np.round(away * made.px_per_rad - 0.5).astype(int) % made.seen.shape[1]
    row = np.round(made.horizon_row - tangent * made.px_per_rad - 0.5).astype(int)
    inside = (row >= 0) & (row < made.seen.shape[0])
    inside[inside] &= made.seen[row[inside], column[inside]]
    true = frame.radiance[v, u, 1][inside]
    shown = made.light[row[inside], column[inside], 1]
    assert inside.mean() > 0.8
    assert np.median(made.seams) > 0.5
    assert np.corrcoef(true, shown)[0, 1] > (0.9 if error_deg == 0.0 else 0.8)
