# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The lunar camera: a ray-marcher on the world's height field, and a sensor with its faults."""

from tenacious_rover.simulator.camera.config import RenderConfig, SensorConfig
from tenacious_rover.simulator.camera.error import CameraError
from tenacious_rover.simulator.camera.renderer import Frame, Renderer
from tenacious_rover.simulator.camera.sensor import CameraSensor

__all__ = ["CameraError", "CameraSensor", "Frame", "RenderConfig", "Renderer", "SensorConfig"]
