# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the rover is: the whole of localization on one screen.

    localizer = Localizer(rover, LocalizationConfig(), frames.planar(2.0, 0.0, 0.0), site)
    for sample in samples:
        localizer.take(sample)
    localizer.estimate.map_T_base

Samples may come in any order within `history_s`. Nothing here reads a clock.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.localization import attitude, checkpoint, events
from tenacious_rover.localization import filter as eskf
from tenacious_rover.localization.estimate import Estimate, Fix, unknown
from tenacious_rover.localization.fixes import FixFinder
from tenacious_rover.localization.immobility import Immobility, ImmobilityMonitor
from tenacious_rover.localization.landmarks import Landmarks
from tenacious_rover.localization.sensors import ImuGate, Sensor, Stillness
from tenacious_rover.localization.timeline import Event, Timeline
from tenacious_rover.localization.visual import Motion, VisualOdometry
from tenacious_rover.localization.visual_trust import VisualTrust
from tenacious_rover.localization.wheel_trust import WheelTrust
from tenacious_rover.localization.wheels import Rolling, WheelReader
from tenacious_rover.rover import frames
from tenacious_rover.rover.measurements import Imu, Joints, Measurement, Stereo, Sun

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig
    from tenacious_rover.localization.sun import Sky
    from tenacious_rover.rover.model import Rover

Array = NDArray[np.float64]

_LEVELLING_S = 0.5
_SUN_DOUBTS = 10
"""After so many suns in a row against the gyro, it is the gyro that is wrong."""
_TILT_SIGMA = math.radians(0.7)


