# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The navigator: from pose and terrain to a command, again and again until the goal is reached.

Call `cycle` at 10 Hz or so. It thinks anew when the map is new and steers in between, so that the
wheels rarely wait.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.navigation import follow, guard
from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.navigation.journey import Journey
from tenacious_rover.navigation.recovery import Lasting, Trail, Watch
from tenacious_rover.navigation.short_moves import ShortMoveDrive
from tenacious_rover.navigation.state import Command, Goal, Motion, Pose, ShortMove
from tenacious_rover.navigation.zones import Zones
from tenacious_rover.perception.soft import SoftGround, rocky
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.navigation.local import Checks
    from tenacious_rover.perception.terrain_map import TerrainMap
    from tenacious_rover.rover.model import Rover

Array = NDArray[np.float64]
NO_ZONES = Zones()
STILL_UNKNOWN = Motion()
NO_PATH = np.zeros((0, 3))
_CURVING_RADPS = 0.1


class Navigator:
    """Drives one goal or short move at a time; a new one replaces the old.

    Args:
        rover: geometry and limits.
        config: every number.
        checker: makes the exact check for a terrain map; the default is perception's.
    """

    def __init__(
        self,
        rover: Rover,
        config: NavigationConfig,
        checker: Callable[[TerrainMap], Checks] | None = None,
    ) -> None:
        self.rover, self.config = rover, config
        self._payload = True
        self._given = checker
        self._checker = self._made_checker()
        self.slip = follow.SlipCompensation()
        self.soft = SoftGround()
        self._trail = Trail()
        self._journey: Journey | None = None
        self._move: ShortMoveDrive | None = None
        self._terrain: TerrainMap | None = None
        self._terrain_s = -math.inf
        self._checks: Checks | None = None
        self._sent = follow.STOP
        self._ended = Command()
        self._reset()

    def _reset(self) -> None:
        self._journey = self._move = None
        self._sent = follow.STOP
        self._began_s: float | None = None
        self._waiting, self._objecting = Lasting(), Lasting()
        self._driven_m = 0.0
        self._last: Array | None = None
        self._watch = Watch(self.rover, self.config)

    def _made_checker(self) -> Callable[[TerrainMap], Checks]:
        if self._given is not None:
            return self._given
        from tenacious_rover.navigation.clearance import checker_for

        return checker_for(self.rover, self.config, payload=self._payload)

    def configure(self, config: NavigationConfig) -> None:
        """Other numbers, from the next goal on."""
        self.config = config
        self._checker = self._made_checker()

    def attached(self, payload: bool) -> None:
        """Whether the payload is still carried: without it the rover clears more."""
        if payload != self._payload:
            self._payload = payload
            self._checker = self._made_checker()

    @property
    def busy(self) -> bool:
        """Whether there is something to drive."""
        return self._journey is not None or self._move is not None

    def go(self, goal: Goal | ShortMove, zones: Zones = NO_ZONES) -> None:
        """Begin to drive; what was going on ends.

        Raises:
            NavigationError: the goal makes no sense or lies in a forbidden zone.
        """
        self.stop()
        if isinstance(goal, ShortMove):
            self._move = ShortMoveDrive(goal, self.config)
        else:
            self._journey = Journey(
                goal, zones, self.rover, self.config, self.slip.model, self.soft
            )

    def stop(self) -> None:
        """Drop the goal; the next command is to stand still."""
        self._reset()
        self._ended = Command()

    def cycle(
        self,
        time_s: float,
        pose: Pose | None,
        terrain: TerrainMap | None,
        motion: Motion = STILL_UNKNOWN,
    ) -> Command:
        """The command for now; with `done` set it is the last one of this goal."""
        if not self.busy:
            return self._ended
        self._began_s = time_s if self._began_s is None else self._began_s
        self._see(time_s, terrain)
        try:
            lacking = self._lacking(time_s, pose)
            if lacking or pose is None:
                return self._wait(time_s, pose, lacking)
            self._note(time_s, pose, motion)
            trouble = self._trouble(time_s, pose, motion)
            wanted, state, reason = (
                self._short(time_s, pose, trouble)
                if self._move is not None
                else self._drive(time_s, pose, trouble)
            )
        except NavigationError as error:
            return self._end(time_s, pose, error.code, str(error))
        if wanted is None:
            return self._end(time_s, pose, Code.NONE, "")
        self._sent = self.slip.command(wanted, self.rover) if any(wanted) else follow.STOP
        return self._told(time_s, pose, state, reason)

    # -- the two ways to drive ------------------------------------------------------------------

    def _drive(
        self, time_s: float, pose: Pose, trouble: tuple[Code, str] | None
    ) -> tuple[follow.Speeds | None, str, str]:
        """Around hazards to a goal."""
        journey = self._journey
        assert journey is not None
        assert self._terrain is not None
        assert self._checks is not None
        if trouble is not None:
            journey.recover(time_s, pose, self._checks, self._trail, *trouble)
            self._watch.reset()
        wanted, state, reason = journey.steer(
            time_s, pose, self._terrain, self._checks, self._trail
        )
        if wanted is None or wanted[0] < 0.0 or journey.getting_out:
            return wanted, state, reason
        return self._guarded(time_s, pose, journey, wanted, state, reason)

    def _guarded(
        self,
        time_s: float,
        pose: Pose,
        journey: Journey,
        wanted: follow.Speeds,
        state: str,
        reason: str,
    ) -> tuple[follow.Speeds, str, str]:
        """Stop when the next half metre is not safe; back out when it stays so."""
        assert self._checks is not None
        words = guard.objection(
            frames.flat(pose.odom_T_base),
            wanted,
            journey.path,
            self._checks.guard,
            self.config,
        )
        objecting_s = self._objecting.for_s(time_s, words is not None)
        if words is None:
            return wanted, state, reason
        journey.think_again()
        if objecting_s > self.config.replan_s:
            self._objecting = Lasting()
            journey.recover(time_s, pose, self._checks, self._trail, Code.GUARD_STOP, words)
        return follow.STOP, "blocked", words

    def _short(
        self, time_s: float, pose: Pose, trouble: tuple[Code, str] | None
    ) -> tuple[follow.Speeds | None, str, str]:
        """Straight or turning without planning; it stops before what is known to be unsafe."""
        move = self._move
        assert move is not None
        if trouble is not None:
            code, words = trouble
            if code is not Code.STUCK or not move.dug_in():
                raise NavigationError(words, code)
            self._watch.reset()
        wanted = move.speeds(time_s, pose.odom_T_base)
        if wanted is not None and self._checks is not None and not move.rocking:
            here = frames.flat(pose.odom_T_base)
            why = guard.objection(here, (wanted[0], 0.0), NO_PATH, self._checks.guard, self.config)
            if self._objecting.for_s(time_s, why is not None) > self.config.replan_s:
                raise NavigationError(str(why), Code.GUARD_STOP)
            if why is not None:
                return follow.STOP, "blocked", why
        state = "turning" if wanted and not wanted[0] else "driving"
        return wanted, state, "rocking the wheels free" if move.rocking else "short move"

    # -- what it must know first ----------------------------------------------------------------

    def _see(self, time_s: float, terrain: TerrainMap | None) -> None:
        if terrain is not None and terrain is not self._terrain:
            self._terrain, self._terrain_s = terrain, time_s
            self._checks = self._checker(terrain)

    def _lacking(self, time_s: float, pose: Pose | None) -> tuple[Code, str] | None:
        """What is missing or too old to drive by."""
        config = self.config
        if pose is None or time_s - pose.time_s > config.pose_timeout_s:
            age = math.inf if pose is None else time_s - pose.time_s
            return Code.NO_LOCALIZATION, f"no pose for {age:.1f} s"
        if self._move is None and time_s - self._terrain_s > config.terrain_timeout_s:
            return Code.NO_TERRAIN, f"no terrain map for {time_s - self._terrain_s:.1f} s"
        return None

    def _wait(self, time_s: float, pose: Pose | None, lacking: tuple[Code, str] | None) -> Command:
        """Stand still until the data is back, or give up."""
        code, words = lacking or (Code.UNKNOWN, "")
        self._sent = follow.STOP
        self._watch.reset()
        if self._waiting.for_s(time_s, True) > self.config.give_up_s:
            return self._end(time_s, pose, code, words)
        return self._told(time_s, pose, "waiting", words)

    def _note(self, time_s: float, pose: Pose, motion: Motion) -> None:
        """Distance driven, track, slip; and whether time is over."""
        self._waiting = Lasting()
        here = pose.odom_T_base
        if self._last is not None:
            step = float(np.hypot(*(here - self._last)[:2, 3]))
            if step > 0.01:
                self._driven_m += step
                self._last = here
        else:
            self._last = here
        if self._sent[0] >= 0.0:
            self._trail.add(here)
        else:
            self._trail.cut(here)
        if not (motion.immobile or self._leaving):
            self.slip.learn(time_s, here, self._sent)
        if motion.immobile and self._digging(here[:2, 3]):
            self.soft.add(here[:2, 3])
        assert self._began_s is not None
        way = self._move if self._move is not None else self._journey
        assert way is not None
        limit = way.time_limit_s
        if time_s - self._began_s > limit:
            raise NavigationError(f"not there after {limit:.0f} s", Code.TIMEOUT)

    def _digging(self, xy: Array) -> bool:
        """Whether wheels that spin on the spot dig; straight on a rock may hold them as well."""
        if abs(self._sent[1]) > _CURVING_RADPS:
            return True
        return self._terrain is not None and not rocky(self._terrain, xy, self.rover.wheelbase_m)

    def _trouble(self, time_s: float, pose: Pose, motion: Motion) -> tuple[Code, str] | None:
        return self._watch.trouble(
            time_s,
            pose.odom_T_base,
            self._sent,
            motion.slip,
            motion.effort_nm,
            immobile=motion.immobile,
            leaving=self._leaving,
        )

    @property
    def _leaving(self) -> bool:
        """Whether it is on its way out of trouble."""
        if self._move is not None:
            return self._move.rocking
        return self._journey is not None and self._journey.getting_out

    # -- what it says ---------------------------------------------------------------------------

    def _told(self, time_s: float, pose: Pose | None, state: str, reason: str) -> Command:
        journey = self._journey
        remaining = self._move.remaining if self._move else math.nan
        if journey is not None and pose is not None:
            remaining = journey.remaining_m(pose)
        speed = self.config.speed_mps if journey is None else journey.speed_mps
        return Command(
            *self._sent,
            state=state,
            reason=reason,
            path=np.zeros((0, 3)) if journey is None else journey.path,
            distance_remaining_m=remaining,
            distance_driven_m=self._driven_m,
            time_remaining_s=remaining / speed,
            elapsed_s=time_s - (self._began_s or time_s),
            recoveries=0 if journey is None else journey.recoveries,
        )

    def _end(self, time_s: float, pose: Pose | None, code: Code, reason: str) -> Command:
        self._sent = follow.STOP
        state = "arrived" if code is Code.NONE else "failed"
        last = self._told(time_s, pose, state, reason or "there")
        self._reset()
        values = {name: getattr(last, name) for name in last.__dataclass_fields__}
        self._ended = Command(**(values | {"done": True, "code": code}))
        return self._ended
