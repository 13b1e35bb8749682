# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags: how fast the recorder writes, what it loses over DDS, how long a report and a replay take.

Peer: the plain writer of the package `mcap`, on the same stream of messages.
"""

from __future__ import annotations

import json
import os
import resource as usage
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.rover.resources import resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenacious_rover.campaign.study import Study

CASES = "the folder of a run"
IMAGE_TYPE, SMALL_TYPE = "sensor_msgs/msg/Image", "sensor_msgs/msg/Imu"
SPEAKER = r"""
import json, os, sys, time
import numpy as np, rclpy
from rclpy.node import Node
from sensor_msgs.msg import Imu, JointState
from tenacious_rover import ros
from tenacious_rover.rover import contract as c
rclpy.init()
node = Node("speaker")
rates = {c.IMU: 100.0, c.JOINT_STATES: 50.0, c.IMAGE_LEFT: 10.0, c.IMAGE_RIGHT: 10.0}
speed, duration = float(sys.argv[1]), float(sys.argv[2])
pixels = np.random.default_rng(0).normal(110, 6, (480, 640, 3)).clip(0, 255).astype(np.uint8)
image = ros.to_image(pixels, "rgb8", ros.to_stamp(0.0), "camera")
messages = {c.IMU: Imu(), c.JOINT_STATES: JointState(name=["a"] * 6, position=[0.0] * 6),
            c.IMAGE_LEFT: image, c.IMAGE_RIGHT: image}
speak = {topic: ros.publisher(node, topic) for topic in rates}
while not all(p.get_subscription_count() for p in speak.values()):
    time.sleep(0.05)
time.sleep(1.0)
begin, sent = time.monotonic(), dict.fromkeys(rates, 0)
while (now := time.monotonic() - begin) < duration:
    for topic, rate in rates.items():
        while sent[topic] < now * rate * speed:
            messages[topic].header.stamp = ros.to_stamp(sent[topic] / rate)
            speak[topic].publish(messages[topic])
            sent[topic] += 1
    time.sleep(0.003)
time.sleep(1.0)
print(json.dumps({"/" + topic.name: count for topic, count in sent.items()}), flush=True)
os._exit(0)
"""


def measure(study: Study) -> dict[str, Any]:
    figures: dict[str, float] = {}
    peers: dict[str, dict[str, float]] = {}
    failures: list[str] = []
    missing: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = 10.0 if study.quick else 60.0
        figures |= written(folder / "ours", seconds)
        peers["mcap.Writer"] = written_plainly(folder / "plain.mcap", seconds)
        for speed in (1.0, 4.0):
            found = over_dds(folder / f"dds_{speed:g}", speed, 8.0 if study.quick else 30.0)
            figures |= {f"dds_x{speed:g}_{key}": value for key, value in found.items()}
        figures |= reported(folder / "hour", 120.0 if study.quick else 3600.0)
    figures |= replayed(study, missing)
    return {
        "figures": figures,
        "peers": peers,
        "failures": failures,
        "missing": missing,
        "targets": {
            "dds_x1_lost": "<= 0",
            "report_s_per_hour": "<= 60",
            "report_mb": "<= 1000",
            "replay_speed": ">= 5",
        },
    }


def stream(seconds: float) -> Iterator[tuple[str, int, bytes]]:
    """The contract at its rates with both cameras at 10 Hz: topic, time, bytes."""
    rng = np.random.default_rng(0)
    ground = rng.normal(0.0, 1.0, (480, 640, 1)).cumsum(axis=1)
    smooth = 110.0 + ground / np.abs(ground).max() * 60.0
    # Enough different ones that a chunk never holds the same picture twice.
    pictures = [
        bytes(60) + (smooth + noise).clip(0, 255).astype(np.uint8).tobytes()
        for noise in rng.normal(0.0, 2.0, (8, 480, 640, 3))
    ]
    small = bytes(rng.integers(0, 256, 320, np.uint8))
    for n in range(int(seconds * 100)):
        at = n * 10_000_000
        yield "/imu", at, small
        if n % 2 == 0:
            yield "/joints", at, small
        if n % 10 == 0:
            yield "/left", at, pictures[n // 5 % 8]
            yield "/right", at, pictures[(n // 5 + 1) % 8]


def written(folder: Path, seconds: float) -> dict[str, float]:
    """Through the recorder's queue and thread, as fast as it takes them."""
    from tenacious_rover.recording.config import RecordingConfig
    from tenacious_rover.recording.pipeline import Item, Pipeline
    from tenacious_rover.recording.topics import VITAL
    from tenacious_rover.recording.writer import BagWriter

    line = Pipeline(BagWriter(folder, RecordingConfig(reserve_mb=0.0)), 64_000_000)
    for topic in ("/imu", "/joints", "/left", "/right"):
        line.add_topic(topic, SMALL_TYPE if len(topic) != 5 else IMAGE_TYPE, ())
    count = size = 0
    began, cpu = time.monotonic(), time.process_time()
    for topic, at, data in stream(seconds):
        while line.waiting > 32_000_000:
            time.sleep(0.002)
        line.put([Item(topic, VITAL, at, at, count, data)])
        count, size = count + 1, size + len(data)
    line.close()
    wall, cpu = time.monotonic() - began, time.process_time() - cpu
    megabytes = size / 1e6
    return {
        "write_mb_per_s": megabytes / wall,
        "write_messages_per_s": count / wall,
        "write_cpu_ms_per_mb": 1e3 * cpu / megabytes,
        "write_lost": line.drops.total(),
        "write_size_share": sum(p.stat().st_size for p in folder.glob("*.mcap")) / size,
    }


