# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Cameras: V4L2 through OpenCV, picamera2, a RealSense-like depth camera; rectified on the way."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import yaml

from tenacious_rover.hardware.error import HardwareError
from tenacious_rover.rover.measurements import Stereo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Camera

FROZEN_FRAMES = 10
MOST_BUFFERED, WAITED_S = 5, 0.004
"""A driver hands out what it has kept before; a picture that had to be waited for is of now."""


class Rectifier:
    """From a raw image of one eye to the ideal camera of the description.

    Args:
        camera: the ideal camera.
        calibration: mapping with `matrix` (3x3), `distortion` (n) and `rotation` (3x3) of this
            eye, as `tenacious calibrate camera` writes it; none for a camera that is ideal.
    """

    def __init__(self, camera: Camera, calibration: dict[str, Any] | None) -> None:
        self.size = (camera.width_px, camera.height_px)
        self.maps = None
        if calibration is not None:
            try:
                matrix, distortion, rotation = (
                    np.asarray(calibration[key], float)
                    for key in ("matrix", "distortion", "rotation")
                )
            except (KeyError, TypeError, ValueError) as error:
                raise HardwareError(f"camera calibration: {error}") from error
            self.maps = cv2.initUndistortRectifyMap(
                matrix, distortion, rotation, camera.matrix, self.size, cv2.CV_16SC2
            )

    def __call__(self, raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w, 3) as the ideal camera would see it."""
        if self.maps is None:
            if raw.shape[1::-1] != self.size:
                raise HardwareError(
                    f"camera gives {raw.shape[1]} x {raw.shape[0]}, the description says "
                    f"{self.size[0]} x {self.size[1]}; calibrate it or change the description"
                )
            return raw
        return np.asarray(cv2.remap(raw, *self.maps, cv2.INTER_LINEAR), np.uint8)


def calibration_file(path: str) -> dict[str, Any]:
    """Eyes by name of a file of `tenacious calibrate camera`; empty without a path.

    Raises:
        HardwareError: missing or not of that form.
    """
    if not path:
        return {}
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise HardwareError(f"{path}: {error}") from error
    if not isinstance(content, dict) or "left" not in content:
        raise HardwareError(f"{path}: has no key 'left'")
    return content


class Watchdog:
    """Says when a camera sends the same picture again and again: a live one has noise."""

    def __init__(self, name: str) -> None:
        self.name, self._last, self._same = name, b"", 0

    def look(self, image: NDArray[np.uint8]) -> None:
        """Take note of an image.

        Raises:
            HardwareError: it did not change for `FROZEN_FRAMES` frames.
        """
        sample = image[::16, ::16].tobytes()
        self._same = self._same + 1 if sample == self._last else 0
        self._last = sample
        if self._same >= FROZEN_FRAMES:
            raise HardwareError(f"{self.name}: the picture has frozen")


class V4l2Cameras:
    """Two cameras of the kernel (USB, or a recorded file), grabbed one right after the other."""

    def __init__(
        self,
        left: str,
        right: str,
        eyes: dict[str, Camera],
        calibration: dict[str, Any],
    ) -> None:
        self.names = (left, right)
        self.captures = [self._opened(name, eyes["left"]) for name in self.names]
        self.rectify = [Rectifier(eyes[eye], calibration.get(eye)) for eye in ("left", "right")]
        self.dogs = [Watchdog(name) for name in self.names]
        self.most = [1 if Path(name).is_file() else MOST_BUFFERED for name in self.names]

    def read(self, time_s: float) -> Stereo | None:
        """A pair of now, not what lay in the driver's buffers."""
        for name, capture, most in zip(self.names, self.captures, self.most, strict=True):
            for _ in range(most):
                began = time.monotonic()
                if not capture.grab():
                    raise HardwareError(f"{name}: no frame; unplugged?")
                if time.monotonic() - began > WAITED_S:
                    break
        images = []
        for capture, rectify, dog in zip(self.captures, self.rectify, self.dogs, strict=True):
            good, raw = capture.retrieve()
            if not good:
                raise HardwareError(f"{dog.name}: a frame that cannot be decoded")
            colour = np.asarray(cv2.cvtColor(raw, cv2.COLOR_BGR2RGB), np.uint8)
            dog.look(colour)
            images.append(rectify(colour))
        return Stereo(time_s, images[0], images[1])

    def set_exposure(self, auto: bool, exposure_us: float, gain: float) -> None:
        """V4L2 counts exposure in 100 us; mode 1 is manual, 3 automatic."""
        for capture in self.captures:
            capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, 3 if auto else 1)
            if not auto and exposure_us > 0.0:
                capture.set(cv2.CAP_PROP_EXPOSURE, exposure_us / 100.0)
            if not auto and gain > 0.0:
                capture.set(cv2.CAP_PROP_GAIN, gain)

    def close(self) -> None:
        """Let go."""
        for capture in self.captures:
            capture.release()

    @staticmethod
    def _opened(name: str, camera: Camera) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(int(name) if name.isdigit() else name)
        if not capture.isOpened():
            raise HardwareError(f"camera {name}: cannot be opened; is it plugged in?")
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, camera.width_px)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, camera.height_px)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture


