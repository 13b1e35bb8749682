# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The lanes of a replay: each core, fed as its node is fed, compared with what was recorded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tenacious_rover.analysis.pictures import message_grey
from tenacious_rover.campaign.replay_comparison import TOLERANCES, Comparison
from tenacious_rover.campaign.replay_setup import NEEDS, map_to_odom, pose_matrix
from tenacious_rover.localization.localizer import Localizer
from tenacious_rover.localization.sun import site_of
from tenacious_rover.perception.arrivals import Posed, PoseHistory
from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.mapper import TerrainMapper
from tenacious_rover.rover import contract, frames
from tenacious_rover.rover.measurements import Imu, Joints, Stereo, Sun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.campaign.replay_setup import Setup
    from tenacious_rover.perception.terrain_map import TerrainMap

_KEPT = 12
_MICROSECOND = 1000
"""Stamps that went through a float may be off by a few ns."""


class Lane(Protocol):
    """A core with what its node does around it.

    Attributes:
        inputs: contract topics that the node takes.
        outputs: contract topics that are compared.
    """

    comparison: Comparison
    inputs: frozenset[str]
    outputs: frozenset[str]

    def take(self, name: str, message: Any) -> None:
        """A message of the contract topic `name`."""
        ...

    def moment(self, name: str, ns: int) -> bool:
        """The node did something of its own accord; false: what it needs is not there yet."""
        ...

    def finish(self, last_ns: int) -> None:
        """Nothing more comes; the node was fed up to that stamp."""
        ...


def _ns(stamp: Any) -> int:
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)


def _s(stamp: Any) -> float:
    return float(stamp.sec + stamp.nanosec * 1e-9)


class Pairs:
    """Left and right pictures (or left and depth) of one stamp."""

    def __init__(self) -> None:
        self._halves: dict[int, dict[str, Any]] = {}

    def add(self, name: str, message: Any) -> Stereo | None:
        """The pair that this picture completes."""
        key = _ns(message.header.stamp)
        half = self._halves.setdefault(key, {})
        if name == contract.DEPTH.name:
            half["depth"] = _depth(message)
        else:
            half["left" if name == contract.IMAGE_LEFT.name else "right"] = message_grey(message)
        while len(self._halves) > _KEPT:
            del self._halves[min(self._halves)]
        if half.get("left") is None or len(half) < 2:
            return None
        del self._halves[key]
        time_s = _s(message.header.stamp)
        return Stereo(time_s, half["left"], half.get("right"), depth=half.get("depth"))


def _depth(message: Any) -> NDArray[np.float32]:
    millimetres = message.encoding == "16UC1"
    raw = np.frombuffer(bytes(message.data), np.uint16 if millimetres else np.float32)
    metres = raw.reshape(message.height, -1)[:, : message.width].astype(np.float32)
    return metres * np.float32(1e-3) if millimetres else metres


_EYES = (contract.IMAGE_LEFT.name, contract.IMAGE_RIGHT.name, contract.DEPTH.name)


