# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the scoop's edge is, which angles bring it to a depth, and what the cameras see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.perception.body import body_of
from tenacious_rover.rover import frames
from tenacious_rover.sampling.error import SamplingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Rover, Scoop

DIG_ANGLE = np.radians(65.0)
"""Of the blade below level when it enters the soil."""
HOLD_ANGLE = np.radians(-25.0)
"""Of the blade when it carries soil: its edge above its root."""
DUMP_ANGLE = np.radians(85.0)
"""Of the blade when it lets its soil fall."""


def edge(scoop: Scoop, lift: float, tilt: float) -> NDArray[np.float64]:
    """(3,) of the cutting edge's middle in base_link; both axes are +y, positive angles lower."""
    total = lift + tilt
    arm = scoop.arm_length_m * np.array([np.cos(lift), 0.0, -np.sin(lift)])
    blade = scoop.blade_length_m * np.array([np.cos(total), 0.0, -np.sin(total)])
    return np.asarray(scoop.lift_origin + arm + blade)


def ground_height(rover: Rover) -> float:
    """Z in base_link of level ground under the wheels."""
    return float(min(w.position[2] - w.radius_m for w in rover.wheels))


def pitch(a_T_base: NDArray[np.float64]) -> float:
    """How far the rover's nose points up, rad."""
    return float(np.arcsin(np.clip(a_T_base[2, 0], -1.0, 1.0)))


def silhouette(rover: Rover) -> NDArray[np.float64]:
    """(6,) corners of a box around the rover, in base_link but z from the ground."""
    body = body_of(rover)
    low, high = body.outline[:2], body.outline[2:]
    eyes = max(float(c.base_T_optical[2, 3]) for c in rover.cameras.values())
    tops = (float(body.solids[:, 5].max()), eyes + 0.02)
    return np.array([*low, 0.0, *high, max(tops) - ground_height(rover)])


def tilt_for(scoop: Scoop, lift: float, angle: float) -> float:
    """Tilt that gives the blade an angle below level, within limits."""
    return float(np.clip(angle - lift, *scoop.tilt_limits))


def lift_for(scoop: Scoop, z: float, angle: float = float(DIG_ANGLE)) -> float:
    """Smallest lift angle that brings the edge down to `z` in base_link, the blade at `angle`.

    Raises:
        SamplingError: the scoop does not reach that deep.
    """
    lifts = np.linspace(*scoop.lift_limits, 721)
    heights = np.array([edge(scoop, a, tilt_for(scoop, a, angle))[2] for a in lifts])
    low = np.flatnonzero(heights <= z)
    if not len(low):
        raise SamplingError(
            f"the scoop reaches down to {heights.min():.3f} m in base_link, {z:.3f} m is asked"
        )
    return float(lifts[low[0]])


def dig_point(rover: Rover, depth_m: float) -> NDArray[np.float64]:
    """(3,) in base_link where the edge enters level ground; reaches `depth_m` below it."""
    if rover.scoop is None:
        raise SamplingError(f"the rover {rover.name!r} has no scoop")
    z = ground_height(rover)
    lift_for(rover.scoop, z - depth_m)
    lift = lift_for(rover.scoop, z)
    return edge(rover.scoop, lift, tilt_for(rover.scoop, lift, float(DIG_ANGLE)))


def stand_back(
    rover: Rover, point: NDArray[np.float64], radius_m: float = 0.0, margin_px: float = 50.0
) -> float:
    """How far the rover must back off, m, until both eyes see `point` (3,) in base_link.

    They see the ground around it as well, to `radius_m`.

    Raises:
        SamplingError: not seen within 1.5 m.
    """
    sides = radius_m * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    around = point + sides
    for back in np.arange(0.0, 1.5, 0.01):
        moved = around + np.array([back, 0.0, 0.0])
        if all(_sees(rover, name, p, margin_px) for p in moved for name in ("left", "right")):
            return float(back)
    raise SamplingError("the cameras see the scoop's place from nowhere straight behind it")


def _sees(rover: Rover, name: str, point: NDArray[np.float64], margin: float) -> bool:
    camera = rover.cameras[name]
    ahead = frames.points(frames.inverse(camera.base_T_optical), point[None])[0]
    if ahead[2] < 0.05:
        return False
    u = camera.fx_px * ahead[0] / ahead[2] + camera.cx_px
    v = camera.fy_px * ahead[1] / ahead[2] + camera.cy_px
    inside_u = margin <= u <= camera.width_px - margin
    return bool(inside_u and margin <= v <= camera.height_px - margin)


def place(
    map_T_base: NDArray[np.float64],
    covariance: NDArray[np.float64],
    point: NDArray[np.float64],
    floor_m: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A point of base_link in map (3,) and its covariance (3, 3).

    First order: p = t + R q, so dp = dt - [R q]x dr with the rotation's error dr in map axes; plus
    `floor_m` for what the scoop's own geometry does not know.
    """
    arm = map_T_base[:3, :3] @ point
    cross = np.array([[0.0, -arm[2], arm[1]], [arm[2], 0.0, -arm[0]], [-arm[1], arm[0], 0.0]])
    jacobian = np.hstack([np.eye(3), -cross])
    spread = jacobian @ covariance @ jacobian.T + floor_m**2 * np.eye(3)
    return map_T_base[:3, 3] + arm, spread
