# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Parts to convex solids: a house becomes walls, a gable, two slabs of roof and a chimney."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover import frames
from tenacious_rover.simulator.camera import materials
from tenacious_rover.simulator.camera.error import CameraError
from tenacious_rover.simulator.camera.solids import (
    BOX,
    CENTER,
    CYLINDER,
    ELLIPSOID,
    GABLE,
    RADIUS,
    make_solids,
)
from tenacious_rover.simulator.parts import LABELS, SHAPES, SURFACES, Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_KIND = {"box": BOX, "cylinder": CYLINDER, "ellipsoid": ELLIPSOID}
_MATERIAL = {
    "paint": materials.PAINT,
    "foil": materials.FOIL,
    "panel": materials.PANEL,
    "tyre": materials.TYRE,
}
_ROOF = (0.045, 0.045, 0.05)
_CHIMNEY = (0.30, 0.12, 0.09)
_WALLS = 0.58
"""Height of the walls, of the house's."""

Piece = tuple[int, "NDArray[np.float64]", "NDArray[np.float64]", tuple[float, float, float], int]
"""Kind, map_T_solid (4, 4), half sizes (3,), colour, material."""


def part_solids(
    parts: Sequence[Part],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Solids of the parts, balls (g, 4) about all of one label, and the runs (g + 1,) of those.

    Raises:
        CameraError: unknown shape, surface or label; a size or pose not finite and positive.
    """
    pieces: list[Piece] = []
    labels: list[int] = []
    runs = [0]
    ordered = sorted(parts, key=lambda part: LABELS.index(_checked(part).label))
    for number, part in enumerate(ordered):
        if number and part.label != ordered[number - 1].label:
            runs.append(len(pieces))
        new = _house(part) if part.shape == "house" else [_simple(part)]
        pieces += new
        labels += [LABELS.index(part.label)] * len(new)
    if pieces:
        runs.append(len(pieces))
    n = len(pieces)
    solids = make_solids(
        np.array([piece[0] for piece in pieces], np.uint8),
        np.array([piece[1][:3, 3] for piece in pieces]).reshape(n, 3),
        np.array([piece[1][:3, :3] for piece in pieces]).reshape(n, 3, 3),
        np.array([piece[2] for piece in pieces]).reshape(n, 3),
        np.array([piece[3] for piece in pieces]).reshape(n, 3),
        np.array([piece[4] for piece in pieces], np.uint8),
        np.array(labels, np.uint8),
    )
    groups = np.zeros((len(runs) - 1, 4))
    for g, (first, last) in enumerate(itertools.pairwise(runs)):
        centers = solids[first:last, CENTER : CENTER + 3]
        center = centers.mean(axis=0)
        away = np.linalg.norm(centers - center, axis=1)
        groups[g, :3] = center
        groups[g, 3] = (away + solids[first:last, RADIUS]).max() + 1e-6
    return solids, groups, np.array(runs, np.int64)


def _checked(part: Part) -> Part:
    for field, value, allowed in (
        ("shape", part.shape, SHAPES),
        ("surface", part.surface, SURFACES),
        ("label", part.label, LABELS),
    ):
        if value not in allowed:
            raise CameraError(f"part {field}: {value!r} is not one of {', '.join(allowed)}")
    size, pose = np.asarray(part.size, float), np.asarray(part.map_T_part, float)
    if size.shape != (3,) or not (np.isfinite(size).all() and (size > 0.0).all()):
        raise CameraError(f"part size: {part.size} is not three positive lengths")
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise CameraError(f"part map_T_part: not a finite (4, 4): {pose.tolist()}")
    return part


def _simple(part: Part) -> Piece:
    half = np.asarray(part.size, float) / 2.0
    return _KIND[part.shape], part.map_T_part, half, part.colour, _MATERIAL[part.surface]


def _house(part: Part) -> list[Piece]:
    """A cottage: the ridge runs along x; the eaves stand out a little, within the size."""
    length, width, height = (float(value) for value in part.size)
    walls, eave = _WALLS * height, 0.06 * width
    inside = width / 2.0 - eave
    steep = (height - walls) / inside
    angle = float(np.arctan(steep))
    thick = 0.05 * height
    run = width / 2.0 / np.cos(angle)

    def at(x: float, y: float, z: float, roll: float = 0.0) -> NDArray[np.float64]:
        return part.map_T_part @ frames.from_rpy((x, y, z), (roll, 0.0, 0.0))

    def slab(side: float) -> Piece:
        # Its upper face goes from the ridge to the eave.
        y = side * (width / 4.0 - thick / 2.0 * np.sin(angle))
        z = height - steep * width / 4.0 - thick / 2.0 * np.cos(angle)
        half = np.array([length, run, thick]) / 2.0
        return BOX, at(0.0, y, z, -side * angle), half, _ROOF, materials.ROOF

    body = np.array([length / 2.0 - eave, inside, walls / 2.0])
    gable = np.array([length / 2.0 - eave, inside, height - walls - 0.5 * thick])
    chimney = np.array([0.05 * length, 0.05 * width, 0.13 * height])
    return [
        (BOX, at(0.0, 0.0, walls / 2.0), body, part.colour, materials.WALL),
        (GABLE, at(0.0, 0.0, walls), gable, part.colour, materials.PAINT),
        slab(1.0),
        slab(-1.0),
        (BOX, at(-0.2 * length, 0.0, height - chimney[2]), chimney, _CHIMNEY, materials.PAINT),
    ]
