# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What the adapter adds to Gazebo, without ROS."""

import json

import made_up
import numpy as np
import pytest

from tenacious_rover.gazebo import adapter
from tenacious_rover.gazebo.config import GazeboConfig
from tenacious_rover.gazebo.light import read_ground
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover

ROVER = load_rover("tenacious")
CONFIG = GazeboConfig()


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    folder = tmp_path_factory.mktemp("w") / "made_up"
    made_up.exported_to(folder)
    return read_ground(folder, json.loads((folder / "world.json").read_text()))


def test_charge_is_a_share():
    assert adapter.charge(83.0) == pytest.approx(0.83)
    assert adapter.charge(101.0) == 1.0


def test_sun_in_the_rover_s_frame(ground):
    rng = np.random.default_rng(0)
    pose = frames.from_rpy((3.0, 0.0, 0.6), (0.1, -0.05, 2.0))
    seen = np.array(
        [adapter.sun_in_base(pose, made_up.SUN, ground, CONFIG, rng) for _ in range(300)]
    )
    back = seen.mean(axis=0) @ pose[:3, :3].T
    assert np.allclose(back / np.linalg.norm(back), made_up.SUN, atol=3e-3)
    off = np.degrees(np.arccos(np.clip(seen @ (pose[:3, :3].T @ made_up.SUN), -1, 1)))
    assert np.sqrt(np.mean(off**2)) == pytest.approx(CONFIG.sun_noise_deg, rel=0.15)


def test_no_sun_behind_the_lander_or_upside_down(ground):
    rng = np.random.default_rng(0)
    behind = frames.planar(-3.0, 0.0, 0.0, made_up.height(-3.0, 0.0) + 0.07)
    assert adapter.sun_in_base(behind, made_up.SUN, ground, CONFIG, rng) is None
    over = frames.from_rpy((3.0, 0.0, 0.6), (np.pi, 0.0, 0.0))
    assert adapter.sun_in_base(over, made_up.SUN, ground, CONFIG, rng) is None


def test_parts_warm_up():
    cold = adapter.temperatures(ROVER, 0.0, CONFIG)
    warm = adapter.temperatures(ROVER, 1e6, CONFIG)
    assert set(cold) == set(ROVER.temperatures)
    assert set(cold.values()) == {CONFIG.ambient_c}
    assert warm["motors"] == pytest.approx(CONFIG.ambient_c + 2 * CONFIG.warming_c)


def test_exposure_scales_and_clips():
    exposure = adapter.Exposure(2000.0)
    picture = np.array([[10, 100, 200]], np.uint8)
    assert exposure.of(picture) is picture
    assert not exposure.set(False, 4000.0, 1.0)
    assert exposure.of(picture).tolist() == [[20, 200, 255]]
    assert not exposure.set(False, 0.0, 0.5)  # zero keeps
    assert exposure.of(picture).tolist() == [[10, 100, 200]]
    assert "gain" in exposure.set(False, 1.0, -1.0)
    assert "exposure_us" in exposure.set(False, float("nan"), 1.0)
    exposure.set(True, 0.0, 0.0)
    assert exposure.of(picture) is picture


@pytest.mark.parametrize(
    ("names", "points", "words"),
    [
        (["scoop_lift_joint"], [[0.1]], ""),
        (["scoop_lift_joint", "scoop_tilt_joint"], [[0.1, 0.2], [0.2, 0.3]], ""),
        (["scoop_lift_joint"], [[3.0]], "not from"),
        (["scoop_lift_joint"], [[float("nan")]], "not from"),
        (["elbow"], [[0.1]], "elbow"),
        (["scoop_lift_joint"], [[0.1, 0.2]], "2 positions"),
        (["scoop_lift_joint"], [], "none"),
    ],
)
def test_scoop_commands_are_looked_at(names, points, words):
    assert words in (found := adapter.wrong_trajectory(ROVER, names, points))
    assert bool(found) == bool(words)


def test_a_rover_without_a_scoop_refuses():
    assert "no scoop" in adapter.wrong_trajectory(load_rover("yard"), ["a"], [[0.0]])
