# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A made-up drive with known truth, written by rosbags: no rover, no simulator, no ROS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from tenacious_rover.rover import frames

ROOT = Path(__file__).resolve().parents[2]
SPEED = 0.08


def typestore():
    store = get_typestore(Stores.ROS2_KILTED)
    for path in sorted((ROOT / "tenacious_interfaces" / "msg").glob("*.msg")):
        name = f"tenacious_interfaces/msg/{path.stem}"
        store.register(get_types_from_msg(path.read_text(encoding="utf-8"), name))
    return store


STORE = typestore()


@dataclass
class Recipe:
    """What the bag holds."""

    duration_s: float = 60.0
    namespace: str = ""
    drift: float = 0.02
    """Share of the distance."""
    seed: int = 0
    images: bool = True
    leave_out: tuple[str, ...] = ()
    start_s: float = 10.0
    slip_at_s: float = 30.0
    succeeds: bool = True
    renamed: tuple[tuple[str, str], ...] = ()
    clock: bool = True


def true_pose(t: float, side: float = 0.0):
    """(4, 4) at t seconds: an arc of 8 m radius."""
    yaw = SPEED * t / 8.0
    return frames.planar(2.0 + 8.0 * np.sin(yaw), side + 8.0 * (1.0 - np.cos(yaw)), yaw, 0.1)


class Maker:
    """Writes messages of a recipe."""

    def __init__(self, path, recipe, plugin=StoragePlugin.MCAP, custom=None):
        self.recipe = recipe
        self.writer = Writer(path, version=9, storage_plugin=plugin)
        for key, value in (custom or {}).items():
            self.writer.set_custom_data(key, value)
        self.connections = {}
        self.rng = np.random.default_rng(recipe.seed)
        self.T = STORE.types

    def say(self, topic, kind, message, t):
        if topic in self.recipe.leave_out:
            return
        name = topic if topic.startswith("/") else f"{self.recipe.namespace}/{topic}"
        name = dict(self.recipe.renamed).get(name, name)
        if name not in self.connections:
            self.connections[name] = self.writer.add_connection(name, kind, typestore=STORE)
        raw = STORE.serialize_cdr(message, kind)
        self.writer.write(self.connections[name], round(t * 1e9), raw)

    def stamp(self, t):
        return self.T["builtin_interfaces/msg/Time"](sec=int(t), nanosec=round((t % 1.0) * 1e9))

    def header(self, t, frame):
        return self.T["std_msgs/msg/Header"](stamp=self.stamp(t), frame_id=frame)

    def vector(self, x=0.0, y=0.0, z=0.0):
        return self.T["geometry_msgs/msg/Vector3"](x=float(x), y=float(y), z=float(z))

    def point(self, x=0.0, y=0.0, z=0.0):
        return self.T["geometry_msgs/msg/Point"](x=float(x), y=float(y), z=float(z))

    def rotation(self, a_T_b):
        w, x, y, z = map(float, frames.quaternion(a_T_b))
        return self.T["geometry_msgs/msg/Quaternion"](x=x, y=y, z=z, w=w)

    def pose(self, a_T_b):
        return self.T["geometry_msgs/msg/Pose"](
            position=self.point(*a_T_b[:3, 3]), orientation=self.rotation(a_T_b)
        )

    def odometry(self, t, frame, a_T_b, sigma=0.01):
        covariance = np.zeros(36)
        covariance[0] = covariance[7] = sigma**2
        return self.T["nav_msgs/msg/Odometry"](
            header=self.header(t, frame),
            child_frame_id="base_link",
            pose=self.T["geometry_msgs/msg/PoseWithCovariance"](
                pose=self.pose(a_T_b), covariance=covariance
            ),
            twist=self.T["geometry_msgs/msg/TwistWithCovariance"](
                twist=self.T["geometry_msgs/msg/Twist"](
                    linear=self.vector(SPEED), angular=self.vector(z=SPEED / 8.0)
                ),
                covariance=np.zeros(36),
            ),
        )

    def event(self, t, severity, source, name, message):
        self.say(
            "events",
            "tenacious_interfaces/msg/Event",
            self.T["tenacious_interfaces/msg/Event"](
                stamp=self.stamp(t),
                severity=severity,
                source=source,
                name=name,
                message=message,
                data_json="",
            ),
            t,
        )


