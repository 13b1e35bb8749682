# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Taking one sample: patch, approach, picture, scoop, picture, measure, log; else elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tenacious_rover.navigation.state import Goal, ShortMove
from tenacious_rover.rover import frames
from tenacious_rover.sampling import approach, firm, measuring, patch, reach, volume
from tenacious_rover.sampling.error import Code, SamplingError
from tenacious_rover.sampling.field import Field, FieldError
from tenacious_rover.sampling.scooping import FAILED, Scooping, Target

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tenacious_rover.imaging.sidecar import Sidecar
    from tenacious_rover.rover.located import Located
    from tenacious_rover.rover.model import Rover
    from tenacious_rover.sampling.config import SamplingConfig
    from tenacious_rover.sampling.log import Entry, SampleLog

_MARGIN_PX = 16.0
"""Of the picture's border around the ground where the hole will be."""
_APART_M = 0.25
"""Between one try and the next."""
_ROUGHLY = math.radians(20.0)
"""Heading of the drive to a patch; short moves do the rest, where a skid steer would wriggle."""
_DUMP_M = 0.04
_OUT_S, _STOW_S = 2.5, 4.0


class Digger(Field, Protocol):
    """A field with a scoop."""

    def aim_scoop(self, target: Target) -> None:
        """Send the joints."""
        ...

    async def scoop(self, scooping: Scooping) -> bool:
        """Feed the joints' readings to `scooping` and send what it wants until it has finished.

        False: the joints do not report.
        """
        ...


@dataclass(frozen=True)
class Request:
    """A wished sample: `near` (2,) in map or anywhere before the rover; radius 0: the config's."""

    label: str = "sample"
    near: NDArray[np.float64] | None = None
    search_radius_m: float = 0.0


@dataclass(frozen=True)
class Collected:
    """A sample in the log: its record's facts, and the log's newest entry."""

    sample: str
    facts: dict[str, Any]
    head: Entry


