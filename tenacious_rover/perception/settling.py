# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The compiled part of `clearance`: wheels laid onto the map, the body carried by two rockers.

Angles follow REP-103: roll lifts the left side, pitch lowers the nose. The rim of a wheel at angle
a and t along its axis lies, seen from the axle and before the yaw, at

    Ry(pitch of its beam) Rx(roll) (r sin a, t, -r cos a)

so the axle is as high as the highest ground less that height over all points of the print. A
side's wheels at x_w hang on one beam: z_w = z - x_w sin(p). Both beams carry the chassis, which
pitches by the mean of the two and rolls by the difference of their heights. All of it is linear in
the wheels' heights to first order, and so are the bounds: k * sqrt(sum (weight * deviation)^2).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]
    Layer = NDArray[np.float32]

COLUMNS = 9
"""Of a result: z, roll, pitch, tilt, articulation, step, clearance, unknown, wheel unknown."""
_ALONG = 13
"""Points along a wheel's rim, at angles of up to 72 deg."""
_ACROSS = 3
_UPRIGHT = 0.98
"""Sine of the steepest a body is settled to: beyond every limit, and short of falling over."""
_RIM = math.radians(72.0)
_ROUNDS = 4
"""Of settling; each places the wheels as the round before tilted the rover."""


@numba.njit(cache=True, inline="always")
def _index(layer: Layer, u: float, v: float) -> bool:
    """Whether column `u`, row `v` (in cells) lies on a known cell."""
    rows, columns = layer.shape
    if not (0.0 <= u < columns and 0.0 <= v < rows):
        return False
    return not math.isnan(layer[int(v), int(u)])


@numba.njit(cache=True)
def bilinear(layer: Layer, u: float, v: float) -> float:
    """Between the known among four cells' centres; NaN where the cell at the point is unknown.

    `u`, `v`: column and row in cells; 0.5 is the centre of cell 0.
    """
    if not _index(layer, u, v):
        return math.nan
    rows, columns = layer.shape
    u = min(max(u - 0.5, 0.0), columns - 1.0)
    v = min(max(v - 0.5, 0.0), rows - 1.0)
    c, r = int(u), int(v)
    c1, r1 = min(c + 1, columns - 1), min(r + 1, rows - 1)
    fu, fv = u - c, v - r
    a, b, d, e = layer[r, c], layer[r, c1], layer[r1, c], layer[r1, c1]
    value = (1.0 - fv) * ((1.0 - fu) * a + fu * b) + fv * ((1.0 - fu) * d + fu * e)
    if not math.isnan(value):
        return value
    total, weight = 0.0, 0.0
    for w, h in (
        ((1.0 - fu) * (1.0 - fv), a),
        (fu * (1.0 - fv), b),
        ((1.0 - fu) * fv, d),
        (fu * fv, e),
    ):
        if not math.isnan(h):
            total += w * h
            weight += w
    return total / weight if weight > 0.0 else math.nan


