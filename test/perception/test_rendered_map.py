# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A map from rendered views of a world, from true poses, against the true surface."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from tenacious_rover.perception.body import body_of
from tenacious_rover.perception.clearance import check_poses
from tenacious_rover.perception.config import PerceptionConfig
from tenacious_rover.perception.mapper import TerrainMapper
from tenacious_rover.perception.terrain_map import TerrainMap
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.measurements import Stereo
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.camera.renderer import Renderer
from tenacious_rover.simulator.camera.sensor import CameraSensor
from tenacious_rover.simulator.terrain.surface import surface
from tenacious_rover.simulator.world import load_world

pytestmark = pytest.mark.mission
ROVER = load_rover("tenacious")


def driven(name, start, length_m, every_m=0.2):
    """The mapper after a straight drive, the true surface as a map, and the last true pose."""
    world = build_world(load_world(name))
    step = world.resolution_m
    ground = TerrainMap(step, world.origin - step / 2.0, {"elevation": surface(world)})
    renderer, sun = Renderer(world), world.spec.sun_direction(0.0)
    sensors = {
        eye: CameraSensor(ROVER.cameras[eye], rng=np.random.default_rng(seed))
        for seed, eye in enumerate(("left", "right"))
    }
    mapper, body = TerrainMapper(ROVER, PerceptionConfig()), body_of(ROVER)
    x, y, yaw = start
    for way in np.arange(0.0, length_m + 1e-9, every_m):
        pose = np.array([x + way * np.cos(yaw), y + way * np.sin(yaw), yaw])
        at = check_poses(ground, body, pose[None])
        angles = (float(at.roll[0]), float(at.pitch[0]), yaw)
        map_T_base = frames.from_rpy((pose[0], pose[1], float(at.z[0])), angles)
        views = {
            eye: renderer.render(camera, map_T_base @ camera.base_T_optical, sun)
            for eye, camera in ROVER.cameras.items()
        }
        light = sensors["left"].auto(views["left"])
        left, right = (
            cv2.cvtColor(sensors[e].expose(views[e], *light), cv2.COLOR_RGB2GRAY)
            for e in ("left", "right")
        )
        mapper.stereo(Stereo(float(way), left, right), map_T_base)
    return mapper, ground, map_T_base


def compared(mapper, ground, map_T_base):
    """Per cell seen: elevation less the mean true height, top less the highest, range, bearing."""
    terrain = mapper.terrain
    x, y = np.meshgrid(*terrain.centers())
    offsets = (np.arange(4) + 0.5) / 4.0 * terrain.resolution_m - terrain.resolution_m / 2.0

    def height(x, y):
        u, v = ((np.stack([x, y]).T - ground.origin) / ground.resolution_m - 0.5).T
        z = ground.layers["elevation"].astype(float)
        return ndimage.map_coordinates(z, [v, u], order=1, mode="nearest")

    true = np.stack([height(x + a, y + b) for a in offsets for b in offsets])
    here = frames.points(
        frames.inverse(map_T_base), np.stack([x.ravel(), y.ravel(), true.mean(0).ravel()], 1)
    )
    seen = terrain.known & ~mapper.map.felt
    return {
        "seen": seen,
        "elevation": terrain.layers["elevation"] - true.mean(0),
        "top": terrain.layers["top"] - true.max(0),
        "sigma": np.sqrt(terrain.layers["variance"]),
        "range": np.hypot(here[:, 0], here[:, 1]).reshape(x.shape),
        "bearing": np.arctan2(here[:, 1], here[:, 0]).reshape(x.shape),
    }


@pytest.fixture(scope="module")
def calm():
    return compared(*driven("mare_calm", (3.0, 0.0, 0.0), 1.6))


@pytest.mark.parametrize(
    ("low", "high", "bias_mm", "rmse_mm", "coverage"),
    [(0.7, 1.5, 2.0, 8.0, 0.93), (1.5, 3.0, 4.0, 12.0, 0.93), (3.0, 5.0, 8.0, 25.0, 0.85)],
)
def test_map_is_the_true_surface(calm, low, high, bias_mm, rmse_mm, coverage):
    ahead = (calm["range"] >= low) & (calm["range"] < high)
    ahead &= np.abs(calm["bearing"]) < np.radians(28.0)
    error = 1e3 * calm["elevation"][ahead & calm["seen"]]
    found = {
        "bias": np.median(error),
        "rmse": np.sqrt(np.mean(error**2)),
        "coverage": calm["seen"][ahead].mean(),
    }
    print(found)
    assert abs(found["bias"]) < bias_mm, found
    assert found["rmse"] < rmse_mm, found
    assert found["coverage"] > coverage, found


def test_stated_deviation_covers_the_error(calm):
    near = calm["seen"] & (calm["range"] < 3.0)
    share = np.abs(calm["elevation"][near]) / calm["sigma"][near]
    assert np.percentile(share, 68.0) < 1.5
    assert np.percentile(share, 95.0) < 4.0


def test_tops_of_rocks_are_not_averaged_away(calm):
    near = calm["seen"] & (calm["range"] < 3.0)
    low = calm["top"][near]
    assert np.percentile(low, 2.0) > -0.02
    assert np.percentile(low, 98.0) < 0.05
