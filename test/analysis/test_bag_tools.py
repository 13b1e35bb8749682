# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""check, cut, merge, export and repair, and the commands around them."""

import csv
import json

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from evo.tools import file_interface
from rosbags.highlevel import AnyReader
from synthetic import SPEED, Maker, Recipe, true_pose, write_bag
from typer.testing import CliRunner

from tenacious_rover.analysis.bag import Bag
from tenacious_rover.analysis.check import check
from tenacious_rover.analysis.edit import cut, merge
from tenacious_rover.analysis.error import AnalysisError
from tenacious_rover.analysis.export import export
from tenacious_rover.analysis.stamps import kind_of, stamp_of
from tenacious_rover.cli import app


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    return write_bag(tmp_path_factory.mktemp("made") / "bag", Recipe(duration_s=30.0))


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def times(path, topic="/odometry"):
    with AnyReader([path]) as reader:
        chosen = [c for c in reader.connections if c.topic == topic]
        return [round(at * 1e-9, 3) for _, at, _ in reader.messages(chosen)]


def found(path, frames=None):
    with Bag(path) as opened:
        return {(f.severity, f.topic, f.words) for f in check(opened, frames).findings}


def test_stamps_are_read_without_decoding(bag):
    with Bag(bag) as opened:
        firsts = {kind: kind_of(opened.fielddefs, kind) for kind in opened.topics.values()}
        compared = 0
        for said in opened.messages():
            message = opened.decode(said)
            stamp = stamp_of(said.raw, firsts[said.kind])
            header = getattr(message, "header", None)
            plain = getattr(message, "stamp", None) or getattr(message, "clock", None)
            if header is not None:
                assert stamp.frame == header.frame_id
                plain = header.stamp
            if plain is None:
                assert stamp is None
                continue
            assert stamp.time_s == pytest.approx(plain.sec + plain.nanosec * 1e-9)
            compared += 1
    assert compared > 1000


def test_check_finds_what_is_wrong(tmp_path):
    path = tmp_path / "bag"
    maker = Maker(path, Recipe())
    imu = "sensor_msgs/msg/Imu"
    with maker.writer:
        for n in range(300):
            t = 10.0 + 0.01 * n + (1.0 if n >= 200 else 0.0)
            stamp = t - (0.5 if n == 100 else 0.0)
            message = maker.T[imu](
                header=maker.header(stamp, "wrong_frame" if n == 7 else "imu_link"),
                orientation=maker.rotation(np.eye(4)),
                orientation_covariance=np.zeros(9),
                angular_velocity=maker.vector(),
                angular_velocity_covariance=np.zeros(9),
                linear_acceleration=maker.vector(z=1.62),
                linear_acceleration_covariance=np.zeros(9),
            )
            maker.say("imu/data_raw", imu, message, t)
        for t in (10.0, 11.0, 5.0):
            clock = maker.T["rosgraph_msgs/msg/Clock"](clock=maker.stamp(t))
            maker.say("/clock", "rosgraph_msgs/msg/Clock", clock, 12.0)
    words = found(path, {"imu": "imu_link"})
    assert ("error", "/imu/data_raw", "stamps go backwards 1 times") in words
    assert ("error", "/imu/data_raw", "frame 'wrong_frame', the rover's is 'imu_link'") in words
    assert ("warning", "/imu/data_raw", "silent for 1.01 s at 11.99 s") in words
    assert ("error", "/clock", "jumps from 11.000 s to 5.000 s") in words
    assert ("warning", "/joint_states", "is in the contract, not in the bag") in words


def test_pictures_without_calibration_are_an_error(bag):
    assert (
        "error",
        "/camera/left/image_raw",
        "there is no /camera/left/camera_info: no calibration",
    ) in found(bag)


def test_losses_of_the_recorder_are_told(tmp_path):
    lost = {"dropped": json.dumps({"queue": {"/camera/left/image_raw": 3}})}
    path = write_bag(tmp_path / "bag", Recipe(duration_s=1.0), custom=lost)
    assert (
        "warning",
        "/camera/left/image_raw",
        "the recorder lost 3 messages (queue)",
    ) in found(path)


def test_cut_keeps_the_stretch_and_its_facts(bag, tmp_path):
    count = cut(bag, tmp_path / "piece", 10.0, 12.0)
    stamps = times(tmp_path / "piece")
    assert stamps[0] == pytest.approx(20.0, abs=0.1)
    assert stamps[-1] < 22.0
    assert len(stamps) == 20
    with Bag(tmp_path / "piece") as opened:
        assert sum(opened.counts.values()) == count
        assert opened.facts["cut_from"] == "bag"


def test_cut_by_topic_and_a_stretch_of_nothing(bag, tmp_path):
    cut(bag, tmp_path / "piece", topics=lambda topic: topic == "/events")
    with Bag(tmp_path / "piece") as opened:
        assert set(opened.topics) == {"/events"}
    with pytest.raises(AnalysisError, match="nothing between"):
        cut(bag, tmp_path / "none", 900.0, 901.0)
    with pytest.raises(AnalysisError, match="no topic is left"):
        cut(bag, tmp_path / "other", topics=lambda topic: False)


