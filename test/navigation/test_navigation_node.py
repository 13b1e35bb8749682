# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The navigation node over DDS: a made-up rover that moves as it is told."""

import math

import numpy as np
import pytest
import toy

rclpy = pytest.importorskip("rclpy")

from geometry_msgs.msg import PoseStamped  # noqa: E402
from nav_msgs.msg import Odometry  # noqa: E402
from rclpy.action import ActionClient  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from tf2_msgs.msg import TFMessage  # noqa: E402

from tenacious_interfaces.action import DriveTo  # noqa: E402
from tenacious_rover import ros  # noqa: E402
from tenacious_rover.navigation.error import Code  # noqa: E402
from tenacious_rover.navigation.node import NavigationNode  # noqa: E402
from tenacious_rover.perception.messages import to_elevation_map  # noqa: E402
from tenacious_rover.perception.terrain_map import TerrainMap  # noqa: E402
from tenacious_rover.rover import contract, frames  # noqa: E402

pytestmark = pytest.mark.ros
HURRY = 8.0
"""Seconds of motion per second: the toy obeys that much faster."""


class Platform(Node):
    """Odometry, terrain and transforms of a toy vehicle; hears `cmd_vel`."""

    def __init__(self):
        super().__init__("platform")
        self.x = self.y = self.yaw = 0.0
        self.sent, self.states, self.plans = [], [], []
        self.blind = self.mute = False
        self.odometry = ros.publisher(self, contract.ODOMETRY)
        self.terrain = ros.publisher(self, contract.TERRAIN_MAP)
        self.tf = ros.publisher(self, contract.TF)
        self.pointing = ros.publisher(self, contract.GOAL_POSE)
        ros.subscription(self, contract.CMD_VEL, self.moved)
        ros.subscription(self, contract.NAVIGATION_STATE, self.states.append)
        ros.subscription(self, contract.PLAN, self.plans.append)
        self.create_timer(0.05, self.locate)
        self.create_timer(0.3, self.map)

    def moved(self, message):
        speed, rate = message.twist.linear.x, message.twist.angular.z
        self.sent.append((speed, rate))
        self.x += HURRY * speed * math.cos(self.yaw) * 0.1
        self.y += HURRY * speed * math.sin(self.yaw) * 0.1
        self.yaw += 0.8 * rate * 0.1

    def locate(self):
        if self.mute:
            return
        now = ros.clock_seconds(self)
        pose = frames.planar(self.x, self.y, self.yaw)
        message = Odometry(header=ros.header(now, frames.ODOM))
        message.pose.pose = ros.to_pose(pose)
        self.odometry.publish(message)
        shifted = frames.planar(1.0, 0.0, 0.0)
        transform = ros.transform_stamped(now, frames.MAP, frames.ODOM, shifted)
        self.tf.publish(TFMessage(transforms=[transform]))

    def map(self):
        if self.blind:
            return
        flat = np.zeros((160, 160), np.float32)
        layers = dict.fromkeys(("elevation", "hazard", "slope", "roughness", "top"), flat)
        layers["variance"] = np.full_like(flat, 1e-6)
        terrain = TerrainMap(0.05, np.array([-4.0, -4.0]), layers, ros.clock_seconds(self))
        self.terrain.publish(to_elevation_map(terrain))


class Stage:
    """Both nodes in one executor."""

    def __init__(self, monkeypatch, *words):
        import tenacious_rover.rover.description as description

        monkeypatch.setattr(description, "load_rover", lambda name: toy.rover())
        rclpy.init(args=["--ros-args", *[w for word in words for w in ("-p", word)]])
        self.executor = SingleThreadedExecutor()
        self.node, self.platform = NavigationNode(), Platform()
        for each in (self.node, self.platform):
            self.executor.add_node(each)
        self.node.start()
        self.client = ActionClient(self.platform, DriveTo, contract.DRIVE_TO)
        self.until(lambda: self.client.server_is_ready() and self.node.poses.latest)
        self.until(lambda: self.node.terrain)

    def until(self, condition, seconds=60.0):
        began = ros.clock_seconds(self.platform)
        while not condition():
            self.executor.spin_once(timeout_sec=0.1)
            assert ros.clock_seconds(self.platform) - began < seconds

    def send(self, goal, feedback=None):
        sent = self.client.send_goal_async(goal, feedback)
        self.until(sent.done)
        return sent.result()

    def result(self, handle):
        found = handle.get_result_async()
        self.until(found.done)
        return found.result().result

    def close(self):
        self.executor.shutdown()
        for each in (self.node, self.platform):
            each.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture
