# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Intrinsics of both eyes and their relative pose from pictures of a chessboard (OpenCV)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization.error import LocalizationError

if TYPE_CHECKING:
    from collections.abc import Iterable

Array = NDArray[np.float64]
Grey = NDArray[np.uint8]

_MIN_VIEWS = 8
_DIFFERENT_PX = 12.0
_MOST_VIEWS = 40


@dataclass(frozen=True)
class Eye:
    """One camera: K (3, 3), distortion (5,), rectification R (3, 3), projection P (3, 4)."""

    matrix: Array
    distortion: Array
    rectification: Array
    projection: Array


@dataclass(frozen=True)
class CameraCalibration:
    """Both eyes, `right_R_left` (3, 3) and `right_t_left` (3,) m, and how well they fit."""

    left: Eye
    right: Eye
    right_R_left: Array
    right_t_left: Array
    size: tuple[int, int]
    error_px: float
    views: int
    coverage: float
    """Share of the picture's area, in a 6 x 4 grid, that corners were seen in."""

    @property
    def baseline_m(self) -> float:
        """Distance between the eyes."""
        return float(np.linalg.norm(self.right_t_left))


def calibrate(
    pairs: Iterable[tuple[Grey, Grey]], board: tuple[int, int], square_m: float
) -> CameraCalibration:
    """From pairs of grey pictures of a board with `board` inner corners, across and down.

    Raises:
        LocalizationError: too few different views of the board, or they do not fit.
    """
    if min(board) < 3 or square_m <= 0.0:
        raise LocalizationError(f"board: {board[0]}x{board[1]} with squares of {square_m:g} m")
    lefts: list[Array] = []
    rights: list[Array] = []
    size: tuple[int, int] | None = None
    looked = 0
    for left, right in pairs:
        looked += 1
        if size is not None and (left.shape[1], left.shape[0]) != size:
            raise LocalizationError("pictures of different sizes")
        size = (left.shape[1], left.shape[0])
        found = [_corners(picture, board) for picture in (left, right)]
        if found[0] is None or found[1] is None:
            continue
        if all(np.abs(found[0] - seen).mean() > _DIFFERENT_PX for seen in lefts):
            lefts.append(found[0])
            rights.append(found[1])
        if len(lefts) >= _MOST_VIEWS:
            break
    if len(lefts) < _MIN_VIEWS or size is None:
        raise LocalizationError(
            f"{len(lefts)} different views of a {board[0]}x{board[1]} board in {looked} pairs; "
            f"{_MIN_VIEWS} or more are due"
        )
    return _solved(lefts, rights, board, square_m, size)


def _corners(picture: Grey, board: tuple[int, int]) -> Array | None:
    """(n, 1, 2) px, or `None`."""
    flags = cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_FAST_CHECK
    ok, found = cv2.findChessboardCorners(picture, board, flags=flags)
    if not ok:
        return None
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-3)
    return np.asarray(cv2.cornerSubPix(picture, found, (5, 5), (-1, -1), stop), np.float32)


def _solved(
    lefts: list[Array],
    rights: list[Array],
    board: tuple[int, int],
    square_m: float,
    size: tuple[int, int],
) -> CameraCalibration:
    grid = np.zeros((board[0] * board[1], 3), np.float32)
    grid[:, :2] = np.mgrid[0 : board[0], 0 : board[1]].T.reshape(-1, 2) * square_m
    objects = [grid] * len(lefts)
    # The third radial term is not observable with boards of this size.
    flags = cv2.CALIB_FIX_K3
    eyes: list[Any] = []
    for seen in (lefts, rights):
        _, matrix, distortion, _, _ = cv2.calibrateCamera(
            objects, seen, size, None, None, flags=flags
        )
        eyes += [matrix, distortion]
    together: Any = cv2.stereoCalibrate
    error, k1, d1, k2, d2, turn, shift, _, _ = together(
        objects, lefts, rights, *eyes, size, flags=cv2.CALIB_USE_INTRINSIC_GUESS | flags
    )
    r1, r2, p1, p2, *_ = cv2.stereoRectify(k1, d1, k2, d2, size, turn, shift, alpha=0.0)
    where = np.concatenate(lefts).reshape(-1, 2) // [size[0] / 6.0, size[1] / 4.0]
    return CameraCalibration(
        Eye(k1, d1.ravel(), r1, p1),
        Eye(k2, d2.ravel(), r2, p2),
        np.asarray(turn),
        np.asarray(shift).ravel(),
        size,
        float(error),
        len(lefts),
        len({(int(a), int(b)) for a, b in where}) / 24.0,
    )


def camera_info(eye: Eye, name: str, size: tuple[int, int]) -> dict[str, Any]:
    """In the form that ROS' camera_calibration_parsers reads."""

    def listed(values: Array, rows: int, columns: int) -> dict[str, Any]:
        data = [float(v) for v in np.ravel(values)]
        return {"rows": rows, "cols": columns, "data": data}

    return {
        "image_width": size[0],
        "image_height": size[1],
        "camera_name": name,
        "camera_matrix": listed(eye.matrix, 3, 3),
        "distortion_model": "plumb_bob",
        "distortion_coefficients": listed(eye.distortion[:5], 1, 5),
        "rectification_matrix": listed(eye.rectification, 3, 3),
        "projection_matrix": listed(eye.projection, 3, 4),
    }
