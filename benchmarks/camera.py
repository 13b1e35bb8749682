# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Cost and exactness of the lunar camera, beside MuJoCo's renderer on the same ground and rocks.

Times of frames are CPU time of the whole process (both cores), because machines are shared; those
of a pair are wall time too. The peer renders colour with shadows, and depth, in a process of its
own (EGL or OSMesa: apt install libegl1 or libosmesa6).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.campaign.study import Study

WORLD = "mare_calm"
BODY_R_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
TARGETS = {
    "frame_over_mujoco": "<= 0.1667",
    "pair_wall_ms": "<= 100",
    "depth_error_max_m": "<= 0.001",
    "clipped_terrain_max": "<= 0.005",
}


def measure(study: Study) -> dict[str, Any]:
    from tenacious_rover.rover.description import load_rover
    from tenacious_rover.simulator.build import build_world
    from tenacious_rover.simulator.camera import CameraSensor, RenderConfig, Renderer
    from tenacious_rover.simulator.world import load_world

    world = build_world(load_world(WORLD, study.seed))
    bare = Renderer(world, RenderConfig(micro_relief=False, pebbles_per_m2=0.0))
    camera = load_rover("tenacious").cameras["left"]
    renderer, sensor = Renderer(world), CameraSensor(camera)
    rng = np.random.default_rng(study.seed)
    poses = [_pose(world, rng) for _ in range(4 if study.quick else 16)]
    sun = world.spec.sun_direction(0.0)
    renderer.render(camera, poses[0], sun)  # compile, bake
    cpu, pair_wall, pair_cpu, errors, clipped = [], [], [], [], []
    for pose in poses:
        right = pose.copy()
        right[:3, 3] += pose[:3, 0] * 0.12
        best = [np.inf, np.inf, np.inf]
        for _ in range(3):
            began, wall = time.process_time(), time.perf_counter()
            frame = renderer.render(camera, pose, sun)
            middle = time.process_time()
            renderer.render(camera, right, sun)
            best[0] = min(best[0], middle - began)
            best[1] = min(best[1], time.perf_counter() - wall)
            best[2] = min(best[2], time.process_time() - began)
        cpu.append(1e3 * best[0])
        pair_wall.append(1e3 * best[1])
        pair_cpu.append(1e3 * best[2])
        truth = bare.render(camera, pose, sun)
        errors.append(_residual(world, camera, pose, truth, rng))
        picture = sensor.expose(frame, *sensor.auto(frame)).max(axis=2)
        ground = frame.label == 1
        clipped.append(float((picture[ground] >= 250).mean()) if ground.any() else 0.0)
    figures = {
        "frame_cpu_ms": float(np.median(cpu)),
        "pair_wall_ms": float(np.median(pair_wall)),
        "pair_cpu_ms": float(np.median(pair_cpu)),
        "depth_error_max_m": float(np.max(errors)),
        "clipped_terrain_max": float(np.max(clipped)),
        "threads": int(os.environ.get("NUMBA_NUM_THREADS", os.cpu_count() or 1)),
    }
    found: dict[str, Any] = {"figures": figures, "targets": dict(TARGETS), "missing": []}
    peer = _mujoco(study, poses[: 2 if study.quick else 4])
    if peer is None:
        found["targets"].pop("frame_over_mujoco")
        found["missing"].append("MuJoCo's renderer: neither EGL nor OSMesa works here")
    else:
        figures["frame_over_mujoco"] = figures["frame_cpu_ms"] / peer["frame_cpu_ms"]
        found["peers"] = {"mujoco": peer}
    return found


def _pose(world: Any, rng: np.random.Generator) -> np.ndarray:
    """Of an eye 0.25 m above ground, pitched down 17 deg, somewhere in the inner half."""
    low_x, high_x, low_y, high_y = (0.5 * value for value in world.extent)
    x, y = rng.uniform(low_x, high_x), rng.uniform(low_y, high_y)
    angles = (0.0, np.radians(17.0), rng.uniform(-np.pi, np.pi))
    out = frames.from_rpy((x, y, float(world.height(x, y)) + 0.25), angles)
    out[:3, :3] = out[:3, :3] @ BODY_R_OPTICAL
    return out


