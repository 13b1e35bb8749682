# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The embedded simulator: one rover in one world, in this process, without ROS.

    world, rover = build_world(load_world("first_traverse")), load_rover("tenacious")
    simulator = Simulator(world, rover, seed=1)
    simulator.drive(0.05, 0.0)
    for measurement in simulator.advance(0.1):
        ...

The same seed and the same commands at the same times give the same run, bit for bit. Commands take
effect at `time_s`; `log` keeps them, and `journal.rerun` runs them again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.rover.measurements import Attached, Measurement, Stereo
from tenacious_rover.rover.safety import DriveGate, LatchGate
from tenacious_rover.simulator.config import SimulatorConfig
from tenacious_rover.simulator.dynamics import Dynamics
from tenacious_rover.simulator.error import SimulatorError
from tenacious_rover.simulator.eyes import Eyes
from tenacious_rover.simulator.faults import (
    Blackout,
    BrownOut,
    Dropout,
    Fault,
    FaultBoard,
    FrozenCamera,
    LensDust,
    SlipPatch,
    StickingLatch,
    StuckWheel,
)
from tenacious_rover.simulator.housekeeping import Housekeeping
from tenacious_rover.simulator.motion import SkidSteer, Trajectory
from tenacious_rover.simulator.suite import SensorSuite
from tenacious_rover.simulator.truth import Truth, truth_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenacious_rover.rover.model import Rover
    from tenacious_rover.simulator.ground import World


@dataclass(frozen=True)
class Command:
    """What was commanded, and at which step it took effect."""

    step: int
    name: str
    arguments: tuple[Any, ...]


