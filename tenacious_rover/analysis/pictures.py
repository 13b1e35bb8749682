# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of messages and files, small enough for a page."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tenacious_rover.rover import pixels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_CHANNELS = {"mono8": 1, "rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4} | {
    f"bayer_{order}8": 1 for order in ("rggb", "bggr", "gbrg", "grbg")
}


def message_pixels(message: Any) -> NDArray[np.uint8] | None:
    """(h, w, 3) RGB of an Image or CompressedImage, or `None` when it cannot be shown."""
    if not hasattr(message, "encoding"):
        found = cv2.imdecode(np.frombuffer(bytes(message.data), np.uint8), cv2.IMREAD_COLOR)
        return None if found is None else np.asarray(found[..., ::-1], np.uint8)
    channels = _CHANNELS.get(message.encoding)
    row = message.width * (channels or 0)
    step = message.step or row
    if channels is None or not row or step < row or len(message.data) < step * message.height:
        return None
    raw = np.frombuffer(bytes(message.data), np.uint8, step * message.height)
    rows = raw.reshape(message.height, step)[:, :row]
    shaped = rows.reshape(message.height, message.width, channels).squeeze()
    return pixels.rgb(np.ascontiguousarray(shaped), message.encoding)


def jpeg(rgb: NDArray[np.uint8], width_px: int = 0, quality: int = 82) -> bytes:
    """JPEG of (h, w, 3), at most `width_px` wide."""
    if width_px and rgb.shape[1] > width_px:
        height = max(round(rgb.shape[0] * width_px / rgb.shape[1]), 1)
        rgb = np.asarray(cv2.resize(rgb, (width_px, height), interpolation=cv2.INTER_AREA))
    done, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return data.tobytes() if done else b""


def file_jpeg(
    path: Path, width_px: int, around: tuple[float, float, float] | None = None
) -> bytes | None:
    """JPEG of a picture file, or `None` when it is not there or not a picture.

    With `around` (u, v, side in px) only a square, moved inside the picture and enlarged.
    """
    if not path.is_file():
        return None
    found = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        return None
    if around is not None:
        height, width = found.shape[:2]
        side = int(np.clip(around[2], 16, min(height, width)))
        left = int(np.clip(around[0] - side / 2, 0, width - side))
        top = int(np.clip(around[1] - side / 2, 0, height - side))
        square = found[top : top + side, left : left + side]
        found = cv2.resize(square, (width_px, width_px), interpolation=cv2.INTER_CUBIC)
    return jpeg(np.asarray(found[..., ::-1], np.uint8), width_px)


def png_rgba(rgba: NDArray[np.uint8]) -> bytes:
    """PNG of (h, w, 4)."""
    done, data = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))
    return data.tobytes() if done else b""


def embedded(data: bytes, kind: str = "jpeg") -> str:
    """A data URI."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def message_grey(message: Any) -> NDArray[np.uint8] | None:
    """(h, w) of an Image, with the same weights as the nodes use; `None` when it cannot be read."""
    channels = _CHANNELS.get(message.encoding)
    row = message.width * (channels or 0)
    step = message.step or row
    if channels is None or not row or step < row or len(message.data) < step * message.height:
        return None
    raw = np.frombuffer(bytes(message.data), np.uint8, step * message.height)
    rows = np.ascontiguousarray(raw.reshape(message.height, step)[:, :row])
    shaped = rows.reshape(message.height, message.width, channels).squeeze()
    return pixels.gray(shaped, message.encoding)
