# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A small world whose heights are known everywhere."""

from types import SimpleNamespace

import numpy as np

from tenacious_rover.gazebo.world import export
from tenacious_rover.rover import frames

SUN = np.array([0.6, 0.0, 0.8])
SIZE_M, STEP_M = 10.0, 0.1


def height(x, y):
    """Of the made-up ground."""
    return 0.1 * x - 0.05 * y + 0.02 * np.sin(2.0 * x)


def ground(rocks=3):
    rng = np.random.default_rng(5)
    axis = np.arange(-SIZE_M / 2, SIZE_M / 2 + STEP_M / 2, STEP_M)
    turn = np.array(
        [frames.from_rpy((0, 0, 0), rng.uniform(-3, 3, 3))[:3, :3] for _ in range(rocks)]
    )
    turn = turn.reshape(rocks, 3, 3)
    return SimpleNamespace(
        heights=height(axis[None], axis[:, None]).astype(np.float32),
        origin=np.array([axis[0], axis[0]]),
        resolution_m=STEP_M,
        rocks=SimpleNamespace(
            center=rng.uniform(-3, 3, (rocks, 3)),
            semi_axes=rng.uniform(0.05, 0.2, (rocks, 3)),
            rotation=turn,
            diameter_m=np.sort(rng.uniform(0.1, 0.4, rocks)),
        ),
        lander=(
            SimpleNamespace(
                map_T_block=frames.planar(-2.0, 0.0, 0.3, 1.0),
                size=np.array([1.0, 1.2, 2.0]),
                colour=(0.5, 0.4, 0.2),
                label="lander",
            ),
        ),
        digest="0" * 64,
    )


def exported_to(folder, rocks=3, **more):
    return export(
        ground(rocks),
        folder,
        name="made_up",
        key="key",
        sun=SUN,
        start=(1.0, 2.0, 0.5),
        friction=0.7,
        **more,
    )
