# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Is a bag sound: gaps, stamps, clock, calibration, frames, rates; topic by topic, streaming."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tenacious_rover.analysis.roles import rovers
from tenacious_rover.analysis.stamps import kind_of, stamp_of
from tenacious_rover.rover import contract

if TYPE_CHECKING:
    from tenacious_rover.analysis.bag import Bag

_GAP = 5.0
"""A silence this many times the usual one is a gap."""
_LATE = 0.8
"""A rate below this share of the contract's is late."""
_JUMP_S = 2.0
_APART_S = 5.0
_ON_DEMAND = {
    contract.CMD_VEL.name,
    contract.IMAGE_LEFT.name,
    contract.IMAGE_RIGHT.name,
    contract.INFO_LEFT.name,
    contract.INFO_RIGHT.name,
    contract.DEPTH.name,
    contract.SUN.name,
    contract.DIAGNOSTICS.name,
    contract.TRUTH_PAYLOAD.name,
}
_SEVERAL = {contract.HEARTBEAT.name, contract.EVENTS.name, "/tf", "/diagnostics"}


@dataclass
class Watch:
    """What is kept of a topic while the bag goes by."""

    name: str
    kind: str
    count: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    longest_s: float = 0.0
    longest_at_s: float = 0.0
    backwards: int = 0
    stamp_s: float | None = None
    frames: Counter[str] = field(default_factory=Counter)
    apart_s: float = 0.0

    @property
    def rate_hz(self) -> float:
        """Mean, by the times of reception."""
        span = self.last_s - self.first_s
        return (self.count - 1) / span if self.count > 1 and span > 0.0 else 0.0


@dataclass(frozen=True)
class Finding:
    """Something a person should know. `severity`: error, warning or note."""

    severity: str
    topic: str
    words: str


@dataclass
class Verdict:
    """Of a whole bag."""

    findings: list[Finding]
    watches: dict[str, Watch]

    @property
    def sound(self) -> bool:
        """No errors."""
        return all(f.severity != "error" for f in self.findings)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        topics = {
            w.name: {
                "type": w.kind,
                "count": w.count,
                "rate_hz": round(w.rate_hz, 3),
                "longest_gap_s": round(w.longest_s, 3),
            }
            for w in self.watches.values()
        }
        return {
            "sound": self.sound,
            "findings": [asdict(f) for f in self.findings],
            "topics": topics,
        }


def check(bag: Bag, frames: dict[str, str] | None = None) -> Verdict:
    """Read a bag once and judge it.

    Args:
        bag: any.
        frames: role to frame of the rover that was recorded; `None`: frames are not judged.
    """
    findings: list[Finding] = []
    watches = {name: Watch(name, kind) for name, kind in bag.topics.items()}
    firsts = {kind: kind_of(bag.fielddefs, kind) for kind in set(bag.topics.values())}
    pairs: dict[str, set[float]] = {}
    uncalibrated: set[str] = set()
    clock_jumps = 0
    clock_s: float | None = None
    for said in bag.messages():
        watch = watches[said.topic]
        stamp = stamp_of(said.raw, firsts[said.kind])
        if said.topic == "/clock":
            message = bag.decode(said)
            now = message.clock.sec + message.clock.nanosec * 1e-9 if message else None
            if now is not None and clock_s is not None and not 0.0 <= now - clock_s < _JUMP_S:
                clock_jumps += 1
                findings.append(
                    Finding("error", said.topic, f"jumps from {clock_s:.3f} s to {now:.3f} s")
                )
            clock_s = now
        if said.kind.endswith("/CameraInfo") and said.topic not in uncalibrated:
            message = bag.decode(said)
            if message is not None and not float(message.k[0]) > 0.0:
                uncalibrated.add(said.topic)
        if stamp is not None and said.topic.endswith(("left/image_raw", "right/image_raw")):
            pairs.setdefault(said.topic, set()).add(round(stamp.time_s, 6))
        _note(watch, said.time_s, stamp)
    findings += _clock(watches, clock_jumps)
    findings += _topics(watches, frames)
    findings += _cameras(watches, uncalibrated, pairs)
    findings += _contract(bag, watches)
    findings += [Finding("warning", "", note) for note in bag.notes]
    order = {"error": 0, "warning": 1, "note": 2}
    findings.sort(key=lambda f: (order[f.severity], f.topic))
    return Verdict(findings, watches)


