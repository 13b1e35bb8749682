# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Science without ROS: one scoop of soil measured, one look around metered, judged by the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.imaging import exposure
from tenacious_rover.imaging.config import ImagingConfig
from tenacious_rover.rover import frames, pixels
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.measurements import Joints as JointSample
from tenacious_rover.sampling import reach, volume
from tenacious_rover.sampling.config import SamplingConfig
from tenacious_rover.sampling.scooping import Joints, Phase, Scooping
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.parts import LABELS
from tenacious_rover.simulator.world import load_world

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Rover

_LONGEST_S = 120.0
_GRID_M = 0.2
_TERRAIN = [LABELS.index(name) for name in ("ground", "rock")]


def dug(seed: int) -> dict[str, Any]:
    """One scoop on a slope of up to 8 degrees: true and measured volume, ml."""
    rng = np.random.default_rng([seed, 11])
    rover, config = load_rover("tenacious"), SamplingConfig()
    assert rover.scoop is not None
    spec = load_world("mare_calm").varied(
        seed=seed, rock_k=0.0001, slope_deg=float(rng.uniform(0.0, 8.0)), size_m=16
    )
    simulator = Simulator(build_world(spec, cache=False), rover, seed)
    simulator.advance(1.5)
    dig = reach.dig_point(rover, config.dig_depth_m)
    place = frames.points(simulator.truth.map_T_base, dig[None])[0, :2]
    before = _surface(simulator, rover, place)
    scooping = _scooped(simulator, rover, config)
    hold = reach.tilt_for(rover.scoop, rover.scoop.lift_limits[0], float(reach.HOLD_ANGLE))
    simulator.move_scoop(rover.scoop.lift_limits[0], hold, 3.0)
    simulator.advance(4.5)
    seen = volume.change(before, _surface(simulator, rover, place), volume.reach_m(rover.scoop))
    true_ml = sum(hole.volume_ml for hole in simulator.truth.digs)
    return {
        "seed": seed,
        "done": scooping.phase is Phase.DONE,
        "true_ml": true_ml,
        "seen_ml": seen.volume_ml,
        "sigma_ml": seen.sigma_ml,
    }


def _surface(simulator: Simulator, rover: Rover, place: NDArray[Any]) -> NDArray[np.float64]:
    pair = simulator.capture()
    assert pair.right is not None
    depth = volume.near_depth(
        pixels.gray(pair.left, "rgb8"),
        pixels.gray(pair.right, "rgb8"),
        rover.cameras["left"].fx_px,
        rover.baseline_m,
    )
    return volume.surface(depth, rover, simulator.truth.map_T_base, place, _GRID_M)


def _scooped(simulator: Simulator, rover: Rover, config: SamplingConfig) -> Scooping:
    """The scoop's own sequence on the simulated joints."""
    assert rover.scoop is not None
    scooping = Scooping(rover, config)
    joints = (rover.scoop.lift_joint, rover.scoop.tilt_joint)
    while not scooping.finished and simulator.time_s < _LONGEST_S:
        for sample in simulator.advance(0.02):
            if not isinstance(sample, JointSample) or scooping.finished:
                continue
            a, b = (sample.names.index(name) for name in joints)
            angles = (float(sample.position[a]), float(sample.position[b]))
            efforts = (float(sample.effort[a]), float(sample.effort[b]))
            target = scooping.step(Joints(sample.time_s, *angles, *efforts))
            if target is not None:
                simulator.move_scoop(target.lift, target.tilt, target.duration_s)
    return scooping


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
        for _ in range(config.metering_rounds):
            simulator.set_camera(False, used.exposure_us, used.gain, 0.0)
            picture = simulator.capture().left
            seen = exposure.meter(picture, mask, used, config)
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
