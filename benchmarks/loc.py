# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Drift and heading over 100 m loops on three soils, beside three peers on the same measurements.

A loop is a bent circle around the lander, driven with stops in the simulator; who drives looks at
the truth, who estimates does not. Each case ends on ground without grip, where being stuck must be
seen. Peers: wheel odometry alone; ORB and PnP on dense stereo depth from frame to frame (the
headless OpenCV wheel has no rgbd module; this is what one builds from its parts); kiss-icp on that
depth. Scored with evo. Cases that are stored are not driven again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.rover import frames
from tenacious_rover.rover.measurements import Imu, Joints, Stereo, Sun

if TYPE_CHECKING:
    from pathlib import Path

    from tenacious_rover.campaign.study import Study

SOILS = ("mare", "dense", "loose")
TARGETS = {
    "drift_pct": "<= 0.5",
    "drift_pct_p95": "<= 1.0",
    "heading_deg": "<= 0.5",
    "heading_worst_deg": "<= 1.0",
    "heading_no_sun_deg": "<= 3.0",
    "stuck_delay_s": "<= 1.0",
    "false_alarms_per_km": "<= 0",
    "ms_per_frame": "<= 60",
}
ESTIMATES = ("ours", "sunless")
SPEED_MPS = 0.09
CAMERA = os.environ.get("TENACIOUS_BENCH_CAMERA", "400x300")
"""Width x height of the pictures; the loops take half as long at 400x300 as at 640x480."""
ENOUGH_M = 0.25
"""A loop that got no further than this share of its length is not scored."""


@dataclass(frozen=True)
class Case:
    """A soil, a seed of world and sensors, a length to drive."""

    soil: str
    seed: int
    length_m: float

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.soil}-{self.seed}-{self.length_m:g}m-{CAMERA}"


def measure(study: Study) -> dict[str, Any]:
    length = float(os.environ.get("TENACIOUS_BENCH_LENGTH_M", "6" if study.quick else "100"))
    soils = SOILS[:1] if study.quick else SOILS
    count = int(os.environ.get("TENACIOUS_BENCH_SEEDS", "1" if study.quick else "20"))
    seeds = list(range(study.seed, study.seed + count))
    cases = [Case(soil, seed, length) for seed in seeds for soil in soils]
    if study.case:
        cases = [case for case in cases if case.name == study.case] or cases[:1]
    study.folder.mkdir(parents=True, exist_ok=True)
    todo = [case for case in cases if not (study.folder / f"{case.name}.npz").exists()]
    failures = drive_all(todo, study)
    stored = [case for case in cases if (study.folder / f"{case.name}.npz").exists()]
    return {"seeds": seeds, "targets": TARGETS, **summary(stored, study.folder, failures)}


def drive_all(cases: list[Case], study: Study) -> list[str]:
    failures = []
    if study.jobs == 1 or len(cases) < 2:
        for case in cases:
            failures += record(case, study.folder)
        return failures
    with ProcessPoolExecutor(study.jobs) as pool:
        waiting = {pool.submit(record, case, study.folder): case for case in cases}
        for done in as_completed(waiting):
            failures += done.result()
    return failures


# -- one case ---------------------------------------------------------------------------------


def loop(case: Case) -> np.ndarray:
    """(n, 2) points every 5 cm of a closed curve around the lander, bent by the seed."""
    rng = np.random.default_rng([case.seed, 17])
    angle = np.linspace(0.0, 2.0 * np.pi, 4000, endpoint=False)
    radius = (
        1.0
        + 0.15 * np.cos(2 * angle + rng.uniform(0, 6))
        + 0.07 * np.cos(3 * angle + rng.uniform(0, 6))
    )
    way = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    way = np.roll(way, rng.integers(4000), axis=0)
    if rng.random() < 0.5:
        way = way[::-1]
    scale = 100.0 / np.linalg.norm(np.diff(way, axis=0, append=way[:1]), axis=1).sum()
    way = scale * np.concatenate([way, way[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(way, axis=0), axis=1))])
    even = np.arange(0.0, case.length_m, 0.05)
    return np.stack([np.interp(even, along, way[:, k]) for k in (0, 1)], axis=1)


