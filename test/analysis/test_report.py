# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The report of a made-up drive, and of everything that is not quite a bag."""

import json
import re
import shutil

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin
from synthetic import SPEED, Recipe, write_bag, write_run

from tenacious_rover.analysis.bag import Bag
from tenacious_rover.analysis.error import AnalysisError
from tenacious_rover.analysis.gather import gather
from tenacious_rover.analysis.metrics import drift, summary
from tenacious_rover.analysis.report import subjects_of, write_page, write_report
from tenacious_rover.analysis.roles import resolve, rovers


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    return write_bag(tmp_path_factory.mktemp("made") / "bag", Recipe())


@pytest.fixture(scope="module")
def drive(bag):
    with Bag(bag) as opened:
        return gather(opened)


def test_paths_are_those_that_were_driven(drive):
    assert drive.frame == "map"
    assert drive.driven_m == pytest.approx(SPEED * 60.0, rel=0.05)
    assert drive.truth.driven_m[-1] == pytest.approx(SPEED * 59.8, rel=0.01)
    assert drive.duration_s == pytest.approx(60.0, abs=0.3)
    assert drive.truth.xyz[0] == pytest.approx([2.0, 0.0, 0.1], abs=1e-6)


def test_drift_is_the_one_that_was_put_in(drive):
    found = drift(drive.estimate, drive.truth)
    assert found.figures["drift_percent"] == pytest.approx(2.0, abs=0.1)
    assert found.figures["final_error_m"] == pytest.approx(0.02 * SPEED * 59.8, abs=0.004)
    assert abs(found.figures["final_heading_deg"]) < 0.01
    assert found.figures["ape_m_max"] >= found.figures["ape_m_rmse"] > 0.0
    assert found.figures["rpe_2m_m_rmse"] == pytest.approx(0.04, abs=0.01)


def test_figures_of_power_slip_and_planner(drive):
    figures = summary(drive)
    assert figures["power_w"] == pytest.approx(14.8 * 0.9)
    assert figures["energy_wh"] == pytest.approx(14.8 * 0.9 * 59.0 / 3600.0, rel=0.01)
    assert figures["charge_used_percent"] == pytest.approx(5.9, abs=0.01)
    assert figures["immobile_s"] == pytest.approx(7.0, abs=1.1)
    assert figures["recoveries"] == 1
    assert figures["warnings"] == 1


def test_the_ground_is_put_together_in_map(drive):
    origin, layers = drive.canvas.cropped()
    rows, columns = np.nonzero(layers["hazard"] > 0.5)
    place = origin + (np.array([columns, rows]).T + 0.5).mean(axis=0) * drive.canvas.resolution_m
    assert place == pytest.approx([4.0, -1.0], abs=0.05)


def test_story(drive):
    assert [(s.name, s.outcome) for s in drive.steps] == [
        ("leave lander", "succeeded"),
        ("drive to goal", "succeeded"),
        ("collect sample", "succeeded"),
    ]
    assert [d.state for d in drive.decisions] == ["driving", "backing_out", "driving"]
    assert drive.samples[0]["sample"] == "S001"
    assert set(drive.nodes) == {"perception", "localization", "recording"}


def test_page_stands_alone_and_says_failures_plainly(tmp_path):
    folder = write_run(tmp_path / "run", Recipe(succeeds=False))
    text = write_report(folder).read_text(encoding="utf-8")
    page = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert "failed</span>" in page
    assert "collect sample: failed: no soil seen to be taken" in page
    assert "the wheels slip &lt;/script&gt;" in page
    assert "4.0 times real time" in page
    assert "abc1234" in page
    assert "SHA-256 " + "cd" * 6 in page
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    plots = json.loads(re.search(r"const plots = (\{.*\});\n", scripts[-1])[1])
    assert len(plots) >= 4


def test_several_drives_side_by_side(tmp_path):
    first = write_bag(tmp_path / "before", Recipe(drift=0.05))
    second = write_bag(tmp_path / "after", Recipe(drift=0.01))
    write_page([first, second], tmp_path / "both.html")
    page = (tmp_path / "both.html").read_text(encoding="utf-8")
    row = re.search(r"drift, share of distance</td>(.*?)</tr>", page, flags=re.DOTALL)[1]
    values = [float(v) for v in re.findall(r'class="n">([-+\d.]+)', row)]
    assert values == pytest.approx([5.0, 1.0, -4.0], abs=0.15)