@numba.njit(cache=True)
def _lay_wheel(  # noqa: C901
    elevation: Layer,
    variance: Layer,
    top: Layer,
    u: float,
    v: float,
    res: float,
    radius: float,
    width: float,
    yaw: float,
    roll: float,
    pitch: float,
) -> tuple[float, float, float, float]:
    """Axle height, variance there, step within the print, unknown share of the print.

    `u`, `v`: the axle's column and row in cells.
    """
    c, s = math.cos(yaw), math.sin(yaw)
    sin_f, cos_f, tan_f = math.sin(roll), math.cos(roll), math.tan(roll)
    sin_p, cos_p, tan_p = math.sin(pitch), math.cos(pitch), math.tan(pitch)
    axis_x, axis_y, axis_z = sin_p * sin_f, cos_f, cos_p * sin_f
    axle, spread = -math.inf, 0.0
    low, high = math.inf, -math.inf
    missing = 0
    for i in range(_ALONG):
        a = _RIM * (2.0 * i / (_ALONG - 1) - 1.0)
        across, down = radius * math.sin(a), radius * math.cos(a)
        for j in range(_ACROSS):
            t = width * (j / (_ACROSS - 1) - 0.5)
            side = sin_f * t - cos_f * down
            forward = cos_p * across + sin_p * side
            left = cos_f * t + sin_f * down
            uu, vv = u + (forward * c - left * s) / res, v + (forward * s + left * c) / res
            h = bilinear(elevation, uu, vv)
            if math.isnan(h):
                missing += 1
                continue
            z = h + sin_p * across - cos_p * side
            if z > axle:
                axle = z
                if variance.shape[0] > 0:
                    spread = variance[int(vv), int(uu)]
            flat = h + forward * tan_p - left * tan_f
            low, high = min(low, flat), max(high, flat)
    # The surface is highest at cells' centres: those within the print as well. Over (forward, left)
    # the cylinder's lowest point solves |p|^2 - (p . axis)^2 = r^2.
    reach = math.hypot(radius, width) / res
    rows, columns = elevation.shape
    square = 1.0 - axis_z * axis_z
    for row in range(max(int(v - reach), 0), min(int(v + reach) + 1, rows)):
        for column in range(max(int(u - reach), 0), min(int(u + reach) + 1, columns)):
            h = elevation[row, column]
            if math.isnan(h):
                continue
            du, dv = (column + 0.5 - u) * res, (row + 0.5 - v) * res
            forward, left = du * c + dv * s, dv * c - du * s
            along = forward * axis_x + left * axis_y
            rest = forward * forward + left * left - along * along - radius * radius
            root = (along * axis_z) ** 2 - square * rest
            if root <= 0.0:
                continue
            below = (along * axis_z - math.sqrt(root)) / square
            if abs(along + below * axis_z) > 0.5 * width:
                continue
            if h - below > axle:
                axle = h - below
                if variance.shape[0] > 0:
                    spread = variance[row, column]
            flat = h + forward * tan_p - left * tan_f
            low, high = min(low, flat), max(high, flat + top[row, column] - h)
    return axle, spread, high - low, missing / (_ALONG * _ACROSS)


@numba.njit(cache=True)
def _spread(x: float, y: float, gain: Float, wheel_var: Float) -> float:
    """Variance of the body's height over (x, y) of base_link."""
    total = 0.0
    for w in range(gain.shape[0]):
        weight = gain[w, 0] + x * gain[w, 1] + y * gain[w, 2]
        total += weight * weight * wheel_var[w]
    return total


