# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Patch choice, scoop motion, place and volume, on made-up ground."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from tenacious_rover.rover import frames
from tenacious_rover.rover.model import Scoop
from tenacious_rover.sampling import patch, reach, volume
from tenacious_rover.sampling.config import SamplingConfig
from tenacious_rover.sampling.error import SamplingError
from tenacious_rover.sampling.scooping import Joints, Phase, Scooping

CONFIG = SamplingConfig()
SCOOP = Scoop(
    "lift", "tilt", (-0.6, 1.3), (-1.5, 1.5), np.array([0.27, 0, 0.02]), 0.12, 0.06, 0.06, 60.0
)
GROUND = -0.06


class StandIn:
    """What scooping asks of a rover."""

    name = "stand-in"
    scoop = SCOOP
    wheels = (type("Wheel", (), {"position": np.zeros(3), "radius_m": -GROUND}),)


def ground(shape=(120, 120), resolution=0.05):
    layers = {
        "elevation": np.zeros(shape, np.float32),
        "hazard": np.zeros(shape, np.float32),
    }
    return patch.Ground(resolution, np.array([-3.0, -3.0]), layers)


WISH = patch.Wish(np.array([1.0, 0.0]), 1.0, 0.4, 0.2, (0.54, 0.32), 0.17, 0.01, 0.5)


def test_patch_ahead_on_level_ground():
    best = patch.patches(ground(), np.eye(4), WISH)[0]
    assert np.hypot(*(best.place[:2] - [1.0, 0.0])) < 0.05
    stand = np.array(best.stand)
    ahead = stand[:2] + 0.4 * np.array([np.cos(stand[2]), np.sin(stand[2])])
    assert np.allclose(ahead, best.place[:2], atol=1e-9)


@pytest.mark.parametrize("azimuth_deg", [0.0, 100.0, 180.0, 250.0])
def test_rover_stands_so_that_the_patch_is_lit(azimuth_deg):
    a = np.radians(azimuth_deg)
    sun = np.array([0.9 * np.cos(a), 0.9 * np.sin(a), 0.4]) / np.hypot(0.9, 0.4)
    shade = np.array([-0.27, -0.16, 0.0, 0.27, 0.16, 0.26])
    best = patch.patches(ground(), np.eye(4), replace(WISH, sun=sun, shade=shade))[0]
    x, y, yaw = best.stand
    way = best.place * (1, 1, 0) + np.linspace(0.0, 1.5, 300)[:, None] * sun
    inside = frames.points(frames.inverse(frames.planar(x, y, yaw)), way)
    assert not ((inside >= shade[:3]) & (inside <= shade[3:])).all(axis=1).any()
    away = abs(frames.wrapped(yaw - np.arctan2(-sun[1], -sun[0])))
    assert azimuth_deg != 180.0 or away > 0.3


def test_wished_headings_come_first_and_are_given_up_where_nobody_can_stand():
    wish = replace(WISH, headings=(2.0, -2.5))
    best = patch.patches(ground(), np.eye(4), wish)[0]
    assert best.stand[2] == pytest.approx(2.0)
    terrain = ground()
    x = -3.0 + (np.arange(120) + 0.5) * 0.05
    terrain.layers["hazard"][x < -0.2] = 1.0
    blocked = patch.patches(terrain, np.eye(4), wish)[0]
    assert blocked.stand[2] != pytest.approx(2.0)
    assert blocked.stand[1] > -0.2


def test_patch_avoids_rocks_slopes_and_unknown():
    terrain = ground()
    x = -3.0 + (np.arange(120) + 0.5) * 0.05
    rock = np.hypot(x[None] - 1.0, x[:, None]) < 0.15
    terrain.layers["elevation"][rock] = 0.1
    terrain.layers["hazard"][rock] = 1.0
    terrain.layers["elevation"][:, x > 1.3] = np.nan
    for found in patch.patches(terrain, np.eye(4), WISH):
        assert np.hypot(found.place[0] - 1.0, found.place[1]) > 0.2
        assert found.place[0] < 1.3
    terrain.layers["elevation"] += (0.4 * x[None]).astype(np.float32)
    assert not patch.patches(terrain, np.eye(4), WISH)


def soil(lift, tilt, stiffness=23.5, rock=False):
    """Lift effort of an edge in ground at `GROUND`."""
    depth = GROUND - reach.edge(SCOOP, lift, tilt)[2]
    return 0.02 + max(depth, 0.0) * (stiffness * 40 if rock else stiffness)


def scooped(effort, frozen=None, ground_z=GROUND):
    scooping = Scooping(StandIn(), CONFIG, ground_z)
    lift, tilt, target, phases = -0.5, 0.0, None, []
    for k in range(4000):
        now = k * 0.02
        target = scooping.step(Joints(now, lift, tilt, effort(lift, tilt), 0.0)) or target
        if scooping.finished:
            break
        if target is not None and scooping.phase is not frozen:
            lift += np.clip(target.lift - lift, -0.008, 0.008)
            tilt += np.clip(target.tilt - tilt, -0.02, 0.02)
        if not phases or phases[-1] is not scooping.phase:
            phases.append(scooping.phase)
    return scooping, phases


