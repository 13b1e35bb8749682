# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Simulator: speed of physics and cameras, memory, determinism; beside MuJoCo's own renderer.

Each case runs in a process of its own. Speeds are sim time over CPU time on one thread where they
say `one_core`, else over wall time with two threads: on a machine that does other work they come
out lower. The peer draws the same heights, rocks and lander with MuJoCo in software, picture
and depth with shadows, as our frame holds both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tenacious_rover.campaign.study import Study

TARGETS = {
    "physics_x_real_time_one_core": ">= 20",
    "physics_k20_x_real_time_one_core": ">= 20",
    "drive_640x480_2hz_x_real_time": ">= 4",
    "drive_400x300_2hz_x_real_time": ">= 8",
    "stereo_pair_640x480_ms": "<= 100",
    "frame_over_mujocos": "<= 0.1667",
    "memory_100m_peak_mb": "<= 1500",
    "same_in_two_processes": ">= 1",
    "static_sinkage_mm": "<= 6",
}
CHILD = """
import json, sys
sys.path.insert(0, "benchmarks")
import sim
print("FOUND " + json.dumps(getattr(sim, sys.argv[1])(*json.loads(sys.argv[2]))))
"""


def measure(study: Study) -> dict[str, Any]:
    seconds = 30.0 if study.quick else 600.0
    frames = 4 if study.quick else 20
    figures: dict[str, float] = {}
    missing: list[str] = []

    def run(case: str, *arguments: Any, threads: int = 2) -> dict[str, Any]:
        try:
            return child(case, *arguments, threads=threads)
        except subprocess.CalledProcessError as error:
            missing.append(f"{case}{arguments}: {error.stderr.strip().splitlines()[-1:]}")
            return {}

    figures |= run("physics", "first_traverse", 0.0125, seconds, study.seed, threads=1)
    k20 = run("physics", "first_traverse", 0.20, seconds / 2, study.seed, threads=1)
    if k20:
        figures["physics_k20_x_real_time_one_core"] = k20["physics_x_real_time_one_core"]
    drive = seconds / 3.0
    for width, height in ((640, 480), (400, 300)):
        figures |= run("drive", width, height, drive, study.seed)
    figures |= run("picture", frames)
    peer = run("mujocos_picture", frames)
    if peer and "frame_640x480_cpu_ms" in figures:
        # Of CPU time, which other work on the machine moves less than wall time.
        key = "frame_640x480_cpu_ms"
        figures["frame_over_mujocos"] = figures[key] / peer[key]
    figures |= run("big_world", study.seed)
    figures |= run("at_rest", study.seed)
    digests = {run("digest", study.seed + 1).get("digest") for _ in range(2)}
    figures["same_in_two_processes"] = float(len(digests) == 1 and None not in digests)
    return {
        "figures": figures,
        "peers": {"MuJoCo's renderer": peer},
        "targets": {key: words for key, words in TARGETS.items() if key in figures},
        "seeds": [study.seed],
        "missing": missing,
        "failures": [],
    }


def child(case: str, *arguments: Any, threads: int) -> dict[str, Any]:
    """One case in a process of its own."""
    words = [sys.executable, "-c", CHILD, case, json.dumps(arguments)]
    environment = {**os.environ, "NUMBA_NUM_THREADS": str(threads)}
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=environment)
    line = next(x for x in done.stdout.splitlines() if x.startswith("FOUND "))
    return json.loads(line.removeprefix("FOUND "))


# -- what a child does --------------------------------------------------------------------------


def simulator(
    world: str, k: float | None, seed: int, description: str = "tenacious", **keywords: Any
) -> Any:
    from tenacious_rover.rover.description import load_rover
    from tenacious_rover.simulator.build import build_world
    from tenacious_rover.simulator.engine import Simulator
    from tenacious_rover.simulator.world import load_world

    spec = load_world(world)
    if k is not None:
        spec = spec.varied(rock_k=k)
    return Simulator(build_world(spec), load_rover(description), seed, **keywords)


def around(sim: Any, seconds: float) -> None:
    """Drive in a wide circle with commands at 10 Hz: on the flat, over small rocks."""
    for _ in range(round(seconds * 10)):
        sim.drive(0.08, 0.05)
        sim.advance(0.1)


def physics(world: str, k: float, seconds: float, seed: int) -> dict[str, float]:
    import time

    sim = simulator(world, k, seed, cameras=False)
    around(sim, 2.0)
    began = time.process_time()
    around(sim, seconds)
    return {"physics_x_real_time_one_core": seconds / (time.process_time() - began)}


def drive(width: int, height: int, seconds: float, seed: int) -> dict[str, float]:
    import time

    size = f"tenacious camera_width:={width} camera_height:={height}"
    sim = simulator("first_traverse", None, seed, size)
    around(sim, 1.0)
    wall, cpu = time.perf_counter(), time.process_time()
    around(sim, seconds)
    key = f"drive_{width}x{height}_2hz"
    return {
        f"{key}_x_real_time": seconds / (time.perf_counter() - wall),
        f"{key}_cpu_s_per_s": (time.process_time() - cpu) / seconds,
    }