def record(case: Case, folder: Path) -> list[str]:
    """Drive a case and store truth and estimates; what went wrong."""
    from tenacious_rover.rover.description import load_rover
    from tenacious_rover.simulator.build import build_world
    from tenacious_rover.simulator.engine import Simulator
    from tenacious_rover.simulator.world import load_world

    way = loop(case)
    yaw = math.atan2(way[4, 1] - way[0, 1], way[4, 0] - way[0, 0])
    # The driver follows a line and does not look: no rocks on it.
    clear = [{"x_m": float(x), "y_m": float(y), "radius_m": 0.7} for x, y in way[::16]]
    spec = load_world("mare_calm").varied(
        seed=100 + case.seed,
        rock_k=0.0125,
        soil=case.soil,
        start=(float(way[0, 0]), float(way[0, 1]), yaw),
        clear=clear,
    )
    width, height = CAMERA.split("x")
    rover = load_rover(f"tenacious camera_width:={width} camera_height:={height}")
    simulator = Simulator(build_world(spec), rover, seed=case.seed)
    crew = Crew(rover, spec)
    log: list[tuple[Any, ...]] = []
    reached = follow(simulator, way, crew, log)
    alarms = crew.alarms
    stuck = get_stuck(simulator, crew) if reached else math.nan
    store(folder / f"{case.name}.npz", log, crew, (stuck, alarms), case)
    return [] if reached else [f"{case.name}: the driver did not get around; not scored"]


def follow(simulator: Any, way: np.ndarray, crew: Crew, log: list[tuple[Any, ...]]) -> bool:
    """Pure pursuit by the truth, with a rest every 20 m; whether the end was reached."""
    at, rest_until, next_rest, limit = 0, 4.0, 400, 25.0 * len(way) * 0.05 / SPEED_MPS / 10 + 60.0
    while at < len(way) - 5:
        now, pose = simulator.time_s, simulator.truth.map_T_base
        if now > limit:
            return False
        nearby = slice(at, min(at + 40, len(way)))
        at += int(np.argmin(np.linalg.norm(way[nearby] - pose[:2, 3], axis=1)))
        if at >= next_rest:
            rest_until, next_rest = now + 8.0, next_rest + 400
        aim = frames.inverse(pose) @ [*way[min(at + 9, len(way) - 1)], pose[2, 3], 1.0]
        bend = 2.0 * aim[1] / (aim[0] ** 2 + aim[1] ** 2)
        speed = 0.0 if now < rest_until else SPEED_MPS
        turn = float(np.clip(1.3 * speed * bend, -0.3, 0.3))
        step(simulator, crew, speed, turn)
        log.append(crew.noted(simulator))
    return True


def get_stuck(simulator: Any, crew: Crew) -> float:
    """Seconds from the rover hardly moving on ground without grip to the flag; inf if never."""
    pose = simulator.truth.map_T_base
    for _ in range(30):
        step(simulator, crew, SPEED_MPS, 0.0)
    pose = simulator.truth.map_T_base
    ahead = pose[:2, 3] + 0.1 * pose[:2, 0]
    simulator.inject(
        {"kind": "slip_patch", "x": ahead[0], "y": ahead[1], "radius_m": 2.0, "grip": 0.0}
    )
    since = None
    for _ in range(300):
        step(simulator, crew, SPEED_MPS, 0.0)
        if abs(simulator.truth.linear[0]) > 0.1 * SPEED_MPS:
            since = None
        elif since is None:
            since = simulator.time_s
        if crew.ours.immobility.immobile:
            return 0.0 if since is None else float(simulator.time_s - since)
        if since is not None and simulator.time_s - since > 10.0:
            return math.inf
    return math.nan


def step(simulator: Any, crew: Crew, speed: float, turn: float) -> None:
    simulator.drive(speed, turn)
    crew.command(simulator.time_s, speed, turn)
    for sample in simulator.advance(0.1):
        crew.take(sample)


