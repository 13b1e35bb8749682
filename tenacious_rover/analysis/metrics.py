# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Figures of a drive. Trajectory metrics are evo's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from evo.core import metrics, sync
from evo.core.trajectory import PoseTrajectory3D

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.analysis.drive import Drive, Track

_MATCH_S = 0.15
_STANDING_MPS = 0.003


def evo_trajectory(track: Track) -> PoseTrajectory3D:
    """Evo's form of a track."""
    return PoseTrajectory3D(track.xyz, track.wxyz, track.time_s)


@dataclass
class Drift:
    """An estimate against the truth, both in map. Arrays (n,) over the matched times."""

    time_s: NDArray[np.float64]
    driven_m: NDArray[np.float64]
    """Along the true path."""
    error_m: NDArray[np.float64]
    """In the plane."""
    heading_deg: NDArray[np.float64]
    figures: dict[str, float]


def drift(estimate: Track, truth: Track, segment_m: float = 2.0) -> Drift | None:
    """Errors of `estimate` over the distance driven; `None` when the two do not overlap."""
    if len(estimate) < 3 or len(truth) < 3:
        return None
    try:
        reference, found = sync.associate_trajectories(
            evo_trajectory(truth), evo_trajectory(estimate), max_diff=_MATCH_S
        )
    except sync.SyncException:
        return None
    if reference.num_poses < 3:
        return None
    # The height of map's origin is a convention: errors are those in the plane.
    reference, found = _flat(reference), _flat(found)
    difference = found.positions_xyz - reference.positions_xyz
    error = np.hypot(difference[:, 0], difference[:, 1])
    heading = np.degrees(_wrapped(_yaw(found) - _yaw(reference)))
    driven = _driven(reference.positions_xyz)
    figures = {
        "distance_m": float(driven[-1]),
        "final_error_m": float(error[-1]),
        "final_heading_deg": float(heading[-1]),
        **_evo(metrics.APE(metrics.PoseRelation.translation_part), reference, found, "ape_m"),
    }
    if driven[-1] > 0.5:
        figures["drift_percent"] = 100.0 * figures["final_error_m"] / float(driven[-1])
    if driven[-1] > segment_m * 1.5:
        relation = metrics.PoseRelation.translation_part
        rpe = metrics.RPE(relation, segment_m, metrics.Unit.meters, all_pairs=True)
        figures |= _evo(rpe, reference, found, f"rpe_{segment_m:g}m_m")
    return Drift(reference.timestamps, driven, error, heading, figures)


def _flat(trajectory: Any) -> PoseTrajectory3D:
    xyz = trajectory.positions_xyz * np.array([1.0, 1.0, 0.0])
    return PoseTrajectory3D(xyz, trajectory.orientations_quat_wxyz, trajectory.timestamps)


def _evo(metric: Any, reference: Any, found: Any, name: str) -> dict[str, float]:
    try:
        metric.process_data((reference, found))
    except (metrics.MetricsException, ValueError, IndexError):
        return {}
    return {
        f"{name}_{kind.value}": float(metric.get_statistic(kind))
        for kind in (metrics.StatisticsType.rmse, metrics.StatisticsType.max)
    }


def _yaw(trajectory: Any) -> NDArray[np.float64]:
    w, x, y, z = trajectory.orientations_quat_wxyz.T
    return np.asarray(np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z)))


