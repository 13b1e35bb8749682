# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a replay needs to know: the rover, every core's configuration, which outputs there were."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from tenacious_rover.analysis.roles import rovers
from tenacious_rover.analysis.stamps import kind_of, stamp_of
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.navigation.config import NavigationConfig
from tenacious_rover.perception.config import PerceptionConfig
from tenacious_rover.rover import contract, frames
from tenacious_rover.rover.config import ConfigError, configured
from tenacious_rover.rover.description import load_rover

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tenacious_rover.analysis.bag import Bag
    from tenacious_rover.rover.model import Rover

CORES = ("localization", "perception", "navigation")
_CONFIGS: dict[str, type] = {
    "localization": LocalizationConfig,
    "perception": PerceptionConfig,
    "navigation": NavigationConfig,
}
NEEDS = {
    "localization": (
        contract.IMU,
        contract.JOINT_STATES,
        contract.IMAGE_LEFT,
        contract.IMAGE_RIGHT,
        contract.DEPTH,
        contract.INFO_LEFT,
        contract.INFO_RIGHT,
        contract.SUN,
        contract.CMD_VEL,
        contract.TF,
        contract.ODOMETRY,
    ),
    "perception": (
        contract.IMAGE_LEFT,
        contract.IMAGE_RIGHT,
        contract.DEPTH,
        contract.INFO_LEFT,
        contract.INFO_RIGHT,
        contract.ODOMETRY,
        contract.TF,
        contract.PAYLOAD_ATTACHED,
        contract.JOINT_STATES,
        contract.TERRAIN_MAP,
    ),
    "navigation": (
        contract.TERRAIN_MAP,
        contract.IMMOBILITY,
        contract.JOINT_STATES,
        contract.ODOMETRY,
        contract.TF,
        contract.EVENTS,
        contract.CMD_VEL,
    ),
}
"""Core to the topics it is fed with and compared by."""
OUTPUT = {
    "localization": contract.ODOMETRY,
    "perception": contract.TERRAIN_MAP,
    "navigation": contract.CMD_VEL,
}


class ReplayError(RuntimeError):
    """A bag cannot be replayed; the message says what is missing."""


@dataclass(frozen=True)
class Options:
    """What to replay.

    Attributes:
        settings: core to field to value, over what was recorded.
        start_s, stop_s: seconds from the bag's beginning; `None`: from its beginning, to its end.
        cores: which.
        chain: feed each core with what the one before it gave now, not with what was recorded.
        description: of the rover; empty: the recorded one.
    """

    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    start_s: float | None = None
    stop_s: float | None = None
    cores: tuple[str, ...] = CORES
    chain: bool = False
    description: str = ""


@dataclass
class Setup:
    """All that is fixed before the first message."""

    rover: Rover
    configs: dict[str, Any]
    topics: dict[str, str]
    """Topic of the bag to name in the contract."""
    stamps: dict[str, set[int]]
    """Core to the stamps, ns, of its recorded outputs."""
    exact: bool = False
    """The bag tells in which order each node took its inputs."""
    start_map_T_base: NDArray[np.float64] | None = None
    start_goal: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)


