# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""How regolith scatters light: Hapke's bidirectional reflectance.

    r / pi-normalised: I/F = w/4 * mu0 / (mu0 + mu) * ((1 + B(g)) p(g) + H(mu0) H(mu) - 1)

Lommel-Seeliger's law times a phase function, plus isotropic multiple scattering (Hapke 2012,
"Theory of Reflectance and Emittance Spectroscopy", 2nd ed., ch. 8-9). p(g) is the double
Henyey-Greenstein function with the hockey-stick relation c = 3.29 exp(-17.4 b^2) - 0.908 (Hapke
2012, Icarus 221, 1079), B(g) the shadow-hiding opposition surge. The parameters are of the size
that Sato et al. (2014, JGR Planets 119, 1775) map for the maria: assumed typical values, not those
of one place. Hapke's macroscopic roughness is left out on purpose: relief is modelled as relief.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from tenacious_rover.simulator.camera.fast import FAST

if TYPE_CHECKING:
    from numpy.typing import NDArray

W = 0.21
"""Single-scattering albedo of mare soil near 600 nm (assumed)."""
B_WIDTH = 0.24
B_WEIGHT = 3.29 * math.exp(-17.4 * B_WIDTH**2) - 0.908
SURGE = 1.8
SURGE_WIDTH = 0.07
TABLE = 2048


def phase(g: NDArray[np.float64]) -> NDArray[np.float64]:
    """(1 + B(g)) p(g) at phase angles g, rad."""
    b, c = B_WIDTH, B_WEIGHT
    cosine = np.cos(g)
    back = (1.0 - b * b) / (1.0 - 2.0 * b * cosine + b * b) ** 1.5
    forth = (1.0 - b * b) / (1.0 + 2.0 * b * cosine + b * b) ** 1.5
    p = 0.5 * (1.0 + c) * back + 0.5 * (1.0 - c) * forth
    surge = SURGE / (1.0 + np.tan(np.clip(g, 0.0, 3.14159) / 2.0) / SURGE_WIDTH)
    return np.asarray((1.0 + surge) * p)


def phase_table() -> NDArray[np.float32]:
    """`phase` at equal steps of sqrt((1 - cos g) / 2) = sin(g / 2) from 0 to 1."""
    return phase(2.0 * np.arcsin(np.linspace(0.0, 1.0, TABLE))).astype(np.float32)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def radiance_factor(
    mu0: float, mu: float, cosine: float, w: float, table: NDArray[np.float32]
) -> float:
    """I/F: 1 for a white Lambert surface that faces the sun.

    Args:
        mu0: cosine of incidence, > 0.
        mu: cosine of emission.
        cosine: of the phase angle.
        w: single-scattering albedo.
        table: of `phase_table`.
    """
    mu = max(mu, 0.02)
    place = math.sqrt(max(0.5 - 0.5 * cosine, 0.0)) * (len(table) - 1)
    k = min(int(place), len(table) - 2)
    p = table[k] + (table[k + 1] - table[k]) * (place - k)
    root = 2.0 * math.sqrt(1.0 - w)
    multiple = (1.0 + 2.0 * mu0) / (1.0 + root * mu0) * (1.0 + 2.0 * mu) / (1.0 + root * mu) - 1.0
    return 0.25 * w * mu0 / (mu0 + mu) * (p + multiple)
