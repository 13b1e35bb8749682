# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The house judged on rendered stereo pictures: standing from all sides, and lying."""

import numpy as np
import pytest

from tenacious_rover.payload import house, photograph
from tenacious_rover.rover import frames, pixels
from tenacious_rover.rover.description import load_rover
from tenacious_rover.sampling.volume import near_depth
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.parts import Part
from tenacious_rover.simulator.world import load_world

LIMIT = np.radians(15.0)


@pytest.fixture(scope="module")
def scene():
    rover = load_rover("tenacious")
    spec = load_world("mare_calm").varied(seed=3, rock_k=0.0001, slope_deg=1.0, size_m=16)
    simulator = Simulator(build_world(spec, cache=False), rover, 1)
    simulator.advance(1.0)
    return rover, simulator


def sighted(scene, yaw=0.0, roll=0.0, pitch=0.0, ahead=0.55):
    """The house `ahead` of the eyes, turned, then tipped over; its lowest point on the ground."""
    rover, simulator = scene
    map_T_base = simulator.truth.map_T_base
    eye_x = rover.cameras["left"].base_T_optical[0, 3]
    place = frames.points(map_T_base, np.array([[eye_x + ahead, 0.03, 0.0]]))[0]
    turned = frames.from_rpy((0, 0, 0), (0, 0, yaw)) @ frames.from_rpy((0, 0, 0), (roll, pitch, 0))
    x, y, z = rover.payload.size
    corners = np.array(
        [[i, j, k] for i in (-x / 2, x / 2) for j in (-y / 2, y / 2) for k in (0, z)]
    )
    pose = turned.copy()
    lowest = frames.points(turned, corners)[:, 2].min()
    ground = float(simulator.world.height(place[0], place[1]))
    pose[:3, 3] = place[0], place[1], ground - lowest
    part = Part("house", pose, rover.payload.size, (0.4, 0.04, 0.03), "house")
    renderer, world = simulator.eyes._renderer, simulator.world
    sun = world.spec.sun_direction(0.0)
    images = []
    for eye in ("left", "right"):
        camera = rover.cameras[eye]
        frame = renderer.render(camera, map_T_base @ camera.base_T_optical, sun, [part])
        sensor = simulator.eyes._sensors[eye]
        images.append(sensor.expose(frame, *simulator.eyes._sensors["left"].auto(frame)))
    grey = [pixels.gray(image, "rgb8") for image in images]
    depth = near_depth(grey[0], grey[1], rover.cameras["left"].fx_px, rover.baseline_m)
    return house.sighted(images[0], depth, rover, map_T_base), place


@pytest.mark.parametrize("yaw", np.radians([0.0, 20.0, 160.0, 200.0]))
def test_a_standing_house_stands(scene, yaw):
    rover, simulator = scene
    seen, place = sighted(scene, yaw)
    assert house.upright(seen, rover, LIMIT)
    assert np.hypot(*(seen.map_T_payload[:2, 3] - place[:2])) < 0.05
    assert photograph.judged(seen, rover, simulator.truth.map_T_base).score > 0.5


@pytest.mark.parametrize("yaw", np.radians([0.0, 30.0, 90.0]))
@pytest.mark.parametrize(
    ("roll", "pitch"), [(90, 0), (-90, 0), (0, 90), (0, -90), (180, 0), (35, 0)]
)
def test_a_fallen_house_is_not_upright(scene, yaw, roll, pitch):
    try:
        seen, _ = sighted(scene, yaw, np.radians(roll), np.radians(pitch))
    except house.PayloadError:
        return
    assert not house.upright(seen, scene[0], LIMIT)
