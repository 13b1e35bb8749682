# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One short mission with all nodes over real DDS, judged by the simulator's ground truth."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tenacious_rover import ros
from tenacious_rover.analysis.bag import Bag
from tenacious_rover.rover import contract, frames
from tenacious_rover.sampling.log import SampleLog

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TENACIOUS = [sys.executable, "-m", "tenacious_rover.cli"]
pytestmark = [pytest.mark.mission, pytest.mark.ros, pytest.mark.timeout(900)]


def environment():
    kept = {name: value for name, value in os.environ.items() if name != "ROS_DOMAIN_ID"}
    return kept | {"NUMBA_NUM_THREADS": "2"}


@pytest.fixture(scope="module")
def flown(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    command = [*TENACIOUS, "run", "--world", str(HERE / "short_world.yaml")]
    command += ["--mission", str(HERE / "short_mission.yaml"), "--speed", "0"]
    command += ["--runs", str(runs), "--time-limit", "14"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    (folder,) = runs.iterdir()
    return folder, ended


def truths(folder, topic):
    with Bag(folder) as bag:
        wanted = {f"/{topic.name}": 0.0}
        return [bag.decode(said) for said in bag.messages(wanted)]


def test_it_ends_well_and_says_so(flown):
    folder, ended = flown
    facts = json.loads((folder / "run.json").read_text())
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-2000:]
    assert facts["ended"] == "succeeded"
    assert len(facts["outcomes"]) == 4


def test_it_really_arrived(flown):
    track = truths(flown[0], contract.TRUTH_ODOMETRY)
    xy = np.array([[m.pose.pose.position.x, m.pose.pose.position.y] for m in track])
    assert np.hypot(*(xy - [4.2, 0.6]).T).min() < 0.3


def test_the_record_points_to_where_the_scoop_really_dug(flown):
    holes = truths(flown[0], contract.TRUTH_DIG)
    log = SampleLog(flown[0] / "samples" / "samples.sqlite", read_only=True)
    assert not log.verify(images=flown[0]).problems
    (entry,) = log.entries(kind="sample")
    place = np.array(entry.facts["place_m"])
    spread = np.array(entry.facts["covariance_m2"]).reshape(3, 3)
    away = [np.array([h.point.x, h.point.y]) - place[:2] for h in holes]
    nearest = min(away, key=lambda d: float(np.hypot(*d)))
    assert np.hypot(*nearest) < 0.06
    # 99 % of a normal distribution in the plane, and the length of the cut itself.
    reach = np.sqrt(9.2 * np.linalg.eigvalsh(spread[:2, :2])[1]) + 0.03
    assert np.hypot(*nearest) < reach


def test_the_house_stands_where_the_log_says(flown):
    house = truths(flown[0], contract.TRUTH_PAYLOAD)[-1].pose
    map_T_house = ros.from_pose(house)
    status = json.loads((flown[0] / "payload" / "status.json").read_text())
    assert status["upright"] is True
    assert np.degrees(frames.tilt(map_T_house)) < 15.0
    assert np.hypot(*(map_T_house[:2, 3] - status["place_m"][:2])) < 0.08


def test_what_a_run_leaves(flown):
    folder, _ = flown
    with Bag(folder) as bag:
        assert bag.facts["world"]
        kinds = {name.lstrip("/") for name, count in bag.counts.items() if count}
    assert {contract.IMU.name, contract.IMAGE_LEFT.name, contract.EVENTS.name} <= kinds
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script src=" not in page
    assert "test soil" in page


def test_interrupt_stops_all_within_two_seconds_and_leaves_a_readable_bag(tmp_path):
    command = [
        *TENACIOUS,
        "run",
        "--world",
        str(HERE / "short_world.yaml"),
        "--runs",
        str(tmp_path),
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        patience = time.monotonic() + 120.0
        while not list(tmp_path.glob("*/bag/*.mcap")) and time.monotonic() < patience:
            time.sleep(0.2)
        (folder,) = tmp_path.iterdir()
        size = 0
        while size < 100_000 and time.monotonic() < patience:
            time.sleep(0.2)
            size = sum(path.stat().st_size for path in (folder / "bag").glob("*.mcap"))
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        process.wait(20.0)
        assert time.monotonic() - began < 2.5
        assert process.returncode == 0
    finally:
        process.kill()
    with Bag(folder) as bag:
        assert sum(bag.counts.values()) > 100
        assert not [note for note in bag.notes if "cut off" in note]