def test_two_rovers_in_one_bag_are_two_drives(tmp_path):
    path = write_bag(
        tmp_path / "bag", Recipe(namespace="/alpha"), others=[Recipe(namespace="/beta")]
    )
    subjects = subjects_of(path)
    assert [s.drive.name for s in subjects] == ["bag/alpha", "bag/beta"]
    assert all("several rovers share /tf" in " ".join(s.drive.notes) for s in subjects)
    assert all(s.drive.driven_m > 4.0 for s in subjects)


def test_sqlite3_reads_like_mcap(tmp_path, drive):
    path = write_bag(tmp_path / "bag", Recipe(), plugin=StoragePlugin.SQLITE3)
    with Bag(path) as opened:
        other = gather(opened)
    assert other.driven_m == drive.driven_m
    assert other.outcomes == drive.outcomes


def test_a_foreign_rover_gives_what_it_carries(tmp_path):
    foreign = Recipe(
        leave_out=(
            *("ground_truth/odometry", "/tf", "events", "mission/state", "navigation/state"),
            *("heartbeat", "terrain/map", "sampling/record", "imaging/record"),
            *("localization/immobility", "battery_state", "temperature/battery"),
        ),
        renamed=(("/odometry", "/wheel/odom"), ("/joint_states", "/robot/joints")),
        clock=False,
    )
    path = write_bag(tmp_path / "bag", foreign)
    (subject,) = subjects_of(path)
    drive = subject.drive
    assert drive.frame == "odom"
    assert drive.driven_m == pytest.approx(SPEED * 60.0, rel=0.05)
    notes = " ".join(drive.notes)
    assert "/wheel/odom stands in for odometry" in notes
    assert "no battery_state: power cannot be shown" in notes
    assert "no /clock" in notes
    write_page([path], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "What is missing" in page


def test_a_cut_bag_is_read_to_the_cut(tmp_path, bag):
    cut = tmp_path / "bag"
    shutil.copytree(bag, cut)
    (file,) = cut.glob("*.mcap")
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size * 2 // 3)
    (cut / "metadata.yaml").unlink()
    with Bag(cut) as opened:
        found = gather(opened)
        assert 5.0 < found.duration_s < 55.0
        assert "cut off" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("content", "ending", "words"),
    [
        (b"", ".mcap", "not a bag that can be read"),
        (b"no bag at all, but long enough to look like one" * 9, ".mcap", "not a bag"),
        (bytes(range(256)) * 64, ".db3", "not a bag"),
        (b"", ".csv", "not one of the endings .mcap, .db3, .bag"),
    ],
)
def test_what_is_no_bag_is_refused(tmp_path, content, ending, words):
    path = tmp_path / f"thing{ending}"
    path.write_bytes(content)
    with pytest.raises(AnalysisError, match=words) as caught:
        Bag(path)
    assert path.name in str(caught.value)


def test_missing_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(AnalysisError, match="no such file"):
        Bag(tmp_path / "nowhere")
    with pytest.raises(AnalysisError, match="holds no bag"):
        Bag(tmp_path)


def test_a_run_without_a_bag_still_gets_its_page(tmp_path):
    folder = write_run(tmp_path / "run")
    shutil.rmtree(folder / "bag")
    text = write_report(folder).read_text(encoding="utf-8")
    assert "holds no bag" in text
    assert "00001" in text or "test" in text


def test_a_bag_without_messages(tmp_path):
    path = write_bag(tmp_path / "bag", Recipe(duration_s=0.0, leave_out=("events",)))
    with Bag(path) as opened:
        found = gather(opened)
    assert found.driven_m == 0.0


def test_roles_prefer_the_contract_and_never_take_truth_for_an_estimate():
    topics = {"/ground_truth/odometry": "nav_msgs/msg/Odometry", "/x": "sensor_msgs/msg/Imu"}
    roles, notes = resolve(topics)
    assert "odometry" not in roles
    assert roles["imu"] == "/x"
    assert any(note.startswith("no odometry") for note in notes)


def test_namespaces():
    topics = ["/a/odometry", "/a/imu/data_raw", "/b/odometry", "/b/cmd_vel", "/wheel/odometry"]
    assert rovers(topics) == ["/a", "/b"]
    assert rovers(["/odometry", "/ground_truth/odometry", "/imu/data_raw"]) == [""]
    assert rovers(["/scan"]) == [""]