def picture(frames: int) -> dict[str, float]:
    import time

    sim = simulator("first_traverse", None, 0)
    sim.set_camera(rate_hz=0.0)
    sim.advance(1.0)
    camera = sim.rover.cameras["left"]
    sim.capture()
    pairs, singles, cpu = [], [], []
    for _ in range(frames):
        began = time.perf_counter()
        sim.capture()
        pairs.append(time.perf_counter() - began)
        began, worked = time.perf_counter(), time.process_time()
        sim.eyes.frame(camera)
        singles.append(time.perf_counter() - began)
        cpu.append(time.process_time() - worked)
    return {
        "stereo_pair_640x480_ms": 1e3 * float(np.median(pairs)),
        "frame_640x480_ms": 1e3 * float(np.median(singles)),
        "frame_640x480_cpu_ms": 1e3 * float(np.median(cpu)),
    }


def mujocos_picture(frames: int) -> dict[str, float]:
    """The same scene by MuJoCo's renderer: EGL if there is one, else OSMesa."""
    import time

    failed: Exception | None = None
    for backend in ("egl", "osmesa"):
        os.environ["MUJOCO_GL"] = backend
        os.environ["PYOPENGL_PLATFORM"] = backend
        try:
            return _by_mujoco(frames, lambda: (time.perf_counter(), time.process_time()))
        except (ImportError, AttributeError, RuntimeError, OSError, TypeError) as error:
            failed = error
    raise RuntimeError(f"MuJoCo cannot render here: {failed}") from failed


def _by_mujoco(frames: int, now: Any) -> dict[str, float]:
    import mujoco

    sim = simulator("first_traverse", None, 0, cameras=False)
    sim.advance(1.0)
    world, rover = sim.world, sim.rover
    spec = mujoco.MjSpec()
    rows, columns = world.heights.shape
    low, high = float(world.heights.min()), float(world.heights.max())
    half = (columns - 1) * world.resolution_m / 2.0
    spec.add_hfield(
        name="ground",
        nrow=rows,
        ncol=columns,
        size=[half, half, high - low, 1.0],
        userdata=((world.heights - low) / (high - low)).ravel().tolist(),
    )
    body = spec.worldbody
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname="ground", pos=[0, 0, low])
    from tenacious_rover.rover import frames as frame

    for i in range(len(world.rocks)):
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_ELLIPSOID,
            size=world.rocks.semi_axes[i],
            pos=world.rocks.center[i],
            quat=frame.quaternion(world.rocks.rotation[i]),
        )
    for block in world.lander:
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=np.asarray(block.size) / 2.0,
            pos=block.map_T_block[:3, 3],
            quat=frame.quaternion(block.map_T_block),
        )
    body.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        dir=-world.spec.sun_direction(1.0),
        castshadow=True,
    )
    camera = rover.cameras["left"]
    pose = sim.truth.map_T_base @ camera.base_T_optical @ np.diag([1.0, -1.0, -1.0, 1.0])
    fov = float(np.degrees(2.0 * np.arctan2(camera.height_px / 2.0, camera.fy_px)))
    body.add_camera(name="eye", pos=pose[:3, 3], quat=frame.quaternion(pose), fovy=fov)
    spec.visual.global_.offwidth, spec.visual.global_.offheight = 640, 480
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    times = []
    with mujoco.Renderer(model, 480, 640) as renderer:
        for _ in range(frames + 1):
            began = now()
            renderer.update_scene(data, "eye")
            renderer.render()
            renderer.enable_depth_rendering()
            renderer.update_scene(data, "eye")
            renderer.render()
            renderer.disable_depth_rendering()
            times.append(np.subtract(now(), began))
    wall, cpu = 1e3 * np.median(times[1:], axis=0)
    return {"frame_640x480_ms": float(wall), "frame_640x480_cpu_ms": float(cpu)}


def big_world(seed: int) -> dict[str, float]:
    """Most memory that a simulator with cameras ever held, 100 x 100 m at 5 cm."""
    import resource

    from tenacious_rover.rover.description import load_rover
    from tenacious_rover.simulator.build import build_world
    from tenacious_rover.simulator.engine import Simulator
    from tenacious_rover.simulator.world import load_world

    spec = load_world("first_traverse").varied(size_m=100.0)
    sim = Simulator(build_world(spec), load_rover("tenacious"), seed)
    around(sim, 2.0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    return {"memory_100m_peak_mb": peak, "rocks_100m": float(len(sim.world.rocks))}


def at_rest(seed: int) -> dict[str, float]:
    """Standing on level mare soil: how deep, and whether the ground carries the weight."""
    sim = simulator("mare_calm", 0.0021, seed, cameras=False)
    sim.advance(4.0)
    truth = sim.truth
    weight = sim.rover.mass_kg * sim.rover.gravity_mps2 * np.cos(truth.tilt_rad)
    return {
        "static_sinkage_mm": 1e3 * float(truth.sinkage_m.mean()),
        "force_balance_error": abs(float(truth.normal_n.sum()) / weight - 1.0),
    }


def digest(seed: int) -> dict[str, str]:
    """Of everything a drive with pictures measured."""
    import hashlib

    size = "tenacious camera_width:=160 camera_height:=120"
    sim = simulator("first_traverse", None, seed, size)
    hasher = hashlib.sha256()
    for _ in range(50):
        sim.drive(0.08, 0.1)
        for one in sim.advance(0.1):
            for value in vars(one).values():
                if isinstance(value, np.ndarray | float):
                    hasher.update(np.asarray(value).tobytes())
    hasher.update(sim.dynamics.data.qpos.tobytes())
    return {"digest": hasher.hexdigest()}
