# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What the pictures before and after a scoop say, as the facts of a sample's record."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any

from tenacious_rover.imaging.catalogue import durable, read_picture
from tenacious_rover.rover import frames, pixels
from tenacious_rover.sampling import pictures, soil, volume
from tenacious_rover.sampling.error import Code, SamplingError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from tenacious_rover.imaging.sidecar import Sidecar
    from tenacious_rover.rover.model import Rover
    from tenacious_rover.sampling.scooping import Scooping

_GRID_M = 0.2
HOW = "rover pose (wheels, gyro, cameras, sun) and scoop joints at contact"


def changed(
    before: tuple[Sidecar, Sidecar],
    after: tuple[Sidecar, Sidecar],
    place: NDArray[np.float64],
    rover: Rover,
    folder: Path,
) -> volume.Change:
    """Soil gone around a place (3,) in map, from stereo pairs kept in the run's folder.

    Raises:
        SamplingError: a picture has no pose, or too little of the ground was seen.
        ImagingError: a picture is missing or was changed.
    """
    assert rover.scoop is not None
    surfaces = []
    for pair in (before, after):
        left, right = (pixels.gray(read_picture(folder / s.path, s.sha256), "rgb8") for s in pair)
        depth = volume.near_depth(left, right, rover.cameras["left"].fx_px, rover.baseline_m)
        surfaces.append(volume.surface(depth, rover, _pose(pair[0]), place[:2], _GRID_M))
    return volume.change(surfaces[0], surfaces[1], volume.reach_m(rover.scoop))


def facts(
    seen: volume.Change,
    scooping: Scooping,
    cards: tuple[Sidecar, ...],
    rover: Rover,
    folder: Path,
    place: NDArray[np.float64],
) -> dict[str, Any]:
    """Of the record: volume, soil, how it was known, pictures and where in them the place is."""
    assert rover.scoop is not None
    card, camera = cards[0], rover.cameras["left"]
    spot, eye_m = _spot(card, rover, place)
    texture = soil.texture(
        read_picture(folder / card.path, card.sha256), spot, 1000.0 * eye_m / camera.fx_px
    )
    depth = max(seen.depth_m, 1e-3)
    return {
        "how_known": HOW,
        "contact_sensed": scooping.contact is not None,
        "volume_ml": float(seen.volume_ml),
        "volume_sigma_ml": float(seen.sigma_ml),
        "hole_depth_m": float(seen.depth_m),
        "significance": float(seen.significance),
        "front_rise_m": float(scooping.front_rise_m),
        "verified": True,
        "soil": texture | soil.strength(rover.scoop, scooping.peak_effort, depth),
        "images": [
            {"id": p.id, "path": p.path, "sha256": p.sha256, "purpose": p.purpose}
            | _where_in(p, rover, place)
            for p in cards
        ],
        "config": dataclasses.asdict(scooping.config),
    }


def kept_change(seen: volume.Change, name: str, folder: Path) -> dict[str, Any]:
    """The map of the change as a picture of the run; its entry among a record's pictures.

    Raises:
        SamplingError: the disk does not take it.
    """
    data = pictures.png(pictures.change_map(seen.drop, volume.CELL_M))
    path = folder / "samples" / f"{name}_change.png"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        durable(path, data)
    except OSError as error:
        raise SamplingError(f"{path}: {error.strerror}", Code.LOG_FAILED) from error
    return {
        "id": f"{name}_change",
        "path": f"samples/{path.name}",
        "sha256": hashlib.sha256(data).hexdigest(),
        "purpose": "ground gone between the pairs, north up",
    }


def _where_in(card: Sidecar, rover: Rover, place: NDArray[np.float64]) -> dict[str, Any]:
    """Pixel of the place in a picture, and how many pixels a metre there has."""
    spot, away_m = _spot(card, rover, place)
    scale = rover.cameras[card.eye].fx_px / away_m
    return {"spot_px": [round(v, 1) for v in spot], "px_per_m": round(scale, 1)}


def _spot(
    card: Sidecar, rover: Rover, place: NDArray[np.float64]
) -> tuple[tuple[float, float], float]:
    """Pixel (u, v) of a place in map, and its distance along the view, m."""
    camera = rover.cameras[card.eye]
    seen = frames.points(frames.inverse(_pose(card) @ camera.base_T_optical), place[None])[0]
    u = camera.fx_px * seen[0] / seen[2] + camera.cx_px
    v = camera.fy_px * seen[1] / seen[2] + camera.cy_px
    return (float(u), float(v)), float(seen[2])


def _pose(card: Sidecar) -> NDArray[np.float64]:
    pose = card.map_T_base
    if pose is None:
        raise SamplingError("a picture has no pose", Code.NO_FRAME)
    return pose
