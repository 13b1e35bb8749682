# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The photograph: how far to stand so that the house is large, whole, and under the horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.payload.config import PayloadConfig
    from tenacious_rover.payload.house import Sighting
    from tenacious_rover.rover.model import Rover


LARGE = 0.12
"""Share of the picture's height that makes a house large, with the horizon still in view."""


@dataclass(frozen=True)
class Composition:
    """What a picture has of what it should; `score` 0 to 1."""

    share_of_height: float
    """Of the picture's height that the house takes, roof included."""
    whole: bool
    horizon: bool
    sharpness: float
    score: float


def back_off(rover: Rover, config: PayloadConfig, margin_px: float = 25.0) -> float:
    """Way straight back from release, m, until the whole house stands in the picture.

    The camera is then at least as far from it as `config` wishes; 2 m at most.
    """
    assert rover.payload is not None
    wished_m = max(config.photo_distance_m, config.back_off_m)
    camera = rover.cameras["left"]
    front = float(rover.payload.base_T_payload[0, 3])
    least = max(wished_m - (front - float(camera.base_T_optical[0, 3])), 0.2)
    for back in np.arange(least, 2.0, 0.05):
        corners = _corners(rover)
        corners[:, 0] += back
        pixels = _pixels(rover, corners)
        low = pixels.min() >= margin_px
        if low and (pixels < [camera.width_px - margin_px, camera.height_px - margin_px]).all():
            return float(back)
    return 2.0


def judged(seen: Sighting, rover: Rover, map_T_base: NDArray[np.float64]) -> Composition:
    """Composition of a picture with the house in it."""
    camera = rover.cameras["left"]
    assert rover.payload is not None
    walls = (seen.box[3] - seen.box[1] + 1) / camera.height_px
    share = walls * float(rover.payload.size[2]) / max(seen.height_m, 1e-3)
    horizon = 8.0 < horizon_row(rover, map_T_base) < camera.height_px / 2.0
    score = min(share / LARGE, 1.0) * (1.0 if seen.whole else 0.3) * (1.0 if horizon else 0.6)
    return Composition(share, seen.whole, horizon, seen.sharpness, score)


def horizon_row(rover: Rover, map_T_base: NDArray[np.float64]) -> float:
    """Row of the level horizon at the picture's middle column."""
    camera = rover.cameras["left"]
    map_R = (map_T_base @ camera.base_T_optical)[:3, :3]
    # Rows with up . ray = 0 for the ray (0, y, 1).
    down, ahead = map_R[2, 1], map_R[2, 2]
    return float(camera.cy_px - camera.fy_px * ahead / down) if abs(down) > 1e-6 else float("nan")


def _corners(rover: Rover) -> NDArray[np.float64]:
    assert rover.payload is not None
    x, y, z = rover.payload.size
    box = np.array([[i, j, k] for i in (-x / 2, x / 2) for j in (-y / 2, y / 2) for k in (0.0, z)])
    pose = rover.payload.base_T_payload.copy()
    pose[2, 3] = min(w.position[2] - w.radius_m for w in rover.wheels)
    return frames.points(pose, box)


def _pixels(rover: Rover, in_base: NDArray[np.float64]) -> NDArray[np.float64]:
    camera = rover.cameras["left"]
    p = frames.points(frames.inverse(camera.base_T_optical), in_base)
    z = np.where(p[:, 2] > 0.02, p[:, 2], np.nan)
    u = camera.fx_px * p[:, 0] / z + camera.cx_px
    v = camera.fy_px * p[:, 1] / z + camera.cy_px
    return np.nan_to_num(np.column_stack([u, v]), nan=-1e6)
