# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The map from exact depth images of known surfaces: what it holds, forgets and leaves out."""

import dataclasses
import math

import numpy as np
import pytest

from tenacious_rover.perception.body import body_of, in_view, inside
from tenacious_rover.perception.config import PerceptionConfig
from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.fusion import RollingMap, _fuse
from tenacious_rover.perception.hazards import planes, with_hazards
from tenacious_rover.perception.mapper import TerrainMapper
from tenacious_rover.perception.terrain_map import TerrainMap, from_surface
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.measurements import Stereo

ROVER = load_rover("tenacious")
RADIUS = ROVER.wheel_radius_m
CONFIG = PerceptionConfig(depth_sigma=0.0005, far_m=5.0)
BLANK = np.zeros((480, 640), np.uint8)


def depth_of(height, map_T_base, steps=260):
    """Depth image of `height(x, y)` by marching, refined by halving; NaN where nothing is hit."""
    eye = ROVER.cameras["left"]
    pose = map_T_base @ eye.base_T_optical
    v, u = np.mgrid[: eye.height_px, : eye.width_px].astype(float)
    rays = np.stack([(u - eye.cx_px) / eye.fx_px, (v - eye.cy_px) / eye.fy_px, np.ones_like(u)], -1)
    rays, start = (rays @ pose[:3, :3].T).reshape(-1, 3), pose[:3, 3]
    depth, before = np.full(len(rays), np.nan), 0.1
    alive = np.arange(len(rays))
    for t in np.geomspace(0.1, 8.0, steps):
        p = start + rays[alive] * t
        hit = p[:, 2] < height(p[:, 0], p[:, 1])
        low, high = np.full(hit.sum(), before), np.full(hit.sum(), t)
        for _ in range(16):
            middle = 0.5 * (low + high)
            q = start + rays[alive[hit]] * middle[:, None]
            below = q[:, 2] < height(q[:, 0], q[:, 1])
            low, high = np.where(below, low, middle), np.where(below, middle, high)
        depth[alive[hit]] = 0.5 * (low + high)
        alive, before = alive[~hit], t
    return depth.reshape(v.shape).astype(np.float32)


def mapped(height, poses, config=CONFIG):
    mapper = TerrainMapper(ROVER, config)
    for number, pose in enumerate(poses):
        mapper.stereo(Stereo(float(number), BLANK, None, depth=depth_of(height, pose)), pose)
    return mapper


def seen_cells(mapper):
    """Seen cells of the map (n, 2), and which they are."""
    terrain = mapper.terrain
    x, y = (a.ravel() for a in np.meshgrid(*terrain.centers()))
    seen = (terrain.known & ~mapper.map.felt).ravel()
    return np.column_stack([x, y])[seen], seen


@pytest.fixture(scope="module")
def level():
    return mapped(lambda x, y: 0.0 * x, [frames.planar(0.0, 0.0, 0.0, RADIUS)])


def test_level_ground_is_level(level):
    xy, seen = seen_cells(level)
    layers = level.terrain.layers
    assert len(xy) > 8000
    np.testing.assert_allclose(layers["elevation"].ravel()[seen], 0.0, atol=1e-3)
    assert np.nanmax(layers["top"].ravel()[seen]) < 2e-3
    assert np.nanmax(layers["hazard"].ravel()[seen]) < 0.1


def test_no_gaps_within_the_view(level):
    """Between neighbouring rows of far ground there is ground: it counts as seen."""
    ahead = np.column_stack([np.linspace(0.6, 4.5, 60), np.zeros(60)])
    assert np.isfinite(level.terrain.at("elevation", ahead)).all()


def test_behind_and_beside_is_unknown_and_under_the_rover_is_felt(level):
    terrain = level.terrain
    outside = np.array([[-2.0, 0.0], [0.0, 3.0], [1.0, 2.0], [50.0, 0.0], [5.5, 0.0]])
    assert np.isnan(terrain.at("elevation", outside)).all()
    assert np.isnan(terrain.at("hazard", outside)).all()
    under = np.array([[0.0, 0.0], [-0.2, 0.1]])
    np.testing.assert_allclose(terrain.at("elevation", under), 0.0, atol=1e-6)
    assert level.map.felt.any()