class Simulator:
    """One rover in one world.

    Args:
        world: from `build_world`; its spec says where the rover starts and what goes wrong when.
        rover: from `load_rover`.
        seed: of everything random beside the world: sensors.
        config: how it is simulated.
        cameras: whether pictures are rendered at all.

    Attributes:
        log: commands and injected faults so far.
        reports: what the platform ignored and why: `(time_s, name, words)`.
    """

    def __init__(
        self,
        world: World,
        rover: Rover,
        seed: int = 0,
        config: SimulatorConfig | None = None,
        cameras: bool = True,
    ) -> None:
        self.world, self.rover, self.seed = world, rover, seed
        self.config = config or SimulatorConfig()
        self.dynamics = Dynamics(world, rover, self.config)
        self.faults = FaultBoard(world.spec.faults, rover)
        self.log: list[Command] = []
        self.reports: list[tuple[float, str, str]] = []
        self._gate = DriveGate(rover.limits, self.config.command_timeout_s)
        self._latch = LatchGate(self.config.arm_timeout_s)
        self._attached: bool = rover.payload is not None
        self._told_attached: bool | None = None
        self._stuck_tries: dict[int, int] = {}
        self._trajectory = Trajectory(rover)
        self._steering = SkidSteer(rover, self.config.track_factor)
        self._hits: dict[tuple[str, str], float] = {}
        self._active: Sequence[Fault] = ()
        streams = [np.random.default_rng([seed, 7, number]) for number in range(8)]
        self._house = Housekeeping(world, rover, self.config, self.dynamics, streams[0])
        self._suite = SensorSuite(rover, self.config, self.dynamics, streams[1:4])
        self.cameras = cameras
        self._eyes = Eyes(self.dynamics, streams[4:6]) if cameras else None
        self._camera_every = 0
        self._next_frame = 0
        self._set_rate(self.config.camera_hz)

    # -- commands -----------------------------------------------------------------------------

    @property
    def time_s(self) -> float:
        """Since the start."""
        return self.dynamics.time_s

    def drive(self, linear_mps: float, angular_radps: float) -> None:
        """Newest velocity command, in base_link; clamped, and old after 0.5 s."""
        if self._deaf("drive", linear_mps, angular_radps):
            return
        if not self._gate.command(self.time_s, linear_mps, angular_radps):
            self._report("command_refused", f"cmd_vel: {linear_mps}, {angular_radps} is not finite")

    def move_scoop(self, lift_rad: float, tilt_rad: float, duration_s: float) -> None:
        """Move both joints of the scoop within a time, no faster than they can."""
        if self._deaf("move_scoop", lift_rad, tilt_rad, duration_s):
            return
        if self.rover.scoop is None:
            self._report("scoop_refused", f"the rover {self.rover.name!r} has no scoop")
        elif not all(map(math.isfinite, (lift_rad, tilt_rad, duration_s))):
            self._report("scoop_refused", "scoop/command: a number is not finite")
        else:
            self._trajectory.aim(self.time_s, (lift_rad, tilt_rad), duration_s)

    def arm(self, on: bool) -> None:
        """Power of the latch; drops out by itself after 30 s."""
        if not self._deaf("arm", on):
            self._latch.arm(self.time_s, on)

    def release(self) -> None:
        """Open the latch, only while armed; otherwise ignored and reported."""
        if self._deaf("release"):
            return
        answer = self._latch.release(self.time_s)
        if not answer.opens:
            self._report("release_ignored", answer.why)
            return
        if not self._attached:
            self._report("release_ignored", "nothing is on the latch")
            return
        for number, one in enumerate(self.faults.faults):
            if isinstance(one, StickingLatch) and one.active(self.time_s):
                tries = self._stuck_tries.get(number, 0) + 1
                self._stuck_tries[number] = tries
                if tries <= one.tries:
                    return  # nothing moves, and nothing says so
        self._attached = False
        self.dynamics.unlatch()

    def set_camera(
        self,
        auto: bool | None = None,
        exposure_us: float = 0.0,
        gain: float = 0.0,
        rate_hz: float = -1.0,
    ) -> None:
        """Exposure and rate; 0 keeps exposure or gain, a negative rate keeps the rate."""
        if self._deaf("set_camera", auto, exposure_us, gain, rate_hz):
            return
        if not all(map(math.isfinite, (exposure_us, gain, rate_hz))):
            raise SimulatorError("camera: exposure_us, gain or rate_hz is not finite")
        if self._eyes is not None:
            self._eyes.control(auto, exposure_us, gain)
        if rate_hz >= 0.0:
            self._set_rate(rate_hz)

    def inject(self, fault: Any) -> Fault:
        """Let something go wrong: a `Fault` or a mapping such as in a world file.

        Raises:
            SimulatorError: not a fault of this rover.
        """
        made = self.faults.add(fault)
        self.log.append(Command(self.dynamics.steps, "inject", (made.model_dump(),)))
        return made

    def _deaf(self, name: str, *arguments: Any) -> bool:
        """Log a command; whether a dead bus loses it."""
        self.log.append(Command(self.dynamics.steps, name, arguments))
        now = self.time_s
        return any(isinstance(one, Blackout) for one in self.faults.active(now))

    def _report(self, name: str, words: str) -> None:
        self.reports.append((self.time_s, name, words))

    def _set_rate(self, rate_hz: float) -> None:
        every = round(1.0 / (rate_hz * self.config.step_s)) if rate_hz > 0.0 else 0
        self._camera_every = every
        steps = self.dynamics.steps
        self._next_frame = steps + every - (steps % every if every else 0)

    # -- time ---------------------------------------------------------------------------------

    def advance(self, seconds: float) -> list[Measurement]:
        """Let time pass; what was measured meanwhile, in order of time.

        Raises:
            SimulatorError: `seconds` is not a positive number.
        """
        if not (math.isfinite(seconds) and seconds > 0.0):
            raise SimulatorError(f"advance: {seconds!r} is not a positive number of seconds")
        found: list[Measurement] = []
        self._tell_attached(found)
        for _ in range(max(round(seconds / self.config.step_s), 1)):
            self._step(found)
        return found

    def _step(self, found: list[Measurement]) -> None:
        dynamics, now = self.dynamics, self.time_s
        if dynamics.steps % 5 == 0:
            self._hold_faults(now)
        linear, angular = self._gate.at(now)
        dynamics.spin_wheels(self._steering.rates(linear, angular))
        aim = self._trajectory.at(now)
        if aim is not None:
            dynamics.aim_scoop(*aim)
        dynamics.step()
        self._suite.feel()
        if dynamics.steps % 25 == 0:
            self._note_hits()
        samples = self._suite.samples(self._active)
        samples += self._house.samples(self._active)
        if self._camera_every and dynamics.steps >= self._next_frame:
            self._next_frame += self._camera_every
            self._house.photographed()
            if self._eyes is not None:
                samples.append(self._picture())
        self._tell_attached(samples)
        found.extend(one for one in samples if self._heard(one))

    def _hold_faults(self, now: float) -> None:
        """Let the faults that hold now act on the mechanics."""
        active = self.faults.active(now)
        if not active and not self._active:
            return
        dynamics = self.dynamics
        stuck = {one.wheel for one in active if isinstance(one, StuckWheel)}
        for number, wheel in enumerate(self.rover.wheels):
            dynamics.lock_wheel(number, wheel.joint in stuck)
        patches = [one for one in active if isinstance(one, SlipPatch)]
        dynamics.slip_patches = np.array(
            [(p.x, p.y, p.radius_m, p.grip, p.digging) for p in patches], np.float64
        ).reshape(-1, 5)
        self._active = active

    def _powered(self) -> bool:
        dead = any(isinstance(one, BrownOut) for one in self._active)
        return not dead and self._house.power.charge > self.config.battery_cutoff

    def _note_hits(self) -> None:
        self.dynamics.power_motors(self._powered())
        for touch in self.dynamics.touches():
            key = (touch.part, touch.other)
            self._hits[key] = max(self._hits.get(key, 0.0), touch.force_n)

    def _heard(self, one: Measurement) -> bool:
        """Whether a measurement reaches the outside."""
        for fault in self._active:
            if isinstance(fault, Blackout):
                return False
            if isinstance(fault, Dropout) and _SENSOR[type(one).__name__] == fault.sensor:
                return False
        return True

    def _tell_attached(self, found: list[Measurement]) -> None:
        if self._told_attached != self._attached:
            self._told_attached = self._attached
            found.append(Attached(self.time_s, self._attached))

    # -- looking ------------------------------------------------------------------------------

    def capture(self) -> Stereo:
        """A stereo pair of this moment.

        Raises:
            SimulatorError: this simulator was made without cameras.
        """
        if self._eyes is None:
            raise SimulatorError("capture: this simulator was made with cameras=False")
        self.photographed()
        return self._picture()

    def photographed(self) -> None:
        """Account for a picture that nobody renders: its energy."""
        self.log.append(Command(self.dynamics.steps, "capture", ()))
        self._house.photographed()

    def _picture(self) -> Stereo:
        assert self._eyes is not None
        dust = [one for one in self._active if isinstance(one, LensDust)]
        frozen = any(isinstance(one, FrozenCamera) for one in self._active)
        return self._eyes.pair(dust, frozen)

    @property
    def eyes(self) -> Eyes:
        """The cameras, for pictures from elsewhere and true depth (scoring only)."""
        if self._eyes is None:
            raise SimulatorError("this simulator was made with cameras=False")
        return self._eyes

    @property
    def truth(self) -> Truth:
        """What really is; for scoring only."""
        return truth_of(self.dynamics, self._hits, self._attached, self._house.power.charge)

    @property
    def metadata(self) -> dict[str, Any]:
        """What makes this run again: put it into every artefact."""
        return {
            "world": self.world.spec.world,
            "world_seed": self.world.spec.seed,
            "world_digest": self.world.digest,
            "rover": self.rover.name,
            "seed": self.seed,
            "config": {
                field.name: getattr(self.config, field.name) for field in fields(SimulatorConfig)
            },
        }


_SENSOR = {
    "Imu": "imu",
    "Joints": "joints",
    "Stereo": "camera",
    "Sun": "sun",
    "Battery": "battery",
    "Temperature": "temperature",
    "Attached": "",
}
