# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One science mission in this process: the simulator and every core of a rover, without ROS.

The autonomy gets what the platform measures and nothing else. It is asked for work through the same
`Field` as in its nodes; here nothing ever waits, time simply passes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.campaign.error import CampaignError
from tenacious_rover.imaging import exposure, sidecar
from tenacious_rover.imaging.catalogue import Catalogue
from tenacious_rover.imaging.config import ImagingConfig
from tenacious_rover.imaging.metering import metered
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.localizer import Localizer
from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.navigation.error import Code, NavigationError
from tenacious_rover.navigation.navigator import Navigator
from tenacious_rover.navigation.state import Goal, Motion, ShortMove
from tenacious_rover.navigation.zones import Zones
from tenacious_rover.payload.config import PayloadConfig
from tenacious_rover.payload.deploying import Deploying
from tenacious_rover.perception.config import PerceptionConfig
from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.mapper import TerrainMapper
from tenacious_rover.perception.soft import mean_slip
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.located import Located
from tenacious_rover.rover.measurements import Attached, Joints, Stereo, Sun
from tenacious_rover.sampling import reach
from tenacious_rover.sampling.config import SamplingConfig
from tenacious_rover.sampling.field import FieldError
from tenacious_rover.sampling.log import SampleLog
from tenacious_rover.sampling.patch import Ground
from tenacious_rover.sampling.scooping import Joints as ScoopJoints
from tenacious_rover.simulator.camera.sensor import CameraSensor
from tenacious_rover.simulator.config import SimulatorConfig
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.eyes import EYES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tenacious_rover.perception.terrain_map import TerrainMap
    from tenacious_rover.sampling.scooping import Scooping, Target
    from tenacious_rover.simulator.ground import World

_TICK_S = 0.1
_JOINTS_S = 0.02
_SETTLE_S = 2.0