def parse_settings(words: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`navigation.max_tilt_deg=12` and the like.

    Raises:
        ConfigError: not of that form, or no such core.
    """
    found: dict[str, dict[str, Any]] = {}
    for word in words:
        name, equals, text = word.partition("=")
        core, dot, key = name.partition(".")
        if not (equals and dot and key):
            raise ConfigError(f"--set: {word!r} is not CORE.FIELD=VALUE")
        if core not in CORES:
            raise ConfigError(f"--set: {core!r} is not one of {', '.join(CORES)}")
        found.setdefault(core, {})[key] = yaml.safe_load(text)
    return found


def prepare(bag: Bag, options: Options) -> Setup:
    """Read what the bag says about itself, and the stamps of its outputs.

    Raises:
        ReplayError: nothing to replay, or more than one rover.
        ConfigError: a setting is refused.
    """
    spaces = rovers(bag.topics)
    if len(spaces) > 1:
        raise ReplayError(
            f"{bag.path}: holds several rovers: {', '.join(spaces)}; cut one out first"
        )
    names = _topics(bag, spaces[0], options)
    notes: list[str] = []
    parameters = _parameters(bag.facts, notes)
    configs = {core: _config(core, parameters, options) for core in CORES}
    described = options.description or str(
        parameters.get("localization", {}).get("description")
        or bag.facts.get("description")
        or "tenacious"
    )
    try:
        rover = load_rover(described)
    except (ValueError, FileNotFoundError) as error:
        raise ReplayError(f"description {described!r}: {error}") from error
    feed = f"{spaces[0]}/{contract.FEED.name}"
    exact = bool(bag.counts.get(feed))
    if exact:
        names[feed] = contract.FEED.name
    else:
        notes.append(
            "the bag does not tell the order of inputs: small differences are to be expected"
        )
    setup = Setup(rover, configs, names, {}, exact, notes=notes)
    _outputs(bag, setup, options)
    if options.start_s:
        _before(bag, setup, options.start_s)
    return setup


def _topics(bag: Bag, space: str, options: Options) -> dict[str, str]:
    names: dict[str, str] = {}
    for core in options.cores:
        for topic in NEEDS[core]:
            name = topic.name if topic.name.startswith("/") else f"{space}/{topic.name}"
            if name in bag.topics:
                names[name] = topic.name
        output = OUTPUT[core].name
        if output not in names.values():
            raise ReplayError(f"{bag.path}: has no {output}: {core} cannot be compared")
    if "localization" in options.cores and contract.IMU.name not in names.values():
        raise ReplayError(
            f"{bag.path}: has no {contract.IMU.name}: localization cannot be replayed"
        )
    if "perception" in options.cores and not {
        contract.IMAGE_LEFT.name,
        contract.DEPTH.name,
    } & set(names.values()):
        raise ReplayError(
            f"{bag.path}: has no camera images (profile flight?): perception cannot be replayed; "
            "choose others with --cores"
        )
    return names


def _parameters(facts: dict[str, str], notes: list[str]) -> dict[str, dict[str, Any]]:
    """Node to its parameters as they were recorded."""
    try:
        texts = json.loads(facts.get("parameters") or "{}")
        found = {
            node: yaml.safe_load(text)["/**"]["ros__parameters"] for node, text in texts.items()
        }
    except (ValueError, KeyError, TypeError, yaml.YAMLError):
        found = {}
    if not found:
        notes.append("the bag does not say its parameters: defaults are used")
    return found


def _config(core: str, parameters: dict[str, dict[str, Any]], options: Options) -> Any:
    kind = _CONFIGS[core]
    known = {f.name for f in dataclasses.fields(kind)}
    recorded = {k: v for k, v in parameters.get(core, {}).items() if k in known}
    if core == "localization":
        # A replay begins at the beginning, and has no folder of a run.
        recorded |= {"resume": False} if "resume" in known else {}
    return configured(kind, recorded | options.settings.get(core, {}), f"{core}.")


def _outputs(bag: Bag, setup: Setup, options: Options) -> None:
    """Stamps of recorded outputs, without decoding."""
    begin = bag.span_s[0]
    start = None if options.start_s is None else begin + options.start_s
    stop = None if options.stop_s is None else begin + options.stop_s
    wanted = {
        name: core
        for name, told in setup.topics.items()
        for core in options.cores
        if told == OUTPUT[core].name
    }
    firsts = {name: kind_of(bag.fielddefs, bag.topics[name]) for name in wanted}
    setup.stamps = {core: set() for core in options.cores}
    for said in bag.messages(dict.fromkeys(wanted, 0.0), start, stop):
        stamp = stamp_of(said.raw, firsts[said.topic])
        if stamp is not None:
            setup.stamps[wanted[said.topic]].add(round(stamp.time_s * 1e9))


def _before(bag: Bag, setup: Setup, start_s: float) -> None:
    """Where the rover was and what it was driving to when the stretch begins."""
    begin = bag.span_s[0]
    chosen = (contract.ODOMETRY.name, contract.TF.name, contract.EVENTS.name)
    wanted = {name: 0.0 for name, told in setup.topics.items() if told in chosen}
    map_T_odom, odom_T_base = np.eye(4), None
    for said in bag.messages(wanted, None, begin + start_s):
        if said.topic == "/tf" and b"map\x00" not in said.raw:
            continue
        message = bag.decode(said)
        told = setup.topics[said.topic]
        if message is None:
            continue
        if told == contract.ODOMETRY.name:
            odom_T_base = pose_matrix(message.pose.pose)
        elif told == contract.TF.name:
            map_T_odom = map_to_odom(message, map_T_odom)
        elif message.source == "navigation":
            if message.name == "drive_begun":
                setup.start_goal = json.loads(message.data_json)
            elif message.name in ("drive_done", "drive_ended"):
                setup.start_goal = None
    if odom_T_base is not None:
        setup.start_map_T_base = map_T_odom @ odom_T_base


def pose_matrix(pose: Any) -> NDArray[np.float64]:
    """(4, 4) of a pose message."""
    p, q = pose.position, pose.orientation
    quaternion = np.array([q.w, q.x, q.y, q.z])
    return frames.transform(np.array([p.x, p.y, p.z]), quaternion / np.linalg.norm(quaternion))


def map_to_odom(message: Any, otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
    """map_T_odom (4, 4) of a TFMessage, when it is in there."""
    for item in message.transforms:
        if item.header.frame_id == frames.MAP and item.child_frame_id == frames.ODOM:
            t, q = item.transform.translation, item.transform.rotation
            place = np.array([t.x, t.y, t.z])
            return frames.transform(place, np.array([q.w, q.x, q.y, q.z]))
    return otherwise