def test_nothing_is_felt_when_that_is_switched_off():
    mapper = mapped(
        lambda x, y: 0.0 * x,
        [frames.planar(0.0, 0.0, 0.0, RADIUS)],
        dataclasses.replace(CONFIG, stand=False),
    )
    assert np.isnan(mapper.terrain.at("elevation", np.zeros((1, 2))))[0]


def test_tilted_plane_and_tilted_rover_give_the_plane():
    a, b = 0.15, -0.08
    up = np.array([-a, -b, 1.0]) / np.linalg.norm([-a, -b, 1.0])
    ahead = np.array([1.0, 0.0, a]) / np.linalg.norm([1.0, 0.0, a])
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([ahead, np.cross(up, ahead), up])
    pose[:3, 3] = RADIUS * up
    mapper = mapped(lambda x, y: a * x + b * y, [pose])
    xy, seen = seen_cells(mapper)
    z = mapper.terrain.layers["elevation"].ravel()[seen]
    # Points do not lie in the middle of their cell: half a cell on this slope is 3.4 mm.
    np.testing.assert_allclose(z, xy @ (a, b), atol=5e-3)
    slope = mapper.terrain.layers["slope"].ravel()[seen]
    assert np.nanmedian(slope) == pytest.approx(math.atan(math.hypot(a, b)), abs=2e-3)


def rock(x, y):
    return np.sqrt(np.maximum(0.15**2 - (x - 1.5) ** 2 - (y - 0.1) ** 2, 0.0))


def test_rock_keeps_its_top_and_hides_the_ground_behind():
    poses = [frames.planar(x, 0.0, 0.0, RADIUS) for x in (0.0, 0.1, 0.2)]
    mapper = mapped(rock, poses)
    terrain = mapper.terrain
    top = np.nanmax(terrain.layers["top"])
    assert 0.13 < top < 0.155
    assert np.nanmax(terrain.at("hazard", np.array([[1.42, 0.1]]))) == 1.0
    hidden = np.column_stack([np.linspace(1.75, 2.2, 10), np.full(10, 0.115)])
    assert np.isnan(terrain.at("elevation", hidden)).all()


def test_step_and_ditch_are_steps():
    def height(x, y):
        return np.where(x > 1.2, 0.06, 0.0) - np.where(np.abs(y + 0.5) < 0.06, 0.1, 0.0)

    # From 25 cm up the floor of a ditch across the way is hidden; this one runs along it.
    terrain = mapped(height, [frames.planar(0.0, -0.5, 0.0, RADIUS)]).terrain
    edge = terrain.at("step", np.column_stack([np.full(20, 1.2), np.linspace(0.2, 0.6, 20)]))
    assert np.nanmax(edge) == pytest.approx(0.06, abs=0.015)
    ditch = terrain.at("step", np.array([[0.7, -0.44], [0.7, -0.46], [0.7, -0.42]]))
    assert np.nanmax(ditch) > 0.05


def cell_filter(readings, variance, *, start=None):
    """One cell after readings: mean, variance; each reading is one point of that variance."""
    mean, var, top = (np.full((1, 1), np.nan, np.float32) for _ in range(3))
    if start is not None:
        mean[:], var[:], top[:] = start[0], start[1], start[0]
    for z in readings:
        frame = np.array([1.0 / variance, z / variance, z * z / variance, 1.0, z])
        _fuse(frame.reshape(5, 1, 1), mean, var, top, np.zeros((1, 1), bool), 0.0, 5.0)
    return mean[0, 0], var[0, 0]


def test_fused_variance_is_that_of_the_mean():
    readings = np.array([0.10, 0.12, 0.08, 0.11])
    mean, variance = cell_filter(readings, 4e-4)
    assert mean == pytest.approx(readings.mean(), abs=1e-6)
    assert variance == pytest.approx(4e-4 / 4, rel=1e-5)


