# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Known drives with the samples of noisy sensors, and pictures of a textured plane."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from tenacious_rover.localization import attitude
from tenacious_rover.localization.visual import Motion
from tenacious_rover.rover import frames
from tenacious_rover.rover.measurements import Imu, Joints, Stereo, Sun
from tenacious_rover.rover.model import Box, Camera, Limits, Rover, Wheel

GRAVITY = 1.62
RADIUS = 0.075


def rover(width=640, height=480) -> Rover:
    optical = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    left = frames.from_rpy((0.2, 0.06, 0.2), (0, 0.35, 0)) @ optical
    right = frames.from_rpy((0.2, -0.06, 0.2), (0, 0.35, 0)) @ optical
    focal = 417.0 * width / 640
    eyes = {
        name: Camera(name, name, pose, width, height, focal, focal, width / 2, height / 2)
        for name, pose in (("left", left), ("right", right))
    }
    wheels = tuple(
        Wheel(f"{x}{s}", f"joint_{x}_{s}", s, np.array([x, s * 0.13, 0.0]), RADIUS, 0.06)
        for x in (0.17, -0.17)
        for s in (1, -1)
    )
    return Rover(
        name="test",
        mass_kg=5.0,
        gravity_mps2=GRAVITY,
        wheels=wheels,
        chassis=Box(np.array([0.0, 0.0, 0.05]), np.array([0.4, 0.2, 0.1])),
        cameras=eyes,
        imu_frame="imu",
        base_T_imu=frames.from_rpy((0.03, -0.02, 0.05), (0.0, 0.0, np.pi / 2)),
        scoop=None,
        payload=None,
        limits=Limits(0.1, 0.5, 0.35, 2.0),
    )


@dataclass
class Noise:
    """What is wrong with the sensors."""

    gyro: float = 2e-4
    accel: float = 2e-3
    gyro_bias: np.ndarray = field(default_factory=lambda: np.array([1e-3, -2e-3, 1.5e-3]))
    accel_bias: np.ndarray = field(default_factory=lambda: np.array([0.004, -0.003, 0.005]))
    slip: float = 0.05
    crab: float = 0.0
    sun: float = np.radians(0.3)
    track_scale: float = 1.5


PERFECT = Noise(1e-7, 1e-7, np.zeros(3), np.zeros(3), 0.0, 0.0, 0.0)
"""Not quite: a sensor that repeats to the last bit is a frozen one."""


class Drive:
    """base_link over time at 100 Hz from speeds along x and about z, on a plane through `level`.

    `command(t)` gives (m/s, rad/s); `level` (3, 3) is map_R_plane. The rover rests for `rest_s`.
    """

    def __init__(
        self, command, seconds, level=None, yaw=0.0, rest_s=1.0, start=(0.0, 0.0, 0.0), dt=0.01
    ):
        self.dt = dt
        self.count = round(seconds / self.dt)
        self.level = np.eye(3) if level is None else level
        self.poses = np.empty((self.count, 4, 4))
        self.speed = np.zeros((self.count, 2))
        x, y = 0.0, 0.0
        v = w = 0.0
        for i in range(self.count):
            plane = frames.planar(x, y, yaw)
            pose = np.eye(4)
            pose[:3, :3] = self.level @ plane[:3, :3]
            pose[:3, 3] = self.level @ plane[:3, 3] + start
            self.poses[i] = pose
            self.speed[i] = v, w
            t = i * self.dt
            goal = command(t - rest_s) if t >= rest_s else (0.0, 0.0)
            # Speeds follow within a few tenths of a second, as motors do.
            v += np.clip(goal[0] - v, -0.2 * self.dt, 0.2 * self.dt)
            w += np.clip(goal[1] - w, -1.0 * self.dt, 1.0 * self.dt)
            middle = yaw + w * self.dt / 2
            x += v * np.cos(middle) * self.dt
            y += v * np.sin(middle) * self.dt
            yaw += w * self.dt

    def at(self, time_s):
        return self.poses[min(max(round(time_s / self.dt), 0), self.count - 1)]

    def distance(self):
        return float(np.abs(self.speed[:, 0]).sum() * self.dt)


def inertial(drive, machine, noise, rng):
    """IMU samples, from second differences of the IMU's true path."""
    imu = drive.poses @ machine.base_T_imu
    p = imu[:, :3, 3]
    acceleration = np.zeros_like(p)
    acceleration[1:-1] = (p[2:] - 2 * p[1:-1] + p[:-2]) / drive.dt**2
    up = np.array([0, 0, machine.gravity_mps2])
    root = 1 / np.sqrt(drive.dt)
    out = []
    for i in range(1, drive.count):
        turn = attitude.log(imu[i - 1, :3, :3].T @ imu[i, :3, :3]) / drive.dt
        force = imu[i, :3, :3].T @ (acceleration[i] + up)
        gyro = turn + noise.gyro_bias + noise.gyro * root * rng.standard_normal(3)
        accel = force + noise.accel_bias + noise.accel * root * rng.standard_normal(3)
        out.append(Imu(i * drive.dt, gyro, accel))
    return out


