# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Maps, points and calibrations to and from ROS messages."""

from __future__ import annotations

import array
import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from nav_msgs.msg import OccupancyGrid
from sensor_msgs.msg import PointCloud2, PointField

from tenacious_interfaces.msg import ElevationMap
from tenacious_rover import ros
from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.terrain_map import LAYERS, TerrainMap
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sensor_msgs.msg import CameraInfo

    from tenacious_rover.rover.model import Rover


def to_elevation_map(terrain: TerrainMap, names: tuple[str, ...] = LAYERS) -> ElevationMap:
    """The layers `names` that the map has, unknown cells NaN in all of them."""
    rows, columns = terrain.shape
    message = ElevationMap(width=columns, height=rows, resolution=float(terrain.resolution_m))
    message.header = ros.header(max(terrain.time_s, 0.0), frames.ODOM)
    message.origin_x, message.origin_y = map(float, terrain.origin)
    message.layers = [name for name in names if name in terrain.layers]
    stack = np.stack([terrain.layers[name] for name in message.layers]).astype(np.float32)
    message.data = array.array("f", stack.tobytes())
    return message


def from_elevation_map(message: ElevationMap) -> TerrainMap:
    """The map of a message.

    Raises:
        PerceptionError: sizes do not fit, a name comes twice, or there is no `elevation`.
    """
    shape = (len(message.layers), message.height, message.width)
    if len(set(message.layers)) != len(message.layers):
        raise PerceptionError(f"map message: layers {list(message.layers)} hold a name twice")
    values = np.array(message.data, np.float32)
    if values.size != np.prod(shape):
        raise PerceptionError(f"map message: {values.size} values, {shape} are due")
    origin = np.array([message.origin_x, message.origin_y])
    if not np.isfinite(origin).all():
        raise PerceptionError("map message: the origin is not finite")
    layers = dict(zip(message.layers, values.reshape(shape), strict=True))
    time_s = ros.to_seconds(message.header.stamp)
    # The resolution travels as float32: 0.04 must come back as 0.04.
    return TerrainMap(round(float(message.resolution), 6), origin, layers, time_s)


def to_occupancy_grid(terrain: TerrainMap) -> OccupancyGrid:
    """The layer `hazard` in percent, -1 unknown."""
    hazard = terrain.layers["hazard"]
    percent = np.where(np.isnan(hazard), -1.0, np.nan_to_num(hazard) * 100.0).round()
    message = OccupancyGrid(header=ros.header(max(terrain.time_s, 0.0), frames.ODOM))
    message.info.resolution = float(terrain.resolution_m)
    message.info.height, message.info.width = terrain.shape
    message.info.origin = ros.to_pose(
        frames.planar(float(terrain.origin[0]), float(terrain.origin[1]), 0.0)
    )
    message.info.map_load_time = message.header.stamp
    message.data = array.array("b", percent.astype(np.int8).tobytes())
    return message


def to_points(points: NDArray[np.float32], time_s: float, frame: str) -> PointCloud2:
    """A cloud of points (n, 3), m."""
    message = PointCloud2(header=ros.header(time_s, frame), height=1, width=len(points))
    message.fields = [
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, name in enumerate("xyz")
    ]
    message.point_step, message.row_step = 12, 12 * len(points)
    message.is_dense = True
    message.data = array.array("B", np.ascontiguousarray(points, "<f4").tobytes())
    return message


def calibrated(rover: Rover, left: CameraInfo, right: CameraInfo | None = None) -> Rover:
    """The rover with cameras as their own messages state them, rather than the description.

    Raises:
        PerceptionError: not the geometry of a rectified camera.
    """
    cameras = dict(rover.cameras)
    for name, info in (("left", left), ("right", left if right is None else right)):
        cameras[name] = dataclasses.replace(cameras[name], **_lens(name, info))
    if right is not None:
        baseline = -float(right.p[3]) / float(right.p[0])
        if not 0.0 < baseline < 2.0:
            raise PerceptionError(f"camera_info right: baseline {baseline!r} m is not in (0, 2)")
        shift = np.eye(4)
        shift[0, 3] = baseline
        pose = cameras["left"].base_T_optical @ shift
        cameras["right"] = dataclasses.replace(cameras["right"], base_T_optical=pose)
    return dataclasses.replace(rover, cameras=cameras)


def _lens(name: str, info: CameraInfo) -> dict[str, Any]:
    p = np.asarray(info.p, float)
    if not (np.isfinite(p).all() and p[0] > 0.0 and p[5] > 0.0 and info.width and info.height):
        raise PerceptionError(f"camera_info {name}: P is not that of a rectified camera")
    return {
        "width_px": int(info.width),
        "height_px": int(info.height),
        "fx_px": float(p[0]),
        "fy_px": float(p[5]),
        "cx_px": float(p[2]),
        "cy_px": float(p[6]),
    }