def written_plainly(path: Path, seconds: float) -> dict[str, float]:
    """The same stream through the plain writer, in one thread."""
    from mcap.writer import Writer

    count = size = 0
    began, cpu = time.monotonic(), time.process_time()
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2")
        channels: dict[str, int] = {}
        for topic, at, data in stream(seconds):
            if topic not in channels:
                kind = writer.register_schema(SMALL_TYPE, "ros2msg", b"")
                channels[topic] = writer.register_channel(topic, "cdr", kind)
            writer.add_message(channels[topic], at, data, at, count)
            count, size = count + 1, size + len(data)
        writer.finish()
    wall, cpu = time.monotonic() - began, time.process_time() - cpu
    return {
        "write_mb_per_s": size / 1e6 / wall,
        "write_messages_per_s": count / wall,
        "write_cpu_ms_per_mb": 1e3 * cpu / (size / 1e6),
        "write_size_share": path.stat().st_size / size,
    }


def over_dds(folder: Path, speed: float, seconds: float) -> dict[str, float]:
    """A real recorder and a real speaker at `speed` times the contract's rates."""
    from rosbags.rosbag2 import Reader

    environment = {
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_DOMAIN_ID": str(101 + os.getpid() % 100),
        "FASTDDS_DEFAULT_PROFILES_FILE": str(resource("config", "fastdds.xml")),
        **os.environ,
    }
    folder.mkdir()
    command = [sys.executable, "-m", "tenacious_rover.recording.node", "--ros-args"]
    recorder = subprocess.Popen([*command, "-p", f"run_folder:={folder}"], env=environment)
    speaker = subprocess.run(
        [sys.executable, "-c", SPEAKER, str(speed), str(seconds)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=seconds + 120,
        check=True,
    )
    ticks = Path(f"/proc/{recorder.pid}/stat").read_text().rsplit(")", 1)[1].split()
    cpu = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
    recorder.send_signal(signal.SIGINT)
    recorder.wait(30)
    sent = json.loads(speaker.stdout)
    with Reader(folder / "bag") as reader:
        there = {c.topic: c.msgcount for c in reader.connections}
        lost = json.loads(reader.storage.metadata.custom.get("dropped", "{}"))
    missing = sum(count - there.get(topic, 0) for topic, count in sent.items())
    return {
        "messages_per_s": sum(sent.values()) / seconds,
        "mb_per_s": (sent["/camera/left/image_raw"] * 2 * 0.9216) / seconds,
        "lost": missing,
        "lost_uncounted": missing - sum(sum(v.values()) for v in lost.values()),
        "cpu_share": cpu / (seconds + 3.0),
    }


def reported(folder: Path, seconds: float) -> dict[str, float]:
    """A report of a made-up drive with pictures at 2 Hz, in a process of its own."""
    maker = resource("test", "analysis", "long_bag.py")
    subprocess.run([sys.executable, str(maker), str(folder), str(seconds)], check=True)
    code = (
        "import sys; from pathlib import Path\n"
        "from tenacious_rover.analysis.report import write_page\n"
        "write_page([Path(sys.argv[1])], Path(sys.argv[1]) / 'report.html')\n"
    )
    before = usage.getrusage(usage.RUSAGE_CHILDREN)
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)])
    peak = 0.0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        try:
            text = status.read_text()
            peak = max(peak, float(text.split("VmHWM:")[1].split()[0]) / 1e3)
        except (OSError, IndexError):
            pass
        time.sleep(0.05)
    wall = time.monotonic() - began
    after = usage.getrusage(usage.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = sum(p.stat().st_size for p in folder.glob("*.mcap"))
    return {
        "report_bag_s": seconds,
        "report_bag_mb": size / 1e6,
        "report_s_per_hour": wall * 3600.0 / seconds,
        "report_cpu_s_per_hour": cpu * 3600.0 / seconds,
        "report_mb": peak,
    }


def replayed(study: Study, missing: list[str]) -> dict[str, float]:
    """The newest run of `tenacious demo`, if there is one."""
    from tenacious_rover.cli.run_folder import RunFolderError, newest

    try:
        run = Path(study.case) if study.case else newest()
    except RunFolderError as error:
        missing.append(f"replay: {error}")
        return {}
    main = "from tenacious_rover.cli import main; main()"
    command = [sys.executable, "-c", main, "replay", str(run), "--json"]
    stretch = ["--to", "60"] if study.quick else []
    found = subprocess.run([*command, *stretch], stdout=subprocess.PIPE, text=True, check=False)
    try:
        content = json.loads(found.stdout)
    except ValueError:
        missing.append(f"replay: {run} cannot be replayed")
        return {}
    figures = {"replay_speed": content["speed"]}
    for core in content["cores"]:
        share = core["differing"] / max(core["compared"], 1)
        figures[f"replay_{core['core']}_differing_share"] = share
        figures[f"replay_{core['core']}_missing"] = core["missing"]
    return figures
