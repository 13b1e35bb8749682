# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a drive says in words: the outcome, plainly, and what the sections of the page show."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tenacious_rover.analysis.metrics import LABELS, shown, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenacious_rover.analysis.drive import Drive
    from tenacious_rover.analysis.report import Subject
    from tenacious_rover.analysis.run_files import Picture, RunFiles

_CARDS = (
    "driven_m",
    "duration_s",
    "speed_moving_mps",
    "final_error_m",
    "drift_percent",
    "max_tilt_deg",
    "slip_mean",
    "energy_wh",
)
_ENDS = {
    "succeeded": ("succeeded", "good"),
    "failed": ("failed", "bad"),
    "cancelled": ("cancelled", "warn"),
    "stopped": ("stopped by hand", "warn"),
    "fell": ("a node fell", "bad"),
    "timeout": ("out of time", "bad"),
    "running": ("never ended", "warn"),
}
_MOST_DECISIONS = 120


def minutes(seconds: float) -> str:
    """`m:ss`."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def title(subjects: Sequence[Subject]) -> str:
    """Of the page."""
    if len(subjects) > 1:
        return f"{len(subjects)} drives side by side"
    drive = subjects[0].drive
    return (drive.mission or drive.facts.get("mission", "").split("/")[-1] or drive.name).replace(
        "_", " "
    )


def verdict(drive: Drive, files: RunFiles) -> tuple[str, str]:
    """Words and class of how it ended."""
    ended = str(files.facts.get("ended") or drive.status or "")
    if ended == "stopped" and drive.status in ("succeeded", "failed"):
        ended = drive.status
    return _ENDS.get(ended, ("no mission", "plain"))


def told(subject: Subject) -> dict[str, Any]:
    """All that the template asks of one drive."""
    drive, files = subject.drive, subject.files
    words, kind = verdict(drive, files)
    figures = summary(drive)
    cards = [(key, shown(key, figures[key])) for key in _CARDS if key in figures]
    return {
        "name": drive.name,
        "verdict": words,
        "kind": kind,
        "sentence": sentence(drive, files),
        "failures": failures(drive, files),
        "steps": steps(drive),
        "cards": [(LABELS[key][0], value) for key, value in cards],
        "panorama": panoramas(files),
        "house": house(drive, files),
        "samples": samples(drive, files),
        "attempts": files.attempts,
        "gallery": gallery(files),
        "stills": [(t - drive.span_s[0], data) for t, data in drive.stills],
        "decisions": decisions(drive),
        "nodes": nodes(drive),
        "origin": origin(drive, files),
        "topics": drive.topics,
        "notes": [*drive.notes, *files.notes],
        "last_words": files.last_words,
        "warnings": [
            (e.time_s - drive.span_s[0], e.source, e.message)
            for e in drive.events
            if e.severity >= 3
        ],
    }


def sentence(drive: Drive, files: RunFiles) -> str:
    """The drive in two lines."""
    rover = drive.facts.get("rover", "The rover").capitalize()
    parts = []
    if drive.driven_m > 0.0:
        parts.append(f"drove {drive.driven_m:.1f} m in {minutes(drive.duration_s)} min")
    elif drive.duration_s:
        parts.append(f"was recorded for {minutes(drive.duration_s)} min")
    groups = {p.group or p.id for p in files.pictures} or {p["id"] for p in drive.pictures}
    if groups:
        plural = "s" if len(groups) > 1 else ""
        parts.append(f"took {len(groups)} picture{plural} on request")
    found = files.samples or drive.samples
    if found:
        total = sum(float(s["volume_ml"]) for s in found)
        plural = "s" if len(found) > 1 else ""
        parts.append(f"collected {len(found)} soil sample{plural} ({total:.0f} ml)")
    if files.house.get("state") == "standing":
        parts.append("set the Moonhouse down upright and photographed it")
    elif files.house.get("state") == "fallen":
        parts.append("set the Moonhouse down, which does not stand upright")
    elif drive.released_s is not None:
        parts.append("let the Moonhouse go")
    if not parts:
        return "Nothing that this report can show was recorded."
    joined = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    wall = files.facts.get("wall_s") or drive.wall_s
    speed = ""
    if wall and drive.duration_s and drive.facts.get("platform", "simulator") != "hardware":
        speed = f" The run took {minutes(float(wall))} min of wall time"
        speed += f" ({drive.duration_s / float(wall):.1f} times real time)."
    return f"{rover} {joined}.{speed}"


def failures(drive: Drive, files: RunFiles) -> list[str]:
    """What went wrong, as the rover said it."""
    outcomes = files.facts.get("outcomes") or drive.outcomes
    found = [str(o) for o in outcomes if ": failed" in str(o)]
    ended = files.facts.get("ended")
    if ended == "fell":
        found.append("a node ended by itself; see the end of its log below")
    if ended == "timeout":
        found.append("the time limit of the run was reached before the mission ended")
    if files.house.get("error"):
        words = f"Moonhouse: {files.house['error']}"
        if not any(str(files.house["error"]) in line for line in found):
            found.append(words)
    return found


def steps(drive: Drive) -> list[dict[str, Any]]:
    """Rows of the mission table."""
    begin = drive.span_s[0]
    return [
        {
            "name": step.name,
            "begin": minutes(step.begin_s - begin),
            "lasted": minutes(step.end_s - step.begin_s),
            "outcome": "not ended" if step.outcome == "running" else step.outcome,
            "kind": "bad" if "failed" in step.outcome else "good" if "succ" in step.outcome else "",
        }
        for step in drive.steps
    ]


def house(drive: Drive, files: RunFiles) -> dict[str, Any] | None:
    """The Moonhouse: facts and photographs."""
    status = files.house
    if not status or status.get("state") in (None, "attached or unknown"):
        return None
    rows = [("State", str(status.get("state")))]
    place = status.get("place_m")
    if place:
        rows.append(("Place", f"{place[0]:.3f} m east, {place[1]:.3f} m north of the lander"))
    for key, words, unit in (
        ("facing_deg", "Facing", "° from east"),
        ("lean_deg", "Lean", "°"),
        ("height_m", "Red walls seen up to", " m"),
        ("composition", "Composition of the photograph", ""),
    ):
        if isinstance(status.get(key), (int, float)):
            rows.append((words, f"{status[key]:.2f}{unit}"))
    if place and drive.true_house is not None and drive.released_s is not None:
        dx, dy = place[0] - drive.true_house[0], place[1] - drive.true_house[1]
        off = 100.0 * (dx * dx + dy * dy) ** 0.5
        rows.append(("Off the true place", f"{off:.1f} cm (known in simulation only)"))
    name = status.get("photograph")
    photographs = [p for p in files.pictures if p.id == name]
    if not photographs:
        photographs = [p for p in files.pictures if "house" in p.purpose.lower()][-1:]
    return {"rows": rows, "photographs": photographs}


def samples(drive: Drive, files: RunFiles) -> list[dict[str, Any]]:
    """A record and the left pictures of each sample."""
    out = []
    digs = drive.true_digs
    for sample in files.samples or drive.samples:
        x, y, z = sample["place_m"]
        spread = sample.get("covariance_m2") or []
        rows = [
            ("Label", str(sample.get("label", ""))),
            (
                "Collected",
                f"{minutes(float(sample['time_s']) - drive.span_s[0])} min after the start",
            ),
            ("Place", f"x {x:.3f} m east, y {y:.3f} m north, z {z:.3f} m (lander at origin)"),
        ]
        if len(spread) == 9:
            sigma = 100.0 * max(spread[0], spread[4], 0.0) ** 0.5
            rows.append(("Known to", f"± {sigma:.1f} cm (one sigma)"))
        volume = f"{sample['volume_ml']:.1f} ± {sample['volume_sigma_ml']:.1f} ml"
        rows.append(("Volume", f"{volume}, measured in stereo pictures before and after"))
        if sample.get("hole_depth_m"):
            rows.append(("Hole", f"{1000.0 * float(sample['hole_depth_m']):.0f} mm deep"))
        rows.append(("Verified", "soil was seen to be taken" if sample.get("verified") else "no"))
        if digs:
            off = min(((d[0] - x) ** 2 + (d[1] - y) ** 2) ** 0.5 for d in digs)
            rows.append(("Off the true hole", f"{100.0 * off:.1f} cm (known in simulation only)"))
        rows += [
            ("Custody", f"{event.get('event', '')}, held by {event.get('holder', '?')}")
            for event in files.custody
            if event["sample"] == sample["sample"]
        ]
        rows.append(("Record", f"SHA-256 {sample['hash']}"))
        pictures = [
            p
            for p in files.pictures
            if p.eye != "right" and f"sample {sample['sample']} " in f"{p.purpose} "
        ]
        shown = [p for p in pictures if p.eye != "map"][-2:]
        shown += [p for p in pictures if p.eye == "map"]
        out.append({"id": sample["sample"], "rows": rows, "pictures": shown})
    return out


def panoramas(files: RunFiles) -> list[Picture]:
    """What was put together; the pieces only when nothing was."""
    every = [p for p in files.pictures if p.kind == "panorama"]
    return [p for p in every if p.eye == "stitched"] or every


def gallery(files: RunFiles) -> list[Picture]:
    """Pictures not shown elsewhere, one eye of each pair."""
    return [
        p
        for p in files.pictures
        if p.eye != "right"
        and p.kind != "panorama"
        and p.id != files.house.get("photograph")
        and not p.purpose.startswith("sample ")
        and "panorama" not in p.purpose
    ][:24]


def decisions(drive: Drive) -> list[dict[str, Any]]:
    """What the navigator decided, when, and why; runs of the same are one row."""
    out: list[dict[str, Any]] = []
    for decision in drive.decisions:
        if decision.state == "idle" and not decision.reason:
            continue
        if out and (out[-1]["state"], out[-1]["reason"]) == (decision.state, decision.reason):
            out[-1]["times"] += 1
            continue
        out.append(
            {
                "at": minutes(decision.time_s - drive.span_s[0]),
                "state": decision.state,
                "reason": decision.reason,
                "remaining": decision.remaining_m,
                "times": 1,
            }
        )
    if len(out) > _MOST_DECISIONS:
        # Driving on is the rule; what is kept is what departs from it.
        out = [d for d in out if d["state"] not in ("driving", "turning")][:_MOST_DECISIONS]
    return out


def nodes(drive: Drive) -> list[dict[str, Any]]:
    """Processor, memory and lag of each node."""
    out = []
    for use in drive.nodes.values():
        if len(use.rows) < 2:
            continue
        first, last = use.rows[0], use.rows[-1]
        passed = max(last[0] - first[0], 1e-9)
        lags = sorted(row[3] for row in use.rows)
        out.append(
            {
                "name": use.name,
                "cpu_s": last[1] - first[1],
                "share": (last[1] - first[1]) / passed,
                "memory_mb": max(row[2] for row in use.rows),
                "lag_s": lags[int(0.95 * (len(lags) - 1))],
                "longest_s": max(b[0] - a[0] for a, b in zip(use.rows, use.rows[1:], strict=False)),
            }
        )
    return sorted(out, key=lambda row: -float(row["cpu_s"]))


def _recorder(drive: Drive) -> dict[str, str]:
    """Profile and losses, in words."""
    out = {}
    with suppress(KeyError, ValueError, TypeError):
        out["profile"] = "profile " + json.loads(drive.facts["recording"])["profile"]
    if drive.dropped is not None:
        lost = json.loads(drive.facts.get("dropped") or "{}")
        words = [f"{sum(c.values())} by {reason}" for reason, c in lost.items() if c]
        out["lost"] = ", ".join(words) or "none"
    return out


def origin(drive: Drive, files: RunFiles) -> list[tuple[str, str]]:
    """Where all this comes from."""
    facts = {**drive.facts}
    for key in ("commit", "machine", "version", "started"):
        if files.facts.get(key):
            facts[key] = str(files.facts[key])
    names = {
        "rover": "Rover",
        "platform": "Platform",
        "world": "World",
        "seed": "Seed",
        "mission": "Mission file",
        "commit": "Commit",
        "version": "Version",
        "machine": "Machine",
        "started": "Started",
        "description_sha256": "Description SHA-256",
        "profile": "Recorded",
        "lost": "Messages lost",
    }
    facts |= _recorder(drive)
    rows = [(words, facts[key]) for key, words in names.items() if facts.get(key)]
    messages = sum(count for _, _, count in drive.topics)
    rows.append(("Bag", f"{messages} messages on {len(drive.topics)} topics"))
    return rows
