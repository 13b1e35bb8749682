# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A measured elevation model as ground: read from a GeoTIFF, or refused with what is wrong."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window
from scipy import ndimage

from tenacious_rover.simulator.terrain.error import WorldError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.simulator.terrain.spec import Dem

METRES = ("m", "metre", "metres", "meter", "meters")
_MARGIN = 3
"""Pixels around the part used, for the spline."""
_MOST_RELIEF = 1.5
"""Height difference over width beyond which the unit must be wrong: no ground is so steep."""


@dataclass(frozen=True)
class Source:
    """A model that was found usable.

    Attributes:
        path: of the GeoTIFF.
        pixel_m: (2,) width and height of a pixel.
        window: what of it is needed: column, row, columns, rows.
        origin: (2,) column and row (fractional) of the map's origin in the window.
        digest: SHA-256 of the file.
    """

    path: Path
    pixel_m: tuple[float, float]
    window: tuple[int, int, int, int]
    origin: tuple[float, float]
    digest: str


def check(asked: Dem, size_m: float) -> Source:
    """Everything that can be wrong with the model, before any work.

    Args:
        asked: the file and its place.
        size_m: side of the square that is needed around the origin.

    Raises:
        WorldError: missing, no raster, no georeference, no metres, too small, holes.
    """
    path = Path(asked.file)
    if not path.is_file():
        raise WorldError(f"dem.file: {path}: no such file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(path) as raster:
                source = _placed(asked, path, raster, size_m)
                heights = _band(raster, source.window)
        except RasterioError as error:
            raise WorldError(f"dem.file: {path}: not a readable GeoTIFF: {error}") from error
    _whole(path, heights, source)
    span = float(np.ptp(heights))
    if span > _MOST_RELIEF * size_m:
        raise WorldError(
            f"dem.file: {path}: heights differ by {span:g} over {size_m:g} m; "
            "heights should be in metres (are they in millimetres or feet?)"
        )
    return source


def heights(source: Source, nodes: int, resolution_m: float) -> NDArray[np.float32]:
    """Heights (nodes, nodes), m, on the world's grid: a cubic spline through the pixels' middles.

    Row 0 is the south, as in every world; a GeoTIFF's first row is usually the north.
    """
    with rasterio.open(source.path) as raster:
        band = _band(raster, source.window)
    at = resolution_m * (np.arange(nodes) - (nodes - 1) / 2.0)
    column = source.origin[0] + at / source.pixel_m[0]
    row = source.origin[1] - at / source.pixel_m[1]
    finer = resolution_m / np.array(source.pixel_m)[::-1]
    if finer.max() > 1.0:  # pixels finer than the grid: their mean, not one of them
        band = ndimage.gaussian_filter(band, 0.5 * finer)
    spline = ndimage.spline_filter(band.astype(np.float64), order=3, mode="nearest")
    out = np.empty((nodes, nodes), np.float32)
    for number, r in enumerate(row):  # a row at a time: coordinates of all would not fit
        places = np.stack([np.full(nodes, r), column])
        out[number] = ndimage.map_coordinates(
            spline, places, order=3, mode="nearest", prefilter=False
        )
    return out


def _placed(asked: Dem, path: Path, raster: Any, size_m: float) -> Source:
    """Georeference, unit and extent."""
    where = f"dem.file: {path}"
    if raster.crs is None or raster.transform.is_identity:
        raise WorldError(
            f"{where}: has no georeference; a projected GeoTIFF in metres is needed "
            "(gdal_translate -a_srs -a_ullr writes one)"
        )
    if not raster.crs.is_projected:
        raise WorldError(
            f"{where}: is in degrees ({raster.crs.to_string()[:60]}); project it to metres first "
            "(gdalwarp -t_srs)"
        )
    unit, factor = raster.crs.linear_units_factor
    if abs(factor - 1.0) > 1e-6:
        raise WorldError(f"{where}: its grid is in {unit!r}; should be in metres")
    height_unit = (raster.units[0] or "").strip().lower()
    if height_unit and height_unit not in METRES:
        raise WorldError(f"{where}: its heights are in {height_unit!r}; should be in metres")
    transform = raster.transform
    if abs(transform.b) > 1e-9 or abs(transform.d) > 1e-9 or transform.e > 0.0:
        raise WorldError(f"{where}: is rotated or upside down; should be north up (gdalwarp)")
    pixel = float(transform.a), float(-transform.e)
    x, y = asked.center_m or (
        float(raster.bounds.left + raster.bounds.right) / 2.0,
        float(raster.bounds.bottom + raster.bounds.top) / 2.0,
    )
    # Pixels' middles are at half numbers of the transform.
    column = (x - raster.bounds.left) / pixel[0] - 0.5
    row = (raster.bounds.top - y) / pixel[1] - 0.5
    reach = size_m / 2.0 / pixel[0], size_m / 2.0 / pixel[1]
    if (
        column - reach[0] < -0.5
        or row - reach[1] < -0.5
        or column + reach[0] > raster.width - 0.5
        or row + reach[1] > raster.height - 0.5
    ):
        wide = raster.width * pixel[0], raster.height * pixel[1]
        raise WorldError(
            f"{where}: covers {wide[0]:g} x {wide[1]:g} m, easting {raster.bounds.left:g} to "
            f"{raster.bounds.right:g}, northing {raster.bounds.bottom:g} to "
            f"{raster.bounds.top:g}; size_m {size_m:g} around ({x:g}, {y:g}) does not fit in it"
        )
    c0 = max(0, int(np.floor(column - reach[0])) - _MARGIN)
    r0 = max(0, int(np.floor(row - reach[1])) - _MARGIN)
    c1 = min(raster.width, int(np.ceil(column + reach[0])) + _MARGIN + 1)
    r1 = min(raster.height, int(np.ceil(row + reach[1])) + _MARGIN + 1)
    window = (c0, r0, c1 - c0, r1 - r0)
    need, free = 32.0 * window[2] * window[3], psutil.virtual_memory().available
    if need > 0.5 * free:
        raise WorldError(
            f"{where}: {window[2]} x {window[3]} pixels are needed for size_m {size_m:g}, "
            f"{need / 1e9:.1f} GB; {free / 1e9:.1f} GB are free. "
            "Use a smaller size_m or a coarser file"
        )
    return Source(path, pixel, window, (column - c0, row - r0), _digest(path))


def _digest(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            hasher.update(block)
    return hasher.hexdigest()


def _band(raster: Any, window: tuple[int, int, int, int]) -> NDArray[np.float64]:
    """The first band's window, NaN where there is nothing; scale and offset applied."""
    masked = raster.read(1, window=Window(*window), masked=True)
    values = np.asarray(masked.astype(np.float64).filled(np.nan))
    return np.asarray(values * float(raster.scales[0]) + float(raster.offsets[0]))


def _whole(path: Path, values: NDArray[np.float64], source: Source) -> None:
    hole = ~np.isfinite(values)
    if not hole.any():
        return
    row, column = (int(v[0]) for v in np.nonzero(hole))
    raise WorldError(
        f"dem.file: {path}: {int(hole.sum())} of {hole.size} pixels needed have no height, the "
        f"first in row {row + source.window[1]}, column {column + source.window[0]}; "
        "fill the holes (gdal_fillnodata) or choose another dem.center_m"
    )
