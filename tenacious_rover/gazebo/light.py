# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Ground of an exported world: how high it is, and whether a place on it is in shadow."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from tenacious_rover.gazebo.error import GazeboError
from tenacious_rover.gazebo.terrain import Heightmap
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Ground:
    """Heights (n, n) m, row 0 at the smallest y, over a square about `center` (2,); lander's boxes.

    Attributes:
        heights: as Gazebo has them.
        size_m: of the square's side.
        center: in map.
        boxes: map_T_box (4, 4) and size (3,) of each.
    """

    heights: NDArray[np.float64]
    size_m: float
    center: NDArray[np.float64]
    boxes: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]

    def height(self, x: Any, y: Any) -> Any:
        """Of the ground at x, y in map, m; beyond the edge that of the edge."""
        step = self.size_m / (self.heights.shape[0] - 1)
        column = (np.asarray(x, float) - self.center[0] + self.size_m / 2.0) / step
        row = (np.asarray(y, float) - self.center[1] + self.size_m / 2.0) / step
        at = np.broadcast_arrays(np.atleast_1d(row), np.atleast_1d(column))
        found = map_coordinates(self.heights, at, order=1, mode="nearest")
        return float(found[0]) if np.ndim(x) == np.ndim(y) == 0 else found

    def shadowed(self, point: NDArray[np.float64], sun: NDArray[np.float64]) -> bool:
        """Whether ground or lander hide the sun (unit vector) from a point (3,) in map.

        Rocks are not looked at: they are lower than the sensor or the rover is not beside them.
        """
        flat = float(np.hypot(sun[0], sun[1]))
        top = float(self.heights.max())
        reach = (top - point[2]) / max(sun[2], 1e-6)
        if sun[2] <= 0.0:
            return True
        if reach > 0.0:
            step = self.size_m / (self.heights.shape[0] - 1)
            far = min(reach, 2.0 * self.size_m / max(flat, 1e-6))
            along = np.arange(step, far, step)
            ray = point + along[:, None] * sun
            if np.any(self.height(ray[:, 0], ray[:, 1]) > ray[:, 2]):
                return True
        return any(_crosses(point, sun, box, size) for box, size in self.boxes)


def _crosses(
    point: NDArray[np.float64],
    ray: NDArray[np.float64],
    map_T_box: NDArray[np.float64],
    size: NDArray[np.float64],
) -> bool:
    """Whether a ray from `point` meets a box (slabs)."""
    start = frames.points(frames.inverse(map_T_box), point[None])[0]
    way = map_T_box[:3, :3].T @ ray
    way = np.where(np.abs(way) < 1e-12, 1e-12, way)
    near, far = (-size / 2.0 - start) / way, (size / 2.0 - start) / way
    first, last = np.minimum(near, far).max(), np.maximum(near, far).min()
    return bool(last > max(first, 0.0))


def read_ground(folder: Path, facts: dict[str, Any]) -> Ground:
    """From an exported world's folder and its `world.json`.

    Raises:
        GazeboError: a file is missing or not what was exported.
    """
    pixels = cv2.imread(str(folder / "heightmap.png"), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise GazeboError(f"{folder}/heightmap.png: not a 16-bit picture: export the world again")
    picture = Heightmap(
        np.asarray(pixels, np.uint16), facts["size_m"], facts["low_m"], facts["span_m"]
    )
    try:
        root = ET.parse(folder / "world.sdf").getroot()  # noqa: S314 - our own export
    except (OSError, ET.ParseError) as error:
        raise GazeboError(f"{folder}/world.sdf: {error}") from error
    boxes = []
    for part in root.findall("world/model[@name='lander']/link/collision"):
        where = [float(v) for v in (part.findtext("pose") or "").split()]
        size = [float(v) for v in (part.findtext("geometry/box/size") or "").split()]
        boxes.append((frames.from_rpy(np.array(where[:3]), np.array(where[3:])), np.array(size)))
    return Ground(picture.heights, picture.size_m, np.array(facts["center"]), tuple(boxes))
