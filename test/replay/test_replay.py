# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Replays of a made-up recording: the same order gives the same bits, other settings do not."""

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "analysis"))

from synthetic import Maker, Recipe

from tenacious_rover.analysis.bag import Bag
from tenacious_rover.campaign import replay_case
from tenacious_rover.campaign.replay import replay
from tenacious_rover.campaign.replay_comparison import Comparison
from tenacious_rover.campaign.replay_feed import Feeder
from tenacious_rover.campaign.replay_lanes import compare_maps
from tenacious_rover.campaign.replay_setup import (
    Options,
    ReplayError,
    parse_settings,
)
from tenacious_rover.cli import app
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.localizer import Localizer
from tenacious_rover.localization.sun import site_of
from tenacious_rover.perception.terrain_map import TerrainMap
from tenacious_rover.rover import contract, frames
from tenacious_rover.rover.config import ConfigError
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.measurements import Imu, Joints

START = 5.0
ONLY = Options(cores=("localization",))


def samples(rover, seconds, rng):
    """IMU at 100 Hz and wheels at 50 Hz of a rover that sets off after a second."""
    names = tuple(wheel.joint for wheel in rover.wheels)
    for n in range(int(seconds * 100)):
        t = START + 0.01 * n
        speed = 0.05 * min(max(t - START - 1.0, 0.0), 1.0)
        gyro = rng.normal(0.0, 0.002, 3) + np.array([0.0, 0.0, speed])
        yield Imu(t, gyro, rng.normal(0.0, 0.005, 3) + np.array([0.0, 0.0, rover.gravity_mps2]))
        if n % 2 == 0:
            rolling = np.full(4, speed / rover.wheel_radius_m) + rng.normal(0.0, 0.01, 4)
            yield Joints(t, names, rolling * (t - START), rolling, np.full(4, 0.05))


def jumbled(listed, rng):
    """As an executor may serve them: wheels up to six samples early or late."""
    keys = [n + (rng.uniform(-6, 6) if isinstance(s, Joints) else 0) for n, s in enumerate(listed)]
    return [listed[i] for i in np.argsort(keys, kind="stable")]


class Recording(Maker):
    """What localization's node and the recorder would leave."""

    def imu(self, sample):
        kind = "sensor_msgs/msg/Imu"
        zero = np.zeros(9)
        message = self.T[kind](
            header=self.header(sample.time_s, "imu_link"),
            orientation=self.rotation(np.eye(4)),
            orientation_covariance=zero,
            angular_velocity=self.vector(*sample.gyro),
            angular_velocity_covariance=zero,
            linear_acceleration=self.vector(*sample.accel),
            linear_acceleration_covariance=zero,
        )
        self.say("imu/data_raw", kind, message, sample.time_s)

    def joints(self, sample):
        kind = "sensor_msgs/msg/JointState"
        message = self.T[kind](
            header=self.header(sample.time_s, ""),
            name=list(sample.names),
            position=sample.position,
            velocity=sample.velocity,
            effort=sample.effort,
        )
        self.say("joint_states", kind, message, sample.time_s)

    def outputs(self, estimate, at):
        kind = "tf2_msgs/msg/TFMessage"
        transforms = []
        for parent, child, pose in (
            ("map", "odom", estimate.map_T_odom),
            ("odom", "base_link", estimate.odom_T_base),
        ):
            transform = self.T["geometry_msgs/msg/Transform"](
                translation=self.vector(*pose[:3, 3]), rotation=self.rotation(pose)
            )
            transforms.append(
                self.T["geometry_msgs/msg/TransformStamped"](
                    header=self.header(estimate.time_s, parent),
                    child_frame_id=child,
                    transform=transform,
                )
            )
        self.say("/tf", kind, self.T[kind](transforms=transforms), at)
        odometry = self.odometry(estimate.time_s, "odom", estimate.odom_T_base)
        self.say("odometry", "nav_msgs/msg/Odometry", odometry, at)

    def feed(self, entries, at):
        names = [contract.IMU.name, contract.JOINT_STATES.name]
        content = {"node": "localization", "names": names, "inputs": entries}
        kind = "std_msgs/msg/String"
        self.say("feed", kind, self.T[kind](data=json.dumps(content)), at)


def record(path, told=True, seconds=6.0):
    """Run the core in a jumbled order; write inputs in the order of their stamps."""
    rover = load_rover("tenacious")
    rng = np.random.default_rng(3)
    config = LocalizationConfig()
    start = frames.planar(
        config.start_x_m, config.start_y_m, math.radians(config.start_yaw_deg), config.start_z_m
    )
    core = Localizer(rover, config, start, site_of(config))
    listed = list(samples(rover, seconds, rng))
    maker = Recording(path, Recipe(), custom={"rover": "tenacious"})
    with maker.writer:
        for sample in listed:
            maker.imu(sample) if isinstance(sample, Imu) else maker.joints(sample)
        entries, spoken = [], -math.inf
        for sample in jumbled(listed, rng):
            core.take(sample)
            stamp = maker.stamp(sample.time_s)
            entries.append([int(isinstance(sample, Joints)), stamp.sec * 10**9 + stamp.nanosec])
            if core.timeline is not None and sample.time_s - spoken >= 0.0999:
                spoken = sample.time_s
                maker.outputs(core.estimate, spoken)
                if told:
                    maker.feed(entries, spoken + 0.001)
                    entries = []
    return path


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    return record(tmp_path_factory.mktemp("drive") / "bag")


def test_with_nothing_changed_nothing_differs(bag):
    with Bag(bag) as opened:
        (found,) = replay(opened, ONLY)
    assert found.recorded > 50
    assert found.same
    assert found.worst[1] < 1e-9


