# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious gazebo` and the refusals of `tenacious conformance`."""

import json
import xml.etree.ElementTree as ET

import pytest
import yaml
from typer.testing import CliRunner

from tenacious_rover.cli import conformance, gazebo


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TENACIOUS_CACHE", str(tmp_path))
    return tmp_path / "gazebo"


def run(app, *words):
    return CliRunner().invoke(app, words)


def test_export_then_check_then_change(cache, tmp_path):
    world = tmp_path / "yard.yaml"
    world.write_text("world: yard\nsize_m: 8\nresolution_m: .1\nrocks: {k: 0.02, largest_m: 1.0}\n")
    done = run(gazebo.app, "export", str(world), "--rocks", "5", "--json")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)[0]
    assert facts["rocks"] == 5
    assert (cache / "yard" / "world.sdf").is_file()
    in_step = run(gazebo.app, "check", str(world), "--json")
    assert in_step.exit_code == 0
    assert json.loads(in_step.stdout)["yard"].startswith("in step")
    world.write_text(world.read_text().replace("0.02", "0.03"))
    stale = run(gazebo.app, "check", str(world))
    assert stale.exit_code == 1
    assert "stale" in stale.stdout


def test_what_is_wrong_is_said(cache):
    for words in (("export", "nowhere"), ("check", "nowhere"), ("rover", "--description", "rovar")):
        done = run(gazebo.app, *words)
        assert done.exit_code == 2
        assert "no such file" in done.stderr
    missing = run(gazebo.app, "check", "polar_low_sun")
    assert missing.exit_code == 2
    assert "tenacious gazebo export polar_low_sun" in missing.stderr


def test_rover_and_bridge_on_standard_output():
    rover = run(gazebo.app, "rover", "--description", "yard", "--name", "second")
    model = ET.fromstring(rover.stdout).find("model")
    assert model.get("name") == "second"
    lines = yaml.safe_load(run(gazebo.app, "bridge", "--description", "yard").stdout)
    topics = {line["ros_topic_name"] for line in lines}
    assert "imu/data_raw" in topics
    assert not any("latch" in topic or "scoop" in topic for topic in topics)


def test_conformance_refuses_what_it_cannot_do():
    assert run(conformance.app, "--description", "rovar").exit_code == 2
    assert run(conformance.app, "--duration", "0.1").exit_code == 2


@pytest.mark.ros
def test_conformance_without_a_platform(monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", "101")
    rclpy = pytest.importorskip("rclpy")
    from tenacious_rover.cli import conformance_listen

    monkeypatch.setattr(conformance_listen, "START_S", 0.3)
    try:
        done = run(conformance.app)
    finally:
        rclpy.try_shutdown()
    assert done.exit_code == 1
    assert "no platform is heard" in done.stderr
