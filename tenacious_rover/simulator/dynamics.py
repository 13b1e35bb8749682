# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The moving parts: MuJoCo's multibody dynamics, with the soil's forces on wheels and scoop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np
from scipy.spatial import cKDTree

from tenacious_rover.rover import frames
from tenacious_rover.simulator import mjcf, wheel_ground, wheel_soil
from tenacious_rover.simulator.error import SimulatorError
from tenacious_rover.simulator.scoop import ScoopInSoil

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Rover
    from tenacious_rover.simulator.config import SimulatorConfig
    from tenacious_rover.simulator.ground import World

    Array = NDArray[np.float64]

_LOCKED = 1e4
"""Damping, N m s/rad, of a wheel that is stuck; MuJoCo integrates it implicitly."""
_START_CLEAR_M = 0.001


@dataclass(frozen=True)
class Touch:
    """A part of the rover met something hard: names of MuJoCo's geoms, force N."""

    part: str
    other: str
    force_n: float


class Dynamics:
    """Rover, rocks, lander and payload at one moment; `step` moves them on.

    Attributes:
        heights: (rows, columns) float32, a copy of the world's that digging changes.
        steps: how many steps were made.
        slip: per wheel; `sinkage`, `normal_n` likewise, of the last step.
    """

    def __init__(self, world: World, rover: Rover, config: SimulatorConfig) -> None:
        self.world, self.rover, self.config = world, rover, config
        xml = mjcf.model_xml(rover, world, config)
        try:
            self.model: Any = mujoco.MjModel.from_xml_string(xml)
        except ValueError as error:
            raise SimulatorError(f"rover {rover.name!r} cannot be simulated: {error}") from error
        self.data: Any = mujoco.MjData(self.model)
        self.model.hfield_data[:] = mjcf.hfield_data(world).ravel()
        self.heights = np.array(world.heights, np.float32)
        self.steps = 0
        self._names()
        self._soil()
        self._rocks()
        self.scoop = ScoopInSoil(rover.scoop) if rover.scoop is not None else None
        self.changes: list[tuple[int, int, NDArray[np.float32]]] = []
        """Windows of ground that changed and that nobody has fetched yet."""
        self.wheel_rate = np.zeros(len(rover.wheels))
        self.wheel_angle = np.zeros(len(rover.wheels))
        limits = self.model.actuator_forcerange[: len(rover.wheels), 1]
        self._lead = limits / config.wheel_stiffness
        self._most = config.acceleration_mps2 * config.step_s / self._wheels[:, 0]
        self._views()
        self.place(*world.spec.start)

    # -- construction -------------------------------------------------------------------------

    def _names(self) -> None:
        model, rover = self.model, self.rover

        def ids(kind: Any, names: list[str]) -> NDArray[np.int64]:
            return np.array([mujoco.mj_name2id(model, kind, n) for n in names], np.int64)

        joint, body = mujoco.mjtObj.mjOBJ_JOINT, mujoco.mjtObj.mjOBJ_BODY
        wheels = ids(joint, [w.joint for w in rover.wheels])
        self.wheel_q, self.wheel_v = model.jnt_qposadr[wheels], model.jnt_dofadr[wheels]
        self.wheel_bodies = np.asarray(model.jnt_bodyid[wheels], np.int64)
        self.base = int(ids(body, ["base"])[0])
        self.scoop_q = self.scoop_v = self.scoop_bodies = np.zeros(0, np.int64)
        if rover.scoop is not None:
            scoop = ids(joint, [rover.scoop.lift_joint, rover.scoop.tilt_joint])
            self.scoop_q, self.scoop_v = model.jnt_qposadr[scoop], model.jnt_dofadr[scoop]
            self.scoop_bodies = np.asarray(model.jnt_bodyid[scoop], np.int64)
        self.payload = -1
        if rover.payload is not None:
            self.payload = int(ids(body, [mjcf.PAYLOAD_BODY])[0])
            self.latch = int(ids(mujoco.mjtObj.mjOBJ_EQUALITY, ["latch"])[0])
            self.payload_q = int(model.jnt_qposadr[model.body_jntadr[self.payload]])
            self.payload_v = int(model.jnt_dofadr[model.body_jntadr[self.payload]])
        self._tools = {self.payload, *self.scoop_bodies[1:].tolist(), *self.wheel_bodies.tolist()}
        self._loss = model.dof_frictionloss.copy()
        self._damping = model.dof_damping.copy()
        self._force_range = model.actuator_forcerange.copy()

    def _views(self) -> None:
        """Arrays of MuJoCo that every step touches; asking for one costs as much as using it."""
        data = self.data
        self._qpos, self._ctrl = data.qpos, data.ctrl
        self.xpos, self.xmat, self.cvel = data.xpos, data.xmat, data.cvel
        self.applied = data.xfrc_applied
        self.center = data.subtree_com[self.base]
        self.sensed = data.sensordata

    def _soil(self) -> None:
        k = len(self.rover.wheels)
        self.soils = wheel_soil.soil_table(self.world.soils)
        self._wheels = np.array([(w.radius_m, w.width_m) for w in self.rover.wheels])
        config = self.config
        self._grousers = np.array([config.grouser_height_m, float(config.grouser_number)])
        self._shear = np.zeros((k, wheel_soil.ANGLES, 2))
        self._state = np.zeros((k, wheel_soil.STATES))
        self.results = np.zeros((k, wheel_soil.RESULTS))
        self.origin = np.array(self.world.origin, np.float64)
        self.soil_index = np.ascontiguousarray(self.world.soil_index, np.uint8)
        self.slip_patches = np.zeros((0, 5))

    def _rocks(self) -> None:
        rocks = self.world.rocks
        self._stones = np.asarray(rocks.center, np.float64).reshape(-1, 3)
        self._tree = cKDTree(self._stones[:, :2]) if len(self._stones) else None
        self._largest = float(np.max(rocks.semi_axes)) if len(self._stones) else 0.0
        name, geom = mujoco.mj_name2id, mujoco.mjtObj.mjOBJ_GEOM
        pool = self.config.rock_pool
        self._pool = np.array([name(self.model, geom, f"rock{i}") for i in range(pool)])
        self.touchable: NDArray[np.int64] = np.zeros(0, np.int64)
        """Numbers of the rocks in the pool."""
        self._pool_at = np.full(2, np.inf)

    def place(self, x: float, y: float, yaw: float) -> None:
        """Stand the rover on the ground at rest, at a pose in map, parallel to the ground."""
        rover, data = self.rover, self.data
        mujoco.mj_resetData(self.model, data)
        up = self._plane(x, y, yaw)
        ahead = np.array([np.cos(yaw), np.sin(yaw), 0.0])
        left = np.cross(up, ahead)
        left /= np.linalg.norm(left)
        rotation = np.column_stack([np.cross(left, up), left, up])
        lift = -np.inf
        for wheel in rover.wheels:
            at = rotation @ (wheel.position - np.array([0.0, 0.0, wheel.radius_m])) + (x, y, 0.0)
            ground = self.height(at[0], at[1])
            lift = max(lift, ground - at[2])
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation, (x, y, lift + _START_CLEAR_M)
        data.qpos[0:3], data.qpos[3:7] = pose[:3, 3], frames.quaternion(pose)
        if rover.payload is not None:
            house = pose @ rover.payload.base_T_payload
            at = self.payload_q
            data.qpos[at : at + 3] = house[:3, 3]
            data.qpos[at + 3 : at + 7] = frames.quaternion(house)
        if rover.scoop is not None:
            stow = self._stowed()
            data.qpos[self.scoop_q] = stow
            data.ctrl[len(rover.wheels) : len(rover.wheels) + 2] = stow
        self._pool_at[:] = np.inf
        self._refresh_rocks()
        mujoco.mj_forward(self.model, data)

    def _plane(self, x: float, y: float, yaw: float) -> Array:
        """Normal of the plane that fits the ground under the wheels."""
        c, s = np.cos(yaw), np.sin(yaw)
        rows = []
        for wheel in self.rover.wheels:
            px = x + c * wheel.position[0] - s * wheel.position[1]
            py = y + s * wheel.position[0] + c * wheel.position[1]
            rows.append((px - x, py - y, 1.0, self.height(px, py)))
        table = np.array(rows)
        slope = np.linalg.lstsq(table[:, :3], table[:, 3], rcond=None)[0]
        up = np.array([-slope[0], -slope[1], 1.0])
        return np.asarray(up / np.linalg.norm(up))

    def _stowed(self) -> Array:
        scoop = self.rover.scoop
        assert scoop is not None
        lift, tilt = scoop.stow
        return np.array([np.clip(lift, *scoop.lift_limits), np.clip(tilt, *scoop.tilt_limits)])

    # -- motion -------------------------------------------------------------------------------

    @property
    def time_s(self) -> float:
        """Since the start."""
        return self.steps * self.config.step_s

    def step(self) -> None:
        """One step of `config.step_s`."""
        model, data = self.model, self.data
        mujoco.mj_step1(model, data)
        if self.scoop is not None:
            self.scoop.push(self)
        wheel_ground.wheel_forces(
            self.heights,
            self.soil_index,
            self.origin,
            self.world.resolution_m,
            self.soils,
            self._wheels,
            self._grousers,
            self.wheel_bodies,
            self.xpos,
            self.xmat,
            self.cvel,
            self.center,
            self.rover.gravity_mps2,
            self.config.step_s,
            self.slip_patches,
            self._shear,
            self._state,
            self.applied,
            self.results,
        )
        mujoco.mj_step2(model, data)
        self.steps += 1
        if self.scoop is not None:
            changed = self.scoop.account(self)
            if changed is not None:
                self.set_heights(*changed)
        if self.steps % 50 == 0:
            self._refresh_rocks()

    def height(self, x: float, y: float) -> float:
        """Of the ground at a place in map, m."""
        ox, oy = self.origin
        step = self.world.resolution_m
        return float(wheel_ground.bilinear(self.heights, ox, oy, step, x, y))

    def ground(self, x: Array, y: Array) -> Array:
        """Heights (n,) at places in map."""
        return np.array([self.height(a, b) for a, b in zip(x, y, strict=True)])

    def _refresh_rocks(self) -> None:
        """Bring the rocks around the rover into the pool."""
        if self._tree is None:
            return
        here = self.data.qpos[0:2]
        if np.hypot(*(here - self._pool_at)) < 0.3:
            return
        self._pool_at[:] = here
        rocks, reach = self.world.rocks, self.config.rock_range_m
        near = np.array(self._tree.query_ball_point(here, reach + self._largest), np.int64)
        if len(near):
            away = np.hypot(*(self._stones[near, :2] - here).T)
            away -= np.max(rocks.semi_axes[near], axis=1)
            order = np.lexsort((near, away))
            near = near[order][away[order] < reach]
        near = near[: self.config.rock_pool]
        self.touchable = near
        model, data = self.model, self.data
        for slot in range(self.config.rock_pool):
            geom = self._pool[slot]
            mocap = model.body_mocapid[model.geom_bodyid[geom]]
            if slot >= len(near):
                data.mocap_pos[mocap] = (slot, 0.0, -900.0)
                continue
            rock = near[slot]
            size = np.asarray(rocks.semi_axes[rock], np.float64)
            data.mocap_pos[mocap] = self._stones[rock]
            data.mocap_quat[mocap] = frames.quaternion(np.asarray(rocks.rotation[rock], np.float64))
            model.geom_size[geom] = size
            model.geom_rbound[geom] = float(size.max())
            model.geom_aabb[geom, 3:] = size

    # -- commands -----------------------------------------------------------------------------

    def spin_wheels(self, rates: Array) -> None:
        """Set speeds of the wheels, rad/s (n,); they follow by their ramp.

        Each wheel is servoed to an angle that runs ahead at its speed, but never further than full
        torque needs: a wheel that was stuck does not catch up.
        """
        wheel_ground.follow(
            np.asarray(rates, np.float64),
            self.wheel_rate,
            self.wheel_angle,
            self._qpos,
            self.wheel_q,
            self._most,
            self._lead,
            self.config.wheel_damping / self.config.wheel_stiffness,
            self.config.step_s,
            self._ctrl,
        )

    def aim_scoop(self, lift: float, tilt: float) -> None:
        """Set angles of the scoop's joints, rad."""
        at = len(self.rover.wheels)
        self.data.ctrl[at : at + 2] = lift, tilt

    def lock_wheel(self, number: int, locked: bool) -> None:
        """A wheel that is stuck, or no longer."""
        dof = self.wheel_v[number]
        self.model.dof_damping[dof] = _LOCKED if locked else self._damping[dof]

    def power_motors(self, on: bool) -> None:
        """Motors with or without power; without it the gears hold a little."""
        self.model.actuator_forcerange[:] = self._force_range if on else 0.0
        loss = 0.05 if self.rover.gravity_mps2 < 5.0 else 0.3
        for dof in self.wheel_v:
            self.model.dof_frictionloss[dof] = self._loss[dof] if on else loss

    def unlatch(self) -> None:
        """Open the latch: the payload is on its own."""
        self.data.eq_active[self.latch] = 0
        touched = mjcf.GROUND | mjcf.STONE | mjcf.BODY
        for geom in np.flatnonzero(self.model.geom_bodyid == self.payload):
            self.model.geom_contype[geom] = mjcf.PAYLOAD
            self.model.geom_conaffinity[geom] = touched
        self.model.body_contype[self.payload] = mjcf.PAYLOAD
        self.model.body_conaffinity[self.payload] = touched

    def set_heights(self, row0: int, column0: int, patch: NDArray[np.float32]) -> None:
        """Change the ground: for wheels, and for what MuJoCo collides with."""
        rows, columns = patch.shape
        window = np.s_[row0 : row0 + rows, column0 : column0 + columns]
        self.heights[window] = patch
        self.changes.append((row0, column0, patch))
        low, high = float(self.world.heights.min()), float(self.world.heights.max())
        span = max(high - low, 0.01) + 2.0
        field = self.model.hfield_data.reshape(self.heights.shape)
        field[window] = np.clip((patch - (low - 1.0)) / span, 0.0, 1.0)

    # -- looking ------------------------------------------------------------------------------

    def settle(self) -> None:
        """Bring positions of bodies up to the present state (they lag by a step)."""
        mujoco.mj_kinematics(self.model, self.data)

    def pose(self, body: int) -> Array:
        """map_T_body (4, 4); call `settle` first."""
        out = np.eye(4)
        out[:3, :3] = self.data.xmat[body].reshape(3, 3)
        out[:3, 3] = self.data.xpos[body]
        return out

    @property
    def map_T_base(self) -> Array:
        """Pose of base_link, exact at `time_s`."""
        return frames.transform(self.data.qpos[0:3].copy(), self.data.qpos[3:7].copy())

    @property
    def map_T_payload(self) -> Array | None:
        """Pose of the payload's floor, or `None` without one."""
        if self.payload < 0:
            return None
        at = self.payload_q
        q = self.data.qpos
        return frames.transform(q[at : at + 3].copy(), q[at + 3 : at + 7].copy())

    @property
    def velocity(self) -> tuple[Array, Array]:
        """Linear and angular velocity of base_link, both (3,) in base_link."""
        rotation = self.map_T_base[:3, :3]
        v = self.data.qvel
        return rotation.T @ v[0:3], v[3:6].copy()

    def touches(self) -> list[Touch]:
        """What of the rover presses on something hard.

        Wheels, blade and payload are made to touch ground and rocks: they count on the lander only.
        """
        model, data = self.model, self.data
        found = []
        force = np.zeros(6)
        for number in range(data.ncon):
            contact = data.contact[number]
            names = [model.geom(g).name for g in (contact.geom1, contact.geom2)]
            bodies = [int(model.geom_bodyid[g]) for g in (contact.geom1, contact.geom2)]
            roots = [int(model.body_rootid[b]) in (self.base, self.payload) for b in bodies]
            if roots[0] == roots[1]:
                continue
            part, other = names if roots[0] else names[::-1]
            if self._tools.intersection(bodies) and not other.startswith("lander"):
                continue
            mujoco.mj_contactForce(model, data, number, force)
            if other.startswith("rock"):
                slot = int(other[4:])
                rock = self.touchable[slot] if slot < len(self.touchable) else -1
                other = f"rock {rock}"
            found.append(Touch(part, other, float(abs(force[0]))))
        return found