class Crew:
    """All estimators on the same measurements."""

    def __init__(self, rover: Any, spec: Any) -> None:
        from tenacious_rover.localization.config import LocalizationConfig
        from tenacious_rover.localization.localizer import Localizer

        config = LocalizationConfig(start_yaw_sigma_deg=0.5)
        start = frames.planar(*spec.start)
        self.ours = Localizer(rover, config, start, spec)
        self.sunless = Localizer(rover, config, start)
        self.peers: dict[str, Any] = {
            "wheels alone": WheelsAlone(rover, config, start),
            "OpenCV RGB-D (PnP)": DepthPnp(rover, start),
        }
        self.dense = Dense(rover)
        with contextlib.suppress(ImportError):
            self.peers["kiss-icp"] = Kiss(start)
        self.frame_ms: list[float] = []
        self.alarms = 0
        self._alarmed = False

    def command(self, time_s: float, linear: float, angular: float) -> None:
        """What the rover is told."""
        self.ours.command(time_s, linear, angular)
        self.sunless.command(time_s, linear, angular)

    def take(self, sample: Any) -> None:
        """A measurement, for all."""
        began = time.process_time()
        self.ours.take(sample)
        if isinstance(sample, Stereo):
            self.frame_ms.append(1e3 * (time.process_time() - began))
        if not isinstance(sample, Sun):
            self.sunless.take(sample)
        if isinstance(sample, (Imu, Joints)):
            self.peers["wheels alone"].take(sample)
        if isinstance(sample, Stereo):
            depth, grey = self.dense(sample)
            self.peers["OpenCV RGB-D (PnP)"].take(grey, depth, self.dense)
            if "kiss-icp" in self.peers:
                self.peers["kiss-icp"].take(self.dense.points(depth))
        alarmed = self.ours.immobility.immobile
        self.alarms += alarmed and not self._alarmed
        self._alarmed = alarmed

    def noted(self, simulator: Any) -> tuple[Any, ...]:
        """Truth and estimates of this moment."""
        truth = simulator.truth
        estimate = self.ours.estimate
        others = [peer.pose for peer in self.peers.values()]
        sigma = np.sqrt(np.diag(estimate.covariance))
        return (
            truth.time_s,
            truth.map_T_base,
            estimate.map_T_base,
            self.sunless.estimate.map_T_base,
            np.array(others),
            sigma,
        )


class WheelsAlone:
    """Planar dead reckoning from wheel speeds; the track's factor is given to it."""

    def __init__(self, rover: Any, config: Any, start: np.ndarray) -> None:
        from tenacious_rover.localization.wheels import WheelReader

        self._reader = WheelReader(rover, config)
        self.pose, self._last = start.copy(), None

    def take(self, sample: Any) -> None:
        """A measurement."""
        if not isinstance(sample, Joints):
            return
        rolling = self._reader.read(sample)
        if isinstance(rolling, str):
            return
        if self._last is not None:
            dt = sample.time_s - self._last
            turn = rolling.turning * dt
            move = frames.planar(rolling.forward * dt * math.cos(turn / 2), 0.0, turn)
            self.pose = self.pose @ move
        self._last = sample.time_s


class Dense:
    """Stereo depth for the peers: SGBM, 3-way, with the settings of the measured facts."""

    def __init__(self, rover: Any) -> None:
        import cv2

        self.camera = rover.cameras["left"]
        self._baseline = rover.baseline_m
        size = 128 if self.camera.width_px > 500 else 80
        self._matcher = cv2.StereoSGBM_create(
            minDisparity=0,
            numDisparities=size,
            blockSize=5,
            P1=200,
            P2=800,
            uniquenessRatio=10,
            speckleWindowSize=100,
            speckleRange=2,
            mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
        )

    def __call__(self, sample: Stereo) -> tuple[np.ndarray, np.ndarray]:
        """Left and right mask or picture of a sample."""
        import cv2

        eyes = [
            cv2.cvtColor(eye, cv2.COLOR_RGB2GRAY) if eye.ndim == 3 else eye
            for eye in (sample.left, sample.right)
        ]
        disparity = self._matcher.compute(*eyes).astype(np.float32) / 16.0
        disparity[(disparity <= 0.5) | (eyes[0] < 12)] = np.nan
        return self.camera.fx_px * self._baseline / disparity, eyes[0]

    def points(self, depth: np.ndarray) -> np.ndarray:
        """(n, 3) in base_link, every third pixel, up to 8 m."""
        camera = self.camera
        v, u = np.nonzero(np.nan_to_num(depth[::3, ::3], nan=99.0) < 8.0)
        v, u = 3 * v, 3 * u
        z = depth[v, u]
        optical = np.stack(
            [(u - camera.cx_px) / camera.fx_px * z, (v - camera.cy_px) / camera.fy_px * z, z], 1
        )
        return frames.points(camera.base_T_optical, optical.astype(float))


