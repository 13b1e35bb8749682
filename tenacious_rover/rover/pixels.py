# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Pixels of any encoding the contract allows, to grey or colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TO_RGB = {
    "rgb8": None,
    "bgr8": cv2.COLOR_BGR2RGB,
    "rgba8": cv2.COLOR_RGBA2RGB,
    "bgra8": cv2.COLOR_BGRA2RGB,
    "mono8": cv2.COLOR_GRAY2RGB,
    "bayer_rggb8": cv2.COLOR_BayerRGGB2RGB,
    "bayer_bggr8": cv2.COLOR_BayerBGGR2RGB,
    "bayer_gbrg8": cv2.COLOR_BayerGBRG2RGB,
    "bayer_grbg8": cv2.COLOR_BayerGRBG2RGB,
}


class EncodingError(ValueError):
    """The encoding is not one the contract allows."""


def rgb(pixels: NDArray[Any], encoding: str) -> NDArray[np.uint8]:
    """(h, w, 3) of pixels (h, w) or (h, w, channels) in a ROS image encoding.

    Raises:
        EncodingError: not an 8-bit colour or grey encoding.
    """
    if encoding not in _TO_RGB:
        raise EncodingError(f"image encoding {encoding!r} is not one of {', '.join(_TO_RGB)}")
    code = _TO_RGB[encoding]
    return np.asarray(pixels if code is None else cv2.cvtColor(pixels, code), np.uint8)


def gray(pixels: NDArray[Any], encoding: str) -> NDArray[np.uint8]:
    """(h, w) of pixels in a ROS image encoding; luminance weights of OpenCV.

    Raises:
        EncodingError: not an 8-bit colour or grey encoding.
    """
    if encoding == "mono8":
        return np.asarray(pixels, np.uint8)
    return np.asarray(cv2.cvtColor(rgb(pixels, encoding), cv2.COLOR_RGB2GRAY), np.uint8)
