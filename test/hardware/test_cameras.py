# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Cameras from recorded frames and over a socket: alive, frozen, the end of the recording."""

import cv2
import numpy as np
import pytest

from tenacious_rover.hardware.cameras import FROZEN_FRAMES, V4l2Cameras
from tenacious_rover.hardware.emulators import wires
from tenacious_rover.hardware.error import HardwareError
from tenacious_rover.hardware.remote import RemoteCameras
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.measurements import Stereo

EYES = load_rover("tenacious camera_width:=160 camera_height:=120").cameras


def frames(alive, frozen, rng):
    last = None
    for _ in range(alive):
        last = rng.integers(0, 256, (120, 160, 3), np.uint8)
        yield last
    for _ in range(frozen):
        yield last


@pytest.fixture
def recording(tmp_path):
    path = str(tmp_path / "eye.avi")
    out = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (160, 120))
    for image in frames(5, 12, np.random.default_rng(0)):
        out.write(image)
    out.release()
    return path


def test_a_recording_is_a_camera_until_it_freezes(recording):
    cameras = V4l2Cameras(recording, recording, EYES, {})
    pairs = [cameras.read(float(n)) for n in range(4 + FROZEN_FRAMES)]
    assert [pair.time_s for pair in pairs[:3]] == [0.0, 1.0, 2.0]
    assert pairs[0].left.shape == pairs[0].right.shape == (120, 160, 3)
    assert (pairs[0].left != pairs[1].left).any()
    with pytest.raises(HardwareError, match="frozen"):
        cameras.read(20.0)
    cameras.close()


def test_the_end_of_a_recording_is_a_camera_that_is_gone(recording):
    cameras = V4l2Cameras(recording, recording, EYES, {})
    for capture in cameras.captures:
        capture.set(cv2.CAP_PROP_POS_FRAMES, 16)
    cameras.read(0.0)
    with pytest.raises(HardwareError, match="no frame"):
        cameras.read(1.0)


def test_a_picture_of_another_size_is_refused(recording):
    eyes = load_rover("tenacious").cameras
    with pytest.raises(HardwareError, match="160 x 120, the description says 640 x 480"):
        V4l2Cameras(recording, recording, eyes, {}).read(0.0)


def test_no_such_camera():
    with pytest.raises(HardwareError, match="cannot be opened"):
        V4l2Cameras("/nowhere.avi", "/nowhere.avi", EYES, {})


def test_a_socket_freezes_and_forgets(tmp_path):
    rng = np.random.default_rng(1)
    source = frames(3, FROZEN_FRAMES, rng)
    exposures = []

    def grab():
        image = next(source)
        return Stereo(0.0, image, image, 800.0, 2.0)

    path = tmp_path / "cameras"
    server = wires.camera_server(path, grab, lambda *values: exposures.append(values))
    cameras = RemoteCameras(str(path))
    cameras.set_exposure(False, 800.0, 2.0)
    assert exposures == [(False, 800.0, 2.0)]
    first = cameras.read(7.0)
    assert (first.time_s, first.exposure_us, first.gain) == (7.0, 800.0, 2.0)
    for n in range(1, 2 + FROZEN_FRAMES):
        cameras.read(float(n))
    with pytest.raises(HardwareError, match="frozen"):
        cameras.read(30.0)
    cameras.close()
    server.close()
