# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth and labels against rays cast the slow way and against closed forms."""

import dataclasses

import numpy as np
import pytest
from camera_scene import BARE, camera, ellipsoid_depths, exact_hits, pose, rays, sun, world

from tenacious_rover.rover import frames
from tenacious_rover.simulator.camera import CameraError, Renderer
from tenacious_rover.simulator.parts import LABELS, Part

POSES = [
    {},
    {"x": 1.0, "y": -2.0, "yaw": 130.0, "pitch": 25.0},
    {"x": -3.0, "y": 1.0, "yaw": -70.0, "roll": 20.0},
    {"x": -1.0, "y": 3.0, "yaw": 10.0, "pitch": 85.0, "roll": -60.0, "above": 1.0},
    {"x": 2.0, "y": 2.0, "yaw": 220.0, "pitch": 5.0, "roll": 170.0},
]


@pytest.mark.parametrize("at", POSES)
@pytest.mark.parametrize("seed", [0, 1])
def test_depth_agrees_with_every_cell_tried(seed, at):
    ground, cam = world(seed), camera(40, 30)
    map_T_optical = pose(ground, **at)
    frame = Renderer(ground, BARE).render(cam, map_T_optical, sun(0.0, 20.0))
    exact = exact_hits(ground, map_T_optical[:3, 3], rays(cam, map_T_optical)).reshape(30, 40)
    near = np.isfinite(exact)
    assert near.mean() > 0.2
    assert np.abs(frame.depth[near] - exact[near]).max() < 1e-5
    # What the grid does not show is sky or the land beyond it.
    assert (frame.depth[~near] > 3.0).all()


def test_coherent_rays_miss_nothing():
    ground, cam = world(3, relief=0.3), camera(160, 120, 60.0)
    renderer = Renderer(ground, BARE)
    from tenacious_rover.simulator.camera import renderer as module
    from tenacious_rover.simulator.camera import visibility

    rng = np.random.default_rng(0)
    tried = 0
    while tried < 8:
        x, y, yaw = rng.uniform([-4, -4, -180], [4, 4, 180])
        at = pose(ground, x, y, yaw, rng.uniform(5, 40), rng.uniform(-15, 15), 0.3)
        view = module._view(cam, at)
        if not module._coherent(view):
            continue
        tried += 1
        pictures = []
        for coherent in (True, False):
            depth, what = np.empty((120, 160)), np.empty((120, 160), np.int32)
            visibility.cast_frame(renderer._near, renderer._far, view, coherent, depth, what)
            pictures.append(depth)
        both = np.isfinite(pictures[0]) & np.isfinite(pictures[1])
        assert (np.isfinite(pictures[0]) == np.isfinite(pictures[1])).all()
        assert np.abs(pictures[0][both] - pictures[1][both]).max() < 1e-6


def test_rocks_stand_where_their_ellipsoids_are():
    ground, cam = world(2, rocks=60), camera()
    map_T_optical = pose(ground, -4.0, 0.0, 0.0, 10.0)
    frame = Renderer(ground, BARE).render(cam, map_T_optical, sun(90.0, 30.0))
    directions = rays(cam, map_T_optical).reshape(-1, 3)
    eye = map_T_optical[:3, 3]
    stones = ellipsoid_depths(ground.rocks, eye, directions).reshape(60, 80)
    bare = dataclasses.replace(ground, rocks=world(2).rocks)
    soil = Renderer(bare, BARE).render(cam, map_T_optical, sun(90.0, 30.0)).depth
    expected = np.minimum(stones, soil)
    rock = frame.label == LABELS.index("rock")
    assert rock.sum() > 100
    assert (rock == (stones < soil)).all()
    both = np.isfinite(expected)
    assert np.abs(frame.depth[both] - expected[both]).max() < 1e-4