def write_bag(path, recipe=None, plugin=StoragePlugin.MCAP, custom=None, others=()):
    """A bag folder at `path`; `others` are recipes of more rovers in the same bag."""
    recipe = recipe or Recipe()
    maker = Maker(path, recipe, plugin, custom)
    with maker.writer:
        for n, one in enumerate((recipe, *others)):
            maker.recipe = one
            _fill(maker, 3.0 * n)
    return path


def _fill(maker, side):
    recipe, T = maker.recipe, maker.T
    map_T_odom = true_pose(0.0, side)
    steps = int(recipe.duration_s * 10)
    _say_transform(maker, recipe.start_s, map_T_odom)
    for i in range(steps):
        t, now = i * 0.1, recipe.start_s + i * 0.1
        true = true_pose(t, side)
        wrong = true.copy()
        wrong[:2, 3] += recipe.drift * SPEED * t * np.array([0.6, 0.8])
        wrong[:2, 3] += maker.rng.normal(0.0, 0.001, 2)
        if recipe.clock:
            clock = T["rosgraph_msgs/msg/Clock"](clock=maker.stamp(now))
            maker.say("/clock", "rosgraph_msgs/msg/Clock", clock, now)
        kind = "nav_msgs/msg/Odometry"
        odom_T_base = frames.inverse(map_T_odom) @ wrong
        maker.say("odometry", kind, maker.odometry(now, "odom", odom_T_base), now)
        maker.say("ground_truth/odometry", kind, maker.odometry(now, "map", true), now)
        _say_sensors(maker, now, t)
        if i % 10 == 0:
            _say_slow(maker, now, t)
        if i % 50 == 0:
            _say_transform(maker, now, map_T_odom)
            _say_terrain(maker, now, odom_T_base)
            _say_plan(maker, now, odom_T_base)
    _say_story(maker)


def _say_transform(maker, now, map_T_odom):
    T = maker.T
    item = T["geometry_msgs/msg/TransformStamped"](
        header=maker.header(now, "map"),
        child_frame_id="odom",
        transform=T["geometry_msgs/msg/Transform"](
            translation=maker.vector(*map_T_odom[:3, 3]), rotation=maker.rotation(map_T_odom)
        ),
    )
    maker.say("/tf", "tf2_msgs/msg/TFMessage", T["tf2_msgs/msg/TFMessage"](transforms=[item]), now)


