# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rover's eyes in its world: stamps, rates, exposure, faults, and what they see."""

import numpy as np
import pytest
from yard import of, plane

from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.measurements import Imu, Stereo
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.error import SimulatorError
from tenacious_rover.simulator.parts import LABELS

ROVER = load_rover("tenacious camera_width:=96 camera_height:=72")


def simulator(**keywords):
    return Simulator(plane(**keywords), ROVER)


def test_pairs_come_at_their_rate_on_request_and_not_at_all():
    sim = simulator()
    pairs = of(Stereo, sim.advance(2.0))
    assert [one.time_s for one in pairs] == pytest.approx([0.5, 1.0, 1.5, 2.0])
    assert pairs[0].left.shape == pairs[0].right.shape == (72, 96, 3)
    sim.set_camera(rate_hz=0.0)
    assert not of(Stereo, sim.advance(1.0))
    assert sim.capture().time_s == pytest.approx(3.0)
    sim.set_camera(rate_hz=5.0)
    assert len(of(Stereo, sim.advance(1.0))) == 5


def test_pictures_do_not_change_the_drive():
    ends = []
    for cameras in (True, False):
        sim = Simulator(plane(), ROVER, cameras=cameras)
        imu = []
        for _ in range(10):
            sim.drive(0.08, 0.1)
            imu += of(Imu, sim.advance(0.1))
        ends.append(
            (sim.dynamics.data.qpos.tobytes(), np.array([one.gyro for one in imu]).tobytes())
        )
    assert ends[0] == ends[1]


def test_fixed_exposure_is_kept_and_twice_the_time_is_brighter():
    sim = simulator()
    sim.set_camera(auto=False, exposure_us=400.0, gain=1.0)
    short = sim.capture()
    assert (short.exposure_us, short.gain) == (400.0, 1.0)
    sim.set_camera(auto=False, exposure_us=800.0)
    long = sim.capture()
    ratio = long.left.astype(float).mean() / short.left.astype(float).mean()
    assert ratio == pytest.approx(2.0, rel=0.1)
    with pytest.raises(SimulatorError, match="gain"):
        sim.set_camera(auto=False, gain=1000.0)


def test_frozen_camera_repeats_itself_with_fresh_stamps():
    sim = simulator()
    first = sim.capture()
    sim.inject({"kind": "frozen_camera", "end_s": 2.0})
    again = of(Stereo, sim.advance(1.0))[-1]
    assert np.array_equal(again.left, first.left)
    assert again.time_s > first.time_s
    assert not np.array_equal(of(Stereo, sim.advance(2.0))[-1].left, first.left)


def test_dust_takes_light_from_one_eye():
    sim = simulator()
    sim.set_camera(auto=False, exposure_us=1500.0, gain=1.0)
    clean = sim.capture()
    sim.inject({"kind": "lens_dust", "eye": "right", "cover": 0.6})
    sim.advance(0.02)
    dusty = sim.capture()
    assert dusty.right.mean() < 0.9 * clean.right.mean()
    assert dusty.left.mean() == pytest.approx(clean.left.mean(), rel=0.02)


def test_depth_is_that_of_the_level_ground():
    sim = simulator()
    sim.set_camera(rate_hz=0.0)
    sim.advance(2.0)
    camera = ROVER.cameras["left"]
    frame = sim.eyes.frame(camera)
    pose = sim.truth.map_T_base @ camera.base_T_optical
    rows, columns = np.nonzero(frame.label == LABELS.index("ground"))
    z = frame.depth[rows, columns].astype(float)
    rays = np.stack([(columns - camera.cx_px) / camera.fx_px, (rows - camera.cy_px) / camera.fy_px])
    points = np.stack([rays[0] * z, rays[1] * z, z], axis=1) @ pose[:3, :3].T + pose[:3, 3]
    near = (z < 4.0) & (np.abs(points[:, :2]) < 5.9).all(axis=1)
    assert near.sum() > 300
    # Pebbles that only the camera knows lie on it.
    assert np.quantile(np.abs(points[near, 2]), 0.9) < 1e-6


def test_house_is_seen_where_it_was_left_and_the_hole_where_it_was_dug():
    sim = simulator()
    sim.set_camera(rate_hz=0.0)
    sim.advance(1.0)
    sim.arm(True)
    sim.release()
    sim.advance(1.0)
    for _ in range(80):
        sim.drive(-0.08, 0.0)
        sim.advance(0.1)
    camera = ROVER.cameras["left"]
    frame = sim.eyes.frame(camera)
    assert (frame.label == LABELS.index("house")).sum() > 20
    base_T_map = np.linalg.inv(sim.truth.map_T_base @ camera.base_T_optical)
    x, y, z, _ = base_T_map @ (sim.truth.map_T_payload @ [0.0, 0.0, 0.03, 1.0])
    u = camera.fx_px * x / z + camera.cx_px
    v = camera.fy_px * y / z + camera.cy_px
    assert frame.label[round(v), round(u)] == LABELS.index("house")
    dynamics = sim.dynamics
    at = 120 + round(1.0 / 0.05)
    dynamics.set_heights(120, at, dynamics.heights[120:123, at : at + 3] - np.float32(0.1))
    dug = sim.eyes.frame(camera)
    both = np.isfinite(dug.depth) & np.isfinite(frame.depth)
    assert np.abs(dug.depth[both] - frame.depth[both]).max() > 0.03
    assert not dynamics.changes