class DepthPnp:
    """Frame to frame: ORB, brute-force matches with cross-check, RANSAC PnP on dense depth."""

    def __init__(self, rover: Any, start: np.ndarray) -> None:
        import cv2

        self.pose = start.copy()
        self._optical = rover.cameras["left"].base_T_optical
        self._orb = cv2.ORB_create(1500)
        self._matcher = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)
        self._last: tuple[Any, ...] | None = None
        self._step = np.eye(4)

    def take(self, grey: np.ndarray, depth: np.ndarray, dense: Dense) -> None:
        """A picture with depth."""
        import cv2

        keys, words = self._orb.detectAndCompute(grey, None)
        last, self._last = self._last, (keys, words, depth)
        if last is None:
            return
        moved = None
        if words is not None and last[1] is not None:
            matches = self._matcher.match(last[1], words)
            before = np.array([last[0][m.queryIdx].pt for m in matches]).reshape(-1, 2)
            after = np.array([keys[m.trainIdx].pt for m in matches]).reshape(-1, 2)
            z = last[2][before[:, 1].astype(int), before[:, 0].astype(int)]
            good = np.isfinite(z) & (z < 20.0)
            if good.sum() >= 8:
                camera = dense.camera
                ray = (before[good] - [camera.cx_px, camera.cy_px]) / [camera.fx_px, camera.fy_px]
                points = np.column_stack([ray, np.ones(len(ray))]) * z[good, None]
                ok, turn, shift, inliers = cv2.solvePnPRansac(
                    points, after[good], camera.matrix, None, reprojectionError=1.0
                )
                if ok and inliers is not None and len(inliers) >= 8:
                    now_T_last = np.eye(4)
                    now_T_last[:3, :3] = cv2.Rodrigues(turn)[0]
                    now_T_last[:3, 3] = shift.ravel()
                    moved = (
                        self._optical @ frames.inverse(now_T_last) @ frames.inverse(self._optical)
                    )
        # Where it finds nothing it keeps its speed, as kiss-icp does.
        self._step = self._step if moved is None else moved
        self.pose = self.pose @ self._step


class Kiss:
    """kiss-icp with voxels of 10 cm on stereo points in base_link."""

    def __init__(self, start: np.ndarray) -> None:
        from kiss_icp.config import KISSConfig
        from kiss_icp.kiss_icp import KissICP

        config = KISSConfig()
        config.data.deskew, config.data.max_range, config.data.min_range = False, 8.0, 0.3
        config.mapping.voxel_size = 0.1
        config.adaptive_threshold.initial_threshold = 0.3
        config.adaptive_threshold.min_motion_th = 0.01
        config.registration.max_num_threads = 1
        self._core, self._start = KissICP(config), start

    @property
    def pose(self) -> np.ndarray:
        """Start times all motion."""
        return self._start @ self._core.last_pose

    def take(self, points: np.ndarray) -> None:
        """Points (n, 3) in base_link."""
        if len(points) > 500:
            self._core.register_frame(points, np.zeros(len(points)))


# -- scoring ----------------------------------------------------------------------------------


def store(
    path: Path, log: list[tuple[Any, ...]], crew: Crew, judged: tuple[float, int], case: Case
) -> None:
    columns = list(zip(*log, strict=True))
    fresh = path.with_suffix(".new.npz")
    np.savez_compressed(
        fresh,
        time=np.array(columns[0]),
        truth=np.array(columns[1]),
        ours=np.array(columns[2]),
        sunless=np.array(columns[3]),
        peers=np.array(columns[4]),
        sigma=np.array(columns[5]),
        peer_names=np.array(list(crew.peers)),
        frame_ms=np.array(crew.frame_ms),
        alarms=judged[1],
        stuck=judged[0],
        length=case.length_m,
    )
    fresh.replace(path)