def test_whole_numbers_are_pixel_centres():
    """A ball narrower than a pixel, on the ray of pixel (30, 20), is seen there and only there."""
    ground, cam = world(0), camera()
    map_T_optical = pose(ground, above=2.0)
    ray = np.array([(30 - cam.cx_px) / cam.fx_px, (20 - cam.cy_px) / cam.fy_px, 1.0])
    at = np.eye(4)
    at[:3, 3] = map_T_optical[:3, :3] @ (ray * 1.2) + map_T_optical[:3, 3]
    ball = Part("ellipsoid", at, np.full(3, 0.8 * 1.2 / cam.fx_px))
    frame = Renderer(ground, BARE).render(cam, map_T_optical, sun(0.0, 30.0), [ball])
    assert [tuple(p) for p in np.argwhere(frame.label == LABELS.index("rover"))] == [(20, 30)]


@pytest.mark.parametrize("shape", ["box", "cylinder", "ellipsoid", "house"])
def test_parts_have_their_size(shape):
    """Straight from above, the outline's bounds are those of the part."""
    ground, cam = world(0, relief=0.001), camera(400, 300)
    at = frames.from_rpy((0.0, 0.0, 0.05), (0.0, 0.0, 0.0))
    size = np.array([0.4, 0.3, 0.2])
    map_T_optical = np.eye(4)
    map_T_optical[:3, :3] = np.diag([1.0, -1.0, -1.0])
    map_T_optical[:3, 3] = (0.0, 0.0, 3.0)
    label = "house" if shape == "house" else "rover"
    part = Part(shape, at, size, (0.5, 0.1, 0.1), label)
    frame = Renderer(ground, BARE).render(cam, map_T_optical, sun(0.0, 60.0), [part])
    v, u = np.nonzero(frame.label == LABELS.index(label))
    z = frame.depth[v, u].min()
    top = at[2, 3] + (size[2] if shape == "house" else size[2] / 2.0)
    assert z == pytest.approx(3.0 - top, abs=2e-3)
    width = (u.max() - u.min() + 1) / cam.fx_px * frame.depth[v, u].mean()
    depth = (v.max() - v.min() + 1) / cam.fy_px * frame.depth[v, u].mean()
    assert width == pytest.approx(size[0], rel=0.06)
    assert depth == pytest.approx(size[1], rel=0.06)


def test_left_warps_to_right():
    """A rectified pair: what the left sees at depth z the right sees shifted by f b / z."""
    ground, cam = world(5, rocks=20), camera(320, 240)
    left = pose(ground, -3.0, 0.0, 0.0, 12.0)
    right = left.copy()
    right[:3, 3] += left[:3, :3] @ np.array([0.12, 0.0, 0.0])
    renderer = Renderer(ground)
    a = renderer.render(cam, left, sun(60.0, 25.0))
    b = renderer.render(cam, right, sun(60.0, 25.0))
    v, u = np.nonzero(np.isfinite(a.depth) & (a.depth < 4.0))
    z = a.depth[v, u]
    x = u - cam.fx_px * 0.12 / z
    inside = (x >= 0.0) & (x <= 318.0)
    v, u, z, x = v[inside], u[inside], z[inside], x[inside]
    i, share = x.astype(int), x - x.astype(int)
    other = b.depth[v, i] * (1 - share) + b.depth[v, i + 1] * share
    seen = np.abs(other - z) < 0.02 * z  # not hidden from the right eye
    assert seen.mean() > 0.9
    light = b.radiance[v, i, 1] * (1 - share) + b.radiance[v, i + 1, 1] * share
    here = a.radiance[v, u, 1]
    assert np.corrcoef(here[seen], light[seen])[0, 1] > 0.9


