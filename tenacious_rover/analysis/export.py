# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Out of a bag into what other programs read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tenacious_rover.analysis.bag import Bag
from tenacious_rover.analysis.error import AnalysisError
from tenacious_rover.analysis.flat import table_name, tables
from tenacious_rover.analysis.gather import gather
from tenacious_rover.analysis.metrics import evo_trajectory
from tenacious_rover.analysis.pictures import message_pixels
from tenacious_rover.analysis.roles import rovers
from tenacious_rover.analysis.stamps import kind_of, stamp_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tenacious_rover.analysis.drive import Drive

FORMATS = ("csv", "parquet", "images", "video", "tum", "geotiff", "geojson")
_MOON_M = 1_737_400.0
_PICTURES = ("/Image", "/CompressedImage")
_NOTE = "local metres: x east, y north, z up from the lander, not longitude and latitude"


def export(
    source: Path, target: Path, form: str, topics: Callable[[str], bool] = lambda topic: True
) -> dict[str, int]:
    """Write `form` (one of `FORMATS`) files of a bag into the folder `target`.

    Returns:
        File name to number of rows, frames, poses, cells or features.

    Raises:
        AnalysisError: the bag cannot be read, has nothing of that kind, or `target` refuses.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnalysisError(f"{target}: {error.strerror}") from error
    with Bag(source) as bag:
        chosen = {name for name in bag.topics if topics(name)}
        if form in ("csv", "parquet"):
            written = tables(bag, target, f".{form}", chosen)
        elif form in ("images", "video"):
            written = _pictures(bag, target, chosen, form == "video")
        else:
            makers = {"tum": _tum, "geotiff": _geotiff, "geojson": _geojson}
            spaces = rovers(bag.topics)
            written = {}
            for space in spaces:
                drive = gather(bag, space, len(spaces) == 1)
                stem = table_name(space) + "_" if space else ""
                written |= makers[form](drive, target, stem)
        if not written:
            raise AnalysisError(f"{source}: holds nothing to export as {form}")
    return written


def _pictures(bag: Bag, target: Path, chosen: set[str], video: bool) -> dict[str, int]:
    names = {n for n in chosen if bag.topics[n].endswith(_PICTURES)}
    firsts = {n: kind_of(bag.fielddefs, bag.topics[n]) for n in names}
    begin, end = bag.span_s
    films: dict[str, cv2.VideoWriter] = {}
    counts: dict[str, int] = {}
    for said in bag.messages(dict.fromkeys(names, 0.0)):
        message = bag.decode(said)
        rgb = None if message is None else message_pixels(message)
        if rgb is None:
            continue
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        name = table_name(said.topic)
        if video:
            name += ".mp4"
            if name not in films:
                rate = max(bag.counts[said.topic] / max(end - begin, 1.0), 1.0)
                size = (rgb.shape[1], rgb.shape[0])
                code = cv2.VideoWriter_fourcc(*"mp4v")  # type: ignore[attr-defined]
                films[name] = cv2.VideoWriter(str(target / name), code, min(rate * 4.0, 30.0), size)
            films[name].write(bgr)
        else:
            stamp = stamp_of(said.raw, firsts[said.topic])
            time_s = stamp.time_s if stamp and stamp.time_s > 0.0 else said.time_s
            (target / name).mkdir(exist_ok=True)
            cv2.imwrite(str(target / name / f"{time_s:.6f}.png"), bgr)
        counts[name] = counts.get(name, 0) + 1
    for film in films.values():
        film.release()
    return counts


def _tum(drive: Drive, target: Path, stem: str) -> dict[str, int]:
    """Trajectories as evo reads them: `evo_ape tum truth.tum estimate.tum`."""
    from evo.tools import file_interface

    written = {}
    for name in ("estimate", "odometry", "truth"):
        track = getattr(drive, name)
        if len(track) and not (name == "odometry" and drive.frame != "map"):
            path = target / f"{stem}{name}.tum"
            file_interface.write_tum_trajectory_file(path, evo_trajectory(track))
            written[path.name] = len(track)
    return written


def site_of(facts: dict[str, str]) -> tuple[float, float] | None:
    """Latitude and longitude of the map's origin in degrees, from the recorded parameters."""
    text = facts.get("parameters", "")
    found = [re.search(rf"\b{key}itude_deg:\s*([-+.\deE]+)", text) for key in ("lat", "long")]
    if not all(found):
        return None
    return float(found[0][1]), float(found[1][1])  # type: ignore[index]


def _geotiff(drive: Drive, target: Path, stem: str) -> dict[str, int]:
    """The ground as the rover saw it, one band per layer, north up, NaN where unknown."""
    import rasterio
    from rasterio.crs import CRS
    from rasterio.transform import from_origin

    if drive.canvas is None or drive.canvas.empty:
        return {}
    origin, layers = drive.canvas.cropped()
    size = drive.canvas.resolution_m
    rows, columns = next(iter(layers.values())).shape
    site = site_of(drive.facts)
    crs = None
    if site is not None:
        lat, lon = site
        crs = CRS.from_string(
            f"+proj=aeqd +lat_0={lat} +lon_0={lon} +x_0=0 +y_0=0 +R={_MOON_M} +units=m +no_defs"
        )
    path = target / f"{stem}ground.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=rows,
        width=columns,
        count=len(layers),
        dtype="float32",
        crs=crs,
        nodata=float("nan"),
        compress="deflate",
        transform=from_origin(origin[0], origin[1] + rows * size, size, size),
    ) as file:
        for band, (name, grid) in enumerate(layers.items(), 1):
            file.write(grid[::-1], band)
            file.set_band_description(band, name)
        file.update_tags(frame=drive.frame, note=_NOTE)
    return {path.name: rows * columns}


def _geojson(drive: Drive, target: Path, stem: str) -> dict[str, int]:
    features: list[dict[str, Any]] = []

    def feature(shape: str, coordinates: Any, **properties: Any) -> None:
        geometry = {"type": shape, "coordinates": coordinates}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})

    for sample in drive.samples:
        facts = {k: v for k, v in sample.items() if k != "place_m"}
        feature("Point", sample["place_m"], kind="sample", **facts)
    for picture in drive.pictures:
        if picture["xy"]:
            facts = {k: v for k, v in picture.items() if k not in ("xy", "kind")}
            feature("Point", picture["xy"], kind="picture", type=picture["kind"], **facts)
    for name in ("estimate", "truth"):
        track = getattr(drive, name)
        if len(track) > 1:
            line = np.round(track.xyz[:: max(len(track) // 2000, 1)], 4).tolist()
            feature("LineString", line, kind=f"{name} path", frame=drive.frame)
    if not features:
        return {}
    path = target / f"{stem}drive.geojson"
    content = {"type": "FeatureCollection", "crs_note": _NOTE, "features": features}
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return {path.name: len(features)}
