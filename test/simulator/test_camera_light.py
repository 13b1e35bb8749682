# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Shadows against exact rays to the sun; photometry against its own symmetries."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_scene import BARE, camera, ellipsoid_depths, exact_hits, pose, rays, sun, world
from hypothesis import given
from hypothesis import strategies as st

from tenacious_rover.rover import frames
from tenacious_rover.simulator.camera import Renderer, photometry, shadow
from tenacious_rover.simulator.camera.ground import make_ground
from tenacious_rover.simulator.parts import Part

TABLE = photometry.phase_table()


@pytest.mark.parametrize("azimuth", [0.0, 35.0, 100.0, 200.0, 315.0])
def test_ground_shadow_agrees_with_rays_to_the_sun(azimuth):
    """In the sun or not, at random places; a place next to a shadow's edge may be either."""
    ground = world(4, relief=0.25)
    towards = sun(azimuth, 10.0)
    baked = make_ground(ground.heights.copy(), tuple(ground.origin), ground.resolution_m)
    shadow.bake(baked, towards)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-5.0, 5.0, (2, 600))
    z = ground.height(x, y)
    start = np.column_stack([x, y, z + 1e-6])
    lit = np.isinf(exact_hits(ground, start, np.tile(towards, (600, 1))))
    column = (x - ground.origin[0]) / ground.resolution_m
    row = (y - ground.origin[1]) / ground.resolution_m
    c, r = column.astype(int), row.astype(int)
    u, v = column - c, row - r
    s = baked.shadow
    top = (s[r, c] * (1 - u) + s[r, c + 1] * u) * (1 - v) + (
        s[r + 1, c] * (1 - u) + s[r + 1, c + 1] * u
    ) * v
    # Faces that turn away from the sun are dark whatever the map says.
    facing = ground.normal(x, y) @ towards > 0.03
    assert 0.2 < lit.mean() < 0.95
    wrong = ((z > top) != lit) & facing
    assert wrong.mean() < 0.03


def test_rocks_and_parts_shade_the_ground_exactly():
    """On nearly flat ground, shadow is where the ray to the sun meets an ellipsoid or the box."""
    ground, cam = world(6, relief=1e-4, rocks=25), camera(160, 120)
    towards = sun(70.0, 15.0)
    # The renderer rounds the sun to 0.1 deg: 70 and 15 are whole steps.
    map_T_optical = pose(ground, -4.0, 0.0, 0.0, 20.0, above=0.8)
    at = frames.from_rpy((-1.5, 1.2, 0.2), (0.1, 0.2, 0.3))
    size = np.array([0.5, 0.3, 0.4])
    box = Part("box", at, size)
    frame = Renderer(ground, BARE).render(cam, map_T_optical, towards, [box])
    light = Renderer(ground, BARE).sunlight(cam, map_T_optical, towards, [box])
    v, u = np.nonzero((frame.label == 1) & (frame.depth < 7.0))
    places = map_T_optical[:3, 3] + rays(cam, map_T_optical)[v, u] * frame.depth[v, u, None]
    inside = (np.abs(places[:, :2]) < 5.9).all(axis=1)
    v, u, places = v[inside], u[inside], places[inside]
    way = np.tile(towards, (len(places), 1))
    expected = np.isfinite(ellipsoid_depths(ground.rocks, places, way))
    expected |= _meets_box(at, size, places, towards)
    assert 0.02 < expected.mean() < 0.6
    dark = light[v, u] == 0.0
    assert (dark != expected).mean() < 2e-3


def _meets_box(at, size, places, direction):
    b = frames.inverse(at)
    start, way = frames.points(b, places), b[:3, :3] @ direction
    one, two = (-size / 2.0 - start) / way, (size / 2.0 - start) / way
    enter, leave = np.minimum(one, two).max(axis=1), np.maximum(one, two).min(axis=1)
    return leave > np.maximum(enter, 0.0)