def test_digging_changes_what_is_seen():
    ground, cam = world(0), camera()
    map_T_optical = pose(ground, pitch=40.0)
    renderer = Renderer(ground, BARE)
    before = renderer.render(cam, map_T_optical, sun(0.0, 25.0))
    rows, columns = slice(115, 128), slice(126, 140)
    patch = ground.heights[rows, columns] - 0.06
    renderer.set_heights(rows.start, columns.start, patch)
    after = renderer.render(cam, map_T_optical, sun(0.0, 25.0))
    dug = ground.heights.copy()
    dug[rows, columns] = patch
    fresh = Renderer(dataclasses.replace(ground, heights=dug), BARE).render(
        cam, map_T_optical, sun(0.0, 25.0)
    )
    land = np.isfinite(fresh.depth) & (fresh.depth < 5.0)
    assert np.abs(after.depth[land] - fresh.depth[land]).max() < 1e-6
    changed = np.abs(after.depth - before.depth) > 1e-3
    assert 50 < changed.sum() < 0.5 * land.sum()
    # Dug soil is darker than the same shape of settled soil.
    bright = changed & (fresh.radiance[..., 1] > 0.01)
    assert (after.radiance[bright, 1] < fresh.radiance[bright, 1]).mean() > 0.7
    # The world itself stays as it was.
    assert (ground.heights[rows, columns] != patch).all()


@pytest.mark.parametrize("rows", [(-1, 3), (239, 4)])
def test_digging_outside_the_grid_is_refused(rows):
    renderer = Renderer(world(0), BARE)
    with pytest.raises(CameraError, match="leave the grid"):
        renderer.set_heights(rows[0], 5, np.zeros((rows[1], 3)))


def test_what_is_not_finite_is_refused():
    ground, cam = world(0), camera()
    renderer, good = Renderer(ground, BARE), pose(world(0))
    bad = good.copy()
    bad[0, 3] = np.nan
    with pytest.raises(CameraError, match="map_T_optical"):
        renderer.render(cam, bad, sun(0.0, 20.0))
    bad = good.copy()
    bad[:3, :3] *= 1.1
    with pytest.raises(CameraError, match="not a rotation"):
        renderer.render(cam, bad, sun(0.0, 20.0))
    with pytest.raises(CameraError, match="sun"):
        renderer.render(cam, good, np.array([np.nan, 0.0, 1.0]))
    with pytest.raises(CameraError, match="patch"):
        renderer.set_heights(3, 3, np.array([[np.nan]]))
    for part in (
        Part("cone", np.eye(4), np.ones(3)),
        Part("box", np.eye(4), np.array([1.0, 0.0, 1.0])),
        Part("box", np.full((4, 4), np.inf), np.ones(3)),
        Part("box", np.eye(4), np.ones(3), label="tree"),
    ):
        with pytest.raises(CameraError, match="part"):
            renderer.render(cam, good, sun(0.0, 20.0), [part])


def test_far_land_closes_the_horizon():
    """Seen level from the middle, land meets the sky near the true horizon all around."""
    ground, cam = world(0), camera(120, 90)
    renderer = Renderer(ground, BARE)
    for yaw in (0.0, 90.0, 180.0, 270.0):
        frame = renderer.render(cam, pose(ground, yaw=yaw, pitch=0.0, above=1.0), sun(0.0, 20.0))
        sky = np.isinf(frame.depth)
        assert (frame.label[sky] == 0).all()
        assert (frame.radiance[sky] == 0.0).all()
        first = np.argmax(~sky, axis=0)
        assert (np.abs(first - cam.cy_px) < 0.05 * cam.fy_px).all()
        assert frame.depth[~sky].max() > 100.0


def test_pebbles_go_down_with_the_ground():
    renderer = Renderer(world(0))
    near, pebbles = renderer._near, renderer._rocks[renderer._pebbles :]
    before = pebbles[:, :3].copy()
    row0, column0, patch = 100, 120, near.heights[100:112, 120:130] - 0.04
    renderer.set_heights(row0, column0, patch)
    c = np.rint((before[:, 0] - near.x0) / near.step) - column0
    r = np.rint((before[:, 1] - near.y0) / near.step) - row0
    on = (r >= 0) & (r < 12) & (c >= 0) & (c < 10)
    assert on.sum() >= 2
    assert np.allclose(before[on, 2] - pebbles[on, 2], 0.04, atol=1e-6)
    assert (before[~on] == pebbles[~on, :3]).all()
