# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The simulator as a Gymnasium environment: drive to a goal.

    env = RoverEnv(build_world(load_world("mare_calm")), load_rover("tenacious"), goal=(6.0, 1.0))
    observation, info = env.reset(seed=1)
    observation, reward, terminated, truncated, info = env.step(np.array([0.06, 0.1]))

Observations are what the rover measures (mean of the IMU, wheels) and the goal in base_link, which
is truth: an agent that shall not know it wraps the environment and localises itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import spaces

from tenacious_rover.rover import frames
from tenacious_rover.rover.measurements import Imu, Joints
from tenacious_rover.simulator.engine import Simulator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Rover
    from tenacious_rover.simulator.config import SimulatorConfig
    from tenacious_rover.simulator.ground import World

    Observation = dict[str, NDArray[Any]]


class RoverEnv(gymnasium.Env):
    """One drive to a goal; an action is held for `step_s`.

    Args:
        world: where.
        rover: which.
        goal: x and y in map, m.
        step_s: of sim time per step.
        time_limit_s: after which it is truncated.
        reached_m: how near is there.
        images: whether observations hold the pair of cameras as uint8.
        config: of the simulator.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012 - as the base has it

    def __init__(
        self,
        world: World,
        rover: Rover,
        goal: tuple[float, float],
        step_s: float = 0.2,
        time_limit_s: float = 600.0,
        reached_m: float = 0.3,
        images: bool = False,
        config: SimulatorConfig | None = None,
    ) -> None:
        self.world, self.rover, self.goal = world, rover, np.array(goal, float)
        self._step_s, self._limit_s, self._reached_m = step_s, time_limit_s, reached_m
        self._images, self._config = images, config
        self.simulator: Simulator | None = None
        limits = rover.limits
        most = np.array([limits.speed_mps, limits.turn_rate_radps], np.float32)
        self.action_space = spaces.Box(-most, most)
        n = len(rover.wheels)
        lengths = {"goal": 2, "gyro": 3, "accel": 3, "wheel_rate": n, "wheel_torque": n}
        parts: dict[str, spaces.Space] = {
            name: spaces.Box(-np.inf, np.inf, (length,), np.float32)
            for name, length in lengths.items()
        }
        if images:
            camera = rover.cameras["left"]
            shape = (camera.height_px, camera.width_px, 3)
            for eye in ("left", "right"):
                parts[eye] = spaces.Box(0, 255, shape, np.uint8)
        self.observation_space = spaces.Dict(parts)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin again at the world's start; `seed` is that of the sensors."""
        super().reset(seed=seed, options=options)
        self.simulator = Simulator(
            self.world, self.rover, seed or 0, self._config, cameras=self._images
        )
        self.simulator.set_camera(rate_hz=0.0)
        return self._observed(1.0), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Hold a command, m/s and rad/s; the reward is the way come nearer, m, less 1 for a hit."""
        assert self.simulator is not None
        before, hits = self._distance(), len(self.simulator.truth.hits)
        self.simulator.drive(float(action[0]), float(action[1]))
        observation = self._observed(self._step_s)
        truth = self.simulator.truth
        hit = len(truth.hits) > hits
        there = self._distance() < self._reached_m
        fallen = truth.tilt_rad > self.rover.limits.tilt_rad
        late = truth.time_s >= self._limit_s
        reward = before - self._distance() - float(hit)
        info = {
            "time_s": truth.time_s,
            "x": float(truth.xy[0]),
            "y": float(truth.xy[1]),
            "tilt_rad": truth.tilt_rad,
            "hits": len(truth.hits),
        }
        return observation, reward, there or fallen, late, info

    def render(self) -> NDArray[np.uint8]:
        """What the left eye sees, (h, w, 3)."""
        assert self.simulator is not None
        return np.asarray(self.simulator.capture().left)

    def _distance(self) -> float:
        assert self.simulator is not None
        return float(np.hypot(*(self.goal - self.simulator.truth.xy)))

    def _observed(self, seconds: float) -> Observation:
        assert self.simulator is not None
        found = self.simulator.advance(seconds)
        imu = [one for one in found if isinstance(one, Imu)]
        joints = [one for one in found if isinstance(one, Joints)]
        n = len(self.rover.wheels)
        base_T_map = frames.inverse(self.simulator.truth.map_T_base)
        goal = frames.points(base_T_map, np.array([[*self.goal, 0.0]]))[0, :2]
        seen = {
            "goal": goal,
            "gyro": np.mean([one.gyro for one in imu], axis=0),
            "accel": np.mean([one.accel for one in imu], axis=0),
            "wheel_rate": joints[-1].velocity[:n],
            "wheel_torque": np.mean([one.effort[:n] for one in joints], axis=0),
        }
        out: Observation = {name: np.asarray(value, np.float32) for name, value in seen.items()}
        if self._images:
            pair = self.simulator.capture()
            assert pair.right is not None
            out["left"], out["right"] = pair.left, pair.right
        return out