def _note(watch: Watch, time_s: float, stamp: Any) -> None:
    if watch.count == 0:
        watch.first_s = time_s
    elif time_s - watch.last_s > watch.longest_s:
        watch.longest_s, watch.longest_at_s = time_s - watch.last_s, watch.last_s
    watch.count += 1
    watch.last_s = time_s
    if stamp is None:
        return
    watch.frames[stamp.frame] += 1
    if watch.stamp_s is not None and stamp.time_s < watch.stamp_s - 1e-9:
        watch.backwards += 1
    watch.stamp_s = stamp.time_s
    if stamp.time_s > 0.0:
        watch.apart_s = max(watch.apart_s, abs(time_s - stamp.time_s))


def _clock(watches: dict[str, Watch], jumps: int) -> list[Finding]:
    found = []
    if "/clock" not in watches or not watches["/clock"].count:
        words = "there is none: times are those of reception and of the stamps"
        found.append(Finding("note", "/clock", words))
    elif jumps > 1:
        found.append(Finding("error", "/clock", f"jumps {jumps} times"))
    return found


def _short(name: str, spaces: list[str]) -> str:
    for space in spaces:
        if name.startswith(f"{space}/"):
            return name[len(space) + 1 :]
    return name


def _topics(watches: dict[str, Watch], frames: dict[str, str] | None) -> list[Finding]:
    spaces = rovers(watches)
    known = {
        t.name: t
        for t in (
            *contract.MEASUREMENTS,
            *contract.OFFERED,
            *contract.TRUTH,
            *contract.COMMANDS,
            contract.CLOCK,
        )
    }
    found: list[Finding] = []
    for name, watch in watches.items():
        topic = known.get(name) or known.get(_short(name, spaces))
        short = topic.name if topic else name
        if watch.backwards and short not in _SEVERAL:
            words = f"stamps go backwards {watch.backwards} times"
            found.append(Finding("error", name, words))
        if watch.apart_s > _APART_S:
            words = f"stamps and times of reception are up to {watch.apart_s:.1f} s apart"
            found.append(Finding("warning", name, words))
        if topic is None:
            continue
        if topic.type != watch.kind:
            found.append(Finding("error", name, f"is {watch.kind}, the contract says {topic.type}"))
        found += _rate(watch, topic)
        role = topic.frame_role
        if frames and role and watch.frames:
            wrong = sorted(set(watch.frames) - {frames.get(role, "")})
            if wrong:
                words = f"frame {wrong[0]!r}, the rover's is {frames.get(role)!r}"
                found.append(Finding("error", name, words))
    return found


def _rate(watch: Watch, topic: contract.Topic) -> list[Finding]:
    rate = topic.rate_hz
    if rate is None or watch.count < 5:
        return []
    steady = topic.name not in _ON_DEMAND
    found = []
    if steady and topic.name not in _SEVERAL and watch.rate_hz < _LATE * rate:
        words = f"{watch.rate_hz:.1f} Hz, the contract says {rate:g} Hz"
        found.append(Finding("warning", watch.name, words))
    usual = max(1.0 / rate, 0.02)
    if steady and watch.longest_s > _GAP * usual + 0.2:
        words = f"silent for {watch.longest_s:.2f} s at {watch.longest_at_s:.2f} s"
        found.append(Finding("warning", watch.name, words))
    return found


def _cameras(
    watches: dict[str, Watch], uncalibrated: set[str], pairs: dict[str, set[float]]
) -> list[Finding]:
    found = [
        Finding("error", name, "the calibration is empty (K is zero)")
        for name in sorted(uncalibrated)
    ]
    for name, watch in watches.items():
        if not name.endswith("/image_raw") or not watch.count:
            continue
        info = name.removesuffix("image_raw") + "camera_info"
        if info not in watches or not watches[info].count:
            found.append(Finding("error", name, f"there is no {info}: no calibration"))
    for name, left in pairs.items():
        right = pairs.get(name.replace("left/image_raw", "right/image_raw"))
        if not name.endswith("left/image_raw") or right is None:
            continue
        alone = len(left ^ right)
        if alone > 1:
            words = f"{alone} pictures have no partner with the same stamp"
            found.append(Finding("warning", name, words))
    return found


def _contract(bag: Bag, watches: dict[str, Watch]) -> list[Finding]:
    """Missing topics, and what the recorder itself says it lost."""
    found = []
    for space in rovers(bag.topics):
        for topic in contract.MEASUREMENTS:
            name = f"{space}/{topic.name}"
            watch = watches.get(name)
            if topic.optional or (watch is not None and watch.count):
                continue
            found.append(Finding("warning", name, "is in the contract, not in the bag"))
    lost = json.loads(bag.facts.get("dropped") or "{}")
    for reason, counts in lost.items():
        for name, count in counts.items():
            words = f"the recorder lost {count} messages ({reason})"
            found.append(Finding("warning", name, words))
    if bag.facts.get("disk_guard"):
        found.append(Finding("warning", "", bag.facts["disk_guard"]))
    return found
