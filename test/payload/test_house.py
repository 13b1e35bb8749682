# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The house found, placed and judged on ray-cast pictures with a known truth."""

import numpy as np
import pytest
from test_payload_node import rover

from tenacious_rover.payload import house, photograph
from tenacious_rover.payload.config import PayloadConfig
from tenacious_rover.payload.error import PayloadError
from tenacious_rover.rover import frames

GROUND = -0.06


def cast(map_T_house, size, camera):
    """(h, w, 3) and z-depth (h, w) of a red box with a dark upper part on a grey plane.

    It is seen from base at the origin.
    """
    v, u = np.mgrid[: camera.height_px, : camera.width_px].astype(float)
    rays = np.stack([(u - camera.cx_px) / camera.fx_px, (v - camera.cy_px) / camera.fy_px], -1)
    rays = np.concatenate([rays, np.ones_like(rays[..., :1])], -1).reshape(-1, 3)
    directions, eye = rays @ camera.base_T_optical[:3, :3].T, camera.base_T_optical[:3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = (GROUND - eye[2]) / directions[:, 2]
        depth[(depth < 0) | (depth > 50)] = np.nan
        box = frames.inverse(map_T_house)
        start, way = frames.points(box, eye[None])[0], directions @ box[:3, :3].T
        low, high = np.array([-size[0] / 2, -size[1] / 2, 0]), np.array([*size[:2] / 2, size[2]])
        a, b = (low - start) / way, (high - start) / way
    enter, leave = np.minimum(a, b).max(axis=1), np.maximum(a, b).min(axis=1)
    hit = (enter > 0) & (enter < leave) & ~(enter > np.nan_to_num(depth, nan=99.0) + 1e-6)
    depth[hit] = enter[hit]
    rgb = np.where(np.isfinite(depth)[:, None], np.uint8(110), np.uint8(0)).repeat(3, axis=1)
    rgb[hit] = (170, 30, 25)
    height = start[2] + way[:, 2] * np.where(hit, enter, 0.0)
    rgb[hit & (height > 0.55 * size[2])] = (30, 30, 32)
    shape = (camera.height_px, camera.width_px)
    return rgb.reshape(*shape, 3), depth.reshape(shape).astype(np.float32)


def seen(x=0.9, y=0.05, yaw=np.pi, pitch=0.0, roll=0.0, noise=0.001):
    r = rover()
    pose = frames.from_rpy((x, y, GROUND), (0.0, 0.0, yaw)) @ frames.from_rpy(
        (0, 0, 0), (roll, pitch, 0)
    )
    rgb, depth = cast(pose, r.payload.size, r.cameras["left"])
    depth = depth + noise * np.random.default_rng(0).standard_normal(depth.shape).astype(np.float32)
    return house.sighted(rgb, depth, r, np.eye(4)), r


@pytest.mark.parametrize("yaw", [np.pi, np.pi - 0.25, np.pi + 0.25])
def test_standing_house_is_found_where_it_is(yaw):
    found, r = seen(yaw=yaw)
    assert np.hypot(*(found.map_T_payload[:2, 3] - [0.9, 0.05])) < 0.03
    assert house.upright(found, r, np.radians(15.0))
    assert abs(frames.wrapped(frames.yaw(found.map_T_payload) - yaw)) < np.radians(8.0)
    assert found.whole
    assert photograph.judged(found, r, np.eye(4)).share_of_height > 0.05


@pytest.mark.parametrize("lean", [{"pitch": 0.5}, {"pitch": -0.5}, {"roll": 0.5}, {"roll": -0.6}])
def test_leaning_house_is_not_upright(lean):
    found, r = seen(**lean)
    assert not house.upright(found, r, np.radians(15.0))


def test_empty_ground_has_no_house():
    r = rover()
    grey = np.full((480, 640, 3), 100, np.uint8)
    with pytest.raises(PayloadError, match="no red house"):
        house.sighted(grey, np.ones((480, 640), np.float32), r, np.eye(4))


def test_backing_off_brings_the_whole_house_into_view():
    assert 0.3 < photograph.back_off(rover(), PayloadConfig(photo_distance_m=0.6)) < 1.5