def _say_sensors(maker, now, t):
    T = maker.T
    names = ["front_left_wheel_joint", "front_right_wheel_joint", "scoop_lift_joint"]
    joints = T["sensor_msgs/msg/JointState"](
        header=maker.header(now, ""),
        name=names,
        position=np.full(3, t),
        velocity=np.array([1.3, 1.3, 0.0]),
        effort=np.array([0.2, 0.21, 0.0]) + maker.rng.normal(0, 0.01, 3),
    )
    maker.say("joint_states", "sensor_msgs/msg/JointState", joints, now)
    imu = T["sensor_msgs/msg/Imu"](
        header=maker.header(now, "imu_link"),
        orientation=T["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
        orientation_covariance=np.zeros(9),
        angular_velocity=maker.vector(z=SPEED / 8.0),
        angular_velocity_covariance=np.zeros(9),
        linear_acceleration=maker.vector(0.1, 0.0, 1.62),
        linear_acceleration_covariance=np.zeros(9),
    )
    maker.say("imu/data_raw", "sensor_msgs/msg/Imu", imu, now)
    twist = T["geometry_msgs/msg/TwistStamped"](
        header=maker.header(now, "base_link"),
        twist=T["geometry_msgs/msg/Twist"](linear=maker.vector(SPEED), angular=maker.vector()),
    )
    maker.say("cmd_vel", "geometry_msgs/msg/TwistStamped", twist, now)


def _say_slow(maker, now, t):
    T, recipe = maker.T, maker.recipe
    stuck = abs(t - recipe.slip_at_s) < 4.0
    slip = T["tenacious_interfaces/msg/Immobility"](
        header=maker.header(now, "base_link"),
        wheel=["a", "b"],
        slip=np.array([0.7 if stuck else 0.05, 0.08], np.float32),
        sinkage_hint_m=np.full(2, np.nan, np.float32),
        immobile=bool(stuck and recipe.slip_at_s > 0),
        commanded_mps=SPEED,
        measured_mps=SPEED,
    )
    maker.say("localization/immobility", "tenacious_interfaces/msg/Immobility", slip, now)
    battery = T["sensor_msgs/msg/BatteryState"](
        header=maker.header(now, ""),
        voltage=14.8,
        temperature=float("nan"),
        current=-0.9,
        charge=float("nan"),
        capacity=float("nan"),
        design_capacity=3.4,
        percentage=0.9 - 0.001 * t,
        power_supply_status=2,
        power_supply_health=1,
        power_supply_technology=2,
        present=True,
        cell_voltage=np.zeros(0, np.float32),
        cell_temperature=np.zeros(0, np.float32),
        location="",
        serial_number="",
    )
    maker.say("battery_state", "sensor_msgs/msg/BatteryState", battery, now)
    heat = T["sensor_msgs/msg/Temperature"](
        header=maker.header(now, "battery"), temperature=20.0 + 0.05 * t, variance=0.0
    )
    maker.say("temperature/battery", "sensor_msgs/msg/Temperature", heat, now)
    for n, node in enumerate(("perception", "localization", "recording")):
        beat = T["tenacious_interfaces/msg/Heartbeat"](
            stamp=maker.stamp(now), node=node, cpu_s=0.1 * t / (n + 1), memory_mb=100.0 + n
        )
        maker.say("heartbeat", "tenacious_interfaces/msg/Heartbeat", beat, now + 0.01)
    state = "backing_out" if stuck else "driving"
    navigation = T["tenacious_interfaces/msg/NavigationState"](
        stamp=maker.stamp(now),
        state=state,
        reason="the wheels slip" if stuck else "to the goal",
        distance_remaining_m=max(5.0 - SPEED * t, 0.0),
        distance_driven_m=SPEED * t,
        estimated_time_remaining_s=10.0,
        number_of_recoveries=int(t > recipe.slip_at_s),
        cycle_ms=12.0,
    )
    maker.say("navigation/state", "tenacious_interfaces/msg/NavigationState", navigation, now)
    _say_mission(maker, now, t)
    if recipe.images and round(t) % 5 == 0:
        _say_image(maker, now)


def _say_mission(maker, now, t):
    recipe = maker.recipe
    names = ["leave lander", "drive to goal", "collect sample"]
    step = min(int(3 * t / recipe.duration_s), 2)
    ended = t > recipe.duration_s - 2.0
    last = "succeeded" if recipe.succeeds else "failed: no soil seen to be taken"
    outcomes = [f"{name}: succeeded" for name in names[:step]]
    outcomes += [f"{names[2]}: {last}"] if ended else []
    status = ("succeeded" if recipe.succeeds else "failed") if ended else "running"
    mission = maker.T["tenacious_interfaces/msg/MissionState"](
        stamp=maker.stamp(now),
        mission="made_up",
        status=status,
        step=step,
        steps=3,
        step_name=names[step],
        activity="",
        progress=t / recipe.duration_s,
        elapsed_s=t,
        remaining_s=float("nan"),
        outcomes=outcomes,
    )
    maker.say("mission/state", "tenacious_interfaces/msg/MissionState", mission, now)


def _say_image(maker, now):
    shade = np.linspace(20, 200, 64 * 48).reshape(48, 64)
    pixels = np.repeat(shade[..., None], 3, axis=2).astype(np.uint8)
    for eye in ("left", "right"):
        image = maker.T["sensor_msgs/msg/Image"](
            header=maker.header(now, f"camera_{eye}_optical_frame"),
            height=48,
            width=64,
            encoding="rgb8",
            is_bigendian=0,
            step=192,
            data=pixels.ravel(),
        )
        maker.say(f"camera/{eye}/image_raw", "sensor_msgs/msg/Image", image, now)


def _say_terrain(maker, now, odom_T_base):
    size, resolution = 80, 0.05
    corner = np.floor((odom_T_base[:2, 3] - 2.0) / resolution) * resolution
    xs = corner[0] + (np.arange(size) + 0.5) * resolution
    ys = corner[1] + (np.arange(size) + 0.5) * resolution
    gx, gy = np.meshgrid(xs, ys)
    elevation = 0.05 * np.sin(2.0 * gx) * np.cos(1.7 * gy)
    rock = (gx - 2.0) ** 2 + (gy + 1.0) ** 2 < 0.15**2
    elevation[rock] += 0.15
    elevation[np.hypot(gx - odom_T_base[0, 3], gy - odom_T_base[1, 3]) > 1.9] = np.nan
    data = np.concatenate([elevation.ravel(), rock.astype(float).ravel()]).astype(np.float32)
    message = maker.T["tenacious_interfaces/msg/ElevationMap"](
        header=maker.header(now, "odom"),
        resolution=resolution,
        origin_x=float(corner[0]),
        origin_y=float(corner[1]),
        width=size,
        height=size,
        layers=["elevation", "hazard"],
        data=data,
    )
    maker.say("terrain/map", "tenacious_interfaces/msg/ElevationMap", message, now)


def _say_plan(maker, now, odom_T_base):
    poses = []
    for s in np.linspace(0.0, 1.0, 12):
        ahead = odom_T_base @ frames.planar(s, 0.05 * s, 0.0)
        poses.append(
            maker.T["geometry_msgs/msg/PoseStamped"](
                header=maker.header(now, "odom"), pose=maker.pose(ahead)
            )
        )
    path = maker.T["nav_msgs/msg/Path"](header=maker.header(now, "odom"), poses=poses)
    maker.say("plan", "nav_msgs/msg/Path", path, now)


def _say_story(maker):
    recipe, T = maker.recipe, maker.T
    begin, end = recipe.start_s, recipe.start_s + recipe.duration_s
    maker.event(begin + 1.0, 2, "mission", "mission_started", "made_up, 3 steps")
    maker.event(begin + recipe.slip_at_s, 3, "navigation", "slip", "the wheels slip </script>")
    maker.event(end - 2.5, 2, "sampling", "sample_logged", "S001")
    place = true_pose(recipe.duration_s - 3.0)[:3, 3]
    sample = T["tenacious_interfaces/msg/SampleRecord"](
        stamp=maker.stamp(end - 2.5),
        id="S001",
        label="mare soil",
        place=T["geometry_msgs/msg/PointStamped"](
            header=maker.header(end - 2.5, "map"), point=maker.point(*place)
        ),
        place_covariance=np.diag([4e-4, 4e-4, 1e-4]).ravel(),
        volume_ml=21.5,
        volume_sigma_ml=2.0,
        verified=True,
        record_hash="ab" * 32,
    )
    maker.say("sampling/record", "tenacious_interfaces/msg/SampleRecord", sample, end - 2.5)
    pose = T["geometry_msgs/msg/PoseWithCovariance"](
        pose=maker.pose(true_pose(20.0)), covariance=np.zeros(36)
    )
    picture = T["tenacious_interfaces/msg/ImageRecord"](
        stamp=maker.stamp(begin + 20.0),
        id="00001_single_left",
        kind="single",
        purpose="test",
        path="images/00001_single_left.png",
        sha256="cd" * 32,
        pose=pose,
    )
    maker.say("imaging/record", "tenacious_interfaces/msg/ImageRecord", picture, begin + 20.0)


def write_run(folder, recipe=None):
    """A run folder: bag, run.json, a picture with its sidecar."""
    recipe = recipe or Recipe()
    folder.mkdir(parents=True, exist_ok=True)
    custom = {"rover": "tenacious", "world": "made_up", "seed": "3", "commit": "abc1234"}
    write_bag(folder / "bag", recipe, custom=custom)
    run = {
        "started": "2026-11-24T20:00:00+00:00",
        "commit": "abc1234",
        "ended": "succeeded" if recipe.succeeds else "failed",
        "wall_s": recipe.duration_s / 4.0,
        "options": {"platform": "simulator", "keep_out": [[1.0, -1.0, 1.5, -1.0, 1.5, -0.5]]},
        "outcomes": ["drive to goal: succeeded"]
        + ([] if recipe.succeeds else ["collect sample: failed: no soil seen to be taken"]),
    }
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    images = folder / "images"
    images.mkdir()
    pixels = np.full((120, 160, 3), 90, np.uint8)
    cv2.imwrite(str(images / "00001_single_left.png"), pixels)
    card = {
        "id": "00001_single_left",
        "kind": "single",
        "purpose": "test",
        "time_s": recipe.start_s + 20.0,
        "eye": "left",
        "group": "00001_single_left",
        "path": "images/00001_single_left.png",
        "sha256": "cd" * 32,
        "width_px": 160,
        "height_px": 120,
        "position_m": [3.0, 0.5, 0.0],
    }
    (images / "00001_single_left.json").write_text(json.dumps(card), encoding="utf-8")
    return folder
