# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the sun stands: direction in map (east, north, up) for a site and a time.

Ephemeris and lunar axes: astronomy-engine (D. Cross), which follows VSOP87 and the IAU report on
cartographic coordinates; its own statement is one arc minute.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import astronomy
import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization.error import LocalizationError

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig

Array = NDArray[np.float64]

UTC_CLOCK_S = 1e9
"""A clock beyond this counts seconds from 1970 in UTC (a real rover), not from a start."""
_J2000 = dt.datetime(2000, 1, 1, 12, tzinfo=dt.UTC)
_STEP_S = 30.0


class Sky(Protocol):
    """Whatever knows where the sun stands."""

    def sun_direction(self, time_s: float) -> Array:
        """Unit vector (3,) to the sun in map at a time of the platform's clock."""


@dataclass(frozen=True)
class FixedSun:
    """A sun that stands still: of a lamp, or of a world that wants it so."""

    azimuth_deg: float
    elevation_deg: float

    def sun_direction(self, time_s: float) -> Array:
        """Always the same unit vector (3,)."""
        del time_s
        a, e = math.radians(self.azimuth_deg), math.radians(self.elevation_deg)
        return np.array([math.sin(a) * math.cos(e), math.cos(a) * math.cos(e), math.sin(e)])


@dataclass(frozen=True)
class Site:
    """Where map's origin is, and what time it was when the platform's clock read zero."""

    latitude_deg: float
    longitude_deg: float
    epoch: dt.datetime
    body: str = "moon"

    def sun_direction(self, time_s: float) -> Array:
        """Unit vector (3,) to the sun in map at a time of the platform's clock.

        Linear between two ephemeris values half a minute apart, on the sphere.
        """
        before = math.floor(time_s / _STEP_S)
        share = time_s / _STEP_S - before
        mix = (1.0 - share) * self._at(before) + share * self._at(before + 1)
        return np.asarray(mix / np.linalg.norm(mix))

    def _at(self, step: int) -> Array:
        seconds = step * _STEP_S
        if seconds >= UTC_CLOCK_S:
            when = dt.datetime.fromtimestamp(seconds, dt.UTC)
        else:
            when = self.epoch + dt.timedelta(seconds=seconds)
        return _direction(self.body, self.latitude_deg, self.longitude_deg, when)


def site(latitude_deg: float, longitude_deg: float, epoch: str, body: str = "moon") -> Site:
    """A site from parameters.

    Raises:
        LocalizationError: `epoch` is not a date and time.
    """
    try:
        when = dt.datetime.fromisoformat(epoch)
    except ValueError:
        raise LocalizationError(
            f"epoch: {epoch!r} is not ISO 8601, such as 2025-06-05T19:17:00Z"
        ) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return Site(latitude_deg, longitude_deg, when, body)


def site_of(config: LocalizationConfig) -> Sky:
    """The sky of a configuration.

    Raises:
        LocalizationError: `epoch` or `fixed_sun` cannot be read.
    """
    if not config.fixed_sun:
        return site(config.latitude_deg, config.longitude_deg, config.epoch, config.body)
    try:
        azimuth, elevation = map(float, config.fixed_sun.replace(",", " ").split())
    except ValueError:
        raise LocalizationError(
            f"fixed_sun: {config.fixed_sun!r} is not azimuth and elevation in degrees"
        ) from None
    if not (math.isfinite(azimuth) and -90.0 <= elevation <= 90.0):
        raise LocalizationError(f"fixed_sun: {config.fixed_sun!r}: elevation is -90 to 90 degrees")
    return FixedSun(azimuth, elevation)


def elevation_azimuth(direction: Array) -> tuple[float, float]:
    """Height over the horizon and azimuth from north to east, rad, of a direction in map."""
    return math.asin(float(direction[2])), math.atan2(direction[0], direction[1]) % (2.0 * math.pi)


@lru_cache(maxsize=256)
def _direction(body: str, latitude_deg: float, longitude_deg: float, when: dt.datetime) -> Array:
    time = astronomy.Time((when - _J2000).total_seconds() / 86400.0)
    latitude, longitude = math.radians(latitude_deg), math.radians(longitude_deg)
    if body == "moon":
        sun_in_fixed, radius_au = moon_fixed_sun(time)
    else:
        sun_in_fixed, radius_au = _earth_fixed_sun(time)
    east = np.array([-math.sin(longitude), math.cos(longitude), 0.0])
    up = np.array(
        [
            math.cos(latitude) * math.cos(longitude),
            math.cos(latitude) * math.sin(longitude),
            math.sin(latitude),
        ]
    )
    seen = sun_in_fixed - radius_au * up
    seen /= np.linalg.norm(seen)
    return np.array([seen @ east, seen @ np.cross(up, east), seen @ up])


def moon_fixed_sun(time: astronomy.Time) -> tuple[Array, float]:
    """From the Moon's centre to the sun (3,) in au, and the Moon's radius in au.

    In the Moon's axes: x to longitude 0, z north. The sun's place is the apparent one.
    """
    sun = astronomy.GeoVector(astronomy.Body.Sun, time, aberration=True)
    moon = astronomy.GeoMoon(time)
    axis = astronomy.RotationAxis(astronomy.Body.Moon, time)
    fixed_R_j2000 = _axes(
        math.radians(15.0 * axis.ra), math.radians(axis.dec), math.radians(axis.spin)
    )
    away = np.array([sun.x - moon.x, sun.y - moon.y, sun.z - moon.z])
    return fixed_R_j2000 @ away, 1737.4 / astronomy.KM_PER_AU


def _earth_fixed_sun(time: astronomy.Time) -> tuple[Array, float]:
    sun = astronomy.GeoVector(astronomy.Body.Sun, time, aberration=True)
    of_date = astronomy.RotateVector(astronomy.Rotation_EQJ_EQD(time), sun)
    spin = math.radians(15.0 * astronomy.SiderealTime(time))
    return _axes(0.0, math.pi / 2.0, spin, 0.0) @ np.array([of_date.x, of_date.y, of_date.z]), 0.0


def _axes(ra: float, dec: float, spin: float, node: float = math.pi / 2.0) -> Array:
    """fixed_R_inertial (3, 3) from a pole and the prime meridian's angle from the node."""
    a, b = ra + node, math.pi / 2.0 - dec

    def about_z(t: float) -> Array:
        c, s = math.cos(t), math.sin(t)
        return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])

    tilt = np.array(
        [[1.0, 0.0, 0.0], [0.0, math.cos(b), math.sin(b)], [0.0, -math.sin(b), math.cos(b)]]
    )
    return about_z(spin) @ tilt @ about_z(a)
