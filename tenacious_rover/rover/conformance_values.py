# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Are the numbers of a platform in the contract's units, and do they fit the description?

Each check guesses what was meant when a number is off by a known factor, because that is what a
person mends: g instead of m/s^2, degrees instead of radians, per cent instead of 0..1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.rover import contract
from tenacious_rover.rover.conformance_record import FAILED, PASSED, SKIPPED, Observed, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from tenacious_rover.rover.contract import Topic
    from tenacious_rover.rover.measurements import Attached, Battery, Imu, Joints, Sun, Temperature
    from tenacious_rover.rover.model import Camera, Rover

ENCODINGS = ("rgb8", "bgr8", "rgba8", "bgra8", "mono8")
STILL_RADPS = 0.05
"""Faster than any drift or noise of a usable gyroscope at rest."""


@dataclass(frozen=True)
class Picture:
    """An image, reduced: size, range, and for a depth image the median of what is finite."""

    encoding: str
    width_px: int
    height_px: int
    low: float
    high: float
    median: float


@dataclass(frozen=True)
class Optics:
    """A camera_info: `k` (3, 3), `p` (3, 4), `d` (n,)."""

    width_px: int
    height_px: int
    k: NDArray[np.float64]
    p: NDArray[np.float64]
    d: NDArray[np.float64]


def of(rover: Rover, topic: Topic, values: Sequence[Any]) -> list[Verdict]:
    """Verdicts on the values of one topic; `values` are samples in order of time, at least one."""
    temperature = topic.name.startswith(contract.TEMPERATURE_PREFIX)
    check = _temperature if temperature else _CHECKS[topic.name]
    return [
        Verdict(topic.name, name, FAILED if bad else PASSED, words)
        for name, bad, words in check(rover, values)
    ]


Finding = tuple[str, bool, str]
"""Name of the check, whether it failed, what to say."""


def _joints(rover: Rover, values: Sequence[Joints]) -> Iterable[Finding]:
    wanted = [wheel.joint for wheel in rover.wheels]
    if rover.scoop is not None:
        wanted += [rover.scoop.lift_joint, rover.scoop.tilt_joint]
    last = values[-1]
    missing = [name for name in wanted if name not in last.names]
    yield "names", bool(missing), f"lacks {', '.join(missing)}" if missing else ", ".join(wanted)
    n = len(last.names)
    short = [
        what
        for what in ("position", "velocity", "effort")
        if any(len(getattr(value, what)) != n for value in values)
    ]
    yield "lengths", bool(short), f"{', '.join(short)}: not one number per name" if short else ""
    if missing or short:
        return
    table = np.array([[v.position, v.velocity, v.effort] for v in values])
    bad = not np.isfinite(table).all()
    yield "finite", bad, "NaN or infinite" if bad else ""
    if bad:
        return
    rows = [last.names.index(wheel.joint) for wheel in rover.wheels]
    effort, limit = float(np.abs(table[:, 2, rows]).max()), rover.limits.wheel_torque_nm
    words = f"{effort:.3g} N m at most, limit {limit:g}"
    hint = "; is it mA or mN m?" if effort > 20.0 * limit else ""
    yield "effort", effort > 3.0 * limit, words + hint


def _imu(rover: Rover, values: Sequence[Imu]) -> Iterable[Finding]:
    accel = np.array([value.accel for value in values])
    gyro = np.array([value.gyro for value in values])
    bad = not (np.isfinite(accel).all() and np.isfinite(gyro).all())
    yield "finite", bad, "NaN or infinite" if bad else ""
    if bad:
        return
    # The median of each axis outlasts bumps while driving.
    force = rover.base_T_imu[:3, :3] @ np.median(accel, axis=0)
    size, gravity = float(np.linalg.norm(force)), rover.gravity_mps2
    words = f"specific force {size:.3g} m/s^2, gravity of the description {gravity:g}"
    hints = (
        (1.0, "in g of Earth?"),
        (gravity / 9.80665, "in g of Earth?"),
        (9.80665, "is the platform on Earth? then gravity:=9.81 in the description"),
        (0.0, "gravity removed? the contract wants data_raw"),
    )
    bad = abs(size - gravity) > 0.15 * gravity
    hint = next((h for v, h in hints if abs(size - v) < max(0.12 * v, 0.15)), "") if bad else ""
    yield "gravity", bad, words + (f": {hint}" if hint else "")
    if not bad:
        tilt = math.degrees(math.acos(max(-1.0, min(1.0, force[2] / size))))
        words = f"up is {tilt:.0f} deg from z of {rover.frames['base']}"
        hint = ": sign of the accelerometer? specific force points up at rest" if tilt > 150 else ""
        yield "up", tilt > 40.0, words + hint
    drift = float(np.linalg.norm(np.median(gyro, axis=0)))
    limit = 1.5 * rover.limits.turn_rate_radps
    hint = ": in deg/s?" if drift > limit else ""
    yield "turn rate", drift > limit, f"median {drift:.3g} rad/s{hint}"


def _pictures(rover: Rover, values: Sequence[Picture], eye: str) -> Iterable[Finding]:
    camera, last = rover.cameras[eye], values[-1]
    bad = last.encoding not in ENCODINGS
    yield "encoding", bad, last.encoding + (f" is not one of {', '.join(ENCODINGS)}" * bad)
    yield _size(camera, last)
    flat = all(value.high - value.low < 2.0 for value in values)
    words = f"every pixel is {last.low:.0f}" if flat else f"{last.low:.0f} to {last.high:.0f}"
    yield "shows something", flat, words