def _wrapped(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


def _driven(xyz: NDArray[np.float64]) -> NDArray[np.float64]:
    from tenacious_rover.analysis.drive import Track

    return Track(np.zeros(len(xyz)), xyz, np.zeros((len(xyz), 4))).driven_m


def summary(drive: Drive) -> dict[str, float]:
    """Figures that one drive is compared with another by; only those the bag carries."""
    out: dict[str, float] = {}
    if drive.duration_s > 0.0:
        out["duration_s"] = drive.duration_s
    if len(drive.estimate) or len(drive.truth):
        out["driven_m"] = drive.driven_m
        best = drive.estimate if len(drive.estimate) else drive.truth
        out["max_tilt_deg"] = float(best.tilt_deg.max())
    speed = drive.series.get("speed")
    if speed is not None and len(speed) > 1:
        moving = np.abs(speed[:, 1]) > _STANDING_MPS
        out["moving_share"] = float(moving.mean())
        if moving.any():
            out["speed_moving_mps"] = float(speed[moving, 1].mean())
    found = drift(drive.estimate, drive.truth) if drive.frame == "map" else None
    if found:
        out |= found.figures
    out |= _slip(drive) | _power(drive) | _machine(drive)
    return out


def _slip(drive: Drive) -> dict[str, float]:
    slip = drive.series.get("slip")
    if slip is None or not np.isfinite(slip[:, 1]).any():
        return {}
    return {
        "slip_mean": float(np.nanmean(slip[:, 1])),
        "immobile_s": float(np.sum(slip[:, 4] > 0.5) * _step(slip)),
    }


def _machine(drive: Drive) -> dict[str, float]:
    """Of the planner, the events, the processes and the recorder."""
    out: dict[str, float] = {}
    if drive.decisions:
        out["recoveries"] = float(max(d.recoveries for d in drive.decisions))
        cycle = drive.series["cycle"][:, 1]
        if (cycle > 0.0).any():
            out["cycle_ms_p95"] = float(np.percentile(cycle[cycle > 0.0], 95))
    out["warnings"] = float(sum(e.severity >= 3 for e in drive.events))
    cpu = sum(use.rows[-1][1] - use.rows[0][1] for use in drive.nodes.values() if use.rows)
    if cpu:
        out["cpu_s"] = float(cpu)
    if drive.dropped is not None:
        out["messages_dropped"] = float(drive.dropped)
    return out


def _step(rows: NDArray[np.float64]) -> float:
    return float(np.median(np.diff(rows[:, 0]))) if len(rows) > 1 else 0.0


def _power(drive: Drive) -> dict[str, float]:
    battery = drive.series.get("battery")
    if battery is None or len(battery) < 2:
        return {}
    out = {}
    charge = battery[:, 1]
    if np.isfinite(charge).any():
        known = charge[np.isfinite(charge)]
        out["charge_used_percent"] = 100.0 * float(known[0] - known[-1])
    watts = -battery[:, 2] * battery[:, 3]
    if np.isfinite(watts).all():
        steps = np.diff(battery[:, 0])
        out["energy_wh"] = float(np.sum(steps * (watts[1:] + watts[:-1]) / 2.0) / 3600.0)
        out["power_w"] = float(watts.mean())
    return out


LABELS = {
    "duration_s": ("duration", "s", 0),
    "driven_m": ("distance driven", "m", 2),
    "speed_moving_mps": ("speed when moving", "m/s", 3),
    "moving_share": ("share of time moving", "", 2),
    "max_tilt_deg": ("largest tilt", "°", 1),
    "final_error_m": ("position error at the end", "m", 3),
    "drift_percent": ("drift, share of distance", "%", 2),
    "final_heading_deg": ("heading error at the end", "°", 2),
    "ape_m_rmse": ("absolute error, RMS (evo APE)", "m", 3),
    "ape_m_max": ("absolute error, largest", "m", 3),
    "rpe_2m_m_rmse": ("error per 2 m, RMS (evo RPE)", "m", 3),
    "rpe_2m_m_max": ("error per 2 m, largest", "m", 3),
    "slip_mean": ("wheel slip, mean", "", 3),
    "immobile_s": ("time immobile", "s", 1),
    "recoveries": ("recoveries", "", 0),
    "cycle_ms_p95": ("planning cycle, 95 %", "ms", 1),
    "energy_wh": ("energy out of the battery", "Wh", 2),
    "power_w": ("battery power, mean", "W", 2),
    "charge_used_percent": ("charge used", "%", 1),
    "warnings": ("warnings", "", 0),
    "cpu_s": ("processor time of all nodes", "s", 0),
    "messages_dropped": ("messages lost by the recorder", "", 0),
}
"""Key to words, unit and decimals."""


def shown(key: str, value: float) -> str:
    """A figure with its unit."""
    _, unit, decimals = LABELS.get(key, (key, "", 3))
    gap = "" if unit in ("", "°") else " "
    return f"{value:.{decimals}f}{gap}{unit}"