@numba.njit(cache=True)
def _least_gap(  # noqa: C901
    top: Layer,
    variance: Layer,
    u: float,
    v: float,
    z: float,
    res: float,
    rotation: Float,
    boxes: Float,
    gain: Float,
    wheel_var: Float,
    k: float,
) -> tuple[float, int, int]:
    """Least lower bound of the gap under the boxes' floors; points that are unknown, and all.

    `gain` (w, 3): by how much a wheel's height moves base height, slope along x and along y.
    """
    least = math.inf
    missing, count = 0, 0
    a00, a01, a10, a11 = rotation[0, 0], rotation[0, 1], rotation[1, 0], rotation[1, 1]
    over = a00 * a11 - a01 * a10
    rows, columns = top.shape
    for b in range(boxes.shape[0]):
        floor = boxes[b, 2]
        x_low, y_low, x_high, y_high = boxes[b, 0], boxes[b, 1], boxes[b, 3], boxes[b, 4]
        u_mid, v_mid = u + rotation[0, 2] * floor / res, v + rotation[1, 2] * floor / res
        # Along the edge of the floor, where the surface may be highest between cells' centres.
        length, width = x_high - x_low, y_high - y_low
        around = 2.0 * (length + width)
        edges = math.ceil(2.0 * around / res) + 4
        u_min, u_max, v_min, v_max = math.inf, -math.inf, math.inf, -math.inf
        for i in range(edges):
            way = around * i / edges
            if way < length:
                x, y = x_low + way, y_low
            elif way < length + width:
                x, y = x_high, y_low + way - length
            elif way < 2.0 * length + width:
                x, y = x_high - (way - length - width), y_high
            else:
                x, y = x_low, y_high - (way - 2.0 * length - width)
            uu, vv = u_mid + (a00 * x + a01 * y) / res, v_mid + (a10 * x + a11 * y) / res
            u_min, u_max = min(u_min, uu), max(u_max, uu)
            v_min, v_max = min(v_min, vv), max(v_max, vv)
            count += 1
            h = bilinear(top, uu, vv)
            if math.isnan(h):
                missing += 1
                continue
            up = z + rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * floor
            cell = variance[int(vv), int(uu)] if variance.shape[0] > 0 else np.float32(0.0)
            spread = cell + _spread(x, y, gain, wheel_var)
            least = min(least, up - h - k * math.sqrt(spread))
        # And at the centres of all cells under it.
        for row in range(math.floor(v_min), math.floor(v_max) + 1):
            for column in range(math.floor(u_min), math.floor(u_max) + 1):
                du, dv = (column + 0.5 - u_mid) * res, (row + 0.5 - v_mid) * res
                x, y = (a11 * du - a01 * dv) / over, (a00 * dv - a10 * du) / over
                if x < x_low or x > x_high or y < y_low or y > y_high:
                    continue
                count += 1
                inside = 0 <= row < rows and 0 <= column < columns
                if not inside or math.isnan(top[row, column]):
                    missing += 1
                    continue
                up = z + rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * floor
                cell = variance[row, column] if variance.shape[0] > 0 else np.float32(0.0)
                spread = cell + _spread(x, y, gain, wheel_var)
                least = min(least, up - top[row, column] - k * math.sqrt(spread))
    return least, missing, count


@numba.njit(cache=True)
def _rotation(yaw: float, pitch: float, roll: float, out: Float) -> None:
    """Rz(yaw) Ry(pitch) Rx(roll) into `out` (3, 3)."""
    cy, sy = math.cos(yaw), math.sin(yaw)
    cp, sp = math.cos(pitch), math.sin(pitch)
    cr, sr = math.cos(roll), math.sin(roll)
    out[0, 0], out[0, 1], out[0, 2] = cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr
    out[1, 0], out[1, 1], out[1, 2] = sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr
    out[2, 0], out[2, 1], out[2, 2] = -sp, cp * sr, cp * cr


@numba.njit(cache=True)
def _gains(wheels: Float, side: NDArray[np.int64]) -> Float:
    """(w, 5): a wheel's share in base height, slope along x, along y, left and right beam slope."""
    n = wheels.shape[0]
    gain = np.zeros((n, 5))
    mean_x, mean_y, square, number = np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(2)
    for w in range(n):
        s = 0 if side[w] > 0 else 1
        mean_x[s] += wheels[w, 0]
        mean_y[s] += wheels[w, 1]
        number[s] += 1.0
    mean_x /= number
    mean_y /= number
    for w in range(n):
        s = 0 if side[w] > 0 else 1
        square[s] += (wheels[w, 0] - mean_x[s]) ** 2
    track = mean_y[0] - mean_y[1]
    for w in range(n):
        s = 0 if side[w] > 0 else 1
        slope = (wheels[w, 0] - mean_x[s]) / square[s]
        at_base = 1.0 / number[s] - mean_x[s] * slope
        # The base lies at y = 0 between the sides.
        share = -mean_y[1] / track if s == 0 else mean_y[0] / track
        gain[w, 0] = share * at_base
        gain[w, 1] = 0.5 * slope
        gain[w, 2] = at_base / track if s == 0 else -at_base / track
        gain[w, 3 + s] = slope
    return gain


