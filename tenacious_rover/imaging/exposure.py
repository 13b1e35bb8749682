# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Metering for a black sky and hard shadows: expose to the right on the ground alone.

The sky and the shadows carry no light and must not weigh; the brightest ground must not clip in any
colour. So one high percentile of the raw values below the horizon is brought to a wanted value,
without the few pixels that are too bright to be ground.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.imaging.config import ImagingConfig
    from tenacious_rover.rover.model import Camera

_GOOD_FACTOR = 1.2
_DARK = 2
LOW_SUN = np.radians(10.0)
"""Elevation below which the sun is low."""
_SHINE, _SHINY_SHARE, _GAP, _LONELY = 6.0, 0.03, 0.9, 3.0


@dataclass(frozen=True)
class Exposure:
    """Camera settings; `light` is what both together make of a scene."""

    exposure_us: float
    gain: float = 1.0

    @property
    def light(self) -> float:
        """Exposure times gain, µs."""
        return self.exposure_us * self.gain


@dataclass(frozen=True)
class Metered:
    """What metering thinks of a frame.

    Attributes:
        next: settings to use now.
        clipped: share of ground pixels that are clipped.
        peak: value of the brightest ground but for `peak_share`.
        good: the frame may be kept.
    """

    next: Exposure
    clipped: float
    peak: float
    good: bool


def split(light: float, config: ImagingConfig) -> Exposure:
    """Settings for an amount of light: time first, gain when time has run out."""
    time_us = float(np.clip(light, config.exposure_min_us, config.exposure_max_us))
    return Exposure(time_us, float(np.clip(light / time_us, 1.0, config.gain_max)))


def ground(camera: Camera, map_R_base: NDArray[np.float64] | None = None) -> NDArray[np.bool_]:
    """(h, w) mask of pixels that look below the horizon; `map_R_base` (3, 3), level when None."""
    v, u = np.mgrid[: camera.height_px, : camera.width_px]
    rays = np.stack(
        [(u - camera.cx_px) / camera.fx_px, (v - camera.cy_px) / camera.fy_px, np.ones(u.shape)], -1
    )
    rotation = camera.base_T_optical[:3, :3]
    up = (rotation if map_R_base is None else map_R_base @ rotation)[2]
    return np.asarray(rays @ up < -0.01)


def meter(
    pixels: NDArray[Any],
    mask: NDArray[np.bool_],
    used: Exposure,
    config: ImagingConfig,
    *,
    low_sun: bool = False,
) -> Metered:
    """Judge a frame and say how to expose the next.

    Args:
        pixels: (h, w) or (h, w, c) raw values, 8 bit.
        mask: (h, w) the ground.
        used: settings the frame was taken with.
        config: targets and limits.
        low_sun: slopes that face the sun outshine level ground by so much that what is bright
            counts as ground, whatever it is.
    """
    brightest = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    values = brightest[mask] if mask.any() else brightest.ravel()
    values = values if low_sun else _matt(values, config)
    clipped = float(np.mean(values >= config.clipped_from))
    peak = float(np.percentile(values, 100.0 * (1.0 - config.peak_share)))
    if clipped > config.clipped_share:
        factor = 0.25 if clipped > 0.3 else 0.5 if clipped > 0.05 else 0.75
    elif peak <= _DARK:
        factor = 16.0
    else:
        factor = float((config.peak_target / peak) ** config.gamma)
    wanted = split(used.light * factor, config)
    limited = abs(wanted.light / used.light - 1.0) < 0.01
    near = 1.0 / _GOOD_FACTOR < factor < _GOOD_FACTOR
    return Metered(wanted, clipped, peak, clipped <= config.clipped_share and (near or limited))


def _matt(values: NDArray[Any], config: ImagingConfig) -> NDArray[Any]:
    """Ground without the few pixels of white paint or foil that would keep it in the dark.

    Regolith stays within some 6 times its own median in the sun (Lommel-Seeliger over slopes that
    hold); a lander's legs are far beyond that. Once they clip, they show by the gap below them:
    ground that clips has neighbours that nearly do. Where more than 3 % shine, they are the scene.
    """
    light = (values / 255.0) ** config.gamma
    lit = light[values > _DARK]
    if not len(lit):
        return values
    shiny = light > _SHINE * np.median(lit)
    clipped = values >= config.clipped_from
    nearly = (values >= _GAP * config.clipped_from) & ~clipped
    if clipped.sum() > _LONELY * nearly.sum():
        shiny |= clipped
    return values[~shiny] if 0.0 < shiny.mean() < _SHINY_SHARE else values


def bracket(middle: Exposure, stops: float, config: ImagingConfig) -> tuple[Exposure, ...]:
    """Three settings, `stops` factors of two apart, darkest first."""
    return tuple(split(middle.light * 2.0**k, config) for k in (-stops, 0.0, stops))


def merged(
    frames: list[NDArray[np.uint8]], used: list[Exposure], config: ImagingConfig
) -> NDArray[np.float32]:
    """Radiance (h, w, c) in values per µs from frames (h, w, c) of one bracket.

    Each pixel is the mean of the frames that saw it between noise and clipping, weighted with its
    light (the noise of a pixel grows with the root of what it caught).
    """
    total = np.zeros(frames[0].shape, np.float64)
    weight = np.zeros(frames[0].shape, np.float64)
    darkest = int(np.argmin([e.light for e in used]))
    for index, (frame, exposure) in enumerate(zip(frames, used, strict=True)):
        usable = frame < config.clipped_from
        if index == darkest:
            usable = np.ones_like(usable)
        w = usable * exposure.light
        total += w * radiance(frame, exposure, config)
        weight += w
    return np.asarray(total / np.maximum(weight, 1e-12), np.float32)


def radiance(
    frame: NDArray[np.uint8], exposure: Exposure, config: ImagingConfig
) -> NDArray[np.float32]:
    """Light per µs of pixel values, any shape."""
    return np.asarray((frame / 255.0) ** config.gamma * 255.0 / exposure.light, np.float32)


def displayed(
    light: NDArray[np.float32], valid: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """8-bit picture (h, w, 3) for people: white at the brightest 0.2 %, sRGB-like gamma."""
    lit = light[valid] if valid is not None and valid.any() else light.reshape(-1, light.shape[-1])
    white = max(float(np.percentile(lit.max(axis=-1), 99.8)), 1e-12)
    return np.asarray(np.clip(light / white, 0.0, 1.0) ** (1.0 / 2.2) * 255.0 + 0.5, np.uint8)
