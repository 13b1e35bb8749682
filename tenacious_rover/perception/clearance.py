# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether the rover can stand at a pose: its wheels settled on the map, its body clear of it.

The idea is JPL's approximate clearance evaluation (Otsu et al., arXiv 1808.00031): the wheels'
heights are bounded by the map, the suspension carries the bounds on to tilt, articulation and
clearance. Here each wheel is a cylinder laid onto the bilinear surface, two rockers with a
differential carry the chassis, and every cell under the body is looked at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.perception.config import ClearanceConfig
from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.settling import COLUMNS, settle_all

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.perception.body import Body
    from tenacious_rover.perception.terrain_map import TerrainMap

REASONS = ("safe", "unknown", "tilt", "articulation", "step", "clearance")
"""What `Clearances.reason` counts; the first that fails in this order."""


@dataclass(frozen=True)
class Clearances:
    """What `check_poses` found, each (n,) for n poses; NaN where the wheels stand on nothing known.

    Attributes:
        safe: all limits are kept, for the worst case within the bounds.
        reason: index into `REASONS`, 0 when safe.
        clearance_m: lower bound of the least gap between body and ground, m; negative is a touch.
        tilt: upper bound, rad.
        roll, pitch: most likely, rad; pitch is positive nose down, as in REP-103.
        articulation: upper bound of a rocker's angle against the chassis, rad.
        step_m: largest step within a wheel's print, m, the slope taken out.
        unknown: share of wheel prints and ground under the body that is not known.
        wheel_unknown: the same of the worst wheel's print.
        z: most likely height of base_link in odom, m.
    """

    safe: NDArray[np.bool_]
    reason: NDArray[np.uint8]
    clearance_m: NDArray[np.float64]
    tilt: NDArray[np.float64]
    roll: NDArray[np.float64]
    pitch: NDArray[np.float64]
    articulation: NDArray[np.float64]
    step_m: NDArray[np.float64]
    unknown: NDArray[np.float64]
    wheel_unknown: NDArray[np.float64]
    z: NDArray[np.float64]


def check_poses(
    terrain: TerrainMap,
    body: Body,
    poses: NDArray[np.float64],
    config: ClearanceConfig | None = None,
) -> Clearances:
    """Settle the rover at each pose and look whether it may stand there.

    Args:
        terrain: layers `elevation`, and `variance` and `top` when it has them.
        body: of the rover, `body.body_of`.
        poses: (n, 3) x, y in m and yaw in rad of base_link in the map's frame.
        config: limits; the defaults when left out.

    Raises:
        PerceptionError: poses of another shape.
    """
    config = config or ClearanceConfig()
    poses = np.ascontiguousarray(poses, np.float64)
    if poses.ndim != 2 or poses.shape[1] != 3:
        raise PerceptionError(f"poses of shape {poses.shape} are not (n, 3): x, y, yaw")
    elevation = terrain.layers["elevation"]
    variance = terrain.layers.get("variance", _nothing())
    top = terrain.layers.get("top", elevation)
    out = np.empty((len(poses), COLUMNS))
    settle_all(
        elevation,
        variance,
        top,
        float(terrain.origin[0]),
        float(terrain.origin[1]),
        float(terrain.resolution_m),
        body.wheels,
        body.side,
        body.boxes,
        float(config.sigma),
        float(config.unknown_sigma_m),
        poses,
        out,
    )
    return _judged(out, body, config)


def _nothing() -> NDArray[np.float32]:
    return np.zeros((0, 0), np.float32)


def _judged(out: NDArray[np.float64], body: Body, config: ClearanceConfig) -> Clearances:
    z, roll, pitch, tilt, articulation, step, clearance, unknown, wheel_unknown = out.T
    # A comparison with NaN is false, so what is not known is not safe.
    kept = (
        np.isfinite(z)
        & (unknown <= config.max_unknown)
        & (wheel_unknown <= config.max_wheel_unknown),
        tilt <= config.tilt_share * body.tilt_rad,
        articulation <= math.radians(config.max_articulation_deg),
        step <= config.max_step * float(body.wheels[:, 3].min()),
        clearance >= config.margin_m,
    )
    reason = np.zeros(len(out), np.uint8)
    for code in range(len(kept), 0, -1):
        reason[~kept[code - 1]] = code
    return Clearances(
        reason == 0,
        reason,
        clearance,
        tilt,
        roll,
        pitch,
        articulation,
        step,
        unknown,
        wheel_unknown,
        z,
    )