def test_cut_then_merge_gives_the_whole_again(bag, tmp_path):
    first = cut(bag, tmp_path / "a", None, 15.0)
    second = cut(bag, tmp_path / "b", 15.0, None)
    assert merge([tmp_path / "b", tmp_path / "a"], tmp_path / "whole") == first + second
    assert times(tmp_path / "whole") == times(bag)


def test_merge_refuses_one_topic_of_two_types(bag, tmp_path):
    other = Maker(tmp_path / "other", Recipe())
    with other.writer:
        clock = other.T["rosgraph_msgs/msg/Clock"](clock=other.stamp(1.0))
        other.say("/odometry", "rosgraph_msgs/msg/Clock", clock, 1.0)
    with pytest.raises(AnalysisError, match="/odometry is"):
        merge([bag, tmp_path / "other"], tmp_path / "both")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables(bag, tmp_path, form):
    written = export(bag, tmp_path, form, lambda topic: topic in ("/odometry", "/joint_states"))
    assert written == {f"odometry.{form}": 300, f"joint_states.{form}": 300}
    path = tmp_path / f"odometry.{form}"
    if form == "csv":
        with path.open(encoding="utf-8") as file:
            row = list(csv.DictReader(file))[100]
    else:
        row = pq.read_table(path).to_pylist()[100]
    assert float(row["header.stamp_s"]) == pytest.approx(20.0)
    assert float(row["twist.twist.linear.x"]) == SPEED
    assert row["header.frame_id"] == "odom"


def test_pictures_and_video(bag, tmp_path):
    written = export(bag, tmp_path, "images")
    assert written == {"camera_left_image_raw": 6, "camera_right_image_raw": 6}
    first = cv2.imread(str(tmp_path / "camera_left_image_raw" / "10.000000.png"))
    assert first.shape == (48, 64, 3)
    export(bag, tmp_path, "video", lambda topic: "left" in topic)
    film = cv2.VideoCapture(str(tmp_path / "camera_left_image_raw.mp4"))
    assert int(film.get(cv2.CAP_PROP_FRAME_COUNT)) == 6


def test_trajectories_for_evo(bag, tmp_path):
    export(bag, tmp_path, "tum")
    truth = file_interface.read_tum_trajectory_file(tmp_path / "truth.tum")
    assert truth.positions_xyz[-1] == pytest.approx(true_pose(29.8)[:3, 3], abs=0.02)
    assert (tmp_path / "estimate.tum").is_file()


def test_ground_as_geotiff(bag, tmp_path):
    export(bag, tmp_path, "geotiff")
    with rasterio.open(tmp_path / "ground.tif") as file:
        assert file.descriptions == ("elevation", "hazard")
        row, column = file.index(4.0, -1.0)
        assert file.read(2)[row, column] == 1.0
        assert np.isnan(file.read(1)).any()


def test_geojson(bag, tmp_path):
    export(bag, tmp_path, "geojson")
    content = json.loads((tmp_path / "drive.geojson").read_text(encoding="utf-8"))
    kinds = [f["properties"]["kind"] for f in content["features"]]
    assert kinds == ["sample", "picture", "estimate path", "truth path"]
    assert "not longitude" in content["crs_note"]


def test_commands_and_their_exit_codes(bag, tmp_path):
    told = json.loads(run("bag", "info", bag, "--json").stdout)
    assert told["duration_s"] == pytest.approx(30.0, abs=0.2)
    verdict = run("bag", "check", bag, "--json")
    assert verdict.exit_code == 1
    assert not json.loads(verdict.stdout)["sound"]
    assert run("bag", "info", tmp_path / "nowhere").exit_code == 2
    wrong = run("bag", "export", bag, "--format", "xml", "-o", tmp_path)
    assert wrong.exit_code == 2
    assert "csv, parquet" in wrong.output
    backwards = run("bag", "cut", bag, "--from", "5", "--to", "3", "-o", tmp_path / "x")
    assert backwards.exit_code == 2
    assert "is not after" in backwards.output
    assert run("bag", "record", "--profile", "all").exit_code == 2
    report = run("report", bag, "-o", tmp_path / "r.html", "--json")
    assert report.exit_code == 0
    assert json.loads(report.stdout)["drives"][0]["figures"]["driven_m"] > 2.0


def test_repair_leaves_the_broken_bag_alone(bag, tmp_path):
    broken = tmp_path / "broken"
    cut(bag, broken)
    (file,) = broken.glob("*.mcap")
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size * 3 // 10)
    before = file.read_bytes()
    answer = run("bag", "repair", broken)
    assert answer.exit_code == 0, answer.output
    assert "were saved" in answer.output
    assert file.read_bytes() == before
    whole, saved = times(bag), times(tmp_path / "broken_repaired")
    assert 0 < len(saved) < len(whole)
    assert saved == whole[: len(saved)]
