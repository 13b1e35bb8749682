# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Disparity of pairs with exact depth: right where it is known, unknown where nothing is seen."""

import dataclasses

import numpy as np
import pytest
from scene import Scene

from tenacious_rover.perception.config import PerceptionConfig
from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.stereo import StereoMatcher, ground_disparity
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover

ROVER = load_rover("tenacious")
POSE = frames.planar(0.0, 0.0, 0.0, ROVER.wheel_radius_m)
SHADOW = (1.4, 2.0, -0.3, 0.3)


def height(x, y):
    rock = np.sqrt(np.maximum(0.2**2 - (x - 2.5) ** 2 - (y + 0.6) ** 2, 0.0))
    return np.maximum(rock, 0.06 * x + 0.03 * np.sin(2.0 * y))


def dark(x, y):
    return (x > SHADOW[0]) & (x < SHADOW[1]) & (y > SHADOW[2]) & (y < SHADOW[3])


@pytest.fixture(scope="module")
def seen():
    left, right, depth = Scene(height, dark=dark, noise=1.5).pair(ROVER, POSE)
    matcher = StereoMatcher(ROVER, PerceptionConfig())
    return matcher, left, right, depth, matcher.match(left, right)


def test_disparity_is_true_where_it_is_known(seen):
    matcher, _, _, depth, sight = seen
    true = matcher.focal_baseline / depth
    known = np.isfinite(sight.disparity) & np.isfinite(depth)
    error = (sight.disparity - true)[known]
    assert abs(np.median(error)) < 0.05
    assert np.percentile(np.abs(error), 90) < 0.4
    assert np.mean(np.abs(error) > 2.0) < 0.01


def test_most_of_what_both_eyes_see_is_known(seen):
    matcher, left, _, depth, sight = seen
    column = np.arange(left.shape[1])
    both = np.isfinite(depth) & (column - matcher.focal_baseline / depth > 4) & (depth < 7.0)
    both &= left > 20
    assert np.isfinite(sight.disparity)[both].mean() > 0.9


def test_stated_deviation_is_that_of_the_errors(seen):
    matcher, _, _, depth, sight = seen
    known = np.isfinite(sight.disparity) & np.isfinite(depth) & (depth < 5.0)
    share = np.abs(sight.disparity - matcher.focal_baseline / depth)[known] / sight.sigma[known]
    assert 0.25 < np.percentile(share, 68.0) < 1.3
    assert np.isnan(sight.sigma).sum() == np.isnan(sight.disparity).sum()


def test_hard_shadow_is_unknown(seen):
    _, _, _, depth, sight = seen
    eye = ROVER.cameras["left"]
    v, u = np.mgrid[:480, :640]
    rays = np.stack(
        [(u - eye.cx_px) / eye.fx_px, (v - eye.cy_px) / eye.fy_px, np.ones(u.shape)], -1
    )
    places = frames.points(
        POSE @ eye.base_T_optical,
        (rays * np.nan_to_num(depth, posinf=0.0)[..., None]).reshape(-1, 3),
    )
    in_shadow = (dark(places[:, 0], places[:, 1])).reshape(u.shape) & np.isfinite(depth)
    assert in_shadow.sum() > 2000
    assert np.isfinite(sight.disparity)[in_shadow].mean() < 0.12


def test_black_sky_is_unknown_but_for_its_edge(seen):
    _, _, _, depth, sight = seen
    sky = ~np.isfinite(depth)
    assert sky.sum() > 10_000
    edge = sky & np.roll(~sky, -6, axis=0)
    assert np.isfinite(sight.disparity)[sky & ~edge].mean() < 0.01


def test_noise_alone_is_unknown():
    """Two eyes that see bright noise of their own do not agree on anything."""
    rng = np.random.default_rng(3)
    left, right = (rng.normal(100, 12, (480, 640)).clip(0, 255).astype(np.uint8) for _ in "lr")
    assert StereoMatcher(ROVER, PerceptionConfig()).match(left, right).coverage < 0.01


@pytest.mark.parametrize("level", [0, 90, 255])
def test_blank_and_saturated_images_are_unknown(level):
    image = np.full((480, 640), level, np.uint8)
    assert StereoMatcher(ROVER, PerceptionConfig()).match(image, image).coverage == 0.0


def test_half_size_is_matched_faster_and_coarser(seen):
    _, left, right, depth, _ = seen
    matcher = StereoMatcher(ROVER, PerceptionConfig(matching_scale=0.5))
    sight = matcher.match(left, right)
    assert sight.disparity.shape == left.shape
    error = (sight.disparity - matcher.focal_baseline / depth)[
        np.isfinite(sight.disparity) & np.isfinite(depth)
    ]
    assert abs(np.median(error)) < 0.1
    assert np.percentile(np.abs(error), 90) < 1.2


def test_colour_is_matched_as_its_grey(seen):
    matcher, left, right, _, sight = seen
    again = matcher.match(np.repeat(left[..., None], 3, 2), np.repeat(right[..., None], 3, 2))
    np.testing.assert_array_equal(np.isnan(again.disparity), np.isnan(sight.disparity))


def test_level_ground_has_the_stated_disparity():
    slope, offset = ground_disparity(ROVER)
    eye = ROVER.cameras["left"]
    for x in (0.5, 1.0, 3.0):
        place = np.array([[x, 0.1, -ROVER.wheel_radius_m]])
        p = frames.points(frames.inverse(eye.base_T_optical), place)[0]
        row = eye.fy_px * p[1] / p[2] + eye.cy_px
        true = eye.fx_px * ROVER.baseline_m / p[2]
        assert slope * row + offset == pytest.approx(true, rel=1e-9)


def test_depth_image_becomes_disparity():
    matcher = StereoMatcher(ROVER, PerceptionConfig())
    depth = np.array([[2.0]]).repeat(480, 0).repeat(640, 1)
    depth[:10], depth[10:20], depth[20:30] = np.nan, 0.0, np.inf
    sight = matcher.from_depth(depth)
    assert np.isnan(sight.disparity[:30]).all()
    np.testing.assert_allclose(sight.disparity[30:], matcher.focal_baseline / 2.0, rtol=1e-6)


def test_images_of_another_size_are_refused():
    matcher = StereoMatcher(ROVER, PerceptionConfig())
    good, small = np.zeros((480, 640), np.uint8), np.zeros((240, 320), np.uint8)
    with pytest.raises(PerceptionError, match=r"right image.*480 x 640"):
        matcher.match(good, small)
    with pytest.raises(PerceptionError, match="left image: float64"):
        matcher.match(good.astype(float), good)


def test_second_rover_has_its_own_ground():
    other = load_rover("yard")
    assert ground_disparity(other) != ground_disparity(ROVER)
    StereoMatcher(other, dataclasses.replace(PerceptionConfig(), matching_scale=0.5))