def _residual(
    world: Any, camera: Any, pose: np.ndarray, frame: Any, rng: np.random.Generator
) -> float:
    """Largest error (m, along the optical axis) of bare ground's depth at 400 pixels of a frame.

    A ray is walked in steps of 2 mm up to its depth: nothing may be met before, and there the gap
    to the bilinear ground, over the rate at which the ray closes on it, is the error.
    """
    v, u = np.nonzero((frame.label == 1) & (frame.depth < 6.0))
    chosen = rng.choice(len(v), min(400, len(v)), replace=False)
    worst = 0.0
    for row, column in zip(v[chosen], u[chosen], strict=True):
        ray = pose[:3, :3] @ [
            (column - camera.cx_px) / camera.fx_px,
            (row - camera.cy_px) / camera.fy_px,
            1.0,
        ]
        depth = float(frame.depth[row, column])
        t = np.append(np.arange(0.0, depth - 2e-3, 2e-3), [depth - 1e-4, depth])
        places = pose[:3, 3] + t[:, None] * ray
        gap = places[:, 2] - world.height(places[:, 0], places[:, 1])
        early = np.flatnonzero(gap[:-2] < 0.0)
        if len(early):
            worst = max(worst, depth - float(t[early[0]]))
            continue
        closing = (gap[-2] - gap[-1]) / 1e-4
        worst = max(worst, abs(float(gap[-1])) / max(closing, 1e-3))
    return worst


def _mujoco(study: Study, poses: list[np.ndarray]) -> dict[str, float] | None:
    """The peer's figures, or None where it cannot render."""
    task = {"seed": study.seed, "poses": [pose.tolist() for pose in poses]}
    for backend in ("egl", "osmesa"):
        done = subprocess.run(
            [sys.executable, __file__, json.dumps(task)],
            env={**os.environ, "MUJOCO_GL": backend},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if done.returncode == 0:
            return json.loads(done.stdout.splitlines()[-1])
    return None


def _peer(task: dict[str, Any]) -> dict[str, float]:
    """CPU time per frame of MuJoCo's renderer: colour with shadows, and depth."""
    import mujoco

    from tenacious_rover.simulator.build import build_world
    from tenacious_rover.simulator.world import load_world

    world = build_world(load_world(WORLD, task["seed"]))
    model = mujoco.MjModel.from_xml_string(_scene(world))
    rows, columns = world.heights.shape
    low, high = float(world.heights.min()), float(world.heights.max())
    model.hfield_data[:] = ((world.heights - low) / (high - low)).ravel()
    data = mujoco.MjData(model)
    colour = mujoco.Renderer(model, 480, 640, max_geom=20000)
    depth = mujoco.Renderer(model, 480, 640, max_geom=20000)
    depth.enable_depth_rendering()
    times = {"frame": [], "colour": []}
    for place in task["poses"]:
        pose = np.array(place)
        data.mocap_pos[0] = pose[:3, 3]
        data.mocap_quat[0] = frames.quaternion(pose[:3, :3] @ np.diag([1.0, -1.0, -1.0]))
        mujoco.mj_forward(model, data)
        best = [np.inf, np.inf]
        for _ in range(3):
            began = time.process_time()
            colour.update_scene(data, "eye")
            colour.render()
            middle = time.process_time()
            depth.update_scene(data, "eye")
            depth.render()
            best = [
                min(best[0], time.process_time() - began),
                min(best[1], middle - began),
            ]
        times["frame"].append(1e3 * best[0])
        times["colour"].append(1e3 * best[1])
    return {
        "frame_cpu_ms": float(np.median(times["frame"])),
        "colour_cpu_ms": float(np.median(times["colour"])),
        "nodes": rows * columns,
        "rocks": len(world.rocks),
    }


def _scene(world: Any) -> str:
    """MJCF of ground, rocks, one sun and one camera."""
    rows, columns = world.heights.shape
    low_x, high_x, low_y, high_y = world.extent
    low, high = float(world.heights.min()), float(world.heights.max())
    sun = -world.spec.sun_direction(0.0)
    half_x, half_y = (high_x - low_x) / 2.0, (high_y - low_y) / 2.0
    rocks = "".join(
        f'<geom type="ellipsoid" pos="{_text(center)}" size="{_text(axes)}" '
        f'quat="{_text(frames.quaternion(turn))}" rgba=".5 .5 .5 1"/>'
        for center, axes, turn in zip(
            world.rocks.center, world.rocks.semi_axes, world.rocks.rotation, strict=True
        )
    )
    return f"""<mujoco>
      <visual><global offwidth="640" offheight="480"/><quality shadowsize="4096"/></visual>
      <asset><hfield name="ground" nrow="{rows}" ncol="{columns}"
        size="{half_x} {half_y} {high - low} 1"/></asset>
      <worldbody>
        <light directional="true" castshadow="true" dir="{_text(sun)}" pos="0 0 20"/>
        <geom type="hfield" hfield="ground" rgba=".4 .4 .4 1"
          pos="{(low_x + high_x) / 2} {(low_y + high_y) / 2} {low}"/>
        {rocks}
        <body mocap="true" name="eye_body"><camera name="eye" fovy="60"/></body>
      </worldbody></mujoco>"""


def _text(numbers: Any) -> str:
    return " ".join(f"{float(number):.9g}" for number in numbers)


if __name__ == "__main__":
    print(json.dumps(_peer(json.loads(sys.argv[1]))))