class Localizer:
    """One estimate from wheels, IMU, cameras and sun.

    Args:
        rover: geometry, gravity, cameras.
        config: see `config.py`.
        start_map_T_base: (4, 4); position and heading count, roll and pitch come from gravity.
        site: for the sun; without one the sun is not used.
        landmarks: what is known of the site, for absolute fixes.
    """

    def __init__(
        self,
        rover: Rover,
        config: LocalizationConfig,
        start_map_T_base: Array,
        site: Sky | None = None,
        landmarks: Landmarks | None = None,
    ) -> None:
        self.rover, self.config, self.site = rover, config, site
        self.finder = FixFinder(rover, config, landmarks or Landmarks())
        self.visual = VisualOdometry(rover, config)
        self.reader = WheelReader(rover, config)
        self.monitor = ImmobilityMonitor(rover, config, self.reader)
        self.still = Stillness(config)
        self.timeline: Timeline | None = None
        self.fixes: list[Fix] = []
        self.sensors = {
            "imu": Sensor(config.lost_imu_s),
            "wheels": Sensor(config.lost_wheels_s),
            "visual": Sensor(config.lost_visual_s),
            "sun": Sensor(config.lost_sun_s),
        }
        self._start = start_map_T_base
        self._base_R_imu, self._lever = rover.base_T_imu[:3, :3], rover.base_T_imu[:3, 3]
        self._gyro_bias = self._base_R_imu @ np.array(config.gyro_bias)
        self._accel_bias = self._base_R_imu @ np.array(config.accel_bias)
        self._gate = ImuGate(config, rover.gravity_mps2)
        self._waiting: list[tuple[float, Array]] = []
        self._resumed: tuple[eskf.State, float, float] | None = None
        self._now = -math.inf
        self._sun_doubts = 0
        self._eyes = VisualTrust(self.sensors["visual"], self.monitor, self.still)
        self._wheels = WheelTrust(config, self.still, rover.wheelbase_m / 2.0)

    # -- what comes in ------------------------------------------------------------------------

    def take(self, sample: Measurement) -> None:
        """Any sample; kinds that do not concern localization are ignored."""
        if isinstance(sample, Imu):
            self.imu(sample)
        elif isinstance(sample, Joints):
            self.joints(sample)
        elif isinstance(sample, Stereo):
            self.stereo(sample)
        elif isinstance(sample, Sun):
            self.sun(sample)

    def imu(self, sample: Imu) -> None:
        """Angular rate and specific force, IMU axes."""
        refusal = self._gate.refusal(sample)
        if refusal:
            self.sensors["imu"].bad(refusal)
            return
        gyro = self._base_R_imu @ sample.gyro - self._gyro_bias
        accel = self._base_R_imu @ sample.accel - self._accel_bias
        # What the IMU feels of its own circle around base_link: w x (w x r).
        accel -= gyro * (gyro @ self._lever) - self._lever * (gyro @ gyro)
        self.still.turned(gyro)
        if self.timeline is None:
            self._level(sample.time_s, gyro, accel)
            return
        self._insert("imu", events.inertial(sample.time_s, gyro, accel))

    def joints(self, sample: Joints) -> None:
        """Wheels; other joints are ignored."""
        rolling = self.reader.read(sample)
        if isinstance(rolling, str):
            self.sensors["wheels"].bad(rolling)
            return
        if self.timeline is None or not self._timely(sample.time_s, "wheels"):
            return
        self._bridge_imu(rolling)
        self.sensors["wheels"].good(sample.time_s)
        state = self.timeline.state
        speed = float(state.rotation[:, 0] @ state.velocity)
        pitch = -math.asin(max(-1.0, min(1.0, float(state.rotation[2, 0]))))
        self.monitor.rolled(rolling, speed, self._turning(state), pitch)
        self._wheels.take(self.timeline, rolling)

    def stereo(self, sample: Stereo) -> None:
        """A pair of pictures, or a picture with depth."""
        if self.timeline is None or not self._timely(sample.time_s, "visual"):
            return
        if sample.time_s <= self._eyes.seen_s:
            self.sensors["visual"].bad("pictures out of order")
            return
        state = self.timeline.at(sample.time_s)
        position, rotation = state.clone(eskf.KEYFRAME)
        expected = np.eye(4)
        expected[:3, :3] = rotation.T @ state.rotation
        expected[:3, 3] = rotation.T @ (state.position - position)
        sun_in_base = None
        if self.site is not None:
            sun_in_base = state.rotation.T @ self.site.sun_direction(sample.time_s)
        motion = self.visual.take(sample, expected, sun_in_base)
        self.saw(sample.time_s, motion)
        if motion.known:
            state = self.timeline.at(sample.time_s)
            self.finder.calibrate(self.visual.camera, self.visual.baseline_m)
            found = self.finder.take(sample, state.map_T_base, state.pose_covariance)
            if found is not None:
                self.fix(found)

    def saw(self, time_s: float, motion: Motion) -> None:
        """An answer of visual odometry at the time of its picture."""
        if self.timeline is not None:
            self._eyes.take(self.timeline, time_s, motion)

    def sun(self, sample: Sun) -> None:
        """Direction to the sun in base_link."""
        direction = np.asarray(sample.direction, float)
        length = float(np.linalg.norm(direction)) if direction.shape == (3,) else math.nan
        if not 0.5 < length < 2.0:
            self.sensors["sun"].bad("not a direction")
            return
        if self.site is None or self.timeline is None or not self._timely(sample.time_s, "sun"):
            return
        in_map = self.site.sun_direction(sample.time_s)
        event = events.sun(sample.time_s, direction / length, in_map, self.config)
        self._insert("sun", event)
        refused = event.result is not None and not event.result[1]
        self._sun_doubts = self._sun_doubts + 1 if refused else 0
        if self._sun_doubts >= _SUN_DOUBTS:
            self._sun_doubts = 0
            self.timeline.insert(events.heading_lost(sample.time_s))

    def command(self, time_s: float, linear: float, angular: float) -> None:
        """What the rover is told to do, m/s and rad/s."""
        self.monitor.command(time_s, linear, angular)
        if math.isfinite(linear) and math.isfinite(angular):
            self.still.command(time_s, linear, angular)

    def fix(self, fix: Fix) -> bool:
        """An absolute pose with its evidence; moves map_T_odom. Whether it was believed."""
        event = events.fix(fix)
        if self.timeline is None or not self.timeline.insert(event):
            return False
        assert event.result is not None
        fix.innovation, fix.used = event.result
        self.fixes.append(fix)
        return fix.used

    # -- what comes out -----------------------------------------------------------------------

    @property
    def estimate(self) -> Estimate:
        """The newest estimate."""
        status = {name: sensor.status(self._now) for name, sensor in self.sensors.items()}
        if self.timeline is None:
            return unknown(self._start, self.config, status)
        state = self.timeline.state
        return Estimate(
            state.time_s,
            frames.inverse(state.map_T_odom) @ state.map_T_base,
            state.map_T_odom,
            state.pose_covariance,
            state.rotation.T @ state.velocity,
            state.gyro - state.gyro_bias,
            status,
        )

    @property
    def immobility(self) -> Immobility:
        """Slip, sinkage, and whether the rover is stuck."""
        return self.monitor.newest

    # -- stages -------------------------------------------------------------------------------

    def _level(self, time_s: float, gyro: Array, accel: Array) -> None:
        """Roll and pitch from gravity over the first half second."""
        self.sensors["imu"].good(time_s)
        self._now = max(self._now, time_s)
        if self._resumed is not None:
            self.begin(checkpoint.resumed(self._resumed[0], time_s, *self._resumed[1:]))
            return
        self._waiting.append((time_s, accel))
        if time_s - self._waiting[0][0] < _LEVELLING_S or len(self._waiting) < 5:
            return
        pose = self._start.copy()
        yaw = attitude.yaw_of(self._start[:3, :3])
        pose[:3, :3] = attitude.levelled(np.median([a for _, a in self._waiting], axis=0), yaw)
        lean = self.config.accel_bias_sigma / self.rover.gravity_mps2
        state = eskf.start(pose, self.config, math.hypot(_TILT_SIGMA, lean), time_s)
        state.x[51:54], state.x[54:57] = gyro, accel
        self.begin(state)

    def resume(self, state: eskf.State, moved_m: float, turned: float) -> None:
        """Go on from a checkpoint at the first inertial sample, moved by as much as that."""
        self._resumed = (state, moved_m, turned)

    def begin(self, state: eskf.State) -> None:
        """Go on from a state: levelled, or of a checkpoint."""
        noise = eskf.noise_of(self.config)
        keep = self.config.history_s
        self.timeline = Timeline(state, self.rover.gravity_mps2, noise, keep)
        self._now = state.time_s

    def _insert(self, name: str, event: Event) -> None:
        assert self.timeline is not None
        if not self._timely(event.time_s, name):
            return
        if not self.timeline.insert(event):
            self.sensors[name].bad("too late")
        elif event.result is not None and not event.result[1]:
            self.sensors[name].bad("contradicts the rest")
        else:
            self.sensors[name].good(event.time_s)

    def _timely(self, time_s: float, name: str) -> bool:
        """Refuse stamps that run ahead of the inertial clock; note the newest of the others."""
        if not math.isfinite(time_s):
            self.sensors[name].bad("stamp is not a number")
            return False
        ahead = time_s - self.sensors["imu"].good_s
        imu_lives = self._now - self.sensors["imu"].good_s < self.config.lost_imu_s
        if name != "imu" and imu_lives and ahead > self.config.ahead_s:
            self.sensors[name].bad(f"stamp {ahead:.2f} s ahead of the IMU")
            return False
        self._now = max(self._now, time_s)
        return True

    def _bridge_imu(self, rolling: Rolling) -> None:
        """Without an IMU the wheels turn the rover and it keeps its tilt; covariance says so."""
        assert self.timeline is not None
        if not self.sensors["imu"].lost(rolling.time_s):
            return
        gravity = self.rover.gravity_mps2
        self.timeline.insert(events.no_imu(rolling.time_s, rolling.turning, gravity))

    def _turning(self, state: eskf.State) -> float:
        return float(state.gyro[2] - state.gyro_bias[2])
