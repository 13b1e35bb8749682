# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The Gymnasium environment keeps its promises to Gymnasium, and a straight driver arrives."""

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from yard import plane

from tenacious_rover.rover.description import load_rover
from tenacious_rover.simulator.env import RoverEnv


@pytest.mark.filterwarnings("ignore:.*Box observation space")
def test_checker_of_gymnasium_is_content():
    env = RoverEnv(plane(), load_rover("tenacious"), (1.0, 0.0), step_s=0.1)
    check_env(env, skip_render_check=True)


def test_straight_driver_arrives_and_is_paid_by_the_way():
    env = RoverEnv(plane(), load_rover("tenacious"), (0.6, 0.0))
    env.reset(seed=1)
    total, terminated, truncated = 0.0, False, False
    while not (terminated or truncated):
        _, reward, terminated, truncated, info = env.step(np.array([0.08, 0.0], np.float32))
        total += reward
    assert terminated
    assert info["time_s"] < 15.0
    assert 0.25 < total < 0.65
