# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The lander's shape, a marker and a visited place give back a known pose."""

import cv2
import made_sensors as synthetic
import numpy as np
import pytest

from tenacious_rover.localization import lander, landmarks
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.error import LocalizationError
from tenacious_rover.localization.fixes import FixFinder
from tenacious_rover.localization.landmarks import Landmarks, Marker
from tenacious_rover.rover import frames
from tenacious_rover.rover.measurements import Stereo

MACHINE = synthetic.rover()
CONFIG = LocalizationConfig()
UNSURE = np.diag([0.12, 0.12, 0.02, 0.005, 0.005, 0.03]) ** 2
LANDER = """
lander:
  - {center_m: [0, 0, 1.4], size_m: [1.5, 1.5, 1.2]}
  - {center_m: [1.2, 1.2, 0.4], size_m: [0.1, 0.1, 0.9]}
  - {center_m: [1.2, -1.2, 0.4], size_m: [0.1, 0.1, 0.9]}
  - {center_m: [-1.2, 1.2, 0.4], size_m: [0.1, 0.1, 0.9]}
"""


@pytest.fixture
def known(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text(LANDER)
    return landmarks.load(path)


def seen_boxes(blocks, map_T_base, rng, sigma=0.02):
    """Points on faces turned to the rover, in base_link, and some of the ground."""
    out = []
    for block in blocks:
        for axis in range(3):
            for side in (-1, 1):
                normal = block.map_T_block[:3, axis] * side
                face = block.map_T_block[:3, 3] + normal * block.size[axis] / 2
                if normal @ (map_T_base[:3, 3] - face) <= 0:
                    continue
                local = (rng.random((150, 3)) - 0.5) * block.size
                local[:, axis] = side * block.size[axis] / 2
                out.append(frames.points(block.map_T_block, local))
    ground = np.column_stack([rng.uniform(-4, 4, (300, 2)), np.zeros(300)])
    points = np.concatenate([*out, ground]) + sigma * rng.standard_normal((len(out) * 150 + 300, 3))
    return frames.points(frames.inverse(map_T_base), points)


@pytest.mark.parametrize("place", [(3.0, 0.5, 3.1), (-3.0, -2.0, 0.6), (0.5, 4.0, -1.6)])
def test_lander_by_its_shape(known, place):
    rng = np.random.default_rng(1)
    true = frames.planar(*place, 0.075)
    estimate = frames.planar(place[0] + 0.2, place[1] - 0.25, place[2] + 0.03, 0.075)
    points = seen_boxes(known.lander, true, rng)
    found = lander.by_shape(points, estimate, UNSURE, 1.0, known.lander)
    assert found is not None
    off = found.map_T_base[:2, 3] - true[:2, 3]
    assert np.abs(off).max() < 0.04
    sigma = np.sqrt(np.diag(found.covariance))
    assert (np.abs(off) < 3.5 * sigma[:2]).all()
    assert abs(frames.yaw(frames.inverse(true) @ found.map_T_base)) < 0.02
    assert found.evidence["inlier_share"] > 0.8


def test_a_rock_is_not_the_lander(known):
    rng = np.random.default_rng(1)
    true = frames.planar(3.0, 0.5, 3.1, 0.075)
    rock = rng.standard_normal((400, 3))
    rock = [2.0, 0.0, 0.6] + 0.5 * rock / np.linalg.norm(rock, axis=1, keepdims=True)
    in_base = frames.points(frames.inverse(true), rock)
    assert lander.by_shape(in_base, true, UNSURE, 1.0, known.lander) is None
    assert lander.by_shape(in_base[:20], true, UNSURE, 1.0, known.lander) is None


def marker_picture(camera, map_T_base, marker):
    """A white sheet with the marker, as the camera sees it."""
    words = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    art = cv2.copyMakeBorder(
        cv2.aruco.generateImageMarker(words, marker.number, 240),
        40,
        40,
        40,
        40,
        cv2.BORDER_CONSTANT,
        value=230,
    )
    half = marker.size_m / 2 * 320 / 240
    square = np.array([[-half, half, 0], [half, half, 0], [half, -half, 0], [-half, -half, 0]])
    in_map = frames.points(marker.map_T_marker, square)
    optical = frames.points(frames.inverse(map_T_base @ camera.base_T_optical), in_map)
    uv = optical[:, :2] / optical[:, 2:] * camera.fx_px + [camera.cx_px, camera.cy_px]
    source = np.array([[0, 0], [320, 0], [320, 320], [0, 320]], np.float32)
    warp = cv2.getPerspectiveTransform(source, uv.astype(np.float32))
    size = (camera.width_px, camera.height_px)
    return cv2.warpPerspective(art, warp, size, borderValue=90, flags=cv2.INTER_AREA)


def test_marker_gives_the_pose():
    marker = Marker(3, 0.25, frames.from_rpy((0.8, 0.0, 0.3), np.radians([90.0, 0.0, 90.0])))
    true = frames.planar(2.4, 0.2, 3.1, 0.075)
    picture = marker_picture(MACHINE.cameras["left"], true, marker)
    guess = frames.planar(2.9, -0.2, 3.3, 0.075)
    found = lander.by_marker(picture, MACHINE.cameras["left"], guess, 2.0, (marker,))
    assert found is not None
    assert np.abs(found.map_T_base[:3, 3] - true[:3, 3]).max() < 0.05
    assert found.evidence["marker"] == 3
    other = (Marker(5, 0.25, marker.map_T_marker),)
    assert lander.by_marker(picture, MACHINE.cameras["left"], guess, 2.0, other) is None


def test_visited_place_is_recognised():
    plane = synthetic.Plane(seed=4)
    finder = FixFinder(MACHINE, CONFIG, Landmarks())
    small, large = np.eye(6) * 1e-4, np.eye(6) * 0.05
    rng = np.random.default_rng(0)

    def look(pose, time_s, estimate, covariance):
        pair = plane.pair(MACHINE, pose, time_s, rng)
        return finder.take(pair, estimate, covariance)

    assert look(np.eye(4), 1.0, np.eye(4), small) is None
    assert len(finder.book.places) == 1
    true = frames.planar(0.15, -0.1, 0.1)
    drifted = frames.planar(0.45, -0.3, 0.12)
    found = look(true, 100.0, drifted, large)
    assert found is not None
    assert np.abs(found.map_T_base[:2, 3] - true[:2, 3]).max() < 0.01
    assert found.evidence["inliers"] >= 25
    # Too soon, or no worse known than the place: nothing to gain.
    assert look(true, 103.0, drifted, small) is None
    # Elsewhere, although believed to be near.
    assert look(frames.planar(3.0, 2.0, 0.0), 110.0, drifted, large) is None


def test_pictures_without_a_pair_or_too_soon_are_left_alone():
    finder = FixFinder(MACHINE, CONFIG, Landmarks())
    grey = np.zeros((480, 640), np.uint8)
    assert finder.take(Stereo(1.0, grey, None), np.eye(4), np.eye(6)) is None


def test_boxes_may_lean(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text("lander: [{center_m: [1, 0, 0], size_m: [0.1, 0.1, 2], rpy_deg: [0, 90, 0]}]")
    (leg,) = landmarks.load(path).lander
    assert np.allclose(leg.map_T_block[:3, 2], [1.0, 0.0, 0.0])
    ends = np.array([[1.99, 0.0, 0.0], [2.3, 0.0, 0.0], [1.0, 0.0, 0.5]])
    assert np.allclose(lander.box_distance(ends, (leg,)), [0.01, 0.3, 0.45])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "allowed"),
        ("rocks: []", "allowed"),
        ("lander: [{center_m: [0, 0], size_m: [1, 1, 1]}]", r"lander\[0\]: center_m"),
        ("lander: [{center_m: [0, 0, 0], size_m: [1, 0, 1]}]", "size_m"),
        ("markers: [{id: 99, size_m: 0.1, position_m: [0, 0, 0], rpy_deg: [0, 0, 0]}]", "id"),
        ("markers: [{id: 1, size_m: x, position_m: [0, 0, 0], rpy_deg: [0, 0, 0]}]", "size_m"),
        ("lander: [", "landmarks"),
    ],
)
def test_broken_landmark_files_are_refused(tmp_path, text, words):
    path = tmp_path / "site.yaml"
    path.write_text(text)
    with pytest.raises(LocalizationError, match=words):
        landmarks.load(path)
