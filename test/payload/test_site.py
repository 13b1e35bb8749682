# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the house goes: level, away from lander and tracks, and with light for its photograph."""

import numpy as np
import pytest

from tenacious_rover.payload import photograph, site
from tenacious_rover.payload.config import PayloadConfig
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.sampling.patch import Ground

ROVER, CONFIG = load_rover("tenacious"), PayloadConfig()
N = 200
HERE = frames.planar(0.0, 0.0, 0.3)


def level():
    layers = {name: np.zeros((N, N), np.float32) for name in ("elevation", "hazard")}
    return Ground(0.05, np.array([-5.0, -5.0]), layers)


@pytest.mark.parametrize("azimuth_deg", [0.0, 75.0, 180.0, 290.0])
def test_sun_is_behind_a_shoulder(azimuth_deg):
    azimuth = np.radians(azimuth_deg)
    sun = np.array([np.cos(azimuth), np.sin(azimuth), 0.4])
    best = site.sites(level(), HERE, ROVER, CONFIG, sun=sun)[0]
    behind = frames.wrapped(best.stand[2] - azimuth - np.pi)
    assert np.degrees(abs(behind)) == pytest.approx(40.0, abs=1.0)


def test_lander_and_tracks_are_kept_clear():
    lander = np.array([1.0, 0.5])
    track = np.column_stack([np.linspace(-2.0, 2.0, 60), np.full(60, -0.4)])
    found = site.sites(level(), HERE, ROVER, CONFIG, radius_m=4.0, lander=lander, track=track)
    places = np.array([p.place[:2] for p in found])
    assert np.hypot(*(places - lander).T).min() >= CONFIG.lander_clearance_m
    apart = np.linalg.norm(places[:, None] - track[None], axis=2)
    assert apart.min() >= 0.3


def behind(stand, back_m):
    """Places (n, 2) of the rover's body on its way back from where it let go."""
    way = np.arange(0.0, back_m, 0.05)[:, None] + ROVER.chassis.size[0] / 2.0
    return stand[:2] - way * (np.cos(stand[2]), np.sin(stand[2]))


def test_the_way_back_from_the_house_is_free():
    terrain, back_m = level(), photograph.back_off(ROVER, CONFIG)
    sun = np.array([1.0, 0.0, 0.4])
    freely = site.sites(terrain, HERE, ROVER, CONFIG, radius_m=2.0, sun=sun)
    centre = behind(np.array(freely[0].stand), back_m)[-1]
    x, y = np.meshgrid(*(terrain.origin[k] + (np.arange(N) + 0.5) * 0.05 for k in (0, 1)))
    rock = np.hypot(x - centre[0], y - centre[1]) < 0.1
    terrain.layers["hazard"][rock] = 1.0
    found = site.sites(terrain, HERE, ROVER, CONFIG, radius_m=2.0, sun=sun)
    ways = np.array([behind(np.array(one.stand), back_m) for one in found])
    assert found
    assert np.hypot(*(ways - centre).transpose(2, 0, 1)).min() > 0.2


def test_where_nothing_is_known_behind_there_is_a_site_all_the_same():
    terrain = level()
    x, y = np.meshgrid(*(terrain.origin[k] + (np.arange(N) + 0.5) * 0.05 for k in (0, 1)))
    far = np.hypot(x - HERE[0, 3], y - HERE[1, 3]) > 0.9
    for layer in terrain.layers.values():
        layer[far] = np.nan
    assert site.sites(terrain, HERE, ROVER, CONFIG)


def sloping(angle_deg, where=slice(None)):
    terrain = level()
    rise = np.tan(np.radians(angle_deg)) * np.arange(N) * 0.05
    terrain.layers["elevation"][where] = rise[None]
    return terrain


@pytest.mark.parametrize(
    ("angle_deg", "some"), [(CONFIG.steepest_deg - 1.0, True), (CONFIG.steepest_deg + 1.0, False)]
)
def test_slopes_are_a_site_up_to_the_steepest(angle_deg, some):
    assert bool(site.sites(sloping(angle_deg), HERE, ROVER, CONFIG)) is some


def test_level_sites_go_before_slopes():
    half = slice(N // 2, None)
    found = site.sites(sloping(CONFIG.max_slope_deg + 1.0, half), HERE, ROVER, CONFIG)
    assert found
    assert max(one.slope for one in found) <= np.radians(CONFIG.max_slope_deg)


@pytest.mark.parametrize(("radius_m", "berth_m"), [(3.0, 1.5), (1.3, 0.6)])
def test_house_goes_far_from_soft_ground_where_it_can(radius_m, berth_m):
    def left(xy):
        return np.maximum(-xy[:, 1], 0.0)

    firm = site.sites(level(), HERE, ROVER, CONFIG, radius_m=radius_m, soft_m=left)
    assert firm
    for one in firm:
        assert left(np.array([one.place[:2], one.stand[:2]])).min() > berth_m


def test_house_goes_to_soft_ground_where_there_is_no_other():
    everywhere = site.sites(level(), HERE, ROVER, CONFIG, soft_m=lambda xy: np.zeros(len(xy)))
    assert len(everywhere) == len(site.sites(level(), HERE, ROVER, CONFIG))