def test_ground_shades_rocks():
    """Behind a wall of ground a rock is dark at its foot and lit at its top."""
    ground, cam = world(0, relief=1e-4), camera(160, 120)
    heights = ground.heights.copy()
    heights[:, 130:134] += 0.3  # a wall along y at x = 0.5
    ground = dataclasses.replace(ground, heights=heights)
    ball = Part("ellipsoid", frames.planar(-0.3, 0.0, 0.0, 0.2), np.full(3, 0.5))
    map_T_optical = pose(ground, -3.0, 0.0, 0.0, 0.0, above=0.3)
    map_T_optical[:3, 3] = (-0.9, -0.8, 0.3)
    map_T_optical[:3, :3] = frames.from_rpy((0, 0, 0), (0, 0.1, 0.9))[:3, :3] @ np.array(
        [[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]
    )
    light = Renderer(ground, BARE).sunlight(cam, map_T_optical, sun(0.0, 10.0), [ball])
    frame = Renderer(ground, BARE).render(cam, map_T_optical, sun(0.0, 10.0), [ball])
    v, u = np.nonzero(frame.label == 4)
    places = map_T_optical[:3, 3] + rays(cam, map_T_optical)[v, u] * frame.depth[v, u, None]
    towards = (places - ball.map_T_part[:3, 3]) @ sun(0.0, 10.0) > 0.03
    # The wall's top edge is at x = 0.5, z = 0.3.
    edge = 0.3 - np.tan(np.radians(10.0)) * (0.5 - places[:, 0])
    clear = np.abs(places[:, 2] - edge) > 0.02
    assert ((light[v, u] > 0.5) == (places[:, 2] > edge))[towards & clear].all()
    assert 0.05 < (light[v, u] > 0.5)[towards].mean() < 0.95


def test_rover_shades_the_ground_before_it():
    ground, cam = world(0, relief=0.01), camera(160, 120)
    map_T_optical = pose(ground, above=0.25, pitch=17.0)
    body = Part("box", frames.planar(-0.25, 0.0, 0.0, 0.15), np.array([0.4, 0.3, 0.2]))
    renderer = Renderer(ground, BARE)
    behind = sun(180.0, 12.0)
    with_body = renderer.sunlight(cam, map_T_optical, behind, [body])
    without = renderer.sunlight(cam, map_T_optical, behind, [])
    frame = renderer.render(cam, map_T_optical, behind, [body])
    dark = (with_body == 0.0) & (without > 0.5)
    assert dark.mean() > 0.02
    v, u = np.nonzero(dark)
    places = map_T_optical[:3, 3] + rays(cam, map_T_optical)[v, u] * frame.depth[v, u, None]
    assert (np.abs(places[:, 1]) < 0.2).all()  # as wide as the body
    assert (places[:, 0] < 0.1 + 0.27 / np.tan(np.radians(12.0))).all()  # as long as it must be


@given(st.floats(0.02, 1.0), st.floats(0.02, 1.0), st.floats(-1.0, 1.0), st.floats(0.05, 0.6))
def test_reflection_is_reciprocal(mu0, mu, cosine, w):
    """Helmholtz: r(i, e, g) / mu0 is the same with the ways of light exchanged."""
    one = photometry.radiance_factor(mu0, mu, cosine, w, TABLE) / mu0
    two = photometry.radiance_factor(mu, mu0, cosine, w, TABLE) / mu
    assert one == pytest.approx(two, rel=1e-9)


def test_brightness_falls_with_phase_and_grows_with_albedo():
    g = np.radians(np.linspace(0.0, 100.0, 101))
    bright = [photometry.radiance_factor(0.6, 0.7, c, 0.2, TABLE) for c in np.cos(g)]
    assert (np.diff(bright) < 0.0).all()
    albedos = [photometry.radiance_factor(0.6, 0.7, 0.5, w, TABLE) for w in (0.1, 0.2, 0.3, 0.5)]
    assert (np.diff(albedos) > 0.0).all()


def test_light_is_that_of_a_mare():
    """I/F at i = g = 60 deg, e = 0 (how maps are normalised), and at full Moon.

    Maria: about 0.02-0.05, and a normal albedo of 0.06-0.14.
    """
    standard = photometry.radiance_factor(0.5, 1.0, 0.5, photometry.W, TABLE)
    normal = photometry.radiance_factor(1.0, 1.0, 1.0, photometry.W, TABLE)
    assert 0.015 < standard < 0.05
    assert 0.06 < normal < 0.18


def test_table_is_the_phase_function():
    g = np.radians([0.5, 5.0, 30.0, 90.0, 150.0])
    place = np.sin(g / 2.0) * (photometry.TABLE - 1)
    found = np.interp(place, np.arange(photometry.TABLE), TABLE)
    assert found == pytest.approx(photometry.phase(g), rel=2e-3)


def test_house_is_red_with_white_corners():
    ground, cam = world(0, relief=0.002), camera(320, 240)
    map_T_optical = pose(ground, above=0.25, pitch=17.0)
    at = frames.planar(0.7, 0.0, 0.6, 0.0)
    house = Part("house", at, np.array([0.10, 0.07, 0.10]), (0.5, 0.07, 0.06), "house")
    frame = Renderer(ground).render(cam, map_T_optical, sun(190.0, 30.0), [house])
    seen = frame.radiance[frame.label == 5]
    red = (seen[:, 0] > 3.0 * seen[:, 1]) & (seen[:, 0] > 0.05)
    white = (seen.min(axis=1) > 0.25) & (seen[:, 0] < 1.3 * seen[:, 1])
    assert red.mean() > 0.25
    assert white.mean() > 0.03


def test_texture_does_not_repeat():
    """No shift of flat, even ground brings its picture back."""
    ground, cam = world(0, nodes=241, relief=0.0), camera(256, 256, 90.0)
    above = np.eye(4)
    above[:3, :3] = np.diag([1.0, -1.0, -1.0])
    pictures = []
    for x, y in ((-2.0, -1.0), (0.3, 1.1), (1.7, -0.6)):
        above[:3, 3] = (x, y, 1.0)
        light = Renderer(ground).render(cam, above, sun(20.0, 20.0)).radiance[..., 1]
        # Without the slow change of light over the picture, which is the same everywhere.
        light = light / cv2.GaussianBlur(light, (0, 0), 10.0) - 1.0
        pictures.append(light / light.std())
    for first in range(3):
        for second in range(3):
            product = np.fft.fft2(pictures[first]) * np.conj(np.fft.fft2(pictures[second]))
            match = np.fft.ifft2(product).real / pictures[0].size
            if first == second:
                # Away from no shift at all (and the smooth relief around it).
                match[:12, :12] = match[-12:, :12] = match[:12, -12:] = match[-12:, -12:] = 0.0
            assert match.max() < 0.25


SCRIPT = """
import hashlib, sys
sys.path.insert(0, {here!r})
import numpy as np
from camera_scene import camera, pose, sun, world
from tenacious_rover.simulator.camera import CameraSensor, Renderer
ground, cam = world(7, rocks=30), camera(160, 120)
sensor = CameraSensor(cam, rng=np.random.default_rng(3))
renderer, digest = Renderer(ground), hashlib.sha256()
for yaw in (0.0, 90.0):
    frame = renderer.render(cam, pose(ground, yaw=yaw), sun(yaw, 14.3))
    picture = sensor.expose(frame, *sensor.auto(frame))
    for array in (frame.radiance, frame.depth, frame.label, picture):
        digest.update(array.tobytes())
print(digest.hexdigest())
"""


def test_pictures_are_the_same_bit_for_bit_in_other_processes_and_with_one_thread():
    here = str(Path(__file__).parent)
    code = SCRIPT.format(here=here)
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "NUMBA_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for threads in ("1", "2")
    }
    assert len(found) == 1
    assert len(found.pop()) == hashlib.sha256().digest_size * 2
