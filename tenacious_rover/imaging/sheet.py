# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Thumbnails, and many of them on one sheet."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
_PAPER, _INK, _GREY = 255, (20, 20, 20), (110, 110, 110)


def thumbnail(rgb: Picture, width: int = 240, height: int = 180) -> Picture:
    """(height, width, 3), the whole picture on grey."""
    scale = min(width / rgb.shape[1], height / rgb.shape[0])
    size = (max(int(rgb.shape[1] * scale), 1), max(int(rgb.shape[0] * scale), 1))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    out = np.full((height, width, 3), 30, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    out[top : top + size[1], left : left + size[0]] = small
    return out


def contact_sheet(
    pictures: list[Picture], captions: list[tuple[str, str]], columns: int = 4, title: str = ""
) -> Picture:
    """(h, w, 3) with every picture and two lines under it."""
    width, height, gap, text = 300, 225, 14, 40
    rows = max(-(-len(pictures) // columns), 1)
    head = 46 if title else gap
    out = np.full(
        (head + rows * (height + text + gap) + gap, gap + columns * (width + gap), 3),
        _PAPER,
        np.uint8,
    )
    if title:
        _write(out, title, (gap, 32), 0.7, _INK)
    for index, (picture, (first, second)) in enumerate(zip(pictures, captions, strict=True)):
        row, column = divmod(index, columns)
        y, x = head + row * (height + text + gap), gap + column * (width + gap)
        out[y : y + height, x : x + width] = thumbnail(picture, width, height)
        _write(out, first, (x, y + height + 15), 0.42, _INK)
        _write(out, second, (x, y + height + 32), 0.38, _GREY)
    return out


def _write(
    image: Picture, text: str, at: tuple[int, int], size: float, ink: tuple[int, int, int]
) -> None:
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, ink, 1, cv2.LINE_AA)
