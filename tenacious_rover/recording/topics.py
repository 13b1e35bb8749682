# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Which topics a profile records, what each is worth, and how deep its queue must be."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover import contract
from tenacious_rover.rover.contract import Quality, Topic

VITAL = 5
"""Worth of what is never shed: samples, events, the house, the mission."""

_STREAMS = {
    contract.IMAGE_LEFT.name,
    contract.IMAGE_RIGHT.name,
    contract.INFO_LEFT.name,
    contract.INFO_RIGHT.name,
}
_MAPS = {contract.TERRAIN_MAP.name, contract.HAZARDS.name, contract.DIAGNOSTICS.name}
_RATES = {contract.IMU.name, contract.JOINT_STATES.name, contract.TF.name, contract.CLOCK.name}
_STATES = {
    contract.CMD_VEL.name,
    contract.SUN.name,
    contract.BATTERY.name,
    contract.ODOMETRY.name,
    contract.IMMOBILITY.name,
    contract.PLAN.name,
    contract.NAVIGATION_STATE.name,
    contract.HEARTBEAT.name,
    contract.FEED.name,
    contract.TRUTH_ODOMETRY.name,
    contract.TRUTH_PAYLOAD.name,
    contract.TRUTH_COMMANDS.name,
}
_VITAL = {
    contract.SCOOP_COMMAND.name,
    contract.PAYLOAD_ARM.name,
    contract.PAYLOAD_RELEASE.name,
    contract.PAYLOAD_ATTACHED.name,
    contract.TRUTH_DIG.name,
    contract.TF_STATIC.name,
    contract.ROBOT_DESCRIPTION.name,
    contract.GOAL_POSE.name,
    contract.MISSION_STATE.name,
    contract.EVENTS.name,
    contract.IMAGE_RECORD.name,
    contract.SAMPLE_RECORD.name,
}
SHED_ORDER = (
    "point clouds, depth images and topics outside the contract",
    "camera streams",
    "terrain maps and diagnostics",
    "IMU, joints, transforms and clock",
    "odometry, plan, battery and the like",
)
"""What goes first when the disk fills, by worth 0, 1, …; samples and events are never shed."""

_DEPTHS = {Quality.IMAGE: 24, Quality.COMMAND: 100}
_DEPTH = 2000


@dataclass(frozen=True)
class Wanted:
    """A topic to subscribe to."""

    topic: Topic
    worth: int
    depth: int
    """Of the subscription: no message is lost while the recorder waits for a processor."""


def worth(name: str) -> int:
    """Position of a contract topic in `SHED_ORDER`; `VITAL` is never shed."""
    for value, names in ((1, _STREAMS), (2, _MAPS), (3, _RATES), (4, _STATES), (VITAL, _VITAL)):
        if name in names:
            return value
    return 4 if name.startswith(contract.TEMPERATURE_PREFIX) else 0


def temperature(part: str) -> Topic:
    """The contract's topic of a part's temperature."""
    return Topic(
        contract.TEMPERATURE_PREFIX + part,
        contract.TEMPERATURE_TYPE,
        Quality.STATE,
        contract.TEMPERATURE_RATE_HZ,
    )


def wanted(profile: str, temperatures: tuple[str, ...], simulated: bool) -> list[Wanted]:
    """Topics of the contract that a profile records.

    Args:
        profile: one of `config.PROFILES`.
        temperatures: parts of the rover with a thermometer.
        simulated: whether there is a clock and ground truth.
    """
    topics = [*contract.COMMANDS, *contract.MEASUREMENTS, *contract.OFFERED]
    topics += [temperature(part) for part in temperatures]
    if simulated:
        topics += [contract.CLOCK, *contract.TRUTH]
    if profile == "flight":
        topics = [
            t for t in topics if worth(t.name) > 1 or t in (contract.INFO_LEFT, contract.INFO_RIGHT)
        ]
    return [Wanted(t, worth(t.name), _DEPTHS.get(t.quality, _DEPTH)) for t in topics]
