# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Which topic of a bag plays which part: by the contract's name, else by its type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenacious_rover.rover import contract

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TELLING = (
    contract.ODOMETRY.name,
    contract.JOINT_STATES.name,
    contract.IMU.name,
    contract.CMD_VEL.name,
    contract.IMAGE_LEFT.name,
    contract.BATTERY.name,
    contract.NAVIGATION_STATE.name,
    contract.MISSION_STATE.name,
)


@dataclass(frozen=True)
class Role:
    """A part of the report's material.

    `types` are taken as a stand-in when no topic has the contract's name; `period_s` is the least
    time between two messages that are looked at.
    """

    key: str
    name: str
    types: tuple[str, ...] = ()
    period_s: float = 0.0
    needed_for: str = ""


_ODOMETRY = "nav_msgs/msg/Odometry"
_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
ROLES = (
    Role("odometry", contract.ODOMETRY.name, (_ODOMETRY,), 0.18, "the estimated path"),
    Role("truth", contract.TRUTH_ODOMETRY.name, (), 0.18, "the true path and the drift"),
    Role("tf", "/tf", (), 0.0, "the place in map"),
    Role(
        "command",
        contract.CMD_VEL.name,
        ("geometry_msgs/msg/TwistStamped", "geometry_msgs/msg/Twist"),
        0.2,
        "commanded speed",
    ),
    Role("joints", contract.JOINT_STATES.name, ("sensor_msgs/msg/JointState",), 0.25, "wheels"),
    Role("imu", contract.IMU.name, ("sensor_msgs/msg/Imu",), 0.25, "tilt without an estimate"),
    Role("battery", contract.BATTERY.name, ("sensor_msgs/msg/BatteryState",), 0.9, "power"),
    Role("immobility", contract.IMMOBILITY.name, (), 0.19, "slip"),
    Role("plan", contract.PLAN.name, ("nav_msgs/msg/Path",), 0.5, "the planned path"),
    Role("navigation", contract.NAVIGATION_STATE.name, (), 0.0, "what the planner decided"),
    Role("mission", contract.MISSION_STATE.name, (), 0.0, "the mission's steps"),
    Role("events", contract.EVENTS.name, (), 0.0, "events"),
    Role("heartbeat", contract.HEARTBEAT.name, (), 0.0, "time and memory of the nodes"),
    Role("samples", contract.SAMPLE_RECORD.name, (), 0.0, "samples"),
    Role("pictures", contract.IMAGE_RECORD.name, (), 0.0, "where pictures were taken"),
    Role("attached", contract.PAYLOAD_ATTACHED.name, (), 0.0, "when the house was let go"),
    Role("goal", contract.GOAL_POSE.name, (), 0.0, ""),
    Role("terrain", contract.TERRAIN_MAP.name, (), 2.0, "ground and hazards on the map"),
    Role("hazards", contract.HAZARDS.name, ("nav_msgs/msg/OccupancyGrid",), 2.0, ""),
    Role("image", contract.IMAGE_LEFT.name, _IMAGES, 1.0, "frames of the camera"),
    Role("clock", "/clock", (), 1.0, ""),
    Role("diagnostics", "/diagnostics", (), 0.0, ""),
    Role("true_house", contract.TRUTH_PAYLOAD.name, (), 1.0, ""),
    Role("true_dig", contract.TRUTH_DIG.name, (), 0.0, ""),
)
_OPTIONAL = {"goal", "hazards", "clock", "diagnostics", "true_house", "true_dig", "imu"}


def rovers(topics: Iterable[str]) -> list[str]:
    """Namespaces that hold a rover: `""` or such as `/alpha`; `[""]` when none is told apart."""
    names = list(topics)
    found: dict[str, set[str]] = {}
    others = [t.name for t in (*contract.TRUTH, *contract.OFFERED)]
    for topic in names:
        for told in _TELLING:
            if not topic.endswith(f"/{told}"):
                continue
            if any(topic.endswith(f"/{o}") and len(o) > len(told) for o in others):
                continue
            found.setdefault(topic[: -len(told) - 1], set()).add(told)
    strong = sorted(space for space, told in found.items() if len(told) > 1)
    return strong or [""]


def resolve(topics: Mapping[str, str], namespace: str = "") -> tuple[dict[str, str], list[str]]:
    """Role to topic, and notes on what stands in and what is missing.

    Args:
        topics: topic to type, as the bag has them.
        namespace: of the rover.
    """
    roles: dict[str, str] = {}
    notes: list[str] = []
    taken: set[str] = set()
    for role in ROLES:
        name = role.name if role.name.startswith("/") else f"{namespace}/{role.name}"
        if name in topics:
            roles[role.key] = name
            taken.add(name)
    parts = f"{namespace}/{contract.TEMPERATURE_PREFIX}"
    for topic in topics:
        if topic.startswith(parts):
            roles[f"temperature {topic[len(parts) :]}"] = topic
    for role in ROLES:
        if role.key in roles:
            continue
        other = _stand_in(role, topics, taken, namespace)
        if other:
            roles[role.key] = other
            taken.add(other)
            notes.append(f"{other} stands in for {role.name}")
        elif role.needed_for and role.key not in _OPTIONAL:
            notes.append(f"no {role.name}: {role.needed_for} cannot be shown")
    return roles, notes


def _stand_in(role: Role, topics: Mapping[str, str], taken: set[str], namespace: str) -> str | None:
    fits = [
        t
        for t, kind in topics.items()
        if kind in role.types and t not in taken and t.startswith(namespace)
    ]
    # Ground truth is no estimate, and a depth image is no photograph.
    fits = [
        t for t in fits if not any(w in t for w in ("truth", "depth", "right", "global_costmap"))
    ]
    words = {"odometry": ("filtered", "odom"), "command": ("cmd_vel",), "plan": ("plan",)}
    for word in words.get(role.key, ()):
        for topic in fits:
            if word in topic:
                return topic
    return fits[0] if fits else None
