# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Visual odometry on pictures of a textured plane whose camera's path is known."""

import cv2
import made_sensors as synthetic
import numpy as np
import pytest

from tenacious_rover.localization import attitude, motion
from tenacious_rover.localization.body_mask import BodyMask
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.visual import VisualOdometry
from tenacious_rover.rover import frames
from tenacious_rover.rover.measurements import Stereo

MACHINE = synthetic.rover()
CONFIG = LocalizationConfig()
PLANE = synthetic.Plane()


def pair(pose, time_s=0.0, seed=0, **more):
    return PLANE.pair(MACHINE, pose, time_s, np.random.default_rng(seed), **more)


def started(**more):
    eyes = VisualOdometry(MACHINE, CONFIG)
    first = eyes.take(pair(np.eye(4), **more), np.eye(4), None)
    assert first.new_keyframe
    assert not first.known
    return eyes


@pytest.mark.parametrize(
    ("x", "y", "yaw_deg"),
    [(0.05, 0.0, 0.0), (-0.05, 0.0, 0.0), (0.2, 0.01, 5.0), (0.0, 0.0, -10.0)],
)
def test_known_motion(x, y, yaw_deg):
    """With a guess that is wrong by several centimetres and degrees."""
    eyes = started()
    true = frames.planar(x, y, np.radians(yaw_deg))
    guess = true @ frames.planar(-0.03, 0.01, np.radians(2.0))
    found = eyes.take(pair(true, 0.5, seed=1), guess, None)
    assert found.known
    assert found.sure
    off = found.key_T_base[:3, 3] - true[:3, 3]
    turn = np.degrees(attitude.log(found.key_T_base[:3, :3] @ true[:3, :3].T))
    assert np.abs(off).max() < 0.0015
    assert np.abs(turn).max() < 0.06
    sigma = np.sqrt(np.diag(found.covariance))
    assert (np.abs(off) < 4.0 * sigma[:3]).all()


def test_standing_still_does_not_drift():
    eyes = started()
    for k in range(12):
        found = eyes.take(pair(np.eye(4), 0.5 * (k + 1), seed=k + 1), np.eye(4), None)
        assert found.known
        assert not found.new_keyframe
    assert np.linalg.norm(found.key_T_base[:3, 3]) < 5e-4


def test_depth_camera_stands_in_for_the_right_eye():
    eyes = VisualOdometry(MACHINE, CONFIG)
    left = MACHINE.cameras["left"]
    true = frames.planar(0.1, 0.0, 0.05)
    for time_s, pose in ((0.0, np.eye(4)), (0.5, true)):
        picture = PLANE.picture(left, pose, np.random.default_rng(3))
        found = eyes.take(Stereo(time_s, picture, None, depth=PLANE.depth), pose, None)
    assert found.known
    assert np.abs(found.key_T_base[:3, 3] - true[:3, 3]).max() < 0.0015


def nothing_known(picture, words):
    eyes = started()
    found = eyes.take(picture, np.eye(4), None)
    assert not found.known
    assert words in found.reason


def test_it_says_when_it_does_not_know():
    dark = np.full((480, 640), 3, np.uint8)
    nothing_known(Stereo(0.5, dark, dark), "dark")
    flat = np.full((480, 640), 120, np.uint8)
    nothing_known(Stereo(0.5, flat, flat), "corners")
    first = pair(np.eye(4))
    nothing_known(Stereo(0.5, first.left, first.right), "frozen")
    nothing_known(Stereo(0.5, first.left[::2, ::2], first.right[::2, ::2]), "320 x 240")
    nothing_known(Stereo(0.5, pair(np.eye(4), seed=9).left, None), "no depth")
    blurred = [cv2.GaussianBlur(p, (0, 0), 12) for p in (first.left, first.right)]
    nothing_known(Stereo(0.5, *blurred), "corners")
    elsewhere = pair(frames.planar(7.0, 3.0, 2.0), 0.5)
    nothing_known(elsewhere, "agree on a motion")


def test_it_goes_on_after_a_bad_picture():
    eyes = started()
    dark = np.full((480, 640), 3, np.uint8)
    assert not eyes.take(Stereo(0.5, dark, dark), np.eye(4), None).known
    true = frames.planar(0.06, 0.0, 0.0)
    assert eyes.take(pair(true, 1.0, seed=2), true, None).known


def test_shadow_of_the_rover_does_not_hold_it_back():
    """A hard shadow that moves with the rover covers a third of the ground ahead."""

    def shade_at(pose):
        def shade(x, y):
            in_base_x = x - pose[0, 3]
            in_base_y = y - pose[1, 3]
            inside = (in_base_x < 1.1) & (np.abs(in_base_y) < 0.25 + 0.1 * np.sin(14 * in_base_x))
            return np.where(inside, 0.06, 1.0)

        return shade

    eyes = started(shade=shade_at(np.eye(4)))
    true = frames.planar(0.06, 0.0, 0.0)
    found = eyes.take(pair(true, 0.5, seed=4, shade=shade_at(true)), np.eye(4), None)
    assert found.known
    assert np.abs(found.key_T_base[:3, 3] - true[:3, 3]).max() < 0.002