class PiCameras:
    """Two cameras on a Pi's ribbon connectors, through libcamera."""

    def __init__(self, eyes: dict[str, Camera], calibration: dict[str, Any]) -> None:
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            raise HardwareError(
                "picamera2 is not here: apt install python3-picamera2 (Raspberry Pi OS, Ubuntu)"
            ) from error
        self.cameras = []
        for number in (0, 1):
            camera = Picamera2(number)
            size = (eyes["left"].width_px, eyes["left"].height_px)
            camera.configure(camera.create_video_configuration({"size": size, "format": "BGR888"}))
            camera.start()
            self.cameras.append(camera)
        self.rectify = [Rectifier(eyes[eye], calibration.get(eye)) for eye in ("left", "right")]
        self.dogs = [Watchdog("camera 0"), Watchdog("camera 1")]

    def read(self, time_s: float) -> Stereo | None:
        """The newest pair; libcamera's BGR888 is red first in memory."""
        images = []
        for camera, rectify, dog in zip(self.cameras, self.rectify, self.dogs, strict=True):
            raw = camera.capture_array()
            dog.look(raw)
            images.append(rectify(raw))
        return Stereo(time_s, images[0], images[1])

    def set_exposure(self, auto: bool, exposure_us: float, gain: float) -> None:
        """Both eyes alike."""
        for camera in self.cameras:
            wish: dict[str, Any] = {"AeEnable": auto}
            if not auto and exposure_us > 0.0:
                wish["ExposureTime"] = int(exposure_us)
            if not auto and gain > 0.0:
                wish["AnalogueGain"] = gain
            camera.set_controls(wish)

    def close(self) -> None:
        """Let go."""
        for camera in self.cameras:
            camera.stop()


class DepthCamera:
    """A RealSense camera: colour as the left eye, aligned depth in place of the right one."""

    def __init__(self, eyes: dict[str, Camera]) -> None:
        try:
            import pyrealsense2 as rs
        except ImportError as error:
            raise HardwareError("pyrealsense2 is not here: pip install pyrealsense2") from error
        camera = eyes["left"]
        config = rs.config()
        size = (camera.width_px, camera.height_px)
        config.enable_stream(rs.stream.color, *size, rs.format.rgb8, 15)
        config.enable_stream(rs.stream.depth, *size, rs.format.z16, 15)
        self.pipeline = rs.pipeline()
        try:
            profile = self.pipeline.start(config)
        except RuntimeError as error:
            raise HardwareError(f"depth camera: {error}") from error
        self.align = rs.align(rs.stream.color)
        self.scale = profile.get_device().first_depth_sensor().get_depth_scale()
        self.sensor = profile.get_device().first_color_sensor()
        self.options = rs.option

    def read(self, time_s: float) -> Stereo | None:
        """The newest frame; pixels without depth are NaN."""
        frames = self.align.process(self.pipeline.wait_for_frames(1000))
        colour, depth = frames.get_color_frame(), frames.get_depth_frame()
        if not colour or not depth:
            return None
        metres = np.asarray(depth.get_data(), np.float32) * np.float32(self.scale)
        metres[metres <= 0.0] = np.nan
        return Stereo(time_s, np.asarray(colour.get_data()), None, depth=metres)

    def set_exposure(self, auto: bool, exposure_us: float, gain: float) -> None:
        """Of the colour sensor."""
        self.sensor.set_option(self.options.enable_auto_exposure, 1.0 if auto else 0.0)
        if not auto and exposure_us > 0.0:
            self.sensor.set_option(self.options.exposure, exposure_us / 100.0)
        if not auto and gain > 0.0:
            self.sensor.set_option(self.options.gain, gain)

    def close(self) -> None:
        """Let go."""
        self.pipeline.stop()
