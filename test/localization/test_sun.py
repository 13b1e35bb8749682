# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The sun's place against published values, and the heading that follows from it."""

import datetime as dt

import astronomy
import numpy as np
import pytest

from tenacious_rover.localization import attitude, measurement
from tenacious_rover.localization import filter as eskf
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.error import LocalizationError
from tenacious_rover.localization.sun import elevation_azimuth, moon_fixed_sun, site, site_of


def test_selenographic_sun_as_published():
    """J. Meeus, Astronomical Algorithms (2nd ed.), example 53.a: 1992-04-12, 0h TD."""
    days = (dt.datetime(1992, 4, 12) - dt.datetime(2000, 1, 1, 12)).total_seconds() / 86400  # noqa: DTZ001
    v, _ = moon_fixed_sun(astronomy.Time.FromTerrestrialTime(days))
    longitude = np.degrees(np.arctan2(v[1], v[0]))
    latitude = np.degrees(np.arcsin(v[2] / np.linalg.norm(v)))
    # Meeus gives mean axes of the Moon; the IAU's differ by a few hundredths of a degree.
    assert (longitude, latitude) == pytest.approx((67.89, 1.46), abs=0.03)


def test_sun_at_the_landing_and_at_noon():
    """Mare Frigoris, 2025-06-05 19:17 UTC: the sun stands 12 degrees high, six days later 31."""
    place = site(60.5, -4.6, "2025-06-05T19:17:00Z")
    height, azimuth = np.degrees(elevation_azimuth(place.sun_direction(0.0)))
    assert height == pytest.approx(12.0, abs=0.3)
    assert 90.0 < azimuth < 135.0
    day = 86400.0
    heights = [place.sun_direction(k * day / 4)[2] for k in range(60)]
    assert np.degrees(np.arcsin(max(heights))) == pytest.approx(31.0, abs=0.5)


def test_sun_over_greenwich():
    """On Earth, against the library's own topocentric place."""
    place = site(51.48, 0.0, "2025-03-20T12:07:00Z", "earth")
    time = astronomy.Time.Make(2025, 3, 20, 12, 7, 0)
    observer = astronomy.Observer(51.48, 0.0, 0.0)
    seen = astronomy.Equator(astronomy.Body.Sun, time, observer, True, True)
    expected = astronomy.Horizon(time, observer, seen.ra, seen.dec, astronomy.Refraction.Airless)
    height, azimuth = np.degrees(elevation_azimuth(place.sun_direction(0.0)))
    assert (height, azimuth) == pytest.approx((expected.altitude, expected.azimuth), abs=0.01)


def test_clock_of_utc_ignores_the_epoch():
    stamp = dt.datetime(2025, 6, 8, tzinfo=dt.UTC).timestamp()
    by_clock = site(60.5, -4.6, "1999-01-01T00:00:00Z").sun_direction(stamp)
    by_epoch = site(60.5, -4.6, "2025-06-08T00:00:00").sun_direction(0.0)
    assert np.allclose(by_clock, by_epoch, atol=1e-6)


def test_interpolation_is_as_good_as_the_ephemeris():
    place = site(60.5, -4.6, "2025-06-05T19:17:00Z")
    later = site(60.5, -4.6, "2025-06-05T19:17:13Z")
    assert np.allclose(place.sun_direction(13.0), later.sun_direction(0.0), atol=1e-9)


def test_bad_words_are_refused():
    with pytest.raises(LocalizationError, match="epoch"):
        site(0.0, 0.0, "yesterday")
    with pytest.raises(LocalizationError, match="fixed_sun"):
        site_of(LocalizationConfig(fixed_sun="12"))
    with pytest.raises(LocalizationError, match="elevation"):
        site_of(LocalizationConfig(fixed_sun="12 95"))
    fixed = site_of(LocalizationConfig(fixed_sun="90, 0")).sun_direction(1.0)
    assert np.allclose(fixed, [1.0, 0.0, 0.0])


def test_averaging_does_not_beat_the_bias():
    config = LocalizationConfig()
    state = eskf.start(np.eye(4), config, 0.01, 0.0)
    in_map = np.array([0.6, 0.6, 0.5])
    in_map /= np.linalg.norm(in_map)
    bias = np.radians(0.1)
    for _ in range(2000):
        linear = measurement.sun(state, state.rotation.T @ in_map, in_map, np.radians(0.5), bias)
        if linear is not None:
            eskf.correct(state, *linear)
    # The sun says nothing of a turn about the line to it: look at the axis across it nearest to up.
    axis = np.array([0.0, 0.0, 1.0]) - in_map[2] * in_map
    axis /= np.linalg.norm(axis)
    known = np.sqrt(axis @ state.covariance[6:9, 6:9] @ axis)
    assert 0.8 * bias < known < 1.2 * bias


@pytest.mark.parametrize("off", [-30.0, 5.0])
def test_sun_turns_a_wrong_heading(off):
    config = LocalizationConfig(start_yaw_sigma_deg=30.0)
    state = eskf.start(np.eye(4), config, 0.01, 0.0)
    true = attitude.about_z(np.radians(off))
    in_map = np.array([0.8, -0.4, 0.4]) / np.linalg.norm([0.8, -0.4, 0.4])
    for _ in range(30):
        linear = measurement.sun(state, true.T @ in_map, in_map, np.radians(0.5), 1e-4)
        if linear is not None:
            eskf.correct(state, *linear, absolute=True)
    assert np.degrees(attitude.yaw_of(state.rotation)) == pytest.approx(off, abs=0.5)
