# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A vehicle that moves as it is told, ground with a known shape, and a camera that sees a wedge."""

from dataclasses import dataclass, field, replace

import numpy as np

from tenacious_rover.navigation.local import Checked, Checks
from tenacious_rover.navigation.state import Motion
from tenacious_rover.rover import frames
from tenacious_rover.rover.model import Box, Camera, Limits, Rover, Wheel

RES = 0.05
STILL_UNKNOWN = Motion()


def rover():
    eye = Camera("left", "left", frames.planar(0.2, 0.0, 0.0, 0.2), 640, 480, 417, 417, 320, 240)
    wheels = tuple(
        Wheel("w", "j", side, np.array([x, side * 0.13, 0.0]), 0.075, 0.055)
        for x in (-0.18, 0.18)
        for side in (1, -1)
    )
    return Rover(
        name="toy",
        mass_kg=5.0,
        gravity_mps2=1.62,
        wheels=wheels,
        chassis=Box(np.array([0.0, 0.0, 0.06]), np.array([0.5, 0.2, 0.1])),
        cameras={"left": eye, "right": eye},
        imu_frame="imu",
        base_T_imu=np.eye(4),
        scoop=None,
        payload=None,
        limits=Limits(0.1, 0.5, np.radians(20.0), 2.0),
    )


@dataclass
class Map:
    """The shape of a TerrainMap."""

    resolution_m: float
    origin: np.ndarray
    layers: dict
    time_s: float = 0.0


class Ground:
    """Heights (rows, columns) on 12 x 12 m about the origin, from a function of x and y."""

    def __init__(self, height, size=12.0):
        count = int(size / RES)
        self.origin = np.array([-size / 2.0, -size / 2.0])
        ruler = self.origin[0] + (np.arange(count) + 0.5) * RES
        self.x, self.y = np.meshgrid(ruler, ruler)
        self.height = np.asarray(height(self.x, self.y), float) + np.zeros_like(self.x)
        self.seen = np.zeros(self.height.shape, bool)
        gy, gx = np.gradient(self.height, RES)
        slope = np.arctan(np.hypot(gx, gy))
        layers = {
            "elevation": self.height,
            "variance": np.full_like(self.height, 1e-6),
            "slope": slope,
            # A jump is no plane.
            "roughness": np.where(slope > np.radians(45.0), 0.05, 0.0),
            "hazard": np.clip(slope / np.radians(30.0), 0.0, 1.0),
        }
        self.layers = {name: layer.astype(np.float32) for name, layer in layers.items()}

    def at(self, x, y):
        c = np.clip(((x - self.origin[0]) / RES).astype(int), 0, self.height.shape[1] - 1)
        r = np.clip(((y - self.origin[1]) / RES).astype(int), 0, self.height.shape[0] - 1)
        return r, c

    def look(self, pose, fov=1.31, reach=4.0):
        dx, dy = self.x - pose[0], self.y - pose[1]
        side = np.abs((np.arctan2(dy, dx) - pose[2] + np.pi) % (2 * np.pi) - np.pi)
        far = np.hypot(dx, dy)
        self.seen |= (side < fov / 2) & (far > 0.45) & (far < reach)

    def map(self, everything=False):
        seen = np.ones_like(self.seen) if everything else self.seen
        kept = {k: np.where(seen, v, np.float32(np.nan)) for k, v in self.layers.items()}
        return Map(RES, self.origin, kept)


