# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node over DDS: a made-up rover drives, and the node says where it is."""

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy")

import made_sensors as synthetic  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402

from tenacious_rover import ros  # noqa: E402
from tenacious_rover.localization.node import LocalizationNode  # noqa: E402
from tenacious_rover.rover import contract, frames  # noqa: E402
from tenacious_rover.rover.measurements import Imu, Joints  # noqa: E402

pytestmark = pytest.mark.ros


class Platform(Node):
    """Publishes samples, keeps what localization says."""

    def __init__(self):
        super().__init__("platform")
        self.imu = ros.publisher(self, contract.IMU)
        self.joint_states = ros.publisher(self, contract.JOINT_STATES)
        self.left = ros.publisher(self, contract.IMAGE_LEFT)
        self.right = ros.publisher(self, contract.IMAGE_RIGHT)
        self.heard = {"odometry": [], "tf": [], "immobility": [], "diagnostics": []}
        for key, topic in (
            ("odometry", contract.ODOMETRY),
            ("tf", contract.TF),
            ("immobility", contract.IMMOBILITY),
            ("diagnostics", contract.DIAGNOSTICS),
        ):
            ros.subscription(self, topic, self.heard[key].append)

    def send(self, sample):
        stamp = ros.header(sample.time_s, "imu")
        if isinstance(sample, Imu):
            message = ros.message_class(contract.IMU.type)(header=stamp)
            message.angular_velocity.x, message.angular_velocity.y = sample.gyro[:2]
            message.angular_velocity.z = sample.gyro[2]
            message.linear_acceleration.x, message.linear_acceleration.y = sample.accel[:2]
            message.linear_acceleration.z = sample.accel[2]
            self.imu.publish(message)
        elif isinstance(sample, Joints):
            message = ros.message_class(contract.JOINT_STATES.type)(header=stamp)
            message.name = list(sample.names)
            message.position, message.velocity = sample.position.tolist(), sample.velocity.tolist()
            message.effort = sample.effort.tolist()
            self.joint_states.publish(message)
        else:
            for out, picture in ((self.left, sample.left), (self.right, sample.right)):
                out.publish(ros.to_image(picture, "mono8", stamp.stamp, "camera"))


@pytest.fixture
def driven(tmp_path, monkeypatch):
    """Both nodes after four seconds of driving east from (1, 2)."""
    machine = synthetic.rover()
    monkeypatch.setattr("tenacious_rover.rover.description.load_rover", lambda name: machine)
    rng = np.random.default_rng(0)
    drive = synthetic.Drive(lambda t: (0.08, 0.0), 5.0, start=(1.0, 2.0, 0.0))
    noise = synthetic.Noise(gyro_bias=np.zeros(3))
    samples = synthetic.merged(
        synthetic.inertial(drive, machine, noise, rng),
        synthetic.wheels(drive, machine, noise, rng),
        synthetic.pictures(drive, machine, synthetic.Plane(), rng),
    )
    rclpy.init()
    node, platform = LocalizationNode(), Platform()
    node.set_parameters(
        [
            Parameter("start_x_m", value=1.0),
            Parameter("start_y_m", value=2.0),
            Parameter("run_folder", value=str(tmp_path)),
        ]
    )
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    executor.add_node(platform)
    node.start()
    for _ in range(300):
        executor.spin_once(timeout_sec=0.01)
        if platform.imu.get_subscription_count() and node.odometry.get_subscription_count():
            break
    for sample in samples:
        platform.send(sample)
        for _ in range(3):
            executor.spin_once(timeout_sec=0.0)
    for _ in range(100):
        executor.spin_once(timeout_sec=0.01)
    node.shut_down()
    yield platform.heard, drive, tmp_path
    node.destroy_node()
    platform.destroy_node()
    rclpy.try_shutdown()


def test_node_says_where_the_rover_is(driven):
    heard, drive, folder = driven
    last = heard["odometry"][-1]
    assert (last.header.frame_id, last.child_frame_id) == ("odom", "base_link")
    truth = drive.at(ros.to_seconds(last.header.stamp))
    assert np.abs(ros.from_pose(last.pose.pose)[:2, 3] - truth[:2, 3]).max() < 0.01
    assert last.twist.twist.linear.x == pytest.approx(0.08, abs=0.01)
    stamps = [ros.to_seconds(m.header.stamp) for m in heard["odometry"]]
    assert len(stamps) >= 10 * (stamps[-1] - stamps[0])
    links = {(t.header.frame_id, t.child_frame_id) for m in heard["tf"] for t in m.transforms}
    assert links == {("map", "odom"), ("odom", "base_link")}
    assert heard["immobility"][-1].immobile is False
    assert len(heard["immobility"][-1].slip) == 4
    words = {s.name: s.message for m in heard["diagnostics"] for s in m.status}
    assert words["localization: imu"] == "ok"
    assert words["localization: visual"] == "ok"
    assert words["localization: sun"] == "never"
    assert (folder / "localization" / "checkpoint.json").is_file()
    assert frames.tilt(ros.from_pose(last.pose.pose)) < 0.02
