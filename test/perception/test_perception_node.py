# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The perception node over DDS: good frames make a map, bad ones do no harm."""

import numpy as np
import pytest
from scene import Scene

rclpy = pytest.importorskip("rclpy")

from nav_msgs.msg import Odometry  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402

from tenacious_rover import ros  # noqa: E402
from tenacious_rover.perception.messages import from_elevation_map  # noqa: E402
from tenacious_rover.perception.node import PerceptionNode  # noqa: E402
from tenacious_rover.rover import contract, frames  # noqa: E402
from tenacious_rover.rover.description import load_rover  # noqa: E402

pytestmark = pytest.mark.ros
ROVER = load_rover("tenacious")
POSE = frames.planar(0.0, 0.0, 0.0, ROVER.wheel_radius_m)


class Platform(Node):
    """Sends what it is told, keeps what it hears."""

    def __init__(self):
        super().__init__("platform")
        self.out = {
            topic.name: ros.publisher(self, topic)
            for topic in (
                contract.IMAGE_LEFT,
                contract.IMAGE_RIGHT,
                contract.DEPTH,
                contract.ODOMETRY,
            )
        }
        self.heard = {}
        for topic in (contract.TERRAIN_MAP, contract.HAZARDS, contract.TERRAIN_POINTS):
            ros.subscription(self, topic, lambda m, name=topic.name: self.hear(name, m))
        ros.subscription(self, contract.DIAGNOSTICS, lambda m: self.hear("diagnostics", m))
        ros.subscription(self, contract.EVENTS, lambda m: self.hear(m.name, m))
        ros.subscription(self, contract.HEARTBEAT, lambda m: self.hear("heartbeat", m))

    def hear(self, name, message):
        self.heard.setdefault(name, []).append(message)

    def locate(self, seconds, pose=POSE, frame="odom"):
        message = Odometry(header=ros.header(seconds, frame))
        message.pose.pose = ros.to_pose(pose)
        self.out[contract.ODOMETRY.name].publish(message)

    def show(self, topic, pixels, encoding, seconds):
        image = ros.to_image(pixels, encoding, ros.to_stamp(seconds), "eye")
        self.out[topic.name].publish(image)
        return image


@pytest.fixture(scope="module")
def pair():
    return Scene(lambda x, y: 0.0 * x, noise=1.0).pair(ROVER, POSE)[:2]


@pytest.fixture
def both():
    rclpy.init()
    executor = SingleThreadedExecutor()
    node, fake = PerceptionNode(), Platform()
    for each in (node, fake):
        executor.add_node(each)
    node.start()
    while not all(p.get_subscription_count() for p in fake.out.values()):
        executor.spin_once(timeout_sec=0.1)

    def until(met, rounds=400):
        for _ in range(rounds):
            executor.spin_once(timeout_sec=0.05)
            if met():
                return
        pytest.fail(f"not met; heard { ({k: len(v) for k, v in fake.heard.items()}) }")

    yield node, fake, until
    executor.shutdown()
    for each in (node, fake):
        each.destroy_node()
    rclpy.try_shutdown()


def test_pair_and_poses_make_a_map(both, pair):
    node, fake, until = both
    fake.show(contract.IMAGE_RIGHT, pair[1], "mono8", 10.0)
    fake.show(contract.IMAGE_LEFT, pair[0], "mono8", 10.0)
    fake.locate(9.9)
    until(lambda: node.poses.newest_s > 9.0 and node.queue.counts.frames == 1)
    assert contract.TERRAIN_MAP.name not in fake.heard
    fake.locate(10.1)
    until(lambda: {t.name for t in (contract.TERRAIN_MAP, contract.HAZARDS)} <= set(fake.heard))
    terrain = from_elevation_map(fake.heard[contract.TERRAIN_MAP.name][0])
    assert terrain.time_s == pytest.approx(10.0)
    ahead = np.column_stack([np.linspace(0.8, 3.0, 20), np.zeros(20)])
    np.testing.assert_allclose(terrain.at("elevation", ahead), 0.0, atol=0.02)
    until(lambda: contract.TERRAIN_POINTS.name in fake.heard)
    assert fake.heard[contract.TERRAIN_POINTS.name][0].width > 1000
    until(
        lambda: any(
            m.status[0].message == "the map is kept" for m in fake.heard.get("diagnostics", [])
        )
    )


def test_bad_frames_are_said_and_counted_and_the_next_good_one_is_used(both, pair):
    node, fake, until = both
    counts = node.queue.counts
    fake.locate(25.0)
    fake.locate(30.0)
    until(lambda: node.poses.newest_s == 30.0)
    # Another size, an encoding that is no picture, data cut short.
    fake.show(contract.IMAGE_LEFT, pair[0][:100], "mono8", 26.0)
    fake.show(contract.IMAGE_RIGHT, pair[1], "mono8", 26.0)
    until(lambda: counts.bad == 1)
    fake.show(contract.IMAGE_LEFT, pair[0].astype(np.float32), "32FC1", 27.0)
    fake.show(contract.IMAGE_RIGHT, pair[1], "mono8", 27.0)
    until(lambda: counts.bad == 2)
    short = ros.to_image(pair[0], "mono8", ros.to_stamp(28.0), "eye")
    short.data = short.data[:1000]
    fake.out[contract.IMAGE_LEFT.name].publish(short)
    fake.show(contract.IMAGE_RIGHT, pair[1], "mono8", 28.0)
    until(lambda: counts.bad == 3)
    # Depth that holds nothing at all is no error, and no ground.
    fake.show(contract.DEPTH, np.full((480, 640), np.nan, np.float32), "32FC1", 28.5)
    until(lambda: counts.used == 1)
    assert node.seen.cells == 0
    # Before all poses; twice; and a pose that is not a number.
    fake.show(contract.DEPTH, np.ones((480, 640), np.float32), "32FC1", 0.5)
    until(lambda: counts.late == 1)
    for _ in range(2):
        fake.show(contract.DEPTH, np.ones((480, 640), np.float32), "32FC1", 29.0)
    until(lambda: counts.duplicates == 1 and counts.used == 2)
    nowhere = POSE.copy()
    nowhere[0, 3] = np.nan
    fake.locate(31.0, nowhere)
    until(lambda: {"bad_frame", "bad_pose"} <= set(fake.heard))
    fake.show(contract.IMAGE_LEFT, pair[0], "mono8", 29.5)
    fake.show(contract.IMAGE_RIGHT, pair[1], "mono8", 29.5)
    until(lambda: counts.used == 3)
    assert node.seen.coverage > 0.3
    assert len(fake.heard["bad_frame"]) == 1


def test_heartbeat_goes_on_and_a_wrong_parameter_is_refused(both):
    node, fake, until = both
    until(lambda: len(fake.heard.get("heartbeat", [])) > 3)
    result = node.set_parameters([rclpy.parameter.Parameter("max_slope_deg", value=400.0)])[0]
    assert not result.successful
    good = node.set_parameters([rclpy.parameter.Parameter("max_slope_deg", value=15.0)])[0]
    assert good.successful
    assert node.mapper.config.max_slope_deg == 15.0