@dataclass(frozen=True)
class FlightConfig:
    """How a mission is flown.

    Attributes:
        driving: the rover whose cameras it drives by: binned, which halves the study's time.
        description: the rover with the cameras of the pictures it is asked for.
        driving_hz: pairs while it moves; it drives by none while it stands.
        mapped_every: pictures per one that becomes part of the map; localization sees them all.
        limit_s: of rover time.
    """

    driving: str = "tenacious camera_width:=400 camera_height:=300"
    description: str = "tenacious"
    driving_hz: float = 2.0
    mapped_every: int = 2
    limit_s: float = 1500.0
    navigation: NavigationConfig = field(default_factory=NavigationConfig)
    perception: PerceptionConfig = field(default_factory=PerceptionConfig)
    localization: LocalizationConfig = field(default_factory=LocalizationConfig)
    imaging: ImagingConfig = field(default_factory=ImagingConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    payload: PayloadConfig = field(default_factory=PayloadConfig)


class Flight:
    """A rover in a world; `Digger` and `Carrier` for the work it is asked for.

    Attributes:
        events: what happened, for a person.
        log, deploying: of the samples and the house.
    """

    def __init__(
        self,
        world: World,
        seed: int,
        folder: Path,
        keep_out: tuple[NDArray[np.float64], ...] = (),
        config: FlightConfig | None = None,
    ) -> None:
        self.config = config or FlightConfig()
        self.rover = load_rover(self.config.description)
        driven = load_rover(self.config.driving)
        own = SimulatorConfig(camera_hz=self.config.driving_hz)
        self.simulator = Simulator(world, driven, seed, own)
        self._sensors = {
            eye: CameraSensor(camera, rng=np.random.default_rng([seed, 17, number]))
            for number, (eye, camera) in enumerate(sorted(self.rover.cameras.items()))
        }
        x, y, yaw = world.spec.start
        start = frames.planar(x, y, yaw, float(world.height(x, y)))
        self.localizer = Localizer(driven, self.config.localization, start, world.spec)
        self.mapper = TerrainMapper(driven, self.config.perception)
        self.navigator = Navigator(driven, self.config.navigation)
        self.zones = Zones(keep_out)
        self.folder = folder
        self.catalogue = Catalogue(folder, self.config.imaging.disk_reserve_mb)
        self.log = SampleLog(folder / "samples" / "samples.sqlite")
        self.deploying = Deploying(self.rover, self.config.payload, folder)
        self.attached: bool | None = None
        self.sun_map: NDArray[np.float64] | None = None
        self.events: list[str] = []
        self._map: TerrainMap | None = None
        self._pictures = 0
        self._effort = math.nan
        self._scooping: Scooping | None = None
        imaging = self.config.imaging
        self._exposure = exposure.split(imaging.first_exposure_us, imaging)
        self._wheels = {wheel.joint for wheel in self.rover.wheels}
        self._pass(_SETTLE_S)
        self._look(0.0)

    def close(self) -> None:
        """Close files."""
        self.log.close()
        self.catalogue.close()

    # -- what work sees -----------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Time, s."""
        return self.simulator.time_s

    @property
    def where(self) -> Located | None:
        """The newest estimate."""
        known = self.localizer.estimate
        speed = float(np.hypot(known.linear[0], known.linear[1]))
        return Located(
            known.time_s,
            known.map_T_odom,
            known.odom_T_base,
            known.covariance,
            speed,
            abs(float(known.angular[2])),
        )

    @property
    def terrain(self) -> Ground | None:
        """The newest map."""
        known = self._map
        return None if known is None else Ground(known.resolution_m, known.origin, known.layers)

    def soft_m(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """What navigation felt."""
        return self.navigator.soft.away_m(xy)

    def tell(self, name: str, words: str, *, warning: bool = False, **facts: Any) -> None:
        """Keep an event."""
        mark = "! " if warning else ""
        self.events.append(f"{self.now:.1f} s: {mark}{name}: {words}")
        del facts

    def state(self, state: str, progress: float, *, cancel: bool = True) -> None:
        """Nobody stops this flight."""
        del state, progress, cancel

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._pass(seconds)

    async def drive(self, goal: Goal | ShortMove, *, cancel: bool = True) -> None:
        """Drive until the navigator is done."""
        del cancel
        try:
            self.navigator.go(goal, self.zones)
        except NavigationError as error:
            raise FieldError(str(error)) from error
        self._look(self.config.driving_hz)
        command = self.navigator.cycle(self.now, self.where, self._map, self._motion())
        while not command.done:
            self.simulator.drive(command.linear_mps, command.angular_radps)
            self.localizer.command(self.now, command.linear_mps, command.angular_radps)
            self._tick(_TICK_S)
            command = self.navigator.cycle(self.now, self.where, self._map, self._motion())
        self.simulator.drive(0.0, 0.0)
        self.localizer.command(self.now, 0.0, 0.0)
        self._look(0.0)
        if command.code is not Code.NONE:
            self.tell("drive_ended", f"{command.code.name}: {command.reason}", warning=True)
            raise FieldError(command.reason)

    async def stereo(self, purpose: str) -> tuple[sidecar.Sidecar, sidecar.Sidecar]:
        """Meter, take and keep a pair, as the node of imaging does; what stands is drawn once."""
        imaging = self.config.imaging
        self._pass(imaging.settle_s)

        cameras = self.rover.cameras
        views = {eye: self.simulator.eyes.frame(camera) for eye, camera in cameras.items()}

        async def take(used: exposure.Exposure) -> tuple[NDArray[np.uint8], Stereo]:
            self._pass(_TICK_S)
            self.simulator.photographed()
            light = used.exposure_us, used.gain
            left, right = (self._sensors[eye].expose(views[eye], *light) for eye in EYES)
            return left, Stereo(self.now, left, right, *light)

        where = self.where
        assert where is not None
        mask = exposure.ground(self.rover.cameras["left"], where.map_T_base[:3, :3])
        taken = await metered(take, mask, self._exposure, imaging, self.sun_map)
        self._exposure = taken.used
        pair = taken.frame
        assert pair.right is not None
        left = self._keep("left", pair.left, pair.time_s, taken, purpose)
        right = self._keep("right", pair.right, pair.time_s, taken, purpose, left.group)
        return left, right

    def _keep(
        self,
        eye: str,
        rgb: NDArray[np.uint8],
        time_s: float,
        taken: Any,
        purpose: str,
        group: str = "",
    ) -> sidecar.Sidecar:
        where, camera = self.where, self.rover.cameras[eye]
        assert where is not None
        facts: dict[str, Any] = dict(sidecar.pose_facts(where.map_T_base, where.covariance))
        facts |= {"exposure_us": taken.used.exposure_us, "gain": taken.used.gain}
        facts |= {"clipped_share": taken.clipped, "camera": sidecar.camera_facts(camera)}
        if self.sun_map is not None:
            sun = where.map_T_base[:3, :3].T @ self.sun_map
            facts |= sidecar.sun_facts(sun, where.map_T_base, camera)
        if group:
            facts["group"] = group
        return self.catalogue.store(
            rgb, kind="stereo", purpose=purpose, time_s=time_s, eye=eye, **facts
        )

    # -- scoop and latch ----------------------------------------------------------------------

    def aim_scoop(self, target: Target) -> None:
        """Send the joints."""
        self.simulator.move_scoop(target.lift, target.tilt, target.duration_s)

    async def scoop(self, scooping: Scooping) -> bool:
        """Step it with each reading of the joints."""
        self._scooping = scooping
        until = self.now + self.config.sampling.scoop_timeout_s + 10.0
        while not scooping.finished and self.now < until:
            self._tick(_JOINTS_S)
        self._scooping = None
        return scooping.finished

    def arm(self, on: bool) -> None:
        """Power of the latch."""
        self.simulator.arm(on)

    def release(self) -> None:
        """Open it."""
        self.simulator.release()

    # -- time ---------------------------------------------------------------------------------

    def _pass(self, seconds: float) -> None:
        """Stand."""
        until = self.now + seconds
        while self.now < until - 1e-6:
            self._tick(min(_TICK_S, max(until - self.now, 0.002)))

    def _tick(self, seconds: float) -> None:
        """Let time pass and take in what was measured."""
        if self.now > self.config.limit_s:
            raise CampaignError(f"not done after {self.config.limit_s:g} s")
        for sample in self.simulator.advance(seconds):
            self.localizer.take(sample)
            if isinstance(sample, Stereo):
                self._seen(sample)
            elif isinstance(sample, Joints):
                self._felt(sample)
            elif isinstance(sample, Attached):
                self.attached = bool(sample.attached)
                self.navigator.attached(self.attached)
            elif isinstance(sample, Sun):
                self.sun_map = self.localizer.estimate.map_T_base[:3, :3] @ sample.direction
        if hasattr(self, "_wheels"):
            self.deploying.watch(self)

    def _look(self, rate_hz: float) -> None:
        self.simulator.set_camera(rate_hz=rate_hz)

    def _seen(self, frame: Stereo) -> None:
        self._pictures += 1
        if self._pictures % self.config.mapped_every and self._map is not None:
            return
        known = self.localizer.estimate
        try:
            if self.mapper.stereo(frame, known.odom_T_base, known.covariance) is not None:
                self._map = self.mapper.terrain
        except PerceptionError as error:
            self.tell("picture_not_used", str(error), warning=True)

    def _felt(self, joints: Joints) -> None:
        efforts = dict(zip(joints.names, map(float, joints.effort), strict=True))
        self._effort = max((abs(efforts[n]) for n in self._wheels), default=math.nan)
        scooping, scoop = self._scooping, self.rover.scoop
        if scooping is None or scooping.finished or scoop is None:
            return
        angles = dict(zip(joints.names, map(float, joints.position), strict=True))
        names = (scoop.lift_joint, scoop.tilt_joint)
        pitch = reach.pitch(self.localizer.estimate.odom_T_base)
        lift, tilt = (angles[n] for n in names)
        target = scooping.step(
            ScoopJoints(joints.time_s, lift, tilt, efforts[names[0]], efforts[names[1]], pitch)
        )
        if target is not None:
            self.aim_scoop(target)

    def _motion(self) -> Motion:
        seen = self.localizer.immobility
        return Motion(bool(seen.immobile), mean_slip(seen.slip), self._effort)
