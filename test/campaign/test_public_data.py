# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The study on public data, on tracks and a drive made up in its formats."""

import numpy as np
import pytest

from tenacious_rover.campaign import public_data
from tenacious_rover.campaign.error import CampaignError
from tenacious_rover.rover import frames

FX, CX, CY, BASELINE = 718.856, 607.19, 185.21, 0.537


@pytest.fixture
def tracks(tmp_path):
    """Twenty pictures of a slow curve among points, written as GTSAM writes them."""
    rng = np.random.default_rng(3)
    points = rng.uniform([-20.0, -3.0, 2.0], [20.0, 3.0, 60.0], (900, 3))
    poses, rows = [np.eye(4)], []
    step = frames.from_rpy((0.01, 0.0, 0.8), (0.0, 0.01, 0.0))
    while len(poses) < 20:
        poses.append(poses[-1] @ step)
    for number, pose in enumerate(poses):
        seen = frames.points(frames.inverse(pose), points)
        for track in np.nonzero(seen[:, 2] > 3.0)[0]:
            x, y, z = seen[track]
            u, v = FX * x / z + CX, FX * y / z + CY
            noise = 0.2 * rng.standard_normal(3)
            if 0 < u < 1241 and 0 < v < 376:
                left, right = u + noise[0], u - FX * BASELINE / z + noise[1]
                rows.append([number, track, left, right, v + noise[2], x, y, z])
    lines = [np.concatenate([[k], pose.ravel()]) for k, pose in enumerate(poses)]
    np.savetxt(tmp_path / "VO_stereo_factors00.txt", rows)
    np.savetxt(tmp_path / "VO_camera_poses00.txt", lines)
    np.savetxt(tmp_path / "VO_calibration00.txt", [[FX, FX, 0.0, CX, CY, BASELINE]])
    return public_data.tracks(tmp_path, "00")


def test_chained_motion_follows_the_true_poses(tracks):
    found = public_data.apart(public_data.chained(tracks, public_data.ours), tracks.poses)
    assert found["drift_pct"] < 0.5
    assert found["step_deg"] < 0.03
    peer = public_data.apart(public_data.chained(tracks, public_data.pnp), tracks.poses)
    assert peer["drift_pct"] < 2.0


def test_filter_expects_the_next_fix(tmp_path):
    """A car on a circle; IMU at 100 Hz, GPS once a second, written as GTSAM writes them."""
    speed, turn, rate = 8.0, 0.1, 100
    t = np.arange(0.0, 40.0, 1.0 / rate)
    imu = np.zeros((len(t), 8))
    imu[:, 0], imu[:, 3], imu[:, 4] = t, speed * turn, public_data.EARTH_MPS2
    imu[:, 7] = turn
    rng = np.random.default_rng(0)
    imu[:, 2:5] += 0.05 * rng.standard_normal((len(t), 3))
    imu[:, 5:8] += 0.002 * rng.standard_normal((len(t), 3))
    s = np.arange(0.0, 39.0, 1.0)
    radius = speed / turn
    gps = np.column_stack(
        [s, radius * np.sin(turn * s), radius * (1.0 - np.cos(turn * s)), 0.0 * s]
    )
    np.savetxt(tmp_path / "KittiEquivBiasedImu.txt", imu, header="x", comments="")
    np.savetxt(tmp_path / "KittiGps_converted.txt", gps, header="x", comments="", delimiter=",")
    expected, constant, honest = public_data.predicted(public_data.drive(tmp_path), 1)
    assert len(expected) > 30
    assert np.median(expected[5:]) < 0.1
    assert np.median(expected) < 0.5 * np.median(constant)
    assert np.mean(honest) < 2.0


def test_without_its_source_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CampaignError, match="pip install gtsam"):
        public_data.folder()
