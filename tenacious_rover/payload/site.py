# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the Moonhouse shall stand: level, free of rocks, lit, off the tracks and the lander."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.payload import photograph
from tenacious_rover.rover import frames
from tenacious_rover.sampling.firm import firm_first
from tenacious_rover.sampling.patch import Ground, Patch, Wish, fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tenacious_rover.payload.config import PayloadConfig
    from tenacious_rover.rover.model import Rover

_SUN_BEHIND = 1.5
"""Cost in m of a photograph straight into the sun."""
_SHOULDER = np.radians(40.0)
"""Wanted angle between the view and the sun's light: the rover's shadow falls beside the house."""
_TRACK_M = 0.3


def sites(
    terrain: Ground,
    odom_T_base: NDArray[np.float64],
    rover: Rover,
    config: PayloadConfig,
    near: NDArray[np.float64] | None = None,
    radius_m: float = 0.0,
    lander: NDArray[np.float64] | None = None,
    track: NDArray[np.float64] | None = None,
    sun: NDArray[np.float64] | None = None,
    soft_m: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> list[Patch]:
    """Sites, best first; `stand` is where the rover lets go with the house right over the site.

    Args:
        terrain: map in odom.
        odom_T_base: (4, 4).
        rover: says where the house hangs.
        config: limits.
        near: (2,) wished place in odom; the ground before the rover when left out.
        radius_m: around it; 0 for the config's.
        lander: (2,) in odom.
        track: (n, 2) where the rover has driven, in odom.
        sun: (3,) direction in odom.
        soft_m: points (n, 2) in odom to their distance (n,) from where wheels are known to sink.
    """
    assert rover.payload is not None
    reach = float(rover.payload.base_T_payload[0, 3])
    ahead = odom_T_base[:2, 3] + odom_T_base[:2, 0] * (reach + 0.6)
    wish = replace(
        _wish(rover, config, config.max_slope_deg),
        center=ahead if near is None else near,
        radius_m=radius_m or config.search_radius_m,
        headings=() if sun is None else photogenic(sun),
    )

    def allowed(xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        keep = np.ones(len(xy), bool)
        if lander is not None:
            keep &= np.hypot(*(xy - lander).T) >= config.lander_clearance_m
        if track is not None and len(track):
            gap = np.hypot(xy[:, None, 0] - track[None, :, 0], xy[:, None, 1] - track[None, :, 1])
            keep &= gap.min(axis=1) >= _TRACK_M
        return keep

    felt = soft_m or (lambda xy: np.full(len(xy), np.inf))
    found: list[Patch] = []
    for one in _settling(wish, photograph.back_off(rover, config), config):
        found = found or firm_first(terrain, odom_T_base, one, allowed, felt, most=20)
    if sun is not None:
        found = [replace(p, cost=p.cost + _against_sun(p, sun)) for p in found]
    return sorted(found, key=lambda p: p.cost)


def _settling(wish: Wish, back_m: float, config: PayloadConfig) -> tuple[Wish, ...]:
    """Less and less: the way back free, not seen to be blocked, any; then the same on slopes."""
    seen = replace(wish, behind_m=back_m)
    blind = replace(seen, behind_seen=False)
    steepest = float(np.radians(max(config.steepest_deg, config.max_slope_deg)))
    return seen, blind, wish, *(replace(one, max_slope=steepest) for one in (seen, blind, wish))


def good(
    terrain: Ground, odom_T_base: NDArray[np.float64], rover: Rover, config: PayloadConfig
) -> bool:
    """Whether the house may stand where it would from here; terrain in odom."""
    assert rover.payload is not None
    place = (odom_T_base @ rover.payload.base_T_payload)[:2, 3]
    steepest = max(config.steepest_deg, config.max_slope_deg)
    return fits(terrain, place, _wish(rover, config, steepest))


def _wish(rover: Rover, config: PayloadConfig, max_slope_deg: float) -> Wish:
    """What a site must be, wherever it is."""
    assert rover.payload is not None
    reach, lateral = (float(v) for v in rover.payload.base_T_payload[:2, 3])
    return Wish(
        center=np.zeros(2),
        radius_m=config.search_radius_m,
        reach_m=reach,
        size_m=float(np.max(rover.payload.size[:2])) + 0.1,
        body_m=(float(rover.chassis.size[0]) + 0.1, rover.track_m + 0.15),
        max_slope=float(np.radians(max_slope_deg)),
        max_roughness_m=config.max_roughness_m,
        max_hazard=config.max_hazard,
        lateral_m=lateral,
    )


def photogenic(sun: NDArray[np.float64]) -> tuple[float, float]:
    """The two views with the sun, (3,) towards it, behind a shoulder: yaw, rad."""
    light = float(np.arctan2(-sun[1], -sun[0]))
    return light + float(_SHOULDER), light - float(_SHOULDER)


def _against_sun(patch: Patch, sun: NDArray[np.float64]) -> float:
    """0 with the sun behind a shoulder of the camera, `_SUN_BEHIND` with the sun in the picture."""
    light = np.arctan2(-sun[1], -sun[0])
    apart = abs(frames.wrapped(float(patch.stand[2] - light)))
    return float(_SUN_BEHIND * (1.0 - np.cos(apart - _SHOULDER)) / 2.0)