class LocalizationLane:
    """`Localizer`, compared by odometry and the transform map to odom."""

    outputs = frozenset({contract.ODOMETRY.name, contract.TF.name})
    inputs = frozenset(t.name for t in NEEDS["localization"]) - outputs

    def __init__(self, setup: Setup) -> None:
        config = setup.configs["localization"]
        start = setup.start_map_T_base
        if start is None:
            yaw = math.radians(config.start_yaw_deg)
            start = frames.planar(config.start_x_m, config.start_y_m, yaw, config.start_z_m)
        self.core = Localizer(setup.rover, config, start, site_of(config))
        self.comparison = Comparison("localization", len(setup.stamps["localization"]))
        self.wanted = setup.stamps["localization"]
        self.given: dict[int, list[NDArray[np.float64]]] = {}
        self.map_T_odom: dict[int, NDArray[np.float64]] = {}
        self.waiting: dict[int, NDArray[np.float64]] = {}
        self.newest = 0
        self.pairs = Pairs()

    def take(self, name: str, message: Any) -> None:
        """As the node does; odometry and transforms are what to compare with."""
        if name == contract.IMU.name:
            w, a = message.angular_velocity, message.linear_acceleration
            time_s = _s(message.header.stamp)
            self.core.imu(Imu(time_s, np.array([w.x, w.y, w.z]), np.array([a.x, a.y, a.z])))
            self._note()
        elif name == contract.JOINT_STATES.name:
            arrays = (message.position, message.velocity, message.effort)
            values = [np.asarray(v, float) for v in arrays]
            time_s = _s(message.header.stamp)
            self.core.joints(Joints(time_s, tuple(message.name), *values))
            self._note()
        elif name == contract.TF.name:
            self._placed(message)
        elif name == contract.ODOMETRY.name:
            self.waiting[_ns(message.header.stamp)] = pose_matrix(message.pose.pose)
        else:
            self._slow(name, message)

    def moment(self, name: str, ns: int) -> bool:
        """There is none."""
        del name, ns
        return True

    def finish(self, last_ns: int) -> None:
        """Outputs after the last input that is known are not expected."""
        self.newest = 0
        self._compare()
        self.comparison.recorded = sum(ns <= last_ns + _MICROSECOND for ns in self.wanted)

    def _slow(self, name: str, message: Any) -> None:
        """What comes a few times a second."""
        if name in _EYES:
            pair = self.pairs.add(name, message)
            if pair is not None:
                self.core.stereo(pair)
        elif name == contract.SUN.name:
            v = message.vector
            self.core.sun(Sun(_s(message.header.stamp), np.array([v.x, v.y, v.z])))
        elif name == contract.CMD_VEL.name:
            twist = message.twist
            self.core.command(_s(message.header.stamp), twist.linear.x, twist.angular.z)
        elif name == contract.INFO_LEFT.name and message.p[0] > 0.0:
            self.core.visual.calibrate(message.p[0], message.p[5], message.p[2], message.p[6])
        elif name == contract.INFO_RIGHT.name and message.p[0] > 0.0 and message.p[3] < 0.0:
            self.core.visual.calibrate_baseline(-message.p[3] / message.p[0])

    def _note(self) -> None:
        if self.core.timeline is None:
            return
        now = self.core.estimate
        key = round(now.time_s * 1e9)
        if key != self.newest:
            # Only now have all samples of the stamp before come.
            self.newest = key
            self._compare()
        if key in self.wanted:
            self.given.setdefault(key, []).append(now.map_T_odom @ now.odom_T_base)

    def _placed(self, message: Any) -> None:
        for item in message.transforms:
            if item.child_frame_id == frames.ODOM:
                key = _ns(item.header.stamp)
                self.map_T_odom[key] = map_to_odom(message, np.eye(4))

    def _compare(self) -> None:
        """What is there on both sides; the node spoke at one of the samples of a stamp."""
        for key in [k for k in self.waiting if k in self.given and k != self.newest]:
            newest = max(self.map_T_odom, default=None)
            map_T_odom = self.map_T_odom.get(key)
            if map_T_odom is None:
                map_T_odom = np.eye(4) if newest is None else self.map_T_odom[newest]
            recorded = map_T_odom @ self.waiting.pop(key)
            found = self.given.pop(key)
            misses = [float(np.linalg.norm(f[:3, 3] - recorded[:3, 3])) for f in found]
            best = int(np.argmin(misses))
            turned = frames.wrapped(frames.yaw(found[best]) - frames.yaw(recorded))
            self.comparison.add(
                key * 1e-9,
                misses[best],
                recorded_m=np.round(recorded[:3, 3], 4).tolist(),
                now_m=np.round(found[best][:3, 3], 4).tolist(),
                turned_deg=round(math.degrees(turned), 4),
            )
        for known in (self.map_T_odom, self.given):
            while len(known) > 4 * _KEPT:
                del known[min(known)]


