# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a platform did when it was told something: driving, silence, nonsense, scoop, latch.

The shell (cli/conformance_listen.py) commands and records; these functions judge. Times are of the
platform's clock. A trial that the platform refused to make possible is not passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.rover import contract, kinematics
from tenacious_rover.rover.conformance_record import FAILED, PASSED, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tenacious_rover.rover.measurements import Imu, Joints
    from tenacious_rover.rover.model import Rover

MOST_TRACK = 2.5
"""Largest factor that a platform may widen its track by when it turns."""
SETTLE_S = 0.6
"""For motors to reach or to leave a speed."""
TOPIC = contract.CMD_VEL.name


@dataclass(frozen=True)
class Drive:
    """One command kept up for a while, then none.

    Attributes:
        name: what it is for.
        linear_mps, angular_radps: as commanded; may be NaN or beyond the limits.
        start_s, end_s: of the stream of commands.
        joints, imu: recorded from `start_s` to about two seconds after `end_s`.
    """

    name: str
    linear_mps: float
    angular_radps: float
    start_s: float
    end_s: float
    joints: Sequence[Joints]
    imu: Sequence[Imu] = ()


def wheel_table(
    rover: Rover, joints: Sequence[Joints]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times (n,) and wheel speeds (n, wheels) rad/s of samples that name every wheel."""
    names = [wheel.joint for wheel in rover.wheels]
    good = [j for j in joints if all(name in j.names for name in names)]
    times = np.array([j.time_s for j in good])
    rows = [[j.velocity[j.names.index(name)] for name in names] for j in good]
    return times, np.array(rows).reshape(len(good), len(names))


def followed(rover: Rover, drive: Drive) -> list[Verdict]:
    """Did each wheel turn as the command asks, and the gyroscope see it?"""
    times, speeds = wheel_table(rover, drive.joints)
    steady = (times > drive.start_s + SETTLE_S) & (times < drive.end_s)
    if steady.sum() < 3:
        return [Verdict(TOPIC, drive.name, FAILED, "no joint_states while commanded")]
    mean = np.median(speeds[steady], axis=0)
    wanted = kinematics.wheel_speeds(rover, drive.linear_mps, drive.angular_radps)
    # Skid steering may turn its wheels for a wider track than its own (Mandow et al. 2007).
    factor = float(np.clip(mean @ wanted / max(float(wanted @ wanted), 1e-9), 1.0, MOST_TRACK))
    aimed = wanted * (factor if drive.angular_radps else 1.0)
    bad = np.abs(mean - aimed) > 0.3 * np.abs(wanted).max()
    wheels = ", ".join(
        f"{wheel.joint} {got:.2f} of {due:.2f} rad/s"
        for wheel, got, due in zip(rover.wheels, mean, wanted, strict=True)
    )
    out = [Verdict(TOPIC, drive.name, FAILED if bad.any() else PASSED, wheels)]
    if drive.angular_radps and drive.imu:
        out.append(_turned(rover, drive))
    return out


def speed_is_rate(rover: Rover, drive: Drive) -> Verdict:
    """Is the velocity of the wheels the rate of their position, in the same unit?"""
    check = "velocity is the rate of position"
    names = [wheel.joint for wheel in rover.wheels]
    good = [j for j in drive.joints if all(name in j.names for name in names)]
    position = np.array([[j.position[j.names.index(name)] for name in names] for j in good])
    times, speeds = wheel_table(rover, good)
    if len(good) < 3 or np.abs(position[-1] - position[0]).max() < 0.2:
        return Verdict(contract.JOINT_STATES.name, check, FAILED, "the wheels never turned")
    integral = np.sum((speeds[1:] + speeds[:-1]) / 2.0 * np.diff(times)[:, None], axis=0)
    ratio = float(np.median(integral / (position[-1] - position[0])))
    words = f"velocity / rate of position = {ratio:.3g}"
    for factor, unit in ((180.0 / np.pi, "deg/s"), (30.0 / np.pi, "rpm")):
        if abs(ratio / factor - 1.0) < 0.25:
            words += f": velocity in {unit}?"
    outcome = FAILED if abs(ratio - 1.0) > 0.25 else PASSED
    return Verdict(contract.JOINT_STATES.name, check, outcome, words)


def _turned(rover: Rover, drive: Drive) -> Verdict:
    during = [i.gyro for i in drive.imu if drive.start_s + SETTLE_S < i.time_s < drive.end_s]
    if not during:
        return Verdict(contract.IMU.name, f"sees {drive.name}", FAILED, "silent meanwhile")
    rate = float((rover.base_T_imu[:3, :3] @ np.mean(during, axis=0))[2])
    ratio = rate / drive.angular_radps
    words = f"{rate:.3g} rad/s about z, commanded {drive.angular_radps:g}"
    if ratio < 0.0:
        words += ": sign or mounting of the gyroscope?"
    elif ratio > 20.0:
        words += ": in deg/s?"
    # Skidding wheels turn the rover by less than commanded, never by more.
    bad = not 0.15 < ratio < 1.3
    return Verdict(contract.IMU.name, f"sees {drive.name}", FAILED if bad else PASSED, words)


def stopped(rover: Rover, drive: Drive) -> Verdict:
    """Did the wheels stop by themselves once the commands ended?"""
    times, speeds = wheel_table(rover, drive.joints)
    check = "stops when commands end"
    fastest = np.abs(speeds).max(axis=1) if len(speeds) else np.zeros(0)
    if not (fastest[times < drive.end_s] > 0.1).any():
        return Verdict(TOPIC, check, FAILED, "the wheels never turned")
    last_s = drive.end_s + contract.COMMAND_TIMEOUT_S + SETTLE_S
    after = times >= last_s
    if not after.any():
        return Verdict(TOPIC, check, FAILED, "no joint_states after the last command")
    still = _at_rest(rover, fastest, drive)
    moving = times[(times >= drive.end_s) & ~still]
    rest = float(moving.max() - drive.end_s) if len(moving) else 0.0
    if not still[after].all():
        return Verdict(TOPIC, check, FAILED, f"still turning {rest:.2f} s after the last command")
    words = f"at rest {rest:.2f} s after the last command, due {contract.COMMAND_TIMEOUT_S:g} s"
    return Verdict(TOPIC, check, PASSED, words)


def _at_rest(rover: Rover, fastest: NDArray[np.float64], drive: Drive) -> NDArray[np.bool_]:
    wanted = np.abs(kinematics.wheel_speeds(rover, drive.linear_mps, drive.angular_radps)).max()
    return np.asarray(fastest < max(0.1 * float(wanted), 0.03))


def ignored(rover: Rover, drive: Drive) -> Verdict:
    """Did the wheels rest while the commands were not numbers?"""
    times, speeds = wheel_table(rover, drive.joints)
    during = (times > drive.start_s + SETTLE_S) & (times < drive.end_s)
    check = "NaN stops the wheels"
    if not during.any():
        return Verdict(TOPIC, check, FAILED, "no joint_states meanwhile")
    fastest = float(np.abs(speeds[during]).max())
    bad = not fastest < 0.05
    return Verdict(TOPIC, check, FAILED if bad else PASSED, f"fastest wheel {fastest:.2f} rad/s")


def clamped(rover: Rover, drive: Drive) -> Verdict:
    """Did the wheels keep to the limit when asked for more?"""
    times, speeds = wheel_table(rover, drive.joints)
    during = (times > drive.start_s + SETTLE_S) & (times < drive.end_s)
    check = "limits speed"
    if not during.any():
        return Verdict(TOPIC, check, FAILED, "no joint_states meanwhile")
    rim = float(np.median(np.abs(speeds[during]), axis=0).max()) * rover.wheel_radius_m
    limit = rover.limits.speed_mps
    words = f"{rim:.3f} m/s at the rim when {drive.linear_mps:g} was asked, limit {limit:g}"
    bad = not 0.5 * limit < rim < 1.2 * limit
    return Verdict(TOPIC, check, FAILED if bad else PASSED, words)


def reached(joint: str, wanted_rad: float, before_rad: float, after_rad: float) -> Verdict:
    """Did a joint of the scoop go where its trajectory ends?"""
    moved = abs(after_rad - before_rad) > 0.3 * abs(wanted_rad - before_rad)
    bad = not (moved and abs(after_rad - wanted_rad) < 0.08)
    words = f"{joint} at {after_rad:.3f} rad, sent from {before_rad:.3f} to {wanted_rad:.3f}"
    return Verdict(contract.SCOOP_COMMAND.name, f"moves {joint}", FAILED if bad else PASSED, words)
