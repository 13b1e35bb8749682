# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The proof that the house stands, and its photograph: pictures until one is good."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenacious_rover.imaging.catalogue import read_picture
from tenacious_rover.navigation.state import ShortMove
from tenacious_rover.payload import house, photograph
from tenacious_rover.payload.error import Code, PayloadError
from tenacious_rover.rover import frames, pixels
from tenacious_rover.sampling.field import Field, FieldError
from tenacious_rover.sampling.volume import near_depth

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from tenacious_rover.imaging.sidecar import Sidecar
    from tenacious_rover.payload.config import PayloadConfig
    from tenacious_rover.rover.model import Rover

_PHOTOS = 3
_GOOD_SCORE = 0.8
_CENTRED, _WORTH_TURNING = math.radians(12.0), math.radians(5.0)
_STEP_BACK_M = 0.15


@dataclass(frozen=True)
class Proof:
    """What the best picture shows: the house, id of the left picture, score of the composition."""

    seen: house.Sighting
    photograph: str
    score: float
    standing: bool


async def proven(
    field: Field,
    placed: NDArray[np.float64],
    rover: Rover,
    config: PayloadConfig,
    folder: Path,
) -> Proof:
    """Pictures until one is well composed and shows the house upright; the best there is.

    Args:
        field: stands, or turns and backs between pictures.
        placed: map_T_payload (4, 4) where it was let go.
        rover: camera and house.
        config: limits.
        folder: the run's, with the pictures.

    Raises:
        PayloadError: no picture shows the house, or the rover cannot move.
        ImagingError: a picture cannot be read.
    """
    best: Proof | None = None
    last = None
    for _ in range(_PHOTOS):
        await field.sleep(config.settle_s)
        pair = await _picture(field)
        proof = None
        try:
            proof = _read(pair, rover, config, folder)
        except PayloadError as error:
            last = error
            turn = _bearing(field, placed)
        else:
            if best is None or (proof.standing, proof.score) > (best.standing, best.score):
                best = proof
            turn = proof.seen.bearing
        move = _better_view(proof, best, turn)
        if move is None:
            break
        try:
            await field.drive(move, cancel=False)
        except FieldError as error:
            if best is None:
                raise PayloadError(f"cannot drive: {error}", Code.BACK_OFF_FAILED) from error
            break
    if best is None:
        raise PayloadError(f"no proof: {last}", Code.NO_PROOF)
    return best


def _better_view(proof: Proof | None, best: Proof | None, turn: float) -> ShortMove | None:
    """The move before the next picture; `None` when there need be no other."""
    good = proof is not None and proof.standing and proof.score > _GOOD_SCORE
    if good and abs(turn) < _CENTRED:
        return None
    if abs(turn) > _WORTH_TURNING:
        return ShortMove(turn=turn)
    if proof is not None and proof.standing and best is not None and best.seen.whole:
        return None
    return ShortMove(straight=-_STEP_BACK_M)


async def _picture(field: Field) -> tuple[Sidecar, Sidecar]:
    try:
        return await field.stereo("Moonhouse proof and photograph")
    except FieldError as error:
        raise PayloadError(f"no picture of the house: {error}", Code.NO_PROOF) from error


def _read(
    pair: tuple[Sidecar, Sidecar], rover: Rover, config: PayloadConfig, folder: Path
) -> Proof:
    left, right = (read_picture(folder / s.path, s.sha256) for s in pair)
    grey = [pixels.gray(image, "rgb8") for image in (left, right)]
    depth = near_depth(grey[0], grey[1], rover.cameras["left"].fx_px, rover.baseline_m)
    pose = pair[0].map_T_base
    if pose is None:
        raise PayloadError("the picture has no pose", Code.NO_PROOF)
    seen = house.sighted(left, depth, rover, pose)
    score = photograph.judged(seen, rover, pose).score
    standing = house.upright(seen, rover, math.radians(config.upright_deg))
    return Proof(seen, pair[0].id, score, standing)


def _bearing(field: Field, placed: NDArray[np.float64]) -> float:
    """Where the house should be, from the rover's x axis, rad."""
    where = field.where
    if where is None:
        raise PayloadError("there is no pose", Code.NO_PROOF)
    inside = frames.points(frames.inverse(where.map_T_base), placed[None, :3, 3])[0]
    return math.atan2(inside[1], inside[0])