class PerceptionLane:
    """`TerrainMapper`, compared by the elevation of `terrain/map`.

    Of the frames only those are taken that the node took, which its maps tell by their stamps.
    """

    outputs = frozenset({contract.TERRAIN_MAP.name})
    inputs = frozenset(t.name for t in NEEDS["perception"]) - outputs

    def __init__(self, setup: Setup, upstream: LocalizationLane | None, partial: bool) -> None:
        self.setup = setup
        self.mapper = TerrainMapper(setup.rover, setup.configs["perception"])
        self.comparison = Comparison("perception", len(setup.stamps["perception"]))
        self.upstream, self.partial = upstream, partial
        self.poses = PoseHistory()
        self.pairs = Pairs()
        self.ready: dict[int, Stereo] = {}
        self.infos: dict[str, Any] = {}
        self.given: dict[int, TerrainMap] = {}
        self.recorded: dict[int, Any] = {}
        self.newest: TerrainMap | None = None

    def take(self, name: str, message: Any) -> None:
        """As the node does; maps are what to compare with."""
        if name in _EYES:
            key = _ns(message.header.stamp)
            pair = self.pairs.add(name, message) if key in self.setup.stamps["perception"] else None
            if pair is not None:
                self.ready[key] = pair
                self._work()
        elif name == contract.ODOMETRY.name:
            self._located(message)
        elif name == contract.PAYLOAD_ATTACHED.name:
            self.mapper.attached(bool(message.data))
        elif name == contract.JOINT_STATES.name:
            self._scoop(message)
        elif name in (contract.INFO_LEFT.name, contract.INFO_RIGHT.name):
            self._informed(name, message)
        elif name == contract.TERRAIN_MAP.name:
            self.recorded[_ns(message.header.stamp)] = message
            self._compare()

    def moment(self, name: str, ns: int) -> bool:
        """There is none."""
        del name, ns
        return True

    def finish(self, last_ns: int) -> None:
        """Maps of frames after the last input that is known are not expected."""
        self.comparison.recorded = sum(
            ns <= last_ns + _MICROSECOND for ns in self.setup.stamps["perception"]
        )

    def _located(self, message: Any) -> None:
        time_s = _s(message.header.stamp)
        covariance = np.asarray(message.pose.covariance, float).reshape(6, 6)
        odom_T_base = pose_matrix(message.pose.pose)
        if self.upstream is not None and self.upstream.core.timeline is not None:
            now = self.upstream.core.estimate
            time_s, odom_T_base, covariance = now.time_s, now.odom_T_base, now.covariance
        self.poses.add(Posed(time_s, odom_T_base, covariance))
        self._work()

    def _scoop(self, message: Any) -> None:
        scoop = self.setup.rover.scoop
        at = dict(zip(message.name, message.position, strict=False))
        if scoop is None or not {scoop.lift_joint, scoop.tilt_joint} <= set(at):
            return
        lift, tilt = float(at[scoop.lift_joint]), float(at[scoop.tilt_joint])
        if math.isfinite(lift) and math.isfinite(tilt):
            self.mapper.scoop(lift, tilt)

    def _informed(self, name: str, message: Any) -> None:
        from tenacious_rover.perception.messages import calibrated

        known = self.infos.get(name)
        self.infos[name] = message
        left = self.infos.get(contract.INFO_LEFT.name)
        if left is None or (known is not None and np.array_equal(known.p, message.p)):
            return
        try:
            right = self.infos.get(contract.INFO_RIGHT.name)
            self.mapper.recalibrate(calibrated(self.setup.rover, left, right))
        except PerceptionError as error:
            self.setup.notes.append(str(error))

    def _work(self) -> None:
        for key in sorted(self.ready):
            frame = self.ready[key]
            if frame.time_s > self.poses.newest_s:
                return
            del self.ready[key]
            posed = self.poses.at(frame.time_s)
            if posed is None:
                continue
            try:
                seen = self.mapper.stereo(frame, posed.odom_T_base, posed.covariance)
            except PerceptionError as error:
                self.setup.notes.append(f"{frame.time_s:.2f} s: {error}")
                continue
            if seen is not None:
                self.newest = self.mapper.terrain
                self.given[key] = self.newest.cropped()
                self._compare()

    def _compare(self) -> None:
        for key in [k for k in self.recorded if k in self.given]:
            message, now = self.recorded.pop(key), self.given.pop(key)
            difference, cells = compare_maps(message, now, self.partial)
            self.comparison.add(key * 1e-9, difference, cells=cells)
        for known in (self.recorded, self.given):
            while len(known) > _KEPT:
                del known[min(known)]


def compare_maps(message: Any, now: TerrainMap, partial: bool) -> tuple[float, int]:
    """Largest difference of a cell's elevation, m, and how many cells differ by over a millimetre.

    A cell known on one side only counts as infinite, but in a stretch (`partial`) the map begins
    empty, and what the recording knew from before counts for nothing.
    """
    shape = (len(message.layers), int(message.height), int(message.width))
    layers = np.asarray(message.data, np.float32).reshape(shape)
    old = layers[list(message.layers).index("elevation")]
    new = now.layers["elevation"]
    step = now.resolution_m
    shift = np.round((np.array([message.origin_x, message.origin_y]) - now.origin) / step)
    dx, dy = (int(v) for v in shift)
    rows = slice(max(dy, 0), min(dy + old.shape[0], new.shape[0]))
    columns = slice(max(dx, 0), min(dx + old.shape[1], new.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return math.inf, int(np.isfinite(old).sum())
    a = old[rows.start - dy : rows.stop - dy, columns.start - dx : columns.stop - dx]
    b = new[rows, columns]
    both = np.isfinite(a) & np.isfinite(b)
    apart = np.abs(a[both] - b[both])
    lone = 0 if partial else int(np.isfinite(old).sum() + np.isfinite(new).sum() - 2 * both.sum())
    largest = float(apart.max()) if both.any() else 0.0
    return (math.inf if lone else largest), int((apart > TOLERANCES["perception"]).sum()) + lone