def test_scoop_goes_through_its_phases_and_feels_the_ground():
    scooping, phases = scooped(soil)
    assert phases == [Phase.READY, Phase.LOWER, Phase.DIG, Phase.CURL, Phase.LIFT]
    assert scooping.phase is Phase.DONE
    assert scooping.contact[2] == pytest.approx(GROUND, abs=0.006)
    assert GROUND - scooping.deepest[2] == pytest.approx(CONFIG.dig_depth_m, abs=0.01)


def test_scoop_stops_at_a_rock_stall_and_missing_ground():
    assert scooped(lambda a, b: soil(a, b, rock=True))[0].phase is Phase.ROCK
    assert scooped(soil, frozen=Phase.READY)[0].phase is Phase.STALL
    assert scooped(lambda a, b: 0.02)[0].phase is Phase.NO_GROUND


def test_reach_is_refused_when_too_deep():
    with pytest.raises(SamplingError, match="reaches down"):
        reach.lift_for(SCOOP, -1.0)


def test_place_covariance_matches_random_poses():
    rng = np.random.default_rng(0)
    pose = frames.from_rpy((3.0, -2.0, 0.1), (0.02, -0.03, 1.1))
    root = np.diag([0.02, 0.03, 0.01, 0.005, 0.005, 0.02])
    point = np.array([0.42, 0.0, -0.06])
    _, spread = reach.place(pose, root @ root, point, 0.0)
    places = []
    for e in rng.standard_normal((4000, 6)) @ root:
        turn = frames.from_rpy((0, 0, 0), tuple(e[3:]))[:3, :3]
        places.append(pose[:3, 3] + e[:3] + turn @ pose[:3, :3] @ point)
    assert np.allclose(np.cov(np.array(places).T), spread, atol=1e-4)


def dug(depth_m, spoil=0.0, noise=0.0008, misfit=0.004, unseen=0.0, seed=0, aside=(0.0, 0.0)):
    """Surfaces before and after, and the volume gone in ml; `aside` m the second is shifted."""
    rng = np.random.default_rng(seed)
    ruler = (np.arange(100) + 0.5) * volume.CELL_M - 0.2
    x, y = np.meshgrid(ruler, ruler)
    base = 0.05 * x + 0.01 * np.sin(20 * x) * np.cos(15 * y)
    hole = depth_m * np.maximum(1.0 - (x / 0.04) ** 2 - (y / 0.03) ** 2, 0.0)
    heap = spoil * np.exp(-(((x - 0.05) / 0.015) ** 2) - (y / 0.02) ** 2)
    before = base + noise * rng.standard_normal(x.shape)
    shift = [way / volume.CELL_M for way in aside]
    after = (
        ndimage.shift(base - hole + heap, shift, order=3, mode="nearest")
        + misfit
        + 0.01 * y
        + noise * rng.standard_normal(x.shape)
    )
    after[rng.random(x.shape) < unseen] = np.nan
    return before, after, float((hole - heap).sum()) * volume.CELL_M**2 * 1e6


@pytest.mark.parametrize("depth", [0.01, 0.02, 0.03])
@pytest.mark.parametrize("unseen", [0.0, 0.3])
def test_volume_within_fifteen_percent_and_its_uncertainty(depth, unseen):
    for seed in range(5):
        before, after, truth = dug(depth, spoil=0.004, unseen=unseen, seed=seed)
        seen = volume.change(before, after, 0.09)
        if truth > 30.0:  # a shallower scrape is within its stated uncertainty only
            assert abs(seen.volume_ml - truth) < 0.15 * truth
        assert abs(seen.volume_ml - truth) < 3.0 * seen.sigma_ml
        assert seen.significance > 3.0


@pytest.mark.parametrize("aside", [(0.006, -0.004), (-0.0102, 0.0075)])
def test_surfaces_that_lie_aside_of_each_other_are_registered(aside):
    for seed in range(3):
        before, after, truth = dug(0.02, seed=seed, aside=aside)
        seen = volume.change(before, after, 0.09)
        assert abs(seen.volume_ml - truth) < 0.15 * truth
        assert abs(seen.volume_ml - truth) < 3.0 * seen.sigma_ml


def test_untouched_ground_is_no_sample():
    before, after, _ = dug(0.0)
    seen = volume.change(before, after, 0.09)
    assert abs(seen.volume_ml) < CONFIG.min_volume_ml


def test_volume_needs_ground_around_the_hole():
    before, after, _ = dug(0.02)
    after[:] = np.nan
    with pytest.raises(SamplingError):
        volume.change(before, after, 0.09)


@given(
    st.floats(0.3, 3.0),
    st.floats(-1.5, 1.5),
    st.floats(0.2, 0.8),
    st.floats(-0.15, 0.15),
)
def test_turn_and_way_bring_a_point_to_its_place(x, y, reach_m, lateral_m):
    turn, ahead = patch.aim(np.array([x, y]), reach_m, lateral_m)
    base_T_moved = frames.planar(0, 0, turn) @ frames.planar(ahead, 0, 0)
    seen = frames.points(frames.inverse(base_T_moved), np.array([[x, y, 0.0]]))[0]
    assert seen[:2] == pytest.approx([reach_m, lateral_m], abs=1e-9)


def test_stand_before_puts_the_place_where_the_scoop_reaches():
    x, y = patch.stand_before(np.array([2.0, 1.0]), 0.7, 0.4, -0.09)
    seen = frames.points(frames.inverse(frames.planar(x, y, 0.7)), np.array([[2.0, 1.0, 0.0]]))[0]
    assert seen[:2] == pytest.approx([0.4, -0.09])
