# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the sun stands over a place on the Moon: an offline ephemeris (astronomy-engine).

The Moon's axis and prime meridian come from the IAU's rotation model that the library carries,
so libration is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import astronomy
import numpy as np

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray


def sun_direction(
    latitude_deg: float, longitude_deg: float, epoch: datetime, time_s: float = 0.0
) -> NDArray[np.float64]:
    """Unit vector (3,) to the sun in east, north, up of a place, `time_s` after `epoch` (UTC)."""
    time = astronomy.Time.Make(
        epoch.year, epoch.month, epoch.day, epoch.hour, epoch.minute, float(epoch.second)
    ).AddDays(time_s / 86400.0)
    equator_R_moon = _rotation(time)
    moon = astronomy.HelioVector(astronomy.Body.Moon, time)
    sun = -np.array([moon.x, moon.y, moon.z])
    in_moon = equator_R_moon.T @ (sun / np.linalg.norm(sun))
    return np.asarray(_local(latitude_deg, longitude_deg) @ in_moon)


def _rotation(time: astronomy.Time) -> NDArray[np.float64]:
    """(3, 3): columns are the Moon's axes (to the prime meridian, east, north) in J2000."""
    axis = astronomy.RotationAxis(astronomy.Body.Moon, time)
    spin, ascension = np.radians(axis.spin), np.radians(15.0 * axis.ra)
    north = np.array([axis.north.x, axis.north.y, axis.north.z])
    node = np.array([-np.sin(ascension), np.cos(ascension), 0.0])
    meridian = np.cos(spin) * node + np.sin(spin) * np.cross(north, node)
    return np.column_stack([meridian, np.cross(north, meridian), north])


def _local(latitude_deg: float, longitude_deg: float) -> NDArray[np.float64]:
    """(3, 3): rows are east, north and up of a place in the Moon's axes."""
    la, lo = np.radians(latitude_deg), np.radians(longitude_deg)
    return np.array(
        [
            [-np.sin(lo), np.cos(lo), 0.0],
            [-np.sin(la) * np.cos(lo), -np.sin(la) * np.sin(lo), np.cos(la)],
            [np.cos(la) * np.cos(lo), np.cos(la) * np.sin(lo), np.sin(la)],
        ]
    )


def from_angles(azimuth_deg: float, elevation_deg: float) -> NDArray[np.float64]:
    """Unit vector (3,) from an azimuth east of north and an elevation."""
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.array([np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)])


def angles(direction: NDArray[np.float64]) -> tuple[float, float]:
    """Azimuth east of north (0..360) and elevation of a unit vector, degrees."""
    azimuth = np.degrees(np.arctan2(direction[0], direction[1])) % 360.0
    return float(azimuth), float(np.degrees(np.arcsin(np.clip(direction[2], -1.0, 1.0))))
