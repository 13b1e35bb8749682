# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""From radiance to an 8-bit colour picture, with what a real sensor adds and takes away.

    electrons = radiance * sensitivity * exposure * vignetting * (1 - dust)   (then blurred)
    value = 255 * gain * (electrons + shot + read noise) / full well          (linear, rounded)

The response is linear (gamma 1). Electrons saturate at the full well, values at 255. Gain is
applied after the read-out, so noise grows with it as the signal does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numba import njit

from tenacious_rover.simulator.camera.config import SensorConfig
from tenacious_rover.simulator.camera.error import CameraError
from tenacious_rover.simulator.camera.fast import FAST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Camera
    from tenacious_rover.simulator.camera.renderer import Frame


_LIT = 0.05
"""Share of the 99th percentile from which a pixel counts as lit."""


class CameraSensor:
    """One eye's sensor; all randomness comes from the generator that is passed in."""

    def __init__(
        self,
        camera: Camera,
        config: SensorConfig | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.config = config or SensorConfig()
        self._rng = rng or np.random.default_rng(0)
        self._shape = (camera.height_px, camera.width_px)
        spread = self.config.response_nonuniformity
        flat = 1.0 + spread * self._rng.standard_normal(self._shape, dtype=np.float32)
        self._response = (flat * _vignette(camera, self.config.vignetting)).astype(np.float32)
        self._dust: NDArray[np.float32] | None = None
        self._haze = 0.0

    def expose(
        self,
        frame: Frame,
        exposure_us: float,
        gain: float = 1.0,
        motion_px: tuple[float, float] = (0.0, 0.0),
    ) -> NDArray[np.uint8]:
        """A picture (h, w, 3) RGB.

        Args:
            frame: what there is to see.
            exposure_us: time.
            gain: factor after the read-out.
            motion_px: way (right, down) of the picture over the sensor during the exposure.

        Raises:
            CameraError: exposure or gain that is not positive, or a frame of another size.
        """
        if not (np.isfinite(exposure_us) and exposure_us > 0.0):
            raise CameraError(f"exposure_us: {exposure_us} is not a positive number")
        if not (np.isfinite(gain) and gain > 0.0):
            raise CameraError(f"gain: {gain} is not a positive number")
        if frame.radiance.shape[:2] != self._shape:
            raise CameraError(
                f"frame: {frame.radiance.shape[:2]} is not the camera's {self._shape}"
            )
        config = self.config
        light = self._through_lens(frame.radiance, motion_px)
        noise = self._rng.standard_normal(light.shape, dtype=np.float32)
        picture = np.empty(light.shape, np.uint8)
        _read_out(
            light.ravel(),
            self._response.ravel(),
            noise.ravel(),
            np.float32(config.sensitivity * exposure_us),
            np.float32(config.read_noise_e**2),
            np.float32(config.full_well_e),
            np.float32(255.0 * gain / config.full_well_e),
            picture.ravel(),
        )
        return picture

    def auto(self, frame: Frame) -> tuple[float, float]:
        """Exposure (us) and gain that bring the brightest terrain just below saturation.

        Black sky and shadows do not weigh, and neither do small bright things such as the lander:
        the lit pixels' 90th percentile bounds how bright terrain is taken to be, so they may fill
        a tenth of what is lit. Time first, gain when time has run out.
        """
        config = self.config
        step = max(min(self._shape) // 120, 1)
        light = frame.radiance[::step, ::step].max(axis=2) * self._response[::step, ::step]
        lit = light[light > _LIT * float(np.quantile(light, 0.99))]
        if lit.size < 10:
            return config.exposure_max_us, config.gain_max
        top, high = np.quantile(lit, [1.0 - config.peak_share, 0.9])
        bright = float(min(top, config.highlight * high))
        wanted = config.peak * config.full_well_e / (config.sensitivity * bright)
        exposure = float(np.clip(wanted, config.exposure_min_us, config.exposure_max_us))
        return exposure, float(np.clip(wanted / exposure, 1.0, config.gain_max))

    def set_dust(self, cover: float) -> None:
        """Dust on the lens: dim blotches over a share 0..1 of the picture, and haze by sunlight.

        Raises:
            CameraError: not a share.
        """
        if not 0.0 <= cover <= 1.0:
            raise CameraError(f"dust: {cover} is not a share from 0 to 1")
        self._haze = 0.04 * cover
        if cover == 0.0:
            self._dust = None
            return
        w = self._shape[1]
        field = np.zeros(self._shape, np.float32)
        for weight, size in ((1.0, w / 40.0), (0.7, w / 160.0)):
            white = self._rng.standard_normal(self._shape, dtype=np.float32)
            blotches = np.asarray(cv2.GaussianBlur(white, (0, 0), size), np.float32)
            field += np.float32(weight) * blotches / blotches.std()
        edge = np.quantile(field, 1.0 - cover)
        opaque = np.clip(0.5 + (field - edge) / 0.5, 0.0, 1.0)
        self._dust = (1.0 - 0.75 * opaque).astype(np.float32)

    def _through_lens(
        self, radiance: NDArray[np.float32], motion_px: tuple[float, float]
    ) -> NDArray[np.float32]:
        """A copy of the radiance (h, w, 3), blurred and dusty."""
        light = radiance.copy()
        if self._dust is not None:
            light *= self._dust[..., None]
            light += np.float32(self._haze * float(radiance.max()))
        sigma = self.config.psf_sigma_px
        if sigma > 0.0:
            kernel = (5, 5) if sigma < 0.8 else (0, 0)
            light = np.asarray(cv2.GaussianBlur(light, kernel, sigma), np.float32)
        if max(abs(motion_px[0]), abs(motion_px[1])) > 0.3:
            light = np.asarray(cv2.filter2D(light, -1, _streak(*motion_px)), np.float32)
        return np.ascontiguousarray(light, np.float32)


@njit(cache=True, error_model="numpy", fastmath=FAST, nogil=True)
def _read_out(
    light: NDArray[np.float32],
    response: NDArray[np.float32],
    noise: NDArray[np.float32],
    sensitivity: np.float32,
    floor: np.float32,
    well: np.float32,
    gain: np.float32,
    picture: NDArray[np.uint8],
) -> None:
    """Electrons with noise, clipped, as values: `picture` (3 n,) from `light` (3 n,)."""
    zero, half, white = np.float32(0.0), np.float32(0.5), np.float32(255.0)
    for n in range(len(response)):
        factor = sensitivity * response[n]
        for k in range(3 * n, 3 * n + 3):
            electrons = light[k] * factor
            electrons += noise[k] * np.sqrt(electrons + floor)
            electrons = min(max(electrons, zero), well)
            picture[k] = np.uint8(min(electrons * gain + half, white))


def _streak(right: float, down: float) -> NDArray[np.float32]:
    """Kernel of a straight move by (right, down) px."""
    reach = int(np.ceil(max(abs(right), abs(down)) / 2.0))
    kernel = np.zeros((2 * reach + 3, 2 * reach + 3), np.float32)
    for share in np.linspace(-0.5, 0.5, 8 * reach + 1):
        x, y = reach + 1 + share * right, reach + 1 + share * down
        j, i = int(np.floor(x)), int(np.floor(y))
        u, v = x - j, y - i
        kernel[i, j] += (1 - u) * (1 - v)
        kernel[i, j + 1] += u * (1 - v)
        kernel[i + 1, j] += (1 - u) * v
        kernel[i + 1, j + 1] += u * v
    return kernel / kernel.sum()


def _vignette(camera: Camera, loss: float) -> NDArray[np.float32]:
    """(h, w): 1 on the axis, 1 - loss in the farthest corner, by the angle's tangent squared."""
    x = (np.arange(camera.width_px) - camera.cx_px) / camera.fx_px
    y = (np.arange(camera.height_px) - camera.cy_px) / camera.fy_px
    square = x[None, :] ** 2 + y[:, None] ** 2
    return np.asarray(1.0 - loss * square / square.max(), np.float32)
