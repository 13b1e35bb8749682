# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Setting the Moonhouse down: site, approach, release by the gate, back off, proof, photograph."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tenacious_rover.imaging.catalogue import durable
from tenacious_rover.imaging.error import ImagingError
from tenacious_rover.navigation.state import Goal, ShortMove
from tenacious_rover.payload import interlocks, photograph, proving, site
from tenacious_rover.payload.error import Code, PayloadError
from tenacious_rover.rover import frames
from tenacious_rover.sampling import approach, firm
from tenacious_rover.sampling.field import Field, FieldError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tenacious_rover.payload.config import PayloadConfig
    from tenacious_rover.rover.located import Located
    from tenacious_rover.rover.model import Rover
    from tenacious_rover.sampling.patch import Patch

_TRACK_STEP_M = 0.1
_NEXT_M = 0.4
"""From a site that was given up to the next."""


class Carrier(Field, Protocol):
    """A field with a latch."""

    @property
    def attached(self) -> bool | None:
        """What the latch reports; `None` when it has not."""
        ...

    def arm(self, on: bool) -> None:
        """Power of the latch."""
        ...

    def release(self) -> None:
        """Open it."""
        ...


@dataclass(frozen=True)
class Request:
    """What a goal asks for; `near` (2,) in map or the ground ahead; radius 0: the config's."""

    confirm: bool
    near: NDArray[np.float64] | None = None
    search_radius_m: float = 0.0


@dataclass(frozen=True)
class Deployed:
    """How the house stands: pose (4, 4) in map as seen, whether upright, id of the photograph."""

    map_T_payload: NDArray[np.float64]
    upright: bool
    photograph: str


