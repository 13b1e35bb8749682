# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Slip to be expected on a slope, learned while driving.

Slip is 1 - v_ground / v_wheel. It is a smooth function of the slope along the way, so it is a
Gaussian process over slope (Rasmussen and Williams 2006, ch. 2), kept at fixed knots: the state is
the slip at each knot, its prior covariance the kernel, a measurement looks at two knots (linear
interpolation), and each update is that of a Kalman filter. Measured once on level ground it says
something about 3 deg and nothing about 15 deg.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.rover.config import bounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]

_KNOTS = np.radians(np.arange(-30.0, 30.1, 2.5))


@dataclass(frozen=True)
class SlipConfig:
    """What is believed before the first measurement, and how fast beliefs change."""

    level: float = bounded(0.10, 0.0, 0.5, "slip on level ground")
    growth_per_deg: float = bounded(0.10, 0.0, 0.5, "slip uphill grows by exp(this * deg)")
    prior_sigma: float = bounded(0.10, 0.0, 1.0, "deviation of level slip before measurements")
    prior_sigma_per_deg: float = bounded(0.015, 0.0, 0.1, "and what each degree of slope adds")
    similar_deg: float = bounded(6.0, 0.5, 30.0, "slopes this close slip alike")
    measured_sigma: float = bounded(0.10, 0.005, 1.0, "deviation of one measurement")
    forget_m: float = bounded(40.0, 1.0, 10000.0, "way after which half of the lesson is gone")
    outlier_sigma: float = bounded(4.0, 1.0, 20.0, "measurements farther off count for less")


class SlipModel:
    """Slip against slope along the way; uphill is positive. Rad throughout.

    Attributes:
        measurements: how many were taken in.
    """

    def __init__(self, config: SlipConfig | None = None) -> None:
        self.config = config or SlipConfig()
        c, degrees = self.config, np.degrees(_KNOTS)
        # Downhill wheels brake: slip changes sign, and is as large as uphill with respect to level.
        grown = c.level * np.exp(c.growth_per_deg * np.abs(degrees))
        self._prior = np.clip(np.where(degrees < 0.0, 2.0 * c.level - grown, grown), -0.95, 0.95)
        sigma = c.prior_sigma + c.prior_sigma_per_deg * np.abs(degrees)
        apart = (degrees[:, None] - degrees[None, :]) / c.similar_deg
        self._kernel = sigma[:, None] * sigma[None, :] * np.exp(-0.5 * apart**2)
        self._mean, self._covariance = self._prior.copy(), self._kernel.copy()
        self.measurements = 0

    def learn(self, slope: float, slip: float, sigma: float | None = None) -> None:
        """Take in one measurement.

        Args:
            slope: of the ground along the way, rad.
            slip: measured, -1 to 1.
            sigma: its standard deviation; the config's when left out.

        Raises:
            PerceptionError: not finite.
        """
        sigma = self.config.measured_sigma if sigma is None else sigma
        if not (np.isfinite([slope, slip, sigma]).all() and sigma > 0.0):
            raise PerceptionError(f"slip: slope {slope!r}, slip {slip!r}, sigma {sigma!r}")
        look = _weights(np.array([slope]))[0]
        toward = self._covariance @ look
        spread = float(look @ toward)
        off = float(np.clip(slip, -1.0, 1.0) - look @ self._mean)
        noise = sigma**2
        far = off**2 / (self.config.outlier_sigma**2 * (spread + noise))
        # A measurement far off is believed as little as makes it just probable.
        noise = noise if far <= 1.0 else far * (spread + noise) - spread
        gain = toward / (spread + noise)
        self._mean = self._mean + gain * off
        self._covariance = self._covariance - np.outer(gain, toward)
        self._covariance = 0.5 * (self._covariance + self._covariance.T)
        self.measurements += 1

    def drove(self, distance_m: float) -> None:
        """Soil changes along the way: mean and covariance fall back towards the prior."""
        kept = 0.5 ** (max(distance_m, 0.0) / self.config.forget_m)
        self._mean = self._prior + kept * (self._mean - self._prior)
        self._covariance = self._kernel + kept**2 * (self._covariance - self._kernel)

    def predict(self, slope: Float) -> tuple[Float, Float]:
        """Slip (n,) in -0.95..0.99 and its standard deviation (n,) at slopes (n,) along the way.

        Beyond 30 deg it is that at 30 deg.
        """
        look = _weights(np.atleast_1d(np.asarray(slope, float)))
        mean = np.clip(look @ self._mean, -0.95, 0.99)
        return mean, np.sqrt(np.maximum(np.sum((look @ self._covariance) * look, axis=1), 0.0))


def _weights(slope: Float) -> Float:
    """(n, knots) of linear interpolation."""
    place = np.interp(slope, _KNOTS, np.arange(len(_KNOTS), dtype=float))
    low = np.minimum(place.astype(int), len(_KNOTS) - 2)
    share = place - low
    out = np.zeros((len(slope), len(_KNOTS)))
    rows = np.arange(len(slope))
    out[rows, low], out[rows, low + 1] = 1.0 - share, share
    return out