def stage(monkeypatch):
    made = Stage(monkeypatch)
    yield made
    made.close()


def to(x, y, frame="map", **fields):
    pose = ros.pose_stamped(0.0, frame, frames.planar(x, y, 0.0))
    return DriveTo.Goal(goal=pose, **fields)


def test_drives_to_a_goal_in_map_and_says_how_it_goes(stage):
    told = []
    result = stage.result(stage.send(to(3.0, 0.5), told.append))
    assert result.error_code == DriveTo.Result.NONE, result.error_msg
    # Map lies one metre behind odom.
    assert stage.platform.x == pytest.approx(2.0, abs=0.2)
    assert result.final_pose.pose.position.x == pytest.approx(3.0, abs=0.2)
    assert result.distance_driven_m > 1.5
    assert told[0].feedback.distance_remaining_m > 1.0
    assert {"driving"} <= {state.state for state in stage.platform.states}
    assert any(plan.poses for plan in stage.platform.plans)
    stage.until(lambda: stage.platform.sent[-1] == (0.0, 0.0))


def test_codes_are_those_of_the_action():
    for code in Code:
        assert getattr(DriveTo.Result, code.name) == code.value


def test_short_moves(stage):
    goal = DriveTo.Goal(mode=DriveTo.Goal.TURN, amount=-0.4)
    assert stage.result(stage.send(goal)).error_code == DriveTo.Result.NONE
    assert stage.platform.yaw == pytest.approx(-0.4, abs=0.06)
    goal = DriveTo.Goal(mode=DriveTo.Goal.STRAIGHT, amount=-0.4, position_tolerance_m=0.05)
    assert stage.result(stage.send(goal)).error_code == DriveTo.Result.NONE
    assert math.hypot(stage.platform.x, stage.platform.y) == pytest.approx(0.4, abs=0.1)


def test_wrong_goals_are_refused_with_their_code(stage):
    codes = DriveTo.Result
    for goal, code in (
        (to(math.nan, 0.0), codes.INVALID_GOAL),
        (to(1.0, 0.0, frame="base_link"), codes.INVALID_GOAL),
        (DriveTo.Goal(mode=7), codes.INVALID_GOAL),
        (DriveTo.Goal(mode=DriveTo.Goal.TURN, amount=0.0), codes.INVALID_GOAL),
        (to(1.0, 0.0, max_speed_mps=-1.0), codes.INVALID_GOAL),
    ):
        result = stage.result(stage.send(goal))
        assert (result.error_code, bool(result.error_msg)) == (code, True)


def test_cancel_while_moving_stops(stage):
    handle = stage.send(to(4.0, 0.0))
    stage.until(lambda: stage.platform.x > 0.2)
    handle.cancel_goal_async()
    assert stage.result(handle).error_code == DriveTo.Result.CANCELED
    stage.until(lambda: stage.platform.sent[-1] == (0.0, 0.0))


def test_new_goal_preempts_the_old(stage):
    first = stage.send(to(4.0, 0.0))
    stage.until(lambda: stage.platform.x > 0.2)
    second = stage.send(to(1.0, 0.8))
    assert stage.result(first).error_code == DriveTo.Result.PREEMPTED
    assert stage.result(second).error_code == DriveTo.Result.NONE
    assert stage.platform.y == pytest.approx(0.8, abs=0.25)


def test_goal_from_rviz(stage):
    stage.platform.pointing.publish(
        PoseStamped(header=ros.header(0.0, "odom"), pose=ros.to_pose(frames.planar(1.0, 0.3, 0.5)))
    )
    stage.until(lambda: any(state.state == "arrived" for state in stage.platform.states))
    assert stage.platform.yaw == pytest.approx(0.5, abs=0.12)


def test_stops_when_odometry_goes_silent(stage):
    handle = stage.send(to(4.0, 0.0))
    stage.until(lambda: stage.platform.x > 0.2)
    stage.platform.mute = True
    stage.until(lambda: stage.platform.states[-1].state == "waiting")
    stage.until(lambda: stage.platform.sent[-1] == (0.0, 0.0))
    stage.platform.mute = False
    assert stage.result(handle).error_code == DriveTo.Result.NONE


def test_zones_of_the_parameters(monkeypatch):
    stage = Stage(monkeypatch, "keep_out:=2 -1 3 -1 3 1 2 1")
    try:
        result = stage.result(stage.send(to(2.5, 0.0)))
        assert result.error_code == DriveTo.Result.GOAL_IN_KEEP_OUT
    finally:
        stage.close()
