# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One pass over a bag: messages in, a `Drive` out. Nothing large is kept."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.analysis import roles
from tenacious_rover.analysis.canvas import Canvas
from tenacious_rover.analysis.drive import Decision, Drive, Event, NodeUse, Step, track
from tenacious_rover.analysis.pictures import jpeg, message_pixels
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tenacious_rover.analysis.bag import Bag, Said

_STILLS = 6
_GROUNDS = 150
"""Maps that are looked at: the ground changes little between two."""
_NOW_AND_THEN = {"terrain": _GROUNDS, "hazards": _GROUNDS, "image": _STILLS}
_LOOK_S = 4.0
_PLANS = 400
_CELL_M = 0.05


def gather(bag: Bag, namespace: str = "", alone: bool = True) -> Drive:
    """The drive of one rover of a bag.

    Args:
        bag: is read once.
        namespace: of the rover.
        alone: whether it is the only one in the bag; `/tf` of several cannot be told apart.
    """
    return _Gatherer(bag, namespace, alone).run()


class _Gatherer:
    def __init__(self, bag: Bag, namespace: str, alone: bool) -> None:
        self.bag = bag
        self.drive = Drive(bag.path.name or str(bag.path), namespace, dict(bag.facts))
        self.roles, notes = roles.resolve(bag.topics, namespace)
        self.drive.notes = notes
        if not alone and "tf" in self.roles:
            del self.roles["tf"]
            self.drive.notes.append("several rovers share /tf: paths are in each rover's odom")
        self.drive.topics = sorted((t, k, bag.counts[t]) for t, k in bag.topics.items())
        self.odometry: list[tuple[float, NDArray[np.float64]]] = []
        self.estimate: list[tuple[float, NDArray[np.float64]]] = []
        self.truth: list[tuple[float, NDArray[np.float64]]] = []
        self.sigma: list[float] = []
        self.rows: dict[str, list[tuple[float, ...]]] = {}
        self.map_T_odom: NDArray[np.float64] | None = None
        self.offset_s = 0.0
        self.shifts: list[tuple[float, NDArray[np.float64]]] = []
        self.clocked = "clock" in self.roles

    def run(self) -> Drive:
        handlers: dict[str, Callable[[float, Any], None]] = {}
        periods = {role.key: role.period_s for role in roles.ROLES}
        begin, end = self.bag.span_s
        wanted: dict[str, float] = {}
        for key, topic in self.roles.items():
            part = key.removeprefix("temperature ")
            handler = self._thermometer(part) if part != key else getattr(self, f"_{key}")
            if key in _NOW_AND_THEN:
                continue
            handlers[topic] = handler
            wanted[topic] = periods.get(key, 0.0)
        first = last = None
        for said in self.bag.messages(wanted):
            if said.topic not in handlers or self._skip(said):
                continue
            message = self.bag.decode(said)
            if message is None:
                continue
            time_s = self._time(said, message)
            first = time_s if first is None else min(first, time_s)
            last = time_s if last is None else max(last, time_s)
            handlers[said.topic](time_s, message)
        self.drive.span_s = (first or 0.0, last or 0.0)
        for key, most in _NOW_AND_THEN.items():
            if key in self.roles:
                self._look(key, most, begin, end)
        return self._finished()

    def _look(self, key: str, most: int, begin: float, end: float) -> None:
        """At the first message after each of `most` instants: large ones are not all unpacked."""
        topic, handler = self.roles[key], getattr(self, f"_{key}")
        step = max((end - begin) / most, 1.0)
        if not self.bag.indexed:
            said_all = self.bag.messages({topic: step})
        else:
            starts = np.arange(begin, end, step)
            looks = (self.bag.messages({topic: 0.0}, s, s + min(step, _LOOK_S)) for s in starts)
            said_all = (said for look in looks for said in itertools.islice(look, 1))
        for said in said_all:
            message = self.bag.decode(said)
            if message is not None:
                time_s = self._time(said, message)
                earlier = [shift for at, shift in self.shifts if at <= time_s]
                self.map_T_odom = earlier[-1] if earlier else self.map_T_odom
                handler(time_s, message)

    def _skip(self, said: Said) -> bool:
        """Not worth decoding: most transforms are joints."""
        return said.topic == self.roles.get("tf") and b"map\x00" not in said.raw

    def _time(self, said: Said, message: Any) -> float:
        """The rover's clock: the header's stamp; for what has none, reception, set right."""
        stamp = getattr(getattr(message, "header", None), "stamp", None) or getattr(
            message, "stamp", None
        )
        seconds = stamp.sec + stamp.nanosec * 1e-9 if stamp is not None else 0.0
        if seconds > 0.0:
            self.offset_s = seconds - said.time_s
            return seconds
        return said.time_s + self.offset_s

    def _finished(self) -> Drive:
        drive, bag = self.drive, self.bag
        drive.odometry, drive.truth = track(self.odometry), track(self.truth)
        if self.estimate:
            drive.estimate = track(self.estimate)
        else:
            drive.estimate, drive.frame = drive.odometry, frames.ODOM
            if self.odometry:
                drive.notes.append("the bag places the rover in odom only, not in map")
        drive.sigma_m = np.array(self.sigma)
        drive.series = {name: np.array(rows) for name, rows in self.rows.items() if rows}
        if drive.steps:
            drive.steps[-1].end_s = max(drive.steps[-1].end_s, drive.span_s[1])
        for step, outcome in zip(drive.steps, drive.outcomes, strict=False):
            step.outcome = outcome.split(": ", 1)[1] if ": " in outcome else outcome
        if "dropped" in drive.facts:
            lost = json.loads(drive.facts["dropped"] or "{}")
            drive.dropped = sum(sum(counts.values()) for counts in lost.values())
        drive.notes += [note for note in bag.notes if note not in drive.notes]
        if not drive.span_s[1]:
            drive.notes.append("the bag holds no message this report knows")
        elif not self.clocked and drive.span_s[0] < 1e9:
            drive.notes.append("no /clock: times are the stamps of the messages")
        return drive

    def _row(self, name: str, *values: float) -> None:
        self.rows.setdefault(name, []).append(tuple(map(float, values)))

    # -- one method per role --------------------------------------------------------------------

    def _odometry(self, time_s: float, message: Any) -> None:
        pose = _matrix(message.pose.pose)
        if pose is None:
            return
        in_map = message.header.frame_id.strip("/") == frames.MAP
        if not in_map:
            self.odometry.append((time_s, pose))
        if in_map or self.map_T_odom is not None:
            placed = pose if in_map or self.map_T_odom is None else self.map_T_odom @ pose
            self.estimate.append((time_s, placed))
            spread = np.asarray(message.pose.covariance, float).reshape(6, 6)
            self.sigma.append(float(np.sqrt(max(np.linalg.eigvalsh(spread[:2, :2])[-1], 0.0))))
        twist = message.twist.twist
        self._row("speed", time_s, np.hypot(twist.linear.x, twist.linear.y), twist.angular.z)

    def _truth(self, time_s: float, message: Any) -> None:
        pose = _matrix(message.pose.pose)
        if pose is not None:
            self.truth.append((time_s, pose))

    def _tf(self, time_s: float, message: Any) -> None:
        for item in message.transforms:
            parent, child = item.header.frame_id.strip("/"), item.child_frame_id.strip("/")
            if parent == frames.MAP and child == frames.ODOM:
                t, q = item.transform.translation, item.transform.rotation
                found = _transform((t.x, t.y, t.z), (q.w, q.x, q.y, q.z))
                self.map_T_odom = found if found is not None else self.map_T_odom
                if found is not None and (
                    not self.shifts or not np.allclose(found, self.shifts[-1][1], atol=1e-6)
                ):
                    self.shifts.append((time_s, found))

    def _command(self, time_s: float, message: Any) -> None:
        twist = getattr(message, "twist", message)
        self._row("command", time_s, twist.linear.x, twist.angular.z)

    def _joints(self, time_s: float, message: Any) -> None:
        names = tuple(message.name)
        if not self.drive.wheels:
            self.drive.wheels = names
        if names == self.drive.wheels:
            speeds = np.asarray(message.velocity)
            efforts = np.asarray(message.effort)
            if len(speeds) == len(names):
                self._row("wheel speed", time_s, *speeds)
            if len(efforts) == len(names):
                self._row("wheel effort", time_s, *efforts)

    def _imu(self, time_s: float, message: Any) -> None:
        a = message.linear_acceleration
        length = float(np.sqrt(a.x * a.x + a.y * a.y + a.z * a.z))
        if length > 0.1:
            tilt = np.degrees(np.arccos(np.clip(a.z / length, -1.0, 1.0)))
            self._row("imu tilt", time_s, tilt, length)

    def _battery(self, time_s: float, message: Any) -> None:
        self._row("battery", time_s, message.percentage, message.voltage, message.current)

    def _thermometer(self, part: str) -> Callable[[float, Any], None]:
        def handle(time_s: float, message: Any) -> None:
            self._row(f"temperature {part}", time_s, message.temperature)

        return handle

    def _immobility(self, time_s: float, message: Any) -> None:
        slip = np.asarray(message.slip, float)
        mean = float(np.nanmean(slip)) if np.isfinite(slip).any() else np.nan
        self._row(
            "slip", time_s, mean, message.commanded_mps, message.measured_mps, message.immobile
        )

    def _plan(self, time_s: float, message: Any) -> None:
        points = np.array([[p.pose.position.x, p.pose.position.y, 0.0] for p in message.poses])
        if len(points) < 2 or len(self.drive.plans) >= _PLANS:
            return
        if message.header.frame_id.strip("/") == frames.ODOM and self.map_T_odom is not None:
            points = frames.points(self.map_T_odom, points)
        self.drive.plans.append((time_s, points[:, :2]))

    def _navigation(self, time_s: float, message: Any) -> None:
        self._row("cycle", time_s, message.cycle_ms)
        known = self.drive.decisions
        if known and (known[-1].state, known[-1].reason) == (message.state, message.reason):
            return
        known.append(
            Decision(
                time_s,
                message.state,
                message.reason,
                float(message.distance_remaining_m),
                float(message.distance_driven_m),
                int(message.number_of_recoveries),
            )
        )

    def _mission(self, time_s: float, message: Any) -> None:
        drive = self.drive
        drive.status, drive.mission = message.status, message.mission or drive.mission
        drive.outcomes = list(message.outcomes) or drive.outcomes
        if message.status != "running":
            return
        if not drive.steps or drive.steps[-1].name != message.step_name:
            if drive.steps:
                drive.steps[-1].end_s = time_s
            drive.steps.append(Step(message.step_name, time_s, time_s))
        drive.steps[-1].end_s = time_s

    def _events(self, time_s: float, message: Any) -> None:
        self.drive.events.append(
            Event(time_s, int(message.severity), message.source, message.name, message.message)
        )

    def _heartbeat(self, time_s: float, message: Any) -> None:
        use = self.drive.nodes.setdefault(message.node, NodeUse(message.node))
        use.rows.append((time_s, message.cpu_s, message.memory_mb, -self.offset_s))

    def _samples(self, time_s: float, message: Any) -> None:
        p = message.place.point
        self.drive.samples.append(
            {
                "sample": message.id,
                "label": message.label,
                "time_s": time_s,
                "place_m": [p.x, p.y, p.z],
                "covariance_m2": [float(v) for v in message.place_covariance],
                "volume_ml": float(message.volume_ml),
                "volume_sigma_ml": float(message.volume_sigma_ml),
                "verified": bool(message.verified),
                "hash": message.record_hash,
            }
        )

    def _pictures(self, time_s: float, message: Any) -> None:
        pose = _matrix(message.pose.pose)
        self.drive.pictures.append(
            {
                "id": message.id,
                "kind": message.kind,
                "purpose": message.purpose,
                "path": message.path,
                "sha256": message.sha256,
                "time_s": time_s,
                "xy": None if pose is None else [float(pose[0, 3]), float(pose[1, 3])],
            }
        )

    def _attached(self, time_s: float, message: Any) -> None:
        if not message.data and self.drive.released_s is None:
            self.drive.released_s = time_s

    def _goal(self, time_s: float, message: Any) -> None:
        p = message.pose.position
        self.drive.goals.append((time_s, float(p.x), float(p.y)))

    def _terrain(self, _time_s: float, message: Any) -> None:
        names, count = list(message.layers), int(message.width) * int(message.height)
        data = np.asarray(message.data, np.float32)
        if "elevation" not in names or data.size != count * len(names):
            return
        shape = (int(message.height), int(message.width))
        layers = {n: data[i * count : (i + 1) * count].reshape(shape) for i, n in enumerate(names)}
        rows, columns = np.nonzero(np.isfinite(layers["elevation"]))
        if not len(rows):
            return
        resolution = float(message.resolution)
        points = np.column_stack(
            [
                message.origin_x + (columns + 0.5) * resolution,
                message.origin_y + (rows + 0.5) * resolution,
                layers["elevation"][rows, columns],
            ]
        )
        if message.header.frame_id.strip("/") != frames.MAP and self.map_T_odom is not None:
            points = frames.points(self.map_T_odom, points)
        if self.drive.canvas is None:
            self.drive.canvas = Canvas(max(resolution, _CELL_M), ("elevation", "hazard"))
        values = {"elevation": points[:, 2].astype(np.float32)}
        if "hazard" in layers:
            values["hazard"] = layers["hazard"][rows, columns]
        self.drive.canvas.paint(points[:, :2], values)

    def _hazards(self, _time_s: float, message: Any) -> None:
        if "terrain" in self.roles:
            return
        info = message.info
        if not info.width or not info.height or info.resolution <= 0.0:
            return
        grid = np.asarray(message.data, np.float32).reshape(info.height, info.width)
        rows, columns = np.nonzero(grid >= 0)
        corner = _matrix(info.origin)
        if corner is None or not len(rows):
            return
        local = np.column_stack([columns + 0.5, rows + 0.5, np.zeros(len(rows))]) * info.resolution
        points = frames.points(corner, local)
        if self.drive.canvas is None:
            self.drive.canvas = Canvas(max(float(info.resolution), _CELL_M), ("hazard",))
        self.drive.canvas.paint(points[:, :2], {"hazard": grid[rows, columns] / 100.0})

    def _image(self, time_s: float, message: Any) -> None:
        picture = message_pixels(message)
        if picture is None:
            return
        self.drive.stills.append((time_s, jpeg(picture, 360)))

    def _clock(self, time_s: float, message: Any) -> None:
        """Only that it is there."""

    def _diagnostics(self, _time_s: float, message: Any) -> None:
        for status in message.status:
            if status.name == "recording: bag":
                values = {item.key: item.value for item in status.values}
                self.drive.wall_s = float(values.get("wall_s", "nan"))

    def _true_house(self, _time_s: float, message: Any) -> None:
        p = message.pose.position
        self.drive.true_house = np.array([p.x, p.y, p.z])

    def _true_dig(self, _time_s: float, message: Any) -> None:
        p = message.point
        self.drive.true_digs.append(np.array([p.x, p.y, p.z]))


def _transform(
    xyz: tuple[float, float, float], wxyz: tuple[float, float, float, float]
) -> NDArray[np.float64] | None:
    position, quaternion = np.array(xyz), np.array(wxyz)
    length = float(np.linalg.norm(quaternion))
    if not (np.isfinite(position).all() and np.isfinite(length)) or length < 1e-6:
        return None
    return frames.transform(position, quaternion / length)


def _matrix(pose: Any) -> NDArray[np.float64] | None:
    p, q = pose.position, pose.orientation
    return _transform((p.x, p.y, p.z), (q.w, q.x, q.y, q.z))
