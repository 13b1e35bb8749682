# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What is written beside every picture, so that it can be understood without this program."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.imaging.error import ImagingError
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Camera

VERSION = 1
KINDS = ("single", "stereo", "burst", "bracket", "panorama", "target")


@dataclass(frozen=True)
class Sidecar:
    """A picture's facts. Angles in degrees, lengths in m, times in s of the mission's clock."""

    id: str
    kind: str
    purpose: str
    time_s: float
    eye: str
    group: str
    """Id of the first picture of the same request."""
    path: str
    """The PNG, relative to the run's folder."""
    sha256: str
    width_px: int
    height_px: int
    position_m: tuple[float, float, float] | None = None
    """Of base_link in map."""
    quaternion_wxyz: tuple[float, float, float, float] | None = None
    covariance: tuple[float, ...] = ()
    """(36,) row-major x y z rx ry rz of base_link in map, m and rad."""
    camera: dict[str, Any] = field(default_factory=dict)
    exposure_us: float | None = None
    gain: float | None = None
    clipped_share: float | None = None
    sun_azimuth_deg: float | None = None
    """From east, counterclockwise, in map."""
    sun_elevation_deg: float | None = None
    phase_angle_deg: float | None = None
    """Sun, ground, camera; for the ground at the picture's centre."""
    extra: dict[str, Any] = field(default_factory=dict)
    version: int = VERSION

    @property
    def map_T_base(self) -> NDArray[np.float64] | None:
        """(4, 4), when known."""
        if self.position_m is None or self.quaternion_wxyz is None:
            return None
        return frames.transform(np.array(self.position_m), np.array(self.quaternion_wxyz))

    def text(self) -> str:
        """JSON."""
        return json.dumps(asdict(self), indent=1)


def parsed(text: str, where: str = "sidecar") -> Sidecar:
    """A sidecar from its JSON.

    Raises:
        ImagingError: not JSON of this form.
    """
    try:
        values = json.loads(text)
        for name in ("position_m", "quaternion_wxyz", "covariance"):
            if values.get(name) is not None:
                values[name] = tuple(values[name])
        return Sidecar(**values)
    except (TypeError, ValueError, AttributeError) as error:
        raise ImagingError(f"{where}: not a sidecar: {error}") from error


def camera_facts(camera: Camera) -> dict[str, Any]:
    """The camera model as plain values."""
    return {
        "name": camera.name,
        "frame": camera.frame,
        "model": "pinhole, rectified",
        "fx_px": camera.fx_px,
        "fy_px": camera.fy_px,
        "cx_px": camera.cx_px,
        "cy_px": camera.cy_px,
        "base_T_optical": camera.base_T_optical.tolist(),
    }


def pose_facts(
    map_T_base: NDArray[np.float64], covariance: NDArray[np.float64]
) -> dict[str, tuple[float, ...]]:
    """Fields of a sidecar for a pose (4, 4) with covariance (6, 6)."""
    return {
        "position_m": tuple(map(float, map_T_base[:3, 3])),
        "quaternion_wxyz": tuple(map(float, frames.quaternion(map_T_base))),
        "covariance": tuple(map(float, covariance.ravel())),
    }


def sun_facts(
    sun_base: NDArray[np.float64] | None, map_T_base: NDArray[np.float64] | None, camera: Camera
) -> dict[str, float]:
    """Fields of a sidecar for a sun direction (3,) in base_link; empty when it is not known."""
    if sun_base is None or map_T_base is None:
        return {}
    in_map = map_T_base[:3, :3] @ sun_base
    axis = camera.base_T_optical[:3, 2]
    cosine = float(np.clip(-axis @ sun_base / np.linalg.norm(sun_base), -1.0, 1.0))
    flat = float(np.hypot(in_map[0], in_map[1]))
    return {
        "sun_azimuth_deg": float(np.degrees(np.arctan2(in_map[1], in_map[0]))),
        "sun_elevation_deg": float(np.degrees(np.arctan2(in_map[2], flat))),
        "phase_angle_deg": float(np.degrees(np.arccos(cosine))),
    }