def test_two_different_variances_weigh_as_bayes_says():
    mean, variance = cell_filter([0.02], 1e-4, start=(0.0, 3e-4))
    assert variance == pytest.approx(1.0 / (1.0 / 3e-4 + 1.0 / 1e-4), rel=1e-4)
    assert mean == pytest.approx(0.02 * 3e-4 / 4e-4, rel=1e-4)


def test_a_cell_far_off_is_seen_afresh():
    mean, _ = cell_filter([0.5, 0.5], 1e-6, start=(0.0, 1e-6))
    assert mean == pytest.approx(0.5, abs=0.02)


def test_drift_adds_variance_with_the_way():
    grid = RollingMap(CONFIG)
    grid.center_on(np.zeros(2))
    grid.variance[:] = 1e-6
    grid.age(2.0)
    grid.age(3.0)
    np.testing.assert_allclose(grid.variance, 1e-6 + CONFIG.drift**2 * 5.0, rtol=1e-5)


def test_scrolling_keeps_the_ground_where_it_is():
    grid = RollingMap(CONFIG)
    grid.center_on(np.zeros(2))
    spot = np.array([[1.23, -0.77]])
    row, column = np.floor((spot[0, ::-1] - grid.origin[::-1]) / CONFIG.resolution_m).astype(int)
    grid.mean[row, column] = 7.0
    for place in ([2.0, 0.3], [2.5, -3.0], [-1.0, 2.0], [0.0, 0.0]):
        grid.center_on(np.array(place))
        terrain = TerrainMap(CONFIG.resolution_m, grid.origin, {"elevation": grid.mean})
        assert terrain.at("elevation", spot)[0] == 7.0
        assert np.isfinite(grid.mean).sum() == 1
    grid.center_on(np.array([30.0, 0.0]))
    assert np.isnan(grid.mean).all()


def test_own_body_is_left_out_and_a_house_put_down_is_terrain():
    body = body_of(ROVER)
    house = body.boxes[1]
    middle = 0.5 * (house[:3] + house[3:])
    assert inside(body.solids, middle[None], 0.0)[0]
    assert not inside(body_of(ROVER, payload=False).solids, middle[None], 0.0)[0]
    # A depth camera that sees the house's upper edge at the bottom of its view.
    eye = ROVER.cameras["left"]
    edge = np.array([house[3] + 0.01, middle[1], house[5] - 0.01])
    here = frames.points(frames.inverse(eye.base_T_optical), edge[None])[0]
    depth = np.full((480, 640), np.nan, np.float32)
    depth[472:, 320:400] = here[2]
    pose = frames.planar(0.0, 0.0, 0.0, RADIUS)
    frame = Stereo(0.0, BLANK, None, depth=depth)
    known = {}
    for attached in (True, False):
        mapper = TerrainMapper(ROVER, dataclasses.replace(CONFIG, stand=False))
        mapper.attached(attached)
        known[attached] = mapper.stereo(frame, pose).cells
    assert known[True] == 0
    assert known[False] > 0


def test_view_of_a_box_is_its_projection():
    eye = ROVER.cameras["left"]
    box = np.array([[1.0, -0.1, 0.0, 1.2, 0.1, 0.2]])
    mask = in_view(box, eye, 0.0)
    rows, columns = np.nonzero(mask)
    corners = np.array([(x, y, z) for x in (1.0, 1.2) for y in (-0.1, 0.1) for z in (0.0, 0.2)])
    ahead = frames.points(frames.inverse(eye.base_T_optical), corners)
    u = eye.fx_px * ahead[:, 0] / ahead[:, 2] + eye.cx_px
    v = eye.fy_px * ahead[:, 1] / ahead[:, 2] + eye.cy_px
    assert (columns.min(), columns.max()) == pytest.approx((u.min(), u.max()), abs=1)
    assert (rows.min(), rows.max()) == pytest.approx((v.min(), v.max()), abs=1)
    assert not in_view(np.array([[-2.0, -0.1, 0.0, -1.0, 0.1, 0.2]]), eye, 0.0).any()


