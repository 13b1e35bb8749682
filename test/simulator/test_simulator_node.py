# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The simulator over real DDS, a process of its own: contract, services, pacing, exact reruns."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

rclpy = pytest.importorskip("rclpy")

from geometry_msgs.msg import TwistStamped  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402

from tenacious_interfaces.msg import Heartbeat  # noqa: E402
from tenacious_interfaces.srv import Ask, SetCameraControls  # noqa: E402
from tenacious_rover import ros  # noqa: E402
from tenacious_rover.cli.conformance import tried  # noqa: E402
from tenacious_rover.rover import contract, frames  # noqa: E402
from tenacious_rover.rover.conformance_record import FAILED  # noqa: E402
from tenacious_rover.rover.description import load_rover  # noqa: E402
from tenacious_rover.simulator import journal  # noqa: E402
from tenacious_rover.simulator.build import build_world  # noqa: E402
from tenacious_rover.simulator.config import SimulatorConfig  # noqa: E402
from tenacious_rover.simulator.engine import Simulator  # noqa: E402
from tenacious_rover.simulator.world import load_world  # noqa: E402

pytestmark = pytest.mark.ros

ROVER = "tenacious camera_width:=64 camera_height:=48"
WORLD = """
world: small
seed: 2
size_m: 10
rocks: {k: 0.0021, q: 6.56, largest_m: 0.5}
sun: {azimuth_deg: 150, elevation_deg: 30}
"""
DOMAIN = str(101 + os.getpid() % 100)


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """The node's process, a node to talk to it with, and what it says."""
    folder = tmp_path_factory.mktemp("run")
    world = folder / "small.yaml"
    world.write_text(WORLD)
    words = ["use_sim_time:=true", f"world:={world}", f"run_folder:={folder}", "seed:=5"]
    # As fast as a test may be and still hear every sample of 100 Hz when a core is busy elsewhere.
    words += [f"description:={ROVER}", "speed:=4.0"]
    command = [sys.executable, "-m", "tenacious_rover.simulator.node", "--ros-args"]
    command += [word for item in words for word in ("-p", item)]
    process = subprocess.Popen(command, env={**os.environ, "ROS_DOMAIN_ID": DOMAIN})
    context = Context()
    rclpy.init(context=context, domain_id=int(DOMAIN), args=[])
    node = rclpy.create_node("tester", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    heard = {}
    for topic in (*contract.TRUTH, contract.IMAGE_LEFT, contract.IMAGE_RIGHT, contract.EVENTS):
        name = topic.name
        ros.subscription(node, topic, lambda m, name=name: heard.setdefault(name, []).append(m))
    ros.subscription(node, contract.CLOCK, lambda m: heard.__setitem__("now", m.clock))
    yield SimpleNamespace(
        folder=folder, world=world, process=process, node=node, executor=executor, heard=heard
    )
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(5.0) == 0
    finally:
        process.kill()
        node.destroy_node()
        rclpy.shutdown(context=context)


def until(platform, done, seconds=60.0):
    """Listen until something is so."""
    deadline = time.monotonic() + seconds
    while not done():
        assert platform.process.poll() is None, "the simulator ended"
        assert time.monotonic() < deadline, "it did not come"
        platform.executor.spin_once(timeout_sec=0.05)


def asked(platform, kind, name, **fields):
    client = platform.node.create_client(kind, name)
    until(platform, client.service_is_ready)
    future = client.call_async(kind.Request(**fields))
    until(platform, future.done)
    return future.result()


def now(platform):
    return ros.to_seconds(platform.heard["now"])


def test_keeps_the_contract(platform, monkeypatch):
    from tenacious_rover.cli.conformance_listen import Listener

    until(platform, lambda: "now" in platform.heard, 180.0)  # kernels may have to be compiled
    monkeypatch.setenv("ROS_DOMAIN_ID", DOMAIN)
    rover = load_rover(ROVER)
    listener = Listener(rover, "")
    verdicts = tried(listener, rover, 11.0, drive=True, release=True)
    bad = [f"{v.topic}: {v.check}: {v.words}" for v in verdicts if v.outcome == FAILED]
    assert not bad
    assert len(verdicts) > 30


def test_answers_questions_and_refuses_nonsense(platform):
    status = asked(platform, Ask, "simulator/ask", question="status")
    facts = json.loads(status.answer_json)
    assert facts["seed"] == 5
    assert facts["world"] == "small"
    bad = asked(platform, Ask, "simulator/ask", question="inject {kind: stuck_wheel, wheel: fifth}")
    assert not bad.success
    assert "fifth" in json.loads(bad.answer_json)["error"]
    unknown = asked(platform, Ask, "simulator/ask", question="please")
    assert "status" in unknown.answer_json
    words = "inject {kind: dropout, sensor: sun, after_s: 1, for_s: 2}"
    good = json.loads(asked(platform, Ask, "simulator/ask", question=words).answer_json)
    assert good["end_s"] - good["start_s"] == pytest.approx(2.0)


def test_picture_on_request_has_the_stamp_of_the_answer(platform):
    name = contract.SET_CAMERA_CONTROLS
    stop = asked(platform, SetCameraControls, name, auto_exposure=True, rate_hz=0.0)
    assert stop.success
    answer = asked(
        platform,
        SetCameraControls,
        name,
        auto_exposure=False,
        exposure_us=2000.0,
        gain=2.0,
        rate_hz=-1.0,
        trigger=True,
    )
    assert answer.success, answer.message
    sides = (contract.IMAGE_LEFT.name, contract.IMAGE_RIGHT.name)
    until(
        platform,
        lambda: all(platform.heard.get(s, [0])[-1].header.stamp == answer.stamp for s in sides),
    )
    refused = asked(platform, SetCameraControls, name, exposure_us=-5.0, rate_hz=-1.0)
    assert not refused.success
    assert "exposure_us" in refused.message


def test_command_that_is_no_number_is_reported(platform):
    commands = ros.publisher(platform.node, contract.CMD_VEL)
    until(platform, lambda: commands.get_subscription_count() > 0)
    message = TwistStamped()
    message.twist.linear.x = math.nan
    commands.publish(message)
    name = contract.EVENTS.name
    until(
        platform,
        lambda: any(e.name == "command_refused" for e in platform.heard.get(name, [])),
    )


def test_time_waits_for_a_node_that_lags(platform):
    beats = ros.publisher(platform.node, contract.HEARTBEAT)
    until(platform, lambda: beats.get_subscription_count() > 0)

    def beat():
        beats.publish(Heartbeat(stamp=ros.to_stamp(now(platform)), node="slow"))
        return now(platform)

    def stands():
        before, listened = now(platform), time.monotonic() + 1.0
        while time.monotonic() < listened:
            platform.executor.spin_once(timeout_sec=0.05)
        return now(platform) == before

    beat()
    until(platform, stands)
    # From here on no message can come too late: the platform waits for this one.
    at = beat()
    until(platform, lambda: now(platform) > at + 0.3)
    until(platform, stands)
    assert now(platform) < at + 0.5 + 0.1
    again = beat()
    until(platform, lambda: now(platform) > again + 0.2)


def test_published_commands_and_metadata_give_the_same_run_again(platform):
    """Last, so that all of the above is in it."""
    facts = json.loads((platform.folder / "simulator.json").read_text())
    heard = platform.heard
    until(platform, lambda: len(heard.get(contract.TRUTH_ODOMETRY.name, [])) > 20)
    for _ in range(10):
        platform.executor.spin_once(timeout_sec=0.05)
    again = Simulator(
        build_world(load_world(facts["world"])),
        load_rover(facts["rover"]),
        facts["seed"],
        SimulatorConfig(**facts["config"]),
        cameras=False,
    )
    assert again.world.digest == facts["world_digest"]
    log = journal.commands(m.data for m in heard[contract.TRUTH_COMMANDS.name])
    poses = heard[contract.TRUTH_ODOMETRY.name]
    steps = [round(ros.to_seconds(m.header.stamp) / 0.002) for m in poses]
    for message, _ in zip(poses, journal.rerun(again, log, steps), strict=True):
        p = message.pose.pose.position
        assert (p.x, p.y, p.z) == tuple(again.truth.map_T_base[:3, 3])
        q = message.pose.pose.orientation
        assert (q.w, q.x, q.y, q.z) == tuple(frames.quaternion(again.truth.map_T_base))
