# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The recorder as its own process, over DDS."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

rclpy = pytest.importorskip("rclpy")

import yaml  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rosbags.highlevel import AnyReader  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from sensor_msgs.msg import Imu  # noqa: E402
from std_msgs.msg import String  # noqa: E402

from tenacious_interfaces.msg import Event  # noqa: E402
from tenacious_rover import ros  # noqa: E402
from tenacious_rover.rover import contract  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def node():
    rclpy.init()
    made = Node("speaker")
    yield made
    made.destroy_node()
    rclpy.shutdown()


def recorder(folder, **parameters):
    command = [sys.executable, "-m", "tenacious_rover.recording.node", "--ros-args"]
    for key, value in {"run_folder": str(folder), **parameters}.items():
        command += ["-p", f"{key}:={value}"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_for(condition, process, patience_s=20.0):
    deadline = time.monotonic() + patience_s
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def end(process):
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


def content(bag):
    with AnyReader([bag]) as reader:
        return [
            (c.topic, at, reader.deserialize(raw, c.msgtype)) for c, at, raw in reader.messages()
        ]


def test_simulated_time_stamps_every_message_and_nothing_is_lost(node, tmp_path):
    (tmp_path / "run.json").write_text(
        json.dumps({"commit": "abc", "options": {"world": "mare", "seed": 7}}), encoding="utf-8"
    )
    publishers = {t.name: ros.publisher(node, t) for t in (contract.CLOCK, contract.IMU)}
    events = ros.publisher(node, contract.EVENTS)
    process = recorder(tmp_path, use_sim_time=True)
    both = [*publishers.values(), events]
    wait_for(lambda: all(p.get_subscription_count() for p in both), process)
    events.publish(Event(message="before the clock"))
    for n in range(100):
        publishers[contract.CLOCK.name].publish(Clock(clock=ros.to_stamp(50.0 + 0.01 * n)))
        publishers[contract.IMU.name].publish(Imu(header=ros.header(50.0 + 0.01 * n, "imu")))
        time.sleep(0.002)
    time.sleep(0.2)
    end(process)
    said = content(tmp_path / "bag")
    clock = [m.clock for topic, _, m in said if topic == "/clock"]
    imu = [(at, m) for topic, at, m in said if topic == "/imu/data_raw"]
    info = yaml.safe_load((tmp_path / "bag" / "metadata.yaml").read_text(encoding="utf-8"))
    custom = info["rosbag2_bagfile_information"]["custom_data"]
    lost = json.loads(custom["dropped"]).get("transport", {})
    # What came before the two had found each other is nobody's loss; all after it is accounted for.
    sent = {
        "/clock": [round((c.nanosec * 1e-9) / 0.01) for c in clock],
        "/imu/data_raw": [round(m.header.stamp.nanosec * 1e-7) for _, m in imu],
    }
    for topic, numbers in sent.items():
        assert numbers[-1] == 99
        assert len(numbers) + lost.get(topic, 0) == 100 - numbers[0]
        assert len(numbers) > 30
    for at, message in imu[5:]:
        stamp = message.header.stamp.sec + message.header.stamp.nanosec * 1e-9
        assert abs(at * 1e-9 - stamp) < 0.05
    assert ("/events", "before the clock") in [
        (topic, getattr(m, "message", "")) for topic, _, m in said
    ]
    assert all(50.0 <= at * 1e-9 < 51.0 for _, at, _ in said)
    assert (custom["rover"], custom["world"], custom["seed"]) == ("tenacious", "mare", "7")


def test_everything_records_what_the_contract_does_not_know(node, tmp_path):
    other = node.create_publisher(String, "gossip", 10)
    process = recorder(tmp_path, profile="everything")
    wait_for(other.get_subscription_count, process)
    for n in range(5):
        other.publish(String(data=f"word {n}"))
        time.sleep(0.01)
    time.sleep(0.2)
    end(process)
    words = [m.data for topic, _, m in content(tmp_path / "bag") if topic == "/gossip"]
    assert words == [f"word {n}" for n in range(5)]


def test_killed_recorder_leaves_what_was_said_a_second_ago(node, tmp_path):
    events = ros.publisher(node, contract.EVENTS)
    process = recorder(tmp_path, flush_s=0.1)
    wait_for(events.get_subscription_count, process)
    for n in range(10):
        events.publish(Event(message=f"{n}"))
    time.sleep(0.8)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    said = [m.message for topic, _, m in content(tmp_path / "bag") if topic == "/events"]
    assert said == [f"{n}" for n in range(10)]


def test_a_bad_parameter_ends_with_the_code_for_wrong_input(tmp_path):
    process = recorder(tmp_path, profile="all")
    _, words = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "profile" in words
    assert "science" in words
