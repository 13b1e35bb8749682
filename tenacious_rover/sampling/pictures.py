# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a certificate: the place before and after at one scale, and where in the view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tenacious_rover.imaging.catalogue import read_picture
from tenacious_rover.imaging.error import ImagingError
from tenacious_rover.sampling.error import SamplingError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tenacious_rover.sampling.log import Entry

WIDE_M = 0.24
"""Of the ground that a detail shows."""
_SIDE_PX = 600
_STRIP_PX = 56
_BAR_M = 0.05
_MAP_M = 0.01
"""Change that gets the strongest colour."""
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FRAME, _WHITE = (255, 210, 60), (255, 255, 255)


def shown(entry: Entry, run_folder: Path) -> list[tuple[str, NDArray[np.uint8]]]:
    """Caption and picture (h, w, 3): before and after in detail, the view, the map of the change.

    A record that does not know the place in its pictures shows them whole.

    Raises:
        SamplingError: a picture is missing or was changed.
    """
    images = entry.facts["images"]
    found, views = [], []
    for picture in [p for p in images if p["id"].endswith("left")][:2]:
        rgb = _read(picture, run_folder)
        words = f"{picture['purpose']}, SHA-256 {picture['sha256'][:16]}…"
        found.append((words, _detail(rgb, picture) if "spot_px" in picture else rgb))
        views.append((rgb, picture))
    if views and "spot_px" in views[0][1]:
        found.append(("view of the left eye before, framed: the details", _framed(*views[0])))
    maps = [p for p in images if p["id"].endswith("change")]
    return found + [(picture["purpose"], _read(picture, run_folder)) for picture in maps]


def change_map(drop: NDArray[np.float64], cell_m: float) -> NDArray[np.uint8]:
    """Ground gone (rows, columns, m; NaN unknown) as colours: north up, 5 cm bar, scale in mm."""
    coloured = _colours(np.nan_to_num(drop[::-1]))
    coloured[~np.isfinite(drop[::-1])] = 40
    whole = (_SIDE_PX, _SIDE_PX)
    large = np.asarray(cv2.resize(coloured, whole, interpolation=cv2.INTER_NEAREST), np.uint8)
    _bar(large, _BAR_M * _SIDE_PX / (cell_m * len(drop)))
    return np.vstack([large, _scale()])


def _colours(drop: NDArray[np.float64]) -> NDArray[np.uint8]:
    tall = np.clip((drop / _MAP_M + 1.0) * 127.5, 0.0, 255.0).astype(np.uint8)
    coloured = cv2.applyColorMap(tall, cv2.COLORMAP_TWILIGHT_SHIFTED)[..., ::-1]
    return np.array(coloured, np.uint8)


def _scale() -> NDArray[np.uint8]:
    """A strip that says which colour is how much: soil heaped up on the left, gone on the right."""
    strip = np.full((_STRIP_PX, _SIDE_PX, 3), 255, np.uint8)
    left, right = 150, _SIDE_PX - 150
    ramp = np.linspace(-_MAP_M, _MAP_M, right - left)[None].repeat(18, axis=0)
    strip[8:26, left:right] = _colours(ramp)
    least = f"{1000 * _MAP_M:.0f} mm"
    for words, x in (
        (f"heaped {least}", 8),
        ("0", (left + right) // 2 - 6),
        (f"gone {least}", right + 8),
    ):
        y = 24 if words != "0" else 46
        cv2.putText(strip, words, (x, y), _FONT, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return strip


def png(rgb: NDArray[np.uint8]) -> bytes:
    """A picture as PNG."""
    _, data = cv2.imencode(".png", rgb[..., ::-1])
    return data.tobytes()


def _read(picture: dict[str, Any], run_folder: Path) -> NDArray[np.uint8]:
    try:
        return read_picture(run_folder / picture["path"], picture["sha256"])
    except ImagingError as error:
        raise SamplingError(str(error)) from error


def _corner(rgb: NDArray[np.uint8], picture: dict[str, Any]) -> tuple[int, int, int]:
    """Left, top and side in px of the square around the place, moved inside the picture."""
    height, width = rgb.shape[:2]
    side = int(np.clip(WIDE_M * picture["px_per_m"], 40, min(width, height)))
    u, v = picture["spot_px"]
    left = int(np.clip(u - side / 2, 0, width - side))
    top = int(np.clip(v - side / 2, 0, height - side))
    return left, top, side


def _detail(rgb: NDArray[np.uint8], picture: dict[str, Any]) -> NDArray[np.uint8]:
    """The square, enlarged, with a bar of 5 cm."""
    left, top, side = _corner(rgb, picture)
    cut = rgb[top : top + side, left : left + side]
    scale = _SIDE_PX / side
    whole = (_SIDE_PX, _SIDE_PX)
    large = np.asarray(cv2.resize(cut, whole, interpolation=cv2.INTER_CUBIC), np.uint8)
    _bar(large, _BAR_M * picture["px_per_m"] * scale)
    return large


def _bar(picture: NDArray[np.uint8], length_px: float) -> None:
    """Of 5 cm, into the lower left corner."""
    y = picture.shape[0] - 24
    for colour, more in (((0, 0, 0), 4), (_WHITE, 0)):
        end = (24 + round(length_px), y)
        cv2.line(picture, (24, y), end, colour, 3 + more, cv2.LINE_AA)
        cv2.putText(picture, "5 cm", (24, y - 10), _FONT, 0.7, colour, 2 + more, cv2.LINE_AA)


def _framed(rgb: NDArray[np.uint8], picture: dict[str, Any]) -> NDArray[np.uint8]:
    left, top, side = _corner(rgb, picture)
    out = rgb.copy()
    cv2.rectangle(out, (left, top), (left + side - 1, top + side - 1), _FRAME, 2)
    return out