def test_tipped_or_lost_rover_adds_nothing():
    mapper = TerrainMapper(ROVER, CONFIG)
    frame = Stereo(0.0, BLANK, None, depth=np.ones((480, 640), np.float32))
    assert mapper.stereo(frame, frames.from_rpy((0, 0, 1), (1.2, 0, 0))) is None
    loose = np.diag([0, 0, 0, 0.1, 0.0, 0.0])
    assert mapper.stereo(frame, np.eye(4), loose) is None
    assert mapper.stereo(frame, np.eye(4), np.full((6, 6), np.nan)) is None
    assert mapper.refused == 3
    with pytest.raises(PerceptionError, match="before the first frame"):
        _ = mapper.terrain


@pytest.mark.parametrize("fill", [np.nan, np.inf, 0.0, -1.0])
def test_empty_depth_adds_no_cells(fill):
    mapper = TerrainMapper(ROVER, CONFIG)
    frame = Stereo(0.0, BLANK, None, depth=np.full((480, 640), fill, np.float32))
    assert mapper.stereo(frame, frames.planar(0.0, 0.0, 0.0, RADIUS)).cells == 0


def test_frames_and_poses_that_cannot_be_are_refused():
    mapper = TerrainMapper(ROVER, CONFIG)
    with pytest.raises(PerceptionError, match="neither"):
        mapper.stereo(Stereo(0.0, BLANK, None), np.eye(4))
    with pytest.raises(PerceptionError, match="480 x 640"):
        mapper.stereo(Stereo(0.0, BLANK[:100], BLANK), np.eye(4))
    with pytest.raises(PerceptionError, match="480 x 640"):
        mapper.stereo(Stereo(0.0, BLANK, None, depth=np.ones((3, 3), np.float32)), np.eye(4))
    with pytest.raises(PerceptionError, match="finite"):
        mapper.stereo(Stereo(0.0, BLANK, BLANK), np.full((4, 4), np.nan))


def test_other_numbers_keep_the_map_unless_the_grid_changes(level):
    mapper = mapped(lambda x, y: 0.0 * x, [frames.planar(0.0, 0.0, 0.0, RADIUS)])
    mapper.configure(dataclasses.replace(CONFIG, max_slope_deg=10.0))
    assert mapper.terrain.known.sum() == level.terrain.known.sum()
    mapper.configure(dataclasses.replace(CONFIG, resolution_m=0.08))
    with pytest.raises(PerceptionError, match="before the first frame"):
        _ = mapper.terrain


def test_planes_find_slope_and_roughness():
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((100, 100)) * 0.01
    x, y = np.meshgrid(np.arange(100) * 0.04, np.arange(100) * 0.04)
    plane = planes((0.2 * x - 0.1 * y + noise).astype(np.float32), 0.04, 0.32)
    middle = np.s_[10:-10, 10:-10]
    assert np.median(plane.slope_x[middle]) == pytest.approx(0.2, abs=5e-3)
    assert np.median(plane.slope_y[middle]) == pytest.approx(-0.1, abs=5e-3)
    # Three numbers of 81 are fitted.
    assert np.median(plane.roughness[middle]) == pytest.approx(0.01 * math.sqrt(78 / 81), rel=0.05)


def test_unknown_ground_has_no_hazard_value():
    terrain = from_surface(lambda x, y: np.where(x > 0.0, np.nan, 0.0), size_m=4.0)
    layers = with_hazards(terrain, body_of(ROVER), CONFIG).layers
    for name in ("hazard", "slope", "roughness", "step"):
        assert np.isnan(layers[name][:, 60:]).all(), name
    assert np.nanmax(layers["hazard"]) == 0.0


def test_cropped_map_is_the_known_part(level):
    whole, part = level.terrain, level.terrain.cropped()
    assert part.known.sum() == whole.known.sum()
    xy, _ = seen_cells(level)
    np.testing.assert_array_equal(part.at("elevation", xy), whole.at("elevation", xy))
    assert part.shape[0] * part.shape[1] < whole.shape[0] * whole.shape[1]
    nothing = TerrainMap(0.04, np.zeros(2), {"elevation": np.full((5, 5), np.nan, np.float32)})
    assert nothing.cropped().shape == (1, 1)
