# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The estimate on disk, so that a restart goes on where the rover was."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.localization.error import LocalizationError
from tenacious_rover.localization.filter import SIZE, State
from tenacious_rover.localization.propagation import ERRORS, P_, R_, V_

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT = 1


def save(path: Path, state: State) -> None:
    """Replace the checkpoint in one step that survives power loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "format": _FORMAT,
        "time_s": state.time_s,
        "x": state.x.tolist(),
        "covariance": state.covariance.tolist(),
    }
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load(path: Path) -> State:
    """The state that was saved.

    Raises:
        LocalizationError: there is none, or it is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        x, covariance = np.array(content["x"], float), np.array(content["covariance"], float)
        time_s, number = float(content["time_s"]), content["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LocalizationError(f"{path}: no checkpoint to resume from ({error})") from error
    if number != _FORMAT:
        raise LocalizationError(f"{path}: format {number!r}, not {_FORMAT}")
    good = x.shape == (SIZE,) and covariance.shape == (ERRORS, ERRORS)
    if not (good and np.isfinite(x).all() and np.isfinite(covariance).all()):
        raise LocalizationError(f"{path}: the checkpoint does not hold a state")
    return State(time_s, x, covariance)


def resumed(state: State, time_s: float, moved_m: float, turned: float) -> State:
    """The state at the restart, meanwhile moved by `moved_m` m and `turned` rad at one sigma."""
    out = state.copy()
    out.time_s = time_s
    out.x[3:6] = 0.0
    p = out.covariance
    p[V_ : V_ + 3, :] = p[:, V_ : V_ + 3] = 0.0
    p[range(V_, V_ + 3), range(V_, V_ + 3)] = 0.02**2
    p[range(P_, P_ + 3), range(P_, P_ + 3)] += moved_m**2
    p[range(R_, R_ + 3), range(R_, R_ + 3)] += turned**2
    return out