def _size(camera: Camera, value: Picture | Optics) -> Finding:
    size = (value.width_px, value.height_px)
    words = f"{size[0]} x {size[1]} px"
    bad = size != (camera.width_px, camera.height_px)
    return "size", bad, words + f", described {camera.width_px} x {camera.height_px}" * bad


def _optics(rover: Rover, values: Sequence[Optics], eye: str) -> Iterable[Finding]:
    camera, last = rover.cameras[eye], values[-1]
    yield _size(camera, last)
    p = last.p
    focal = float(p[0, 0])
    bad = not np.isfinite(p).all() or abs(focal / camera.fx_px - 1.0) > 0.05
    yield "focal length", bad, f"{focal:.1f} px, described {camera.fx_px:.1f}"
    off = max(abs(p[0, 2] - camera.cx_px), abs(p[1, 2] - camera.cy_px))
    yield "principal point", off > 0.05 * camera.width_px, f"{off:.1f} px from the description's"
    bent = bool(len(last.d) and np.abs(last.d).max() > 1e-6)
    yield "rectified", bent, "distortion is not zero" if bent else ""
    wanted = -camera.fx_px * rover.baseline_m if eye == "right" else 0.0
    bad = abs(p[0, 3] - wanted) > 0.05 * camera.fx_px * rover.baseline_m
    words = f"P[0,3] = {p[0, 3]:.2f}, due {wanted:.2f} (-fx * baseline in the right eye)"
    yield "baseline", bad, words


def _depth(rover: Rover, values: Sequence[Picture]) -> Iterable[Finding]:
    last = values[-1]
    yield "encoding", last.encoding != "32FC1", last.encoding
    yield _size(rover.cameras["left"], last)
    bad = not 0.05 <= last.median <= 100.0
    hint = ": in mm?" if last.median > 100.0 else ""
    yield "metres", bad, f"median {last.median:.3g} m{hint}"


def _sun(rover: Rover, values: Sequence[Sun]) -> Iterable[Finding]:
    del rover
    lengths = np.linalg.norm([value.direction for value in values], axis=1)
    bad = not bool(np.all(np.abs(lengths - 1.0) < 0.01))
    yield "unit vector", bad, f"length {lengths.min():.3g} to {lengths.max():.3g}"


def _battery(rover: Rover, values: Sequence[Battery]) -> Iterable[Finding]:
    del rover
    last = values[-1]
    bad = not 2.0 <= last.voltage_v <= 60.0
    hint = ": in mV?" if last.voltage_v > 60.0 else ""
    yield "voltage", bad, f"{last.voltage_v:.4g} V{hint}"
    bad = not 0.0 <= last.charge <= 1.0
    hint = ": in per cent?" if 1.0 < last.charge <= 100.0 else ""
    yield "charge", bad, f"{last.charge:.3g} of 0..1{hint}"
    bad = not -50.0 < last.current_a < 50.0
    yield "current", bad, f"{last.current_a:.3g} A (negative: discharging)"


def _temperature(rover: Rover, values: Sequence[Temperature]) -> Iterable[Finding]:
    del rover
    celsius = values[-1].celsius
    bad = not -150.0 <= celsius <= 150.0
    hint = ": in kelvin?" if 150.0 < celsius < 450.0 else ""
    yield "Celsius", bad, f"{celsius:.1f}{hint}"


def _attached(rover: Rover, values: Sequence[Attached]) -> Iterable[Finding]:
    del rover
    yield "state", False, "on the latch" if values[-1].attached else "released"


_CHECKS: dict[str, Callable[[Rover, Sequence[Any]], Iterable[Finding]]] = {
    contract.JOINT_STATES.name: _joints,
    contract.IMU.name: _imu,
    contract.IMAGE_LEFT.name: lambda rover, values: _pictures(rover, values, "left"),
    contract.IMAGE_RIGHT.name: lambda rover, values: _pictures(rover, values, "right"),
    contract.INFO_LEFT.name: lambda rover, values: _optics(rover, values, "left"),
    contract.INFO_RIGHT.name: lambda rover, values: _optics(rover, values, "right"),
    contract.DEPTH.name: _depth,
    contract.SUN.name: _sun,
    contract.BATTERY.name: _battery,
    contract.PAYLOAD_ATTACHED.name: _attached,
}


def between(rover: Rover, observed: Mapping[str, Observed]) -> list[Verdict]:
    """Verdicts on topics that belong together: each image has its twin and its camera_info."""
    del rover
    out = []
    left = _stamps(observed, contract.IMAGE_LEFT)
    for other in (contract.IMAGE_RIGHT, contract.INFO_LEFT, contract.INFO_RIGHT):
        stamps = _stamps(observed, other)
        name, check = other.name, f"same stamps as {contract.IMAGE_LEFT.name}"
        if not left or not stamps:
            out.append(Verdict(name, check, SKIPPED, "one of them is silent"))
            continue
        # The first and last of a recording may lack their partner.
        span = range(max(left[0], stamps[0]), min(left[-1], stamps[-1]) + 1)
        ours, theirs = ({s for s in side if s in span} for side in (left, stamps))
        alone = len(ours ^ theirs)
        bad = not ours & theirs or alone > 0.1 * len(ours | theirs)
        words = f"{len(ours & theirs)} pairs, {alone} alone"
        out.append(Verdict(name, check, FAILED if bad else PASSED, words))
    return out


def _stamps(observed: Mapping[str, Observed], topic: Topic) -> list[int]:
    """Nanoseconds, in order."""
    samples = observed.get(topic.name, Observed()).samples
    return sorted(round(s.stamp_s * 1e9) for s in samples if math.isfinite(s.stamp_s))
