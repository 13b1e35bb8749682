# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Heights, regolith texture and rock shapes as the files that Gazebo reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from tenacious_rover.gazebo.error import GazeboError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIZES = (129, 257, 513, 1025)
"""Heightmap images are 2^n + 1 on a side."""
TILE_PX, TILE_M = 512, 1.6
"""Of the regolith's texture: 3 mm a pixel, about what an eye resolves at 1.3 m."""


@dataclass(frozen=True)
class Heightmap:
    """A 16-bit picture of heights.

    Attributes:
        pixels: (n, n) uint16, row 0 at the largest y; uses 0 and 65535.
        size_m: between the middles of the first and the last pixel.
        low_m, span_m: height of 0, and of 65535 above it.
    """

    pixels: NDArray[np.uint16]
    size_m: float
    low_m: float
    span_m: float

    @property
    def heights(self) -> NDArray[np.float64]:
        """(n, n) m, row 0 at the smallest y: what Gazebo makes of it."""
        return self.low_m + self.pixels[::-1].astype(float) / 65535.0 * self.span_m


def heightmap(heights: NDArray[np.float32], resolution_m: float) -> Heightmap:
    """The picture of a square field of heights, interpolated to a side that Gazebo takes.

    Args:
        heights: (n, n) m, row 0 at the smallest y.
        resolution_m: between nodes.

    Raises:
        GazeboError: the field is not square, or flat to the last bit (Gazebo divides by its span).
    """
    n = heights.shape[0]
    if heights.shape != (n, n):
        raise GazeboError(f"heights of {heights.shape} are not square: Gazebo needs a square")
    side = next((size for size in SIZES if size >= n), SIZES[-1])
    at = np.linspace(0.0, n - 1.0, side)
    rows, columns = np.meshgrid(at, at, indexing="ij")
    fine = map_coordinates(heights.astype(float), [rows, columns], order=1)
    low, high = float(fine.min()), float(fine.max())
    if high - low < 1e-6:
        raise GazeboError("the ground is flat: use a ground plane instead of a heightmap")
    pixels = np.round((fine - low) / (high - low) * 65535.0).astype(np.uint16)
    return Heightmap(pixels[::-1], (n - 1) * resolution_m, low, high - low)


def write_picture(path: Path, pixels: NDArray) -> None:
    """A PNG; colours are RGB."""
    bgr = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    good, data = cv2.imencode(".png", np.ascontiguousarray(bgr), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not good:
        raise GazeboError(f"{path}: cannot be encoded")
    path.write_bytes(data.tobytes())


def regolith(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A tile of ground that repeats without seams: colour and normal map, (n, n, 3) uint8.

    Heights are noise whose spectrum falls like k^-1.6 (Hurst 0.6 at centimetres, Helfenstein and
    Shepard 1999) over grains; the rms slope of 12 degrees keeps a Lambert shader from harshness.
    """
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(TILE_PX), np.fft.fftfreq(TILE_PX)))
    k[0, 0] = 1.0
    spectrum = np.fft.fft2(rng.standard_normal((TILE_PX, TILE_PX))) * k**-1.6
    spectrum[k < 3.0 / TILE_PX] = 0.0
    bumps = np.real(np.fft.ifft2(spectrum))
    slope_y, slope_x = (np.roll(bumps, -1, i) - np.roll(bumps, 1, i) for i in (0, 1))
    scale = np.tan(np.radians(12.0)) / np.sqrt(np.mean(slope_x**2 + slope_y**2))
    normal = np.dstack([-scale * slope_x, scale * slope_y, np.ones_like(bumps)])
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    grains = cv2.GaussianBlur(
        np.pad(rng.standard_normal((TILE_PX, TILE_PX)), 8, mode="wrap"), (0, 0), 1.2
    )[8:-8, 8:-8]
    grey = 118.0 + 9.0 * bumps / bumps.std() + 16.0 * grains / grains.std()
    tint = np.array([1.0, 0.985, 0.96])  # regolith is slightly red
    colour = np.clip(grey[..., None] * tint, 20, 235).astype(np.uint8)
    return colour, np.round(127.5 + 127.5 * normal).astype(np.uint8)


def ball(splits: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """An icosahedron split `splits` times: corners (n, 3) on the unit sphere, triangles (m, 3)."""
    g = (1.0 + 5.0**0.5) / 2.0
    corners = [
        (-1, g, 0), (1, g, 0), (-1, -g, 0), (1, -g, 0), (0, -1, g), (0, 1, g),
        (0, -1, -g), (0, 1, -g), (g, 0, -1), (g, 0, 1), (-g, 0, -1), (-g, 0, 1),
    ]  # fmt: skip
    faces = [
        (0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4),
        (11, 10, 2), (10, 7, 6), (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8),
        (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1),
    ]  # fmt: skip
    points = [np.array(corner) / np.linalg.norm(corner) for corner in corners]
    for _ in range(splits):
        middle: dict[tuple[int, int], int] = {}
        finer = []
        for a, b, c in faces:
            ab, bc, ca = (_middle(points, middle, pair) for pair in ((a, b), (b, c), (c, a)))
            finer += [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
        faces = finer
    return np.array(points), np.array(faces)


def _middle(
    points: list[NDArray[np.float64]], known: dict[tuple[int, int], int], pair: tuple[int, int]
) -> int:
    key = (min(pair), max(pair))
    if key not in known:
        middle = points[pair[0]] + points[pair[1]]
        points.append(middle / np.linalg.norm(middle))
        known[key] = len(points) - 1
    return known[key]


def rock_shape(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """A ball with a few facets cut by up to 8 % of its radius: what a rock looks like."""
    points, faces = ball(2)
    normals = rng.standard_normal((14, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    depth = 1.0 - rng.uniform(0.02, 0.08, 14)
    for normal, limit in zip(normals, depth, strict=True):
        beyond = points @ normal - limit
        points = points - np.maximum(beyond, 0.0)[:, None] * normal
    return points, faces


def obj(points: NDArray[np.float64], faces: NDArray[np.intp]) -> str:
    """A Wavefront OBJ with a normal per corner."""
    sides = np.cross(
        points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]]
    )
    normals = np.zeros_like(points)
    for column in range(3):
        np.add.at(normals, faces[:, column], sides)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    lines = [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in points]
    lines += [f"vn {x:.4f} {y:.4f} {z:.4f}" for x, y, z in normals]
    lines += [f"f {a}//{a} {b}//{b} {c}//{c}" for a, b, c in faces + 1]
    return "\n".join(lines) + "\n"