def summary(cases: list[Case], folder: Path, failures: list[str]) -> dict[str, Any]:
    rows = []
    for case in cases:
        with np.load(folder / f"{case.name}.npz") as data:
            scored = score(case, data)
        if scored["path_m"] < ENOUGH_M * case.length_m:
            failures.append(f"{case.name}: only {scored['path_m']:.1f} m driven; not scored")
            continue
        rows.append(scored)
    if not rows:
        return {"figures": {}, "failures": failures}
    figures: dict[str, float] = {"loops": len(rows), "metres": sum(r["path_m"] for r in rows)}
    drift = [r["ours"]["drift_pct"] for r in rows]
    figures["drift_pct"] = float(np.median(drift))
    figures["drift_pct_p95"] = float(np.percentile(drift, 95))
    figures["end_pct"] = float(np.median([r["ours"]["end_pct"] for r in rows]))
    figures["rpe_10m_pct"] = float(np.median([r["ours"]["rpe_pct"] for r in rows]))
    figures["heading_deg"] = float(np.median([r["ours"]["heading_deg"] for r in rows]))
    figures["heading_worst_deg"] = max(r["ours"]["heading_worst_deg"] for r in rows)
    figures["heading_no_sun_deg"] = max(r["sunless"]["heading_worst_deg"] for r in rows)
    figures["drift_no_sun_pct"] = float(np.median([r["sunless"]["drift_pct"] for r in rows]))
    figures["stuck_delay_s"] = max(
        (r["stuck"] for r in rows if not math.isnan(r["stuck"])), default=math.nan
    )
    figures["false_alarms_per_km"] = 1e3 * sum(r["alarms"] for r in rows) / figures["metres"]
    figures["ms_per_frame"] = float(np.median([r["frame_ms"] for r in rows]))
    figures["nees_position"] = float(np.mean([r["nees"] for r in rows]))
    for soil in SOILS:
        here = [r["ours"]["drift_pct"] for r in rows if r["soil"] == soil]
        if here:
            figures[f"drift_pct_{soil}"] = float(np.median(here))
    peers: dict[str, dict[str, float]] = {}
    for name in rows[0]["peers"]:
        found = [r["peers"][name] for r in rows]
        peers[name] = {
            "drift_pct": float(np.median([f["drift_pct"] for f in found])),
            "drift_pct_p95": float(np.percentile([f["drift_pct"] for f in found], 95)),
            "end_pct": float(np.median([f["end_pct"] for f in found])),
            "rpe_10m_pct": float(np.median([f["rpe_pct"] for f in found])),
            "heading_deg": float(np.median([f["heading_deg"] for f in found])),
            "heading_worst_deg": max(f["heading_worst_deg"] for f in found),
        }
    return {
        "figures": figures,
        "peers": peers,
        "failures": failures,
        "cases": [dataclasses.asdict(c) for c in cases],
    }


def score(case: Case, data: Any) -> dict[str, Any]:
    truth = data["truth"]
    path = float(np.linalg.norm(np.diff(truth[:, :3, 3], axis=0), axis=1).sum())
    # From the first second on: before it the wheels settle into the ground.
    keep = slice(int(np.searchsorted(data["time"], 1.5)), None)
    times, truth = data["time"][keep], truth[keep]
    figures = {name: judge(times, truth, data[name][keep], path, True) for name in ESTIMATES}
    names, others = [str(n) for n in data["peer_names"]], data["peers"][keep]
    error = data["ours"][keep][:, :2, 3] - truth[:, :2, 3]
    sigma = data["sigma"][keep][:, :2]
    return {
        **figures,
        "peers": {n: judge(times, truth, others[:, k], path) for k, n in enumerate(names)},
        "path_m": path,
        "soil": case.soil,
        "stuck": float(data["stuck"]),
        "alarms": int(data["alarms"]),
        "frame_ms": float(np.median(data["frame_ms"])),
        "nees": float(np.mean(((error / sigma) ** 2).sum(axis=1)) / 2.0),
    }


def judge(
    times: np.ndarray, truth: np.ndarray, poses: np.ndarray, path: float, in_map: bool = False
) -> dict[str, float]:
    """Errors by evo.

    Peers are brought to the true first pose, for none of them knows which way is down. What is
    given `in_map` is brought to the true first position only.

    `drift_pct`: largest distance from the truth anywhere on the loop, per cent of its length (at
    its end a loop hides errors of scale); `end_pct`: distance at the end; `rpe_pct`: median error
    of 10 m pieces, per cent.
    """
    from evo.core import metrics, trajectory

    real = trajectory.PoseTrajectory3D(poses_se3=list(truth), timestamps=times)
    found = trajectory.PoseTrajectory3D(poses_se3=list(poses), timestamps=times)
    heading = np.arctan2(poses[:, 1, 0], poses[:, 0, 0]) - np.arctan2(
        truth[:, 1, 0], truth[:, 0, 0]
    )
    heading = np.degrees(np.abs(np.arctan2(np.sin(heading), np.cos(heading))))
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
