# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Keep-out and keep-in zones: polygons in map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.measure import points_in_poly

from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from collections.abc import Iterable

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Zones:
    """Polygons (n, 2) in map: forbidden are all `keep_out` and, if any, all outside `keep_in`."""

    keep_out: tuple[Array, ...] = ()
    keep_in: tuple[Array, ...] = ()

    @staticmethod
    def parsed(keep_out: str, keep_in: str) -> Zones:
        """From the text parameters of the node.

        Raises:
            NavigationError: names the parameter and what is wrong with it.
        """
        return Zones(_polygons("keep_out", keep_out), _polygons("keep_in", keep_in))

    def forbidden(self, xy: Array) -> NDArray[np.bool_]:
        """Which of the points (n, 2) in map are forbidden: (n,)."""
        out = np.zeros(len(xy), bool)
        for polygon in self.keep_out:
            out |= points_in_poly(xy, polygon)  # type: ignore[no-untyped-call]
        if self.keep_in:
            inside = np.zeros(len(xy), bool)
            for polygon in self.keep_in:
                inside |= points_in_poly(xy, polygon)  # type: ignore[no-untyped-call]
            out |= ~inside
        return out

    def raster(
        self, origin: Array, resolution_m: float, shape: tuple[int, int], odom_T_map: Array
    ) -> NDArray[np.bool_]:
        """Forbidden cells of a grid in odom (rows, columns); `origin` is its lower corner."""

        def filled(polygons: Iterable[Array]) -> NDArray[np.bool_]:
            mask = np.zeros(shape, np.uint8)
            for polygon in polygons:
                flat = np.column_stack([polygon, np.zeros(len(polygon))])
                cells = (frames.points(odom_T_map, flat)[:, :2] - origin) / resolution_m - 0.5
                cv2.fillPoly(mask, [np.round(cells * 16).astype(np.int32)], 1, shift=4)
            return mask.astype(bool)

        out = filled(self.keep_out)
        return out | ~filled(self.keep_in) if self.keep_in else out

    @property
    def corners(self) -> Array:
        """All corners (n, 2)."""
        return np.concatenate([np.zeros((0, 2)), *self.keep_out, *self.keep_in])


def _polygons(name: str, text: str) -> tuple[Array, ...]:
    polygons = []
    for number, part in enumerate((p for p in text.split(";") if p.strip()), 1):
        where = f"{name}: polygon {number}"
        try:
            values = [float(word) for word in part.replace(",", " ").split()]
        except ValueError as error:
            raise NavigationError(f"{where}: {error}", Code.INVALID_GOAL) from None
        if len(values) < 6 or len(values) % 2 or not all(map(math.isfinite, values)):
            words = f"{where}: {len(values)} numbers; three corners or more, x and y each, are due"
            raise NavigationError(words, Code.INVALID_GOAL)
        polygons.append(np.array(values).reshape(-1, 2))
    return tuple(polygons)
