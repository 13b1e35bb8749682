# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rover's stereo pair in its world: where the eyes are, what they see, how they expose."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tenacious_rover.rover.measurements import Stereo
from tenacious_rover.simulator.appearance import Appearance
from tenacious_rover.simulator.camera.renderer import Frame, Renderer
from tenacious_rover.simulator.camera.sensor import CameraSensor
from tenacious_rover.simulator.error import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Camera
    from tenacious_rover.simulator.dynamics import Dynamics
    from tenacious_rover.simulator.faults import LensDust

EYES = ("left", "right")
_LONGEST_US, _LARGEST_GAIN = 1e6, 64.0


class Eyes:
    """Renders both eyes of the rover; exposure is one for both.

    Attributes:
        auto: exposure and gain follow what the left eye sees.
        exposure_us, gain: of the last pair, or fixed.
    """

    def __init__(self, dynamics: Dynamics, streams: Sequence[Generator]) -> None:
        self._dynamics = dynamics
        self._renderer = Renderer(dynamics.world)
        self._appearance = Appearance(dynamics)
        cameras = dynamics.rover.cameras
        self._sensors = {
            eye: CameraSensor(cameras[eye], rng=rng) for eye, rng in zip(EYES, streams, strict=True)
        }
        self._both = ThreadPoolExecutor(len(EYES), "exposure")
        self._dust = dict.fromkeys(EYES, 0.0)
        self._last: Stereo | None = None
        self.auto, self.exposure_us, self.gain = True, 1000.0, 1.0

    def control(self, auto: bool | None, exposure_us: float, gain: float) -> None:
        """Set exposure; `None` and 0 keep the present value.

        Raises:
            SimulatorError: out of bounds.
        """
        if not 0.0 <= exposure_us <= _LONGEST_US:
            raise SimulatorError(f"exposure_us: {exposure_us} is not from 0 to {_LONGEST_US:g}")
        if not 0.0 <= gain <= _LARGEST_GAIN:
            raise SimulatorError(f"gain: {gain} is not from 0 to {_LARGEST_GAIN:g}")
        if auto is not None:
            self.auto = auto
        if not self.auto:
            self.exposure_us = exposure_us or self.exposure_us
            self.gain = gain or self.gain

    def pair(self, dust: Sequence[LensDust], frozen: bool) -> Stereo:
        """A stereo pair of this moment."""
        now = self._dynamics.time_s
        if frozen and self._last is not None:
            last = self._last
            return Stereo(now, last.left, last.right, last.exposure_us, last.gain)
        self._soil(dust)
        views = [self.frame(self._dynamics.rover.cameras[eye]) for eye in EYES]
        if self.auto:
            self.exposure_us, self.gain = self._sensors["left"].auto(views[0])
        left, right = self._both.map(
            lambda eye, view: self._sensors[eye].expose(
                view, self.exposure_us, self.gain, self._smear(eye)
            ),
            EYES,
            views,
        )
        self._last = Stereo(now, left, right, self.exposure_us, self.gain)
        return self._last

    def frame(self, camera: Camera, map_T_optical: NDArray[np.float64] | None = None) -> Frame:
        """Radiance, true depth and labels, from a camera of the rover or from anywhere in map."""
        dynamics = self._dynamics
        dynamics.settle()
        for row, column, patch in dynamics.changes:
            self._renderer.set_heights(row, column, patch)
        dynamics.changes.clear()
        if map_T_optical is None:
            map_T_optical = dynamics.map_T_base @ camera.base_T_optical
        sun = dynamics.world.spec.sun_direction(dynamics.time_s)
        return self._renderer.render(camera, map_T_optical, sun, self._appearance.parts())

    def _soil(self, dust: Sequence[LensDust]) -> None:
        for eye in EYES:
            covers = [one.cover for one in dust if one.eye in (eye, "both")]
            cover = max(covers, default=0.0)
            if cover != self._dust[eye]:
                self._dust[eye] = cover
                self._sensors[eye].set_dust(cover)

    def _smear(self, eye: str) -> tuple[float, float]:
        """Way of the picture over the sensor during the exposure, px, from the rover's turning."""
        camera = self._dynamics.rover.cameras[eye]
        _, angular = self._dynamics.velocity
        turning = camera.base_T_optical[:3, :3].T @ angular
        seconds = self.exposure_us * 1e-6
        return (
            float(-turning[1] * camera.fx_px * seconds),
            float(turning[0] * camera.fy_px * seconds),
        )