def settle_check(terrain, vehicle=None):
    """Four wheels on the map: tilt at most 20 deg, nothing above the belly, most of it known."""
    vehicle = vehicle or rover()
    spots = np.array([w.position[:2] for w in vehicle.wheels])
    grid = np.stack(np.meshgrid(np.linspace(-0.25, 0.25, 7), np.linspace(-0.1, 0.1, 4)), -1)
    body = grid.reshape(-1, 2)
    elevation = terrain.layers["elevation"]
    belly = 0.075 + 0.01

    def heights(poses, local):
        cos, sin = np.cos(poses[:, 2, None]), np.sin(poses[:, 2, None])
        x = poses[:, 0, None] + cos * local[:, 0] - sin * local[:, 1]
        y = poses[:, 1, None] + sin * local[:, 0] + cos * local[:, 1]
        c = np.floor((x - terrain.origin[0]) / RES).astype(int)
        r = np.floor((y - terrain.origin[1]) / RES).astype(int)
        inside = (r >= 0) & (c >= 0) & (r < elevation.shape[0]) & (c < elevation.shape[1])
        z = elevation[np.clip(r, 0, elevation.shape[0] - 1), np.clip(c, 0, elevation.shape[1] - 1)]
        return np.where(inside, z, np.nan)

    basis = np.column_stack([spots, np.ones(len(spots))])
    solve = np.linalg.pinv(basis)

    def check(poses):
        poses = np.atleast_2d(poses)
        wheels, under = heights(poses, spots), heights(poses, body)
        filled = np.where(np.isnan(wheels), np.nanmean(np.nan_to_num(wheels), 1)[:, None], wheels)
        plane = filled @ solve.T
        tilt = np.arctan(np.hypot(plane[:, 0], plane[:, 1]))
        step = np.abs(filled - plane @ basis.T).max(1)
        level = plane @ np.column_stack([body, np.ones(len(body))]).T
        over = np.nan_to_num(under - level, nan=-1.0).max(1)
        safe = (tilt < np.radians(20.0)) & (over < belly) & (step < 0.06)
        share = np.isfinite(np.hstack([wheels, under])).mean(1)
        return Checked(safe | np.isnan(wheels).any(1) & (over < belly), share > 0.7)

    return check


def checks(terrain):
    """The same for planner and guard."""
    check = settle_check(terrain)
    return Checks(check, check, check, check)


@dataclass
class Here:
    time_s: float
    odom_T_base: np.ndarray
    map_T_odom: np.ndarray = field(default_factory=lambda: np.eye(4))


@dataclass
class Vehicle:
    """Planar motion at the commanded speeds times `share`; counts what it touches."""

    ground: Ground
    x: float = 0.0
    y: float = 0.0
    yaw: float = 0.0
    time_s: float = 0.0
    share: float = 1.0
    held: bool = False
    worst_m: float = -1.0
    driven_m: float = 0.0
    map_T_odom: np.ndarray = field(default_factory=lambda: np.eye(4))
    track: list = field(default_factory=list)

    @property
    def pose(self):
        r, c = self.ground.at(np.array(self.x), np.array(self.y))
        z = float(self.ground.height[r, c])
        return Here(self.time_s, frames.planar(self.x, self.y, self.yaw, z), self.map_T_odom)

    def move(self, speed, rate, dt=0.1):
        self.time_s += dt
        if not self.held:
            self.x += self.share * speed * np.cos(self.yaw) * dt
            self.y += self.share * speed * np.sin(self.yaw) * dt
            self.yaw += 0.8 * self.share * rate * dt
            self.driven_m += abs(self.share * speed * dt)
        self.track.append((self.x, self.y, self.yaw))


def drive(navigator, vehicle, seconds, each=lambda vehicle, command: None, motion=STILL_UNKNOWN):
    """Run until the drive is done; the camera sees once a second. Returns the last command."""
    terrain = None
    count = 0
    while vehicle.time_s < seconds:
        if count % 10 == 0:
            vehicle.ground.look((vehicle.x, vehicle.y, vehicle.yaw))
            terrain = replace(vehicle.ground.map(), time_s=vehicle.time_s)
        count += 1
        command = navigator.cycle(vehicle.time_s, vehicle.pose, terrain, motion)
        if command.done:
            return command
        each(vehicle, command)
        vehicle.move(command.linear_mps, command.angular_radps)
    return command


def touched(vehicle):
    """Whether a pose of the track was unsafe on the true ground."""
    check = settle_check(vehicle.ground.map(everything=True))
    return bool((~check(np.array(vehicle.track)).safe).any())


__all__ = [
    "Ground",
    "Here",
    "Map",
    "Vehicle",
    "checks",
    "drive",
    "replace",
    "rover",
    "settle_check",
]