@numba.njit(cache=True)
def settle_all(
    elevation: Layer,
    variance: Layer,
    top: Layer,
    x0: float,
    y0: float,
    res: float,
    wheels: Float,
    side: NDArray[np.int64],
    boxes: Float,
    k: float,
    unknown_sigma: float,
    poses: Float,
    out: Float,
) -> None:
    """Settle the rover at each pose.

    Args:
        elevation: (rows, columns), m: what the wheels stand on.
        variance: (rows, columns), m^2; (0, 0) for none.
        top: (rows, columns), m: what the body must clear and the wheels climb.
        x0: low corner of the map, m.
        y0: the same.
        res: side of a cell, m.
        wheels: as in `body.Body`.
        side: the same.
        boxes: the same.
        k: deviations of a bound.
        unknown_sigma: added to a wheel's deviation where its whole print is unknown, m.
        poses: (n, 3) x, y, yaw.
        out: (n, COLUMNS), filled; NaN but for the unknown shares where a wheel has no ground.
    """
    count = wheels.shape[0]
    gain = _gains(wheels, side)
    axle, spread, rotation = np.zeros(count), np.zeros(count), np.zeros((3, 3))
    for n in range(poses.shape[0]):
        yaw = poses[n, 2]
        u, v = (poses[n, 0] - x0) / res, (poses[n, 1] - y0) / res
        z, roll, pitch, left, right = 0.0, 0.0, 0.0, 0.0, 0.0
        step, worst, missing = 0.0, 0.0, 0.0
        for _ in range(_ROUNDS):
            _rotation(yaw, pitch, roll, rotation)
            step, worst, missing = 0.0, 0.0, 0.0
            z, slope_y, sin_left, sin_right = 0.0, 0.0, 0.0, 0.0
            for w in range(count):
                x, y, above = wheels[w, 0], wheels[w, 1], wheels[w, 2]
                beam = left if side[w] > 0 else right
                du = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * above
                dv = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * above
                axle[w], spread[w], jump, share = _lay_wheel(
                    elevation,
                    variance,
                    top,
                    u + du / res,
                    v + dv / res,
                    res,
                    wheels[w, 3],
                    wheels[w, 4],
                    yaw,
                    roll,
                    beam,
                )
                spread[w] += (unknown_sigma * share) ** 2
                step, worst, missing = max(step, jump), max(worst, share), missing + share
                height = axle[w] - above
                z += gain[w, 0] * height
                slope_y += gain[w, 2] * height
                sin_left -= gain[w, 3] * height
                sin_right -= gain[w, 4] * height
            left = math.asin(min(max(sin_left, -_UPRIGHT), _UPRIGHT))
            right = math.asin(min(max(sin_right, -_UPRIGHT), _UPRIGHT))
            pitch = 0.5 * (left + right)
            roll = math.asin(min(max(slope_y / math.cos(pitch), -_UPRIGHT), _UPRIGHT))
            if worst >= 1.0:
                break
        out[n, :] = math.nan
        out[n, 7], out[n, 8] = missing / count, worst
        if worst >= 1.0:
            continue
        var_pitch, var_roll, var_beam = 0.0, 0.0, 0.0
        for w in range(count):
            var_pitch += gain[w, 1] ** 2 * spread[w]
            var_roll += gain[w, 2] ** 2 * spread[w]
            var_beam += 0.25 * (gain[w, 3] - gain[w, 4]) ** 2 * spread[w]
        _rotation(yaw, pitch, roll, rotation)
        gap, under, points = _least_gap(
            top, variance, u, v, z, res, rotation, boxes, gain, spread, k
        )
        steep_pitch = min(abs(pitch) + k * math.sqrt(var_pitch), 0.5 * math.pi)
        steep_roll = min(abs(roll) + k * math.sqrt(var_roll), 0.5 * math.pi)
        out[n, 0], out[n, 1], out[n, 2] = z, roll, pitch
        out[n, 3] = math.acos(math.cos(steep_pitch) * math.cos(steep_roll))
        out[n, 4] = 0.5 * abs(left - right) + k * math.sqrt(var_beam)
        out[n, 5], out[n, 6] = step, gap
        out[n, 7] = 0.5 * (missing / count) + 0.5 * under / points
