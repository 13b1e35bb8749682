# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A loop's errors by evo, and what many loops add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from evo.core import metrics, trajectory
from scipy.stats import chi2

from tenacious_rover.campaign.loops import SOILS
from tenacious_rover.localization import attitude

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ESTIMATES = ("ours", "no_sun")
_APART_S = 60.0
"""Errors of two moments are taken as independent when they are that far apart."""
_TRAPS = {"dig in": "stuck", "slide": "slide", "start in": "start_in", "turn in": "turn_in"}
_NOT_POSES = {"time", "truth", "covariance", "map_T_odom", "fixes", "sunless", *ESTIMATES}


def scored(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Errors of every estimator over one loop; see `judge`."""
    truth = np.asarray(columns["truth"])
    path = float(np.linalg.norm(np.diff(truth[:, :3, 3], axis=0), axis=1).sum())
    # From the first second on: before it the wheels settle into the ground.
    keep = slice(int(np.searchsorted(columns["time"], 1.5)), None)
    times, truth = np.asarray(columns["time"])[keep], truth[keep]
    found = {
        name: judge(times, truth, np.asarray(columns[name])[keep], path, True) for name in ESTIMATES
    }
    peers = {
        name: judge(times, truth, np.asarray(columns[name])[keep], path)
        for name in columns
        if name not in _NOT_POSES
    }
    position, heading, count = honesty(
        times, truth, np.asarray(columns["ours"])[keep], np.asarray(columns["covariance"])[keep]
    )
    return {
        **found,
        "peers": peers,
        "path_m": path,
        "nees_position": position,
        "nees_heading": heading,
        "nees_samples": count,
    }


def judge(
    times: Array, truth: Array, poses: Array, path: float, in_map: bool = False
) -> dict[str, float]:
    """Errors by evo.

    Peers are brought to the true first pose, for none of them knows which way is down. What is
    given `in_map` is brought to the true first position only.

    `drift_pct`: largest distance from the truth anywhere on the loop, per cent of its length (at
    its end a loop hides errors of scale); `end_pct`: distance at the end; `rpe_pct`: median error
    of 10 m pieces, per cent.
    """
    real = trajectory.PoseTrajectory3D(poses_se3=list(truth), timestamps=times)
    found = trajectory.PoseTrajectory3D(poses_se3=list(poses), timestamps=times)
    heading = np.degrees(np.abs(_headings(poses, truth)))
    if in_map:
        shift = np.eye(4)
        shift[:3, 3] = truth[0, :3, 3] - poses[0, :3, 3]
        found.transform(shift)
    else:
        found.align_origin(real)
    ape = metrics.APE(metrics.PoseRelation.translation_part)
    ape.process_data((real, found))
    piece = min(10.0, path / 3.0)
    rpe = metrics.RPE(
        metrics.PoseRelation.translation_part, piece, metrics.Unit.meters, 0.1, all_pairs=True
    )
    rpe.process_data((real, found))
    return {
        "drift_pct": 100.0 * float(ape.error.max()) / path,
        "end_pct": 100.0 * float(ape.error[-1]) / path,
        "rpe_pct": 100.0 * float(np.median(rpe.error)) / piece,
        "heading_deg": float(np.median(heading)),
        "heading_worst_deg": float(heading.max()),
    }


def honesty(
    times: Array, truth: Array, poses: Array, covariance: Array
) -> tuple[float, float, int]:
    """Normalised error squared per degree of freedom: of x y z, of heading; and of how many.

    One sample a minute, for neighbours err together. 1 is honest, more is too sure of itself.
    """
    index = np.unique(np.searchsorted(times, np.arange(times[0] + _APART_S, times[-1], _APART_S)))
    index = index if len(index) else np.array([len(times) - 1])
    position, heading = [], []
    for i in index:
        off = truth[i, :3, 3] - poses[i, :3, 3]
        position.append(off @ np.linalg.solve(covariance[i, :3, :3], off) / 3.0)
        turn = attitude.log(truth[i, :3, :3] @ poses[i, :3, :3].T)[2]
        heading.append(turn**2 / covariance[i, 5, 5])
    return float(np.mean(position)), float(np.mean(heading)), len(index)


def summed(records: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Figures of many loops."""
    metres = sum(r["path_m"] for r in records)
    mine = [r["ours"] for r in records]
    out: dict[str, float] = {"loops": len(records), "metres": metres, **_spread(mine)}
    blind = [r["no_sun"] for r in records if "no_sun" in r]
    if blind:
        out["heading_no_sun_deg"] = max(one["heading_worst_deg"] for one in blind)
        out["drift_no_sun_pct"] = float(np.median([one["drift_pct"] for one in blind]))
        out["loops_no_sun"] = len(blind)
    for soil in SOILS:
        here = [r["ours"]["drift_pct"] for r in records if r["case"].split("-")[0] == soil]
        if here:
            out[f"drift_pct_{soil}"] = float(np.median(here))
    false = sum(alarm["false"] for r in records for alarm in r["alarms"])
    out["false_alarms"] = false
    out["false_alarms_per_km"] = 1e3 * false / metres
    out |= _trapped(records)
    out["ms_per_frame"] = float(np.median([r["frame_ms"][0] for r in records]))
    out["ms_per_frame_p95"] = float(np.max([r["frame_ms"][1] for r in records]))
    out["frames"] = sum(r["frames"] for r in records)
    out |= _honest(records)
    out["place_fixes_used"] = sum(r["fixes_used"] for r in records)
    out["cpu_s_per_loop"] = float(np.median([r["cpu_s"]["whole"] for r in records]))
    return out


def compared(records: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Peer to its figures on the loops it ran on, with ours on the same loops."""
    names = sorted({name for r in records for name in r["peers"]})
    out = {}
    for name in names:
        here = [r for r in records if name in r["peers"]]
        ours = float(np.median([r["ours"]["drift_pct"] for r in here]))
        found = _spread([r["peers"][name] for r in here])
        out[name] = {"loops": float(len(here)), **found, "ours_there_drift_pct": ours}
    return out


def _spread(found: Sequence[dict[str, float]]) -> dict[str, float]:
    def of(key: str) -> list[float]:
        return [one[key] for one in found]

    return {
        "drift_pct": float(np.median(of("drift_pct"))),
        "drift_pct_p95": float(np.percentile(of("drift_pct"), 95)),
        "end_pct": float(np.median(of("end_pct"))),
        "rpe_10m_pct": float(np.median(of("rpe_pct"))),
        "heading_deg": float(np.median(of("heading_deg"))),
        "heading_worst_deg": max(of("heading_worst_deg")),
    }


def _trapped(records: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Delays of being called stuck by kind of trap; one that is never called counts as infinite.

    The target is for a rover that comes to a halt. From rest, wheels spin in place anyway until the
    soil below them has sheared enough to push, and are given that time.
    """
    traps = [trap for r in records for trap in r["traps"]]
    out: dict[str, float] = {"traps": len(traps)}
    for kind, name in _TRAPS.items():
        due = [t for t in traps if t["kind"] == kind and not t["moved"] and not t["before"]]
        delays = [np.inf if t["delay_s"] is None else t["delay_s"] for t in due]
        if delays:
            out[f"{name}_delay_s"] = max(delays)
            out[f"{name}_delay_median_s"] = float(np.median(delays))
    return out


def _honest(records: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Mean normalised error squared and its 99 % bounds if all samples were independent."""
    count = np.array([r["nees_samples"] for r in records])
    total = int(count.sum())
    low, high = chi2.ppf([0.005, 0.995], 3 * total) / (3 * total)
    return {
        "nees_position": float(np.average([r["nees_position"] for r in records], weights=count)),
        "nees_heading": float(np.average([r["nees_heading"] for r in records], weights=count)),
        "nees_bound_low": float(low),
        "nees_bound_high": float(high),
    }


def _headings(poses: Array, truth: Array) -> Array:
    """Heading errors (n,), rad."""
    off = np.arctan2(poses[:, 1, 0], poses[:, 0, 0]) - np.arctan2(truth[:, 1, 0], truth[:, 0, 0])
    return np.asarray(np.arctan2(np.sin(off), np.cos(off)))
