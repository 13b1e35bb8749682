# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Small made-up worlds and poses, and rays cast the slow and plain way."""

import numpy as np

from tenacious_rover.rover import frames
from tenacious_rover.rover.model import Camera
from tenacious_rover.simulator.camera import RenderConfig
from tenacious_rover.simulator.ground import SOILS, Craters, Rocks, World, content_digest

BARE = RenderConfig(micro_relief=False, pebbles_per_m2=0.0, antialias=False, far_km=0.2)
BODY_R_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
STEP = 0.05


def world(seed=0, nodes=241, relief=0.12, rocks=0):
    """A square of fractal ground about the origin, with rocks half buried."""
    rng = np.random.default_rng(seed)
    f = np.fft.fftfreq(nodes, 1.0 / nodes)
    radius = np.hypot(f[:, None], f[None, :])
    gain = np.where(radius >= 1.5, np.maximum(radius, 1.0) ** -1.8, 0.0)
    z = np.fft.ifft2(np.fft.fft2(rng.standard_normal((nodes, nodes))) * gain).real
    heights = (relief * z / z.std()).astype(np.float32)
    half = STEP * (nodes - 1) / 2.0
    soil = np.zeros(heights.shape, np.uint8)
    none = Rocks(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3, 3)), np.zeros(0))
    craters = Craters(np.zeros((0, 2)), np.zeros(0), np.zeros(0))
    args = (None, heights, np.array([-half, -half]), STEP)
    bare = World(*args, none, craters, (SOILS["mare"],), soil, ())
    xy = rng.uniform(-0.8 * half, 0.8 * half, (rocks, 2))
    axes = rng.uniform(0.05, 0.3, (rocks, 3))
    center = np.column_stack([xy, bare.height(*xy.T) + 0.3 * axes[:, 2]]) if rocks else none.center
    turn = [
        frames.from_rpy((0.0, 0.0, 0.0), tuple(rng.uniform(-3.0, 3.0, 3)))[:3, :3]
        for _ in range(rocks)
    ]
    stones = Rocks(center, axes, np.array(turn).reshape(rocks, 3, 3), 2.0 * axes[:, 0])
    digest = content_digest(heights, stones, soil)
    return World(*args, stones, craters, bare.soils, soil, (), digest)


def camera(width=80, height=60, hfov=75.0):
    f = width / 2.0 / np.tan(np.radians(hfov) / 2.0)
    middle = (width - 1) / 2.0, (height - 1) / 2.0
    return Camera("left", "left", np.eye(4), width, height, f, f, *middle)


def pose(ground, x=0.0, y=0.0, yaw=0.0, pitch=15.0, roll=0.0, above=0.3):
    """map_T_optical; degrees, pitch down."""
    angles = tuple(np.radians([roll, pitch, yaw]))
    out = frames.from_rpy((x, y, float(ground.height(x, y)) + above), angles)
    out[:3, :3] = out[:3, :3] @ BODY_R_OPTICAL
    return out


def sun(azimuth, elevation):
    a, e = np.radians([azimuth, elevation])
    return np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])


def rays(cam, map_T_optical):
    """Directions (h, w, 3) in map with z-depth as parameter."""
    v, u = np.mgrid[: cam.height_px, : cam.width_px].astype(float)
    x, y = (u - cam.cx_px) / cam.fx_px, (v - cam.cy_px) / cam.fy_px
    return np.stack([x, y, np.ones_like(x)], -1) @ map_T_optical[:3, :3].T


def exact_hit(ground, origin, direction):
    """Parameter of the first bilinear ground on a ray, from every cell it crosses; inf if none."""
    low_x, _, low_y, _ = ground.extent
    step = ground.resolution_m
    rows, columns = ground.heights.shape
    p = np.array([(origin[0] - low_x) / step, (origin[1] - low_y) / step])
    d = direction[:2] / step
    with np.errstate(divide="ignore", invalid="ignore"):
        lines = [(np.arange(n) - p[k]) / d[k] for k, n in ((0, columns), (1, rows)) if d[k] != 0.0]
    t = np.concatenate([np.zeros(1), *lines])
    t = np.sort(t[(t >= 0.0) & np.isfinite(t)])
    a, b = t[:-1], t[1:]
    at = p + np.outer((a + b) / 2.0, d)
    inside = (at >= 0.0).all(axis=1) & (at < [columns - 1, rows - 1]).all(axis=1)
    a, b, at = a[inside], b[inside], at[inside]
    c, r = np.floor(at).astype(int).T
    h = ground.heights.astype(float)
    h0, hu, hv = h[r, c], h[r, c + 1] - h[r, c], h[r + 1, c] - h[r, c]
    huv = h[r + 1, c + 1] - h[r + 1, c] - h[r, c + 1] + h[r, c]
    # Gap above ground as C + B s + A s^2 from the cell's entry.
    u, v = p[0] + a * d[0] - c, p[1] + a * d[1] - r
    C = origin[2] + a * direction[2] - (h0 + hu * u + hv * v + huv * u * v)
    B = direction[2] - hu * d[0] - hv * d[1] - huv * (u * d[1] + v * d[0])
    A = -huv * d[0] * d[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(B * B - 4.0 * A * C)
        one, two = (-B - root) / (2.0 * A), (-B + root) / (2.0 * A)
        straight = np.where(np.abs(A) < 1e-12, -C / B, np.inf)
    s = np.full(len(a), np.inf)
    for candidate in (one, two, straight):
        good = (candidate >= -1e-12) & (candidate <= b - a + 1e-12)
        s = np.where(good, np.minimum(s, candidate), s)
    s = np.where(C <= 0.0, 0.0, s)
    found = np.flatnonzero(np.isfinite(s))
    return a[found[0]] + s[found[0]] if len(found) else np.inf


def exact_hits(ground, origins, directions):
    """(n,) of rays (n, 3) from origins (3,) or (n, 3)."""
    directions = np.asarray(directions, float).reshape(-1, 3)
    origins = np.broadcast_to(np.asarray(origins, float), directions.shape)
    return np.array([exact_hit(ground, o, d) for o, d in zip(origins, directions, strict=True)])


def ellipsoid_depths(stones, origins, directions):
    """(n,) first positive parameter at any ellipsoid, from the quadratic in map.

    Rays (n, 3) from origins (3,) or (n, 3).
    """
    origins = np.broadcast_to(origins, directions.shape)
    best = np.full(len(directions), np.inf)
    for center, axes, turn in zip(stones.center, stones.semi_axes, stones.rotation, strict=True):
        to_ball = (turn / axes).T
        p, d = (origins - center) @ to_ball.T, directions @ to_ball.T
        a, b, c = (d * d).sum(axis=1), (p * d).sum(axis=1), (p * p).sum(axis=1) - 1.0
        square = b * b - a * c
        t = np.where(square >= 0.0, (-b - np.sqrt(np.maximum(square, 0.0))) / a, np.inf)
        best = np.minimum(best, np.where(t > 0.0, t, np.inf))
    return best
