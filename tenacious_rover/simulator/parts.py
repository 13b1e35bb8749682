# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Made things as the camera sees them: simple shapes placed in map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHAPES = ("box", "cylinder", "ellipsoid", "house")
SURFACES = ("paint", "foil", "panel", "tyre")
LABELS = ("sky", "ground", "rock", "lander", "rover", "house")
"""What a pixel of `Frame.label` is: its value is the place in this list."""


@dataclass(frozen=True)
class Part:
    """A thing that is seen and casts a shadow.

    `shape` of `SHAPES`; `map_T_part` (4, 4) its centre's frame (a house: its floor's centre, x
    forward, z up); `size` (3,) m along that frame's axes (a cylinder stands along z); `colour` (3,)
    reflectance 0..1; `label` of `LABELS`; `surface` of `SURFACES`.
    """

    shape: str
    map_T_part: NDArray[np.float64]
    size: NDArray[np.float64]
    colour: tuple[float, float, float] = (0.5, 0.5, 0.5)
    label: str = "rover"
    surface: str = "paint"
