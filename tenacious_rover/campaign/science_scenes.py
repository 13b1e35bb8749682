# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Light without ROS: looks around a world, exposed by the rover's metering, judged by the truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from tenacious_rover.imaging import exposure
from tenacious_rover.imaging.config import ImagingConfig
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.parts import LABELS
from tenacious_rover.simulator.world import load_world

_TERRAIN = [LABELS.index(name) for name in ("ground", "rock")]


def metered(world: str, seed: int, looks: int = 6) -> list[dict[str, Any]]:
    """Pictures all around a world's start, exposed by the rover's own metering.

    Returns:
        Per look: share of true terrain pixels that clip, and the peak of the rest, of 255.
    """
    rover, config = load_rover("tenacious"), ImagingConfig()
    simulator = Simulator(build_world(load_world(world, seed)), rover, seed)
    simulator.advance(1.5)
    camera = rover.cameras["left"]
    found = []
    for number in range(looks):
        used = exposure.Exposure(config.first_exposure_us)
        level = simulator.truth.map_T_base[:3, :3]
        mask = exposure.ground(camera, level)
        # The rover knows it from time and place, and from its sun sensor.
        sun = simulator.world.spec.sun_direction(simulator.time_s)
        low = float(np.arcsin(sun[2])) < exposure.LOW_SUN
        for _ in range(config.metering_rounds):
            simulator.set_camera(False, used.exposure_us, used.gain, 0.0)
            picture = simulator.capture().left
            seen = exposure.meter(picture, mask, used, config, low_sun=low)
            if seen.good:
                break
            used = seen.next
        label = simulator.eyes.frame(camera).label
        terrain = picture.max(axis=2)[np.isin(label, _TERRAIN)]
        clipped = float(np.mean(terrain >= config.clipped_from)) if len(terrain) else 0.0
        peak = float(np.percentile(terrain, 99.5)) if len(terrain) else 0.0
        found.append({"world": world, "look": number, "clipped": clipped, "peak": peak})
        _turned(simulator, 2.0 * np.pi / looks)
    return found


def _turned(simulator: Simulator, angle: float) -> None:
    """Turn in place by the truth, until `angle` is done or 40 s are over: only the view matters."""
    before, done = frames.yaw(simulator.truth.map_T_base), 0.0
    ends_s = simulator.time_s + 40.0
    while done < angle and simulator.time_s < ends_s:
        simulator.drive(0.0, 0.3)
        simulator.advance(0.1)
        here = frames.yaw(simulator.truth.map_T_base)
        done, before = done + frames.wrapped(here - before), here
    simulator.drive(0.0, 0.0)
    simulator.advance(1.0)
