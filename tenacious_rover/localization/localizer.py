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
from tenacious_rover.localization.wheels import Rolling, WheelReader
from tenacious_rover.rover import frames
from tenacious_rover.rover.measurements import Imu, Joints, Measurement, Stereo, Sun

if TYPE_CHECKING:
    from tenacious_rover.localization.config import LocalizationConfig
    from tenacious_rover.localization.sun import Sky
    from tenacious_rover.rover.model import Rover

Array = NDArray[np.float64]

_LEVELLING_S = 0.5
_DOUBTS, _SUN_DOUBTS = 3, 10
"""After so many sure pictures, or suns, in a row against the gyro, it is the gyro that is wrong."""
_TILT_SIGMA = math.radians(0.7)
_STILL_PERIOD_S = 0.2


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
        self._rolled: list[Rolling] = []
        self._now = -math.inf
        self._rolled_s = self._stood_s = self._seen_s = -math.inf
        self._anchored = False
        self._doubts = self._sun_doubts = 0
        self._wheels_refused_s = 0.0
        self._sighting: Event | None = None
        self._last_seen: tuple[float, Array] | None = None

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
        bias_sigma = math.sqrt(float(state.covariance[9, 9]))
        if self.still.rolled(rolling, state.gyro_bias, bias_sigma):
            self._stand(rolling.time_s)
            return
        self._anchored = False
        self._rolled.append(rolling)
        if rolling.time_s - self._rolled_s >= 0.99 / self.config.wheel_rate_hz:
            self._roll()

    def stereo(self, sample: Stereo) -> None:
        """A pair of pictures, or a picture with depth."""
        if self.timeline is None or not self._timely(sample.time_s, "visual"):
            return
        if sample.time_s <= self._seen_s:
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
            found = self.finder.take(sample, state.map_T_base, state.pose_covariance)
            if found is not None:
                self.fix(found)

    def saw(self, time_s: float, motion: Motion) -> None:
        """An answer of visual odometry at the time of its picture."""
        if self.timeline is not None:
            self._see(time_s, motion)
            self._seen_s = time_s

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

    def _roll(self) -> None:
        """Mean wheel motion since the last time."""
        assert self.timeline is not None
        rolled, self._rolled = self._rolled, []
        time_s = rolled[-1].time_s
        forward = float(np.mean([r.forward for r in rolled]))
        turning = float(np.mean([r.turning for r in rolled]))
        half_base = self.rover.wheelbase_m / 2.0
        # After seconds of contradiction the wheels win back trust by a wider gate.
        weary = self._wheels_refused_s > 2.0

        event = events.wheels(time_s, forward, turning, half_base, self.config, weary)
        self.timeline.insert(event)
        refused = event.result is not None and not event.result[1]
        step = time_s - self._rolled_s if refused and math.isfinite(self._rolled_s) else 0.0
        self._wheels_refused_s = self._wheels_refused_s + step if refused else 0.0
        self._rolled_s = time_s

    def _stand(self, time_s: float) -> None:
        """Standing still: the pose keeps, the velocity is nothing, the gyro shows its bias."""
        assert self.timeline is not None
        self._rolled = []
        if not self._anchored:
            self._anchored = True
            self.timeline.insert(events.anchor(time_s))
        if time_s - self._stood_s < _STILL_PERIOD_S:
            return
        self._stood_s = time_s
        gyro = self.still.mean_gyro()
        sigma = self.config.gyro_noise / math.sqrt(_STILL_PERIOD_S)

        self.timeline.insert(events.still(time_s, gyro, sigma))

    def _see(self, time_s: float, motion: Motion) -> None:
        """One visual answer: the pose relative to the keyframe replaces the one before it."""
        assert self.timeline is not None
        if motion.known:
            if self._sighting is not None:
                self.timeline.withdraw(self._sighting)
            if self._believe(time_s, motion):
                self.sensors["visual"].good(time_s)
            else:
                self.sensors["visual"].bad("contradicts the rest")
            self._compare(time_s, motion)
        elif motion.reason:
            self.sensors["visual"].bad(motion.reason)
            self.monitor.blind()
            self._last_seen = None
        if motion.new_keyframe:
            self.timeline.insert(events.keyframe(time_s))
            self._sighting = None
            self._last_seen = (time_s, np.eye(4))

    def _believe(self, time_s: float, motion: Motion) -> bool:
        """Put the motion in; wheels of the last interval that contradict it have slipped."""
        assert self.timeline is not None

        event = events.visual(time_s, motion.key_T_base, motion.covariance)
        self.timeline.insert(event)
        if event.result is not None and not event.result[1] and motion.sure:
            since = self._last_seen[0] if self._last_seen is not None else self._seen_s
            self.timeline.insert(events.slipping(since + 1e-6))
            if not event.result[1]:
                self.timeline.loosen("visual", time_s - 1e-9, time_s, 2.0)
            self._doubts = 0 if event.result[1] else self._doubts + 1
            if self._doubts >= _DOUBTS:
                self.timeline.insert(events.gyro_stepped(since + 1e-6))
        self._sighting = event
        return event.result is None or event.result[1]

    def _compare(self, time_s: float, motion: Motion) -> None:
        """Motion since the picture before, for slip and being stuck."""
        if self._last_seen is not None:
            before_s, before = self._last_seen
            step = frames.inverse(before) @ motion.key_T_base
            distance = float(np.linalg.norm(step[:3, 3]))
            sure = math.sqrt(float(np.trace(motion.covariance[:3, :3])))
            self.monitor.seen(time_s, step[:3, 3], time_s - before_s, sure)
            if distance > 0.004 + 4.0 * sure:
                self.still.moved()
        self._last_seen = (time_s, motion.key_T_base)

    def _turning(self, state: eskf.State) -> float:
        return float(state.gyro[2] - state.gyro_bias[2])