class Deploying:
    """One deployment, ever; the only holder of the gate.

    `watch` at 10 Hz, always: it keeps the gate's facts and the rover's track.

    Args:
        rover: with a payload.
        config: limits.
        folder: the run's; `payload/status.json` is kept there.
    """

    def __init__(self, rover: Rover, config: PayloadConfig, folder: Path) -> None:
        self.rover, self.folder = rover, folder
        self.configure(config)
        self.track: list[NDArray[np.float64]] = []
        self.request: Request | None = None
        self.status: dict[str, Any] = {"state": "attached or unknown"}

    def configure(self, config: PayloadConfig) -> None:
        """New limits begin with a locked gate."""
        self.config = config
        self.gate = interlocks.Gate(config)

    def watch(self, field: Carrier) -> None:
        """Take in where the rover is and what the latch says."""
        self.gate.observe(self._facts(field))
        where = field.where
        if where is not None:
            xy = where.odom_T_base[:2, 3]
            if not self.track or np.hypot(*(self.track[-1] - xy)) > _TRACK_STEP_M:
                self.track.append(xy)

    def _facts(self, field: Carrier) -> interlocks.Facts:
        where, request = field.where, self.request
        return interlocks.Facts(
            time_s=field.now,
            step_active=request is not None,
            confirmed=request is not None and request.confirm,
            attached=field.attached,
            pose_time_s=None if where is None else where.time_s,
            speed_mps=None if where is None else where.speed_mps,
            turn_radps=None if where is None else where.turn_radps,
            tilt_rad=None if where is None else frames.tilt(where.map_T_base),
        )

    async def deploy(self, field: Carrier, request: Request) -> Deployed:
        """From request to photograph.

        Raises:
            PayloadError: refused, not reached, an interlock, a latch that sticks, a house that does
                not stand or cannot be shown to; the house stays on unless the latch let go.
            ImagingError: a picture cannot be read.
        """
        self._refuse(field, request)
        self.request = request
        try:
            return await self._set_down(field, request)
        except (PayloadError, ImagingError) as error:
            self._note(field, error=str(error))
            raise
        finally:
            self.request = None
            self.gate.disarm()
            field.arm(False)

    def _refuse(self, field: Carrier, request: Request) -> None:
        if not request.confirm:
            raise PayloadError("the request does not say confirm: true", Code.NOT_CONFIRMED)
        if self.request is not None:
            raise PayloadError("a deployment is going on")
        if self.rover.payload is None or field.attached is not True:
            raise PayloadError("the latch does not report the house", Code.NOT_ATTACHED)

    async def _set_down(self, field: Carrier, request: Request) -> Deployed:
        assert self.rover.payload is not None
        await self._let_go(field, request)
        placed = self._here(field).map_T_base @ self.rover.payload.base_T_payload
        self._note(field, state="released", place_m=_xyz(placed), released_s=field.now)
        self._state(field, "backing_off", 0.6, cancel=False)
        back = photograph.back_off(self.rover, self.config)
        away = ShortMove(straight=-back, speed_mps=self.config.back_off_speed_mps)
        try:
            await self._drive(field, away, Code.BACK_OFF_FAILED, cancel=False)
        except PayloadError as error:
            # The house is out there: what can be seen of it from here is worth having.
            field.tell("back_off_held", f"{error}; looking from here", warning=True)
        self._state(field, "proving", 0.75, cancel=False)
        proof = await proving.proven(field, placed, self.rover, self.config, self.folder)
        return self._judged(field, proof)

    async def _let_go(self, field: Carrier, request: Request) -> None:
        """Release at the best site; at another where that is not reached, not free or leans."""
        tried: list[NDArray[np.float64]] = []
        refusal: PayloadError | None = None
        while True:
            self._state(field, "choosing", 0.05)
            chosen = self._choose(field, request, tried, refusal)
            try:
                self._state(field, "approaching", 0.1)
                await self._approach(field, chosen)
                self._state(field, "releasing", 0.5)
                return await self._release(field)
            except PayloadError as error:
                tried.append(chosen.place[:2])
                leans = error.code == Code.INTERLOCK and self._leans(field)
                again = leans or error.code in (Code.APPROACH_FAILED, Code.NO_SITE)
                if not again or len(tried) >= self.config.site_attempts:
                    raise
                refusal = error
                self.gate.disarm()
                field.arm(False)
                field.tell("site_given_up", f"{error}; another is tried", warning=True)

    def _judged(self, field: Carrier, proof: proving.Proof) -> Deployed:
        seen, upright = proof.seen, proof.standing
        facing, lean = math.degrees(frames.yaw(seen.map_T_payload)), math.degrees(seen.lean)
        self._note(
            field,
            state="standing" if upright else "fallen",
            upright=upright,
            place_m=_xyz(seen.map_T_payload),
            facing_deg=facing,
            lean_deg=lean,
            height_m=seen.height_m,
            photograph=proof.photograph,
            composition=proof.score,
        )
        if not upright:
            words = f"it leans {lean:.0f} deg, top {seen.height_m:.2f} m high"
            raise PayloadError(f"the house is not upright: {words}", Code.NOT_UPRIGHT)
        field.tell(
            "house_stands", f"upright, facing {facing:.0f} deg, photograph {proof.photograph}"
        )
        return Deployed(seen.map_T_payload, upright, proof.photograph)

    # -- stages -------------------------------------------------------------------------------

    def _choose(
        self,
        field: Carrier,
        request: Request,
        tried: list[NDArray[np.float64]],
        refusal: PayloadError | None,
    ) -> Patch:
        here, terrain = self._here(field), field.terrain
        if terrain is None:
            raise PayloadError("there is no terrain map yet", Code.NO_SITE)
        odom_T_map = frames.inverse(here.map_T_odom)
        near = None
        if request.near is not None:
            near = frames.points(odom_T_map, np.array([[*request.near, 0.0]]))[0, :2]
        sun = field.sun_map
        found = site.sites(
            terrain,
            here.odom_T_base,
            self.rover,
            self.config,
            near,
            request.search_radius_m,
            odom_T_map[:2, 3],
            np.array(self.track),
            None if sun is None else odom_T_map[:3, :3] @ sun,
            field.soft_m,
        )
        for one in found:
            if all(np.hypot(*(one.place[:2] - other)) > _NEXT_M for other in tried):
                return one
        raise refusal or PayloadError("no level, rock-free site near here", Code.NO_SITE)

    def _leans(self, field: Carrier) -> bool:
        tilt = self._facts(field).tilt_rad
        return tilt is not None and tilt > math.radians(self.config.release_tilt_deg)

    async def _approach(self, field: Carrier, chosen: Patch) -> None:
        """Roughly there, then by turns and straight moves of centimetres; then look once more."""
        assert self.rover.payload is not None
        pose = self._here(field).map_T_odom @ frames.planar(*chosen.stand)
        x, y = float(pose[0, 3]), float(pose[1, 3])
        goal = Goal(x, y, frames.yaw(pose), 0.15, math.radians(15.0))
        firmly = firm.stands(chosen.stand, field.soft_m)
        await self._drive(field, goal, Code.APPROACH_FAILED)
        if firmly and not firm.stands(self._here(field).odom_T_base[:2, 3], field.soft_m):
            words = "the wheels dug in on the way, the ground is soft"
            raise PayloadError(words, Code.APPROACH_FAILED)
        reach, lateral = (float(v) for v in self.rover.payload.base_T_payload[:2, 3])
        await approach.bring(
            chosen.place,
            reach,
            lateral,
            lambda: self._here(field),
            lambda move: self._drive(field, move, Code.APPROACH_FAILED),
        )
        terrain = field.terrain
        here = self._here(field).odom_T_base
        if terrain is None or not site.good(terrain, here, self.rover, self.config):
            raise PayloadError("seen from near, the site is not level and free", Code.NO_SITE)

    async def _release(self, field: Carrier) -> None:
        """Two steps inside the window; again when the latch sticks; at last leave it attached."""
        for attempt in range(self.config.release_attempts):
            self._state(field, "arming", 0.5)
            why = await self._armed(field)
            if why:
                raise PayloadError(f"interlock: {', '.join(why)}", Code.INTERLOCK)
            field.arm(True)
            await field.sleep(self.config.window_open_s + 0.5)
            self._state(field, "releasing", 0.55)
            why = self.gate.release(self._facts(field))
            if why:
                raise PayloadError(f"interlock: {', '.join(why)}", Code.INTERLOCK)
            field.release()
            field.tell("release_commanded", f"attempt {attempt + 1}")
            until = field.now + self.config.release_wait_s
            while field.now < until and field.attached is not False:
                await field.sleep(0.1)
            field.arm(False)
            if field.attached is False:
                return
            field.tell("latch_sticks", f"attempt {attempt + 1}", warning=True)
        words = f"the latch did not let go in {self.config.release_attempts} attempts"
        raise PayloadError(f"{words}; the house stays attached", Code.NOT_RELEASED)

    async def _armed(self, field: Carrier) -> tuple[str, ...]:
        """Wait for rest, then arm the gate; what stood against it at the end."""
        until = field.now + self.config.rest_time_s + 6.0
        why = self.gate.arm(self._facts(field))
        while why and field.now < until:
            self._state(field, "arming", 0.5)
            await field.sleep(0.2)
            why = self.gate.arm(self._facts(field))
        return why

    # -- parts --------------------------------------------------------------------------------

    def _here(self, field: Carrier) -> Located:
        where = field.where
        if where is None:
            raise PayloadError("there is no pose yet", Code.APPROACH_FAILED)
        return where

    def _state(self, field: Carrier, state: str, progress: float, *, cancel: bool = True) -> None:
        try:
            field.state(state, progress, cancel=cancel)
        except FieldError as error:
            raise PayloadError(str(error), Code.CANCELED) from error
        self._note(field, state=state)

    async def _drive(
        self, field: Carrier, goal: Goal | ShortMove, code: Code, *, cancel: bool = True
    ) -> None:
        try:
            await field.drive(goal, cancel=cancel)
        except FieldError as error:
            why = Code.CANCELED if error.cancelled else code
            raise PayloadError(f"cannot drive: {error}", why) from error

    def _note(self, field: Carrier, **facts: Any) -> None:
        """Keep `payload/status.json` of the run."""
        self.status |= {"time_s": field.now, "attached": field.attached, **facts}
        self.status["interlocks"] = [
            {"name": name, "demand": demand} for name, demand in interlocks.table()
        ]
        folder = self.folder / "payload"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            durable(folder / "status.json", json.dumps(self.status, indent=1).encode())
        except OSError as error:
            field.tell("status_not_written", str(error), warning=True)


def _xyz(a_T_b: NDArray[np.float64]) -> list[float]:
    return [round(float(v), 4) for v in a_T_b[:3, 3]]