def comb(pose):
    """A shadow of many edges that moves with the rover, over all of what is near."""

    def shade(x, y):
        c, s = np.cos(frames.yaw(pose)), np.sin(frames.yaw(pose))
        ahead = c * (x - pose[0, 3]) + s * (y - pose[1, 3])
        beside = -s * (x - pose[0, 3]) + c * (y - pose[1, 3])
        teeth = (np.sin(60 * ahead) > 0.2) & (np.sin(60 * beside) > 0.2)
        return np.where(teeth & (ahead < 1.15), 0.05, 1.0)

    return shade


def test_a_shadow_that_outvotes_the_ground_is_seen_through():
    """Most corners are the shadow's, but they fit no motion of what is farther away."""
    true = frames.planar(0.05, 0.0, 0.0)
    eyes = started(shade=comb(np.eye(4)))
    found = eyes.take(pair(true, 0.5, seed=4, shade=comb(true)), true, None)
    assert found.known
    assert np.abs(found.key_T_base[:3, 3] - true[:3, 3]).max() < 0.005
    # Standing while the wheels claim the same motion is told as standing.
    eyes = started(shade=comb(np.eye(4)))
    found = eyes.take(pair(np.eye(4), 0.5, seed=4, shade=comb(np.eye(4))), true, None)
    assert found.known
    assert np.abs(found.key_T_base[:3, 3]).max() < 0.002


def test_body_and_its_shadow_are_masked():
    mask = BodyMask(MACHINE, MACHINE.cameras["left"])
    plain = mask.mask(None)
    # Sun low behind: the shadow falls ahead, into the picture.
    behind = np.array([-0.9, 0.0, 0.4])
    shadowed = mask.mask(behind / np.linalg.norm(behind))
    assert (plain == 255).mean() > 0.8
    assert (shadowed == 255).sum() < (plain == 255).sum() - 5000
    ahead = mask.mask(np.array([0.9, 0.0, 0.4]) / np.linalg.norm([0.9, 0.0, 0.4]))
    assert (ahead == 255).sum() >= 0.97 * (plain == 255).sum()


def test_motion_solver_is_exact_without_noise_and_honest_with_it():
    rng = np.random.default_rng(2)
    camera, baseline = MACHINE.cameras["left"], MACHINE.baseline_m
    true = frames.from_rpy((0.15, -0.02, 0.01), (0.02, -0.03, 0.1))
    errors = []
    for trial in range(41):
        points = np.column_stack(
            [rng.uniform(0.9, 5, 150), rng.uniform(-1, 1, 150), rng.uniform(-0.1, 0.2, 150)]
        )
        noise = 0.0 if trial == 0 else 0.25
        nothing = np.full(len(points), np.nan)
        exact = motion.Sighting(points, np.full(150, 1e-3), np.zeros((150, 2)), nothing)
        pixels = motion.pixels(exact, camera, true) + noise * rng.standard_normal((150, 2))
        depth = motion.depths(exact, camera, true)
        disparity = camera.fx_px * baseline / depth + noise * rng.standard_normal(150)
        first = motion.depths(exact, camera, np.eye(4))
        sigma = first**2 / (camera.fx_px * baseline) * 0.25
        ray = points - camera.base_T_optical[:3, 3]
        seen = (
            points
            + ray / first[:, None] * (sigma * rng.standard_normal(150) * (noise > 0))[:, None]
        )
        sight = motion.Sighting(seen, sigma, pixels, disparity)
        wrong = rng.random(150) < 0.2
        sight.pixels[wrong] += rng.uniform(20, 60, (wrong.sum(), 2))
        agree, rough = motion.ransac(sight, camera, np.eye(4), 3.0)
        assert not agree[wrong].any()
        solved = motion.solve(sight, camera, baseline, rough, agree, (0.25, 0.25), 3.75)
        gap = np.concatenate(
            [solved.k_T_b[:3, 3] - true[:3, 3], attitude.log(solved.k_T_b[:3, :3] @ true[:3, :3].T)]
        )
        if trial == 0:
            assert np.abs(gap).max() < 1e-6
        else:
            errors.append(gap @ np.linalg.solve(solved.covariance, gap))
    # Mean of a chi-square with 6 degrees of freedom; robust weights cost a little.
    assert 3.0 < np.mean(errors) < 9.0


def test_too_few_points_fix_nothing():
    camera = MACHINE.cameras["left"]
    points = np.array([[1.0, 0, 0], [1.5, 0.1, 0], [2, -0.1, 0]])
    nothing = np.full(3, np.nan)
    sight = motion.Sighting(points, np.full(3, 0.01), np.zeros((3, 2)), nothing)
    exact = motion.Sighting(
        points, np.full(3, 0.01), motion.pixels(sight, camera, np.eye(4)), nothing
    )
    assert motion.solve(exact, camera, 0.1, np.eye(4), np.ones(3, bool), (0.3, 0.3), 3.0) is None