def test_a_changed_setting_shows_and_when(bag):
    settings = parse_settings(["localization.wheel_sigma_mps=0.5"])
    with Bag(bag) as opened:
        (found,) = replay(opened, Options(settings=settings, cores=("localization",)))
    assert not found.same
    assert found.first_s is not None


def test_without_the_order_of_inputs_it_is_nearly_the_same(tmp_path):
    path = record(tmp_path / "bag", told=False)
    with Bag(path) as opened:
        (found,) = replay(opened, ONLY)
    assert found.missing <= 1
    assert found.worst[1] < 0.05


def test_a_case_is_kept_and_checked(bag, tmp_path):
    options = Options(cores=("localization",), stop_s=3.0)
    folder = replay_case.save(bag, options, "sets_off", tmp_path)
    assert replay_case.check(folder) == []
    with pytest.raises(ReplayError, match="there is a case"):
        replay_case.save(bag, options, "sets_off", tmp_path)
    case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    case["expected"]["localization"]["compared"] += 5
    (folder / "case.json").write_text(json.dumps(case), encoding="utf-8")
    (trouble,) = replay_case.check(folder)
    assert "compared was" in trouble


def test_command(bag):
    words = ["replay", str(bag), "--cores", "localization", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["cores"][0]["differing"] == 0
    for wrong, words in (
        (["--cores", "localization", "--set", "localization.nothing=1"], "no such field"),
        (["--set", "tilt=1"], "is not CORE.FIELD=VALUE"),
        (["--cores", "mission"], "is not one of localization"),
        (["--cores", "perception"], "perception cannot be compared"),
    ):
        answer = CliRunner().invoke(app, ["replay", str(bag), *wrong])
        assert answer.exit_code == 2
        assert words in answer.output


@pytest.mark.parametrize("folder", sorted(Path(__file__).parent.glob("cases/*/case.json")))
def test_kept_cases(folder):
    assert replay_case.check(folder.parent) == []


class Spy:
    """A lane that writes down what it gets."""

    inputs = frozenset({"a", "b"})
    outputs = frozenset({"out"})

    def __init__(self):
        self.comparison = Comparison("spy", 0)
        self.got = []

    def take(self, name, message):
        self.got.append((name, message.header.stamp.nanosec))

    def moment(self, name, ns):
        self.got.append((name, ns))
        return True

    def finish(self, last_ns):
        self.got.append(("end", last_ns))


def stamped(ns):
    return SimpleNamespace(header=SimpleNamespace(stamp=SimpleNamespace(sec=0, nanosec=ns)))


def told(*entries):
    names = ["a", "b", "cycle"]
    inputs = [[names.index(name), ns] for name, ns in entries]
    return SimpleNamespace(data=json.dumps({"node": "spy", "names": names, "inputs": inputs}))


def test_feeder_keeps_the_order_waits_and_skips_what_is_lost():
    spy = Spy()
    feeder = Feeder(spy, exact=True, first_s=0.0)
    for name, ns in (("a", 1), ("b", 1), ("a", 2)):
        feeder.offer(name, stamped(ns), 0.1)
    feeder.offer(contract.FEED.name, told(("b", 1), ("a", 1), ("b", 2), ("cycle", 9)), 0.2)
    assert spy.got == [("b", 1), ("a", 1)]
    feeder.offer("b", stamped(2), 0.3)
    assert spy.got[2:] == [("b", 2), ("cycle", 9)]
    feeder.offer(contract.FEED.name, told(("b", 3), ("a", 2)), 0.4)
    feeder.offer("out", stamped(7), 1.0)
    assert spy.got[4:] == [("out", 7)]
    feeder.finish()
    assert spy.got[5:] == [("a", 2), ("end", 9)]
    assert feeder.skipped == 1


def grid(values, origin=(0.0, 0.0)):
    layers = {"elevation": np.array(values, np.float32)}
    return TerrainMap(0.05, np.array(origin), layers, 1.0)


def message(values, origin=(0.0, 0.0)):
    data = np.array(values, np.float32)
    return SimpleNamespace(
        layers=["elevation"],
        height=data.shape[0],
        width=data.shape[1],
        data=data.ravel(),
        origin_x=origin[0],
        origin_y=origin[1],
    )


def test_maps_are_compared_cell_by_cell():
    old = [[0.0, 1.0], [np.nan, 2.0]]
    assert compare_maps(message(old), grid(old), partial=False) == (0.0, 0)
    moved = [[0.0, 1.01], [np.nan, 2.0]]
    largest, cells = compare_maps(message(old), grid(moved), partial=False)
    assert largest == pytest.approx(0.01, abs=1e-6)
    assert cells == 1
    lone = [[0.0, 1.0], [3.0, 2.0]]
    assert compare_maps(message(old), grid(lone), partial=False) == (math.inf, 1)
    assert compare_maps(message(old), grid(lone), partial=True) == (0.0, 0)
    shifted = grid([[1.0], [2.0]], origin=(0.05, 0.0))
    assert compare_maps(message(old), shifted, partial=True) == (0.0, 0)
    far = grid([[1.0]], origin=(9.0, 9.0))
    assert compare_maps(message(old), far, partial=False)[0] == math.inf


def test_settings_are_parsed():
    assert parse_settings(["navigation.max_tilt_deg=12", "perception.stand=false"]) == {
        "navigation": {"max_tilt_deg": 12},
        "perception": {"stand": False},
    }
    with pytest.raises(ConfigError, match="mission"):
        parse_settings(["mission.x=1"])