def wheels(drive, machine, noise, rng, every=None, slip=None):
    """Joint samples at 50 Hz; `slip(t)` is the share of wheel speed that is lost."""
    side = np.array([float(w.side) for w in machine.wheels])
    names = tuple(w.joint for w in machine.wheels)
    angle = np.zeros(4)
    every = every or max(round(0.02 / drive.dt), 1)
    out = []
    for i in range(1, drive.count, every):
        v, w = drive.speed[i]
        lost = noise.slip if slip is None else slip(i * drive.dt)
        if callable(slip) and lost >= 1.0:
            rate = np.full(4, 0.1 / RADIUS)
        else:
            ground = v / (1 - lost) - w * side * machine.track_m * noise.track_scale / 2
            rate = ground / RADIUS
        rate = rate + (0.002 * rng.standard_normal(4) if noise.gyro and np.abs(rate).max() else 0)
        angle = angle + rate * drive.dt * every
        out.append(Joints(i * drive.dt, names, angle, rate, np.full(4, 0.02) * np.sign(rate)))
    return out


def suns(drive, site, noise, rng, bias=0.0):
    out = []
    for i in range(round(0.5 / drive.dt), drive.count, round(1 / drive.dt)):
        t = i * drive.dt
        seen = drive.poses[i, :3, :3].T @ site.sun_direction(t)
        seen = attitude.exp(noise.sun * rng.standard_normal(3) + [0, 0, bias]) @ seen
        out.append(Sun(t, seen))
    return out


def merged(*streams):
    return sorted((s for stream in streams for s in stream), key=lambda s: s.time_s)


def sightings(drive, rng, rate_hz=2.0, sigma_m=1e-3, sigma_rad=3e-4, keyframe_every=5):
    """What visual odometry answers, made up: (time, `Motion`) with the noise it states."""
    covariance = np.diag([sigma_m] * 3 + [sigma_rad] * 3) ** 2
    out, key = [], None
    step = round(1 / rate_hz / drive.dt)
    for number, i in enumerate(range(round(0.8 / drive.dt), drive.count, step)):
        if key is None:
            key = drive.poses[i]
            out.append((i * drive.dt, Motion(False, np.eye(4), covariance, True)))
            continue
        seen = frames.inverse(key) @ drive.poses[i]
        seen[:3, 3] += sigma_m * rng.standard_normal(3)
        seen[:3, :3] = attitude.exp(sigma_rad * rng.standard_normal(3)) @ seen[:3, :3]
        fresh = number % keyframe_every == 0
        out.append((i * drive.dt, Motion(True, seen, covariance, fresh, sure=True, inliers=100)))
        key = drive.poses[i] if fresh else key
    return out


def feed(localizer, samples, seen=()):
    """Everything in order of time; `seen` from `sightings`."""
    waiting = sorted(seen, key=lambda item: item[0])
    for sample in samples:
        while waiting and waiting[0][0] <= sample.time_s and localizer.timeline is not None:
            time_s, motion = waiting.pop(0)
            localizer.saw(time_s, motion)
        localizer.take(sample)
    return localizer


class Plane:
    """A level plane at `z` with random texture, seen through a pinhole."""

    CELL = 0.004

    def __init__(self, seed=0, z=-RADIUS, size=2048):
        rng = np.random.default_rng(seed)
        texture = np.zeros((size, size), np.float32)
        for octave, weight in ((1, 0.6), (2, 0.8), (4, 1.0), (16, 1.0), (64, 1.0)):
            cells = rng.standard_normal((size // octave, size // octave)).astype(np.float32)
            texture += weight * cv2.resize(cells, (size, size), interpolation=cv2.INTER_CUBIC)
        texture = 110 + 30 * texture
        self.z = z
        self.levels = [np.clip(texture, 5, 250)]
        while len(self.levels) < 6:
            self.levels.append(cv2.pyrDown(self.levels[-1]))

    def picture(self, camera, map_T_base, rng=None, shade=None):
        """(h, w) uint8; `shade(x, y)` (in map) is the share of light."""
        map_T_optical = map_T_base @ camera.base_T_optical
        u, v = np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px))
        ray = np.stack(
            [(u - camera.cx_px) / camera.fx_px, (v - camera.cy_px) / camera.fy_px, 1 + 0 * u], -1
        )
        ray = ray @ map_T_optical[:3, :3].T
        eye = map_T_optical[:3, 3]
        down = ray[..., 2] < -0.01
        depth = np.where(down, (self.z - eye[2]) / np.minimum(ray[..., 2], -0.01), 0)
        x, y = eye[0] + depth * ray[..., 0], eye[1] + depth * ray[..., 1]
        grain = np.log2(np.maximum(depth / camera.fx_px / self.CELL * 2.0, 1.0))
        level = np.clip(np.round(grain), 0, len(self.levels) - 1)
        out = np.zeros(u.shape, np.float32)
        for k, texture in enumerate(self.levels):
            here = down & (level == k)
            if not here.any():
                continue
            size, cell = texture.shape[0], self.CELL * 2**k
            a = np.mod(x / cell, size - 1).astype(np.float32)
            b = np.mod(y / cell, size - 1).astype(np.float32)
            out[here] = cv2.remap(texture, a, b, cv2.INTER_LINEAR)[here]
        if shade is not None:
            out *= shade(x, y)
        if rng is not None:
            out += rng.normal(0, 2, out.shape)
        self.depth = np.where(down, depth, np.nan).astype(np.float32)
        return np.clip(out, 0, 255).astype(np.uint8)

    def pair(self, machine, map_T_base, time_s, rng=None, shade=None):
        left, right = machine.cameras["left"], machine.cameras["right"]
        return Stereo(
            time_s,
            self.picture(left, map_T_base, rng, shade),
            self.picture(right, map_T_base, rng, shade),
        )


def pictures(drive, machine, plane, rng, rate_hz=2.0):
    """Pairs along a drive."""
    step = round(1 / rate_hz / drive.dt)
    return [
        plane.pair(machine, drive.poses[i], i * drive.dt, rng)
        for i in range(round(0.6 / drive.dt), drive.count, step)
    ]