class Collecting:
    """Collects samples, one at a time.

    Args:
        rover: with a scoop.
        config: limits.
        log: where samples are recorded.
        folder: the run's, with the pictures.
    """

    def __init__(self, rover: Rover, config: SamplingConfig, log: SampleLog, folder: Path) -> None:
        if rover.scoop is None:
            raise SamplingError("this rover has no scoop", Code.INVALID_REQUEST)
        self.rover, self.config, self.log, self.folder = rover, config, log, folder
        self._scoop = rover.scoop
        self._dig = reach.dig_point(rover, config.dig_depth_m)
        hole = volume.reach_m(rover.scoop)
        self._back = reach.stand_back(rover, self._dig, hole, _MARGIN_PX)

    async def collect(self, field: Digger, request: Request) -> Collected:
        """Patch after patch, until one gives soil.

        Raises:
            SamplingError: none did, or the log or the cameras do not work, or it was cancelled.
        """
        tried: list[NDArray[np.float64]] = []
        last: SamplingError | None = None
        name = self.log.next_name()
        await self._emptied(field)
        for number in range(self.config.attempts):
            self._state(field, "choosing", number / self.config.attempts)
            try:
                chosen = self._choose(field, request, tried)
            except SamplingError as error:
                raise (last or error) from error
            tried.append(chosen.place[:2])
            try:
                return await self._sample(field, request.label, name, chosen)
            except SamplingError as error:
                if error.code in (Code.CANCELED, Code.LOG_FAILED, Code.NO_FRAME):
                    raise
                last = error
                field.tell("sample_attempt", str(error), warning=True)
                self._log("attempt", name, {"time_s": field.now, "why": str(error)})
        assert last is not None
        raise last

    def _choose(
        self, field: Digger, request: Request, tried: list[NDArray[np.float64]]
    ) -> patch.Patch:
        here, terrain, sun = self._here(field), field.terrain, field.sun_map
        if terrain is None:
            raise SamplingError("there is no terrain map yet", Code.NO_SAFE_PATCH)
        dig = self._dig
        center = frames.points(here.odom_T_base, np.array([[dig[0] + self._back, dig[1], 0.0]]))[0]
        if request.near is not None:
            wished = np.array([[*request.near, 0.0]])
            center = frames.points(frames.inverse(here.map_T_odom), wished)[0]
        wish = patch.Wish(
            center=center[:2],
            radius_m=request.search_radius_m or self.config.search_radius_m,
            reach_m=float(dig[0]),
            size_m=self._scoop.blade_width_m + 0.1,
            body_m=(float(self.rover.chassis.size[0]), self.rover.track_m + 0.1),
            max_slope=math.radians(self.config.max_slope_deg),
            max_roughness_m=self.config.max_roughness_m,
            max_hazard=self.config.max_hazard,
            lateral_m=float(dig[1]),
            sun=None if sun is None else here.map_T_odom[:3, :3].T @ sun,
            shade=reach.silhouette(self.rover),
        )

        def untried(xy: NDArray[np.float64]) -> NDArray[np.bool_]:
            keep = np.ones(len(xy), bool)
            for place in tried:
                keep &= np.hypot(*(xy - place).T) > _APART_M
            return keep

        found = firm.firm_first(terrain, here.odom_T_base, wish, untried, field.soft_m)
        if not found:
            words = f"no flat, rock-free, lit patch within {wish.radius_m:g} m"
            raise SamplingError(words, Code.NO_SAFE_PATCH)
        return found[0]

    async def _sample(self, field: Digger, label: str, name: str, chosen: patch.Patch) -> Collected:
        """One attempt at one patch."""
        back = self._back
        self._state(field, "approaching", 0.1)
        await self._approach(field, chosen)
        self._state(field, "before_image", 0.4)
        before = await self._stereo(field, f"sample {name} before")
        if back:
            await self._drive(field, ShortMove(straight=back))
        self._state(field, "scooping", 0.5)
        scooping = await self._scooped(field)
        dug_from = self._here(field)
        if back:
            await self._drive(field, ShortMove(straight=-back))
        if scooping.phase in FAILED:
            words = f"the scoop stopped: {scooping.phase.value}"
            raise SamplingError(words, Code.SCOOP_STALLED)
        self._state(field, "after_image", 0.8)
        after = await self._stereo(field, f"sample {name} after")
        contact = scooping.contact if scooping.contact is not None else self._dig
        floor = self.config.pose_floor_m
        place, spread = reach.place(dug_from.map_T_base, dug_from.covariance, contact, floor)
        seen = measuring.changed(before, after, place, self.rover, self.folder)
        if seen.volume_ml < self.config.min_volume_ml or seen.significance < 3.0:
            words = f"no soil seen to be taken ({seen.volume_ml:.1f} ± {seen.sigma_ml:.1f} ml)"
            raise SamplingError(words, Code.NOTHING_TAKEN)
        self._state(field, "logging", 0.95)
        facts: dict[str, Any] = {"label": label, "time_s": field.now, "rover": self.rover.name}
        facts |= {"frame": frames.MAP, "pose_time_s": dug_from.time_s}
        facts |= {"place_m": [float(v) for v in place]}
        facts |= {"covariance_m2": [float(v) for v in spread.ravel()]}
        facts |= measuring.facts(seen, scooping, (*before, *after), self.rover, self.folder, place)
        facts["images"].append(measuring.kept_change(seen, name, self.folder))
        return self._recorded(field, name, facts)

    def _recorded(self, field: Digger, name: str, facts: dict[str, Any]) -> Collected:
        entry = self._log("sample", name, facts)
        custody = {"event": "collected", "holder": "scoop", "time_s": field.now}
        head = self._log("custody", name, custody)
        x, y = facts["place_m"][:2]
        words = f"{name}: {facts['volume_ml']:.0f} ± {facts['volume_sigma_ml']:.0f} ml at "
        field.tell("sample_logged", words + f"{x:.2f}, {y:.2f}", hash=entry.hash)
        return Collected(name, facts, head)

    # -- parts --------------------------------------------------------------------------------

    async def _approach(self, field: Digger, chosen: patch.Patch) -> None:
        """Stand with the patch where the cameras see it, the scoop's reach and a step away."""
        distance, lateral = float(self._dig[0]) + self._back, float(self._dig[1])
        yaw = chosen.stand[2]
        here = self._here(field)
        xy = np.array(patch.stand_before(chosen.place, yaw, distance, lateral))
        far = float(np.hypot(*(here.odom_T_base[:2, 3] - xy)))
        if far > 0.3 or abs(frames.wrapped(frames.yaw(here.odom_T_base) - yaw)) > 0.5:
            pose = here.map_T_odom @ frames.planar(float(xy[0]), float(xy[1]), yaw)
            goal = Goal(
                float(pose[0, 3]),
                float(pose[1, 3]),
                frames.yaw(pose),
                self.config.approach_tolerance_m,
                _ROUGHLY,
            )
            firmly = firm.stands(chosen.stand, field.soft_m)
            await self._drive(field, goal)
            here = self._here(field)
            if firmly and not firm.stands(here.odom_T_base[:2, 3], field.soft_m):
                words = "approach: the wheels dug in on the way, the ground is soft"
                raise SamplingError(words, Code.APPROACH_FAILED)
        await approach.bring(
            chosen.place,
            distance,
            lateral,
            lambda: self._here(field),
            lambda move: self._drive(field, move),
        )
        await field.sleep(self.config.settle_s)

    async def _scooped(self, field: Digger) -> Scooping:
        """Scoop, and stow: with soil when there is some, emptied when it stopped."""
        scooping = Scooping(self.rover, self.config)
        if not await field.scoop(scooping):
            raise SamplingError("the scoop's joints do not report", Code.SCOOP_STALLED)
        await field.sleep(_OUT_S)
        if scooping.phase in FAILED:
            await self._dump(field)
        await self._stow(field)
        return scooping

    async def _dump(self, field: Digger) -> None:
        """Hold the blade steep above the ground."""
        angle = float(reach.DUMP_ANGLE)
        lift = reach.lift_for(self._scoop, reach.ground_height(self.rover) + _DUMP_M, angle)
        tilt = reach.tilt_for(self._scoop, lift, angle)
        field.aim_scoop(Target(lift, tilt, _OUT_S))
        await field.sleep(_OUT_S + 0.5)

    async def _stow(self, field: Digger) -> None:
        field.aim_scoop(Target(*self._scoop.stow, _STOW_S))
        await field.sleep(_STOW_S + 0.5)

    async def _emptied(self, field: Digger) -> None:
        """The scoop is all there is to keep a sample in: another one drops what it holds."""
        holder = {e.sample: e.facts.get("holder") for e in self.log.entries(kind="custody")}
        for name in [sample for sample, last in holder.items() if last == "scoop"]:
            await self._dump(field)
            await self._stow(field)
            words = {"event": "dropped for another sample", "holder": "none", "time_s": field.now}
            self._log("custody", name, words)

    async def _stereo(self, field: Digger, purpose: str) -> tuple[Sidecar, Sidecar]:
        try:
            return await field.stereo(purpose)
        except FieldError as error:
            code = Code.CANCELED if error.cancelled else Code.NO_FRAME
            raise SamplingError(f"no picture for '{purpose}': {error}", code) from error

    async def _drive(self, field: Digger, goal: Goal | ShortMove) -> None:
        if isinstance(goal, ShortMove):
            speed = self.config.approach_speed_mps
            goal = ShortMove(goal.straight, goal.turn, speed_mps=speed)
        try:
            await field.drive(goal)
        except FieldError as error:
            code = Code.CANCELED if error.cancelled else Code.APPROACH_FAILED
            raise SamplingError(f"approach: {error}", code) from error

    def _log(self, kind: str, name: str, facts: dict[str, Any]) -> Entry:
        try:
            return self.log.append(kind, name, facts)
        except SamplingError as error:
            raise SamplingError(str(error), Code.LOG_FAILED) from error

    def _here(self, field: Digger) -> Located:
        where = field.where
        if where is None:
            raise SamplingError("there is no pose yet", Code.APPROACH_FAILED)
        return where

    def _state(self, field: Digger, state: str, progress: float) -> None:
        try:
            field.state(state, progress)
        except FieldError as error:
            raise SamplingError(str(error), Code.CANCELED) from error
