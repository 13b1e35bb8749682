# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Launch files: which processes with which parameters; one clear line when something is missing.

`launch` is on no package registry: a stand-in takes its place (stand_in.py). By hand the files
were run against the real one (docs/gazebo.md).
"""

import json
from pathlib import Path

import numpy as np
import pytest
import stand_in
import yaml

from tenacious_rover import launching
from tenacious_rover.bringup import AUTONOMY
from tenacious_rover.gazebo.error import GazeboError
from tenacious_rover.rover import contract
from tenacious_rover.rover.config import ConfigError
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.resources import roots

ROOT = roots()[0]
FILES = sorted((ROOT / "launch").glob("*.launch.py"))
HARMONIC = "8.9.0\n"


@pytest.fixture
def begin(monkeypatch, tmp_path):
    stand_in.installed_in(monkeypatch)
    monkeypatch.setattr(launching, "installed", lambda package: False)

    def run(name, **arguments):
        path = ROOT / "launch" / f"{name}.launch.py"
        if name != "replay":
            arguments.setdefault("runs", str(tmp_path / "runs"))
        return stand_in.started(path, **arguments)

    return run


def nodes(actions):
    return {a.name: a for a in actions if isinstance(a, stand_in.Node) and hasattr(a, "name")}


def parameters(node):
    return yaml.safe_load(Path(node.parameters[0]).read_text())["/**"]["ros__parameters"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_files_are_thin(path):
    assert len(path.read_text().splitlines()) < 45


def test_simulation_without_gazebo_is_bring_up_s_list(begin):
    found = nodes(begin("sim", platform="simulator", world="mare_calm", record="true", seed="7"))
    assert list(found) == ["simulator", "rover_state", *AUTONOMY, "recording"]
    given = parameters(found["simulator"])
    assert (given["world"], given["seed"], given["use_sim_time"]) == ("mare_calm", 7, True)
    assert parameters(found["localization"])["start_x_m"] == 2.0


def test_namespace_gives_a_tree_of_frames_of_its_own(begin):
    found = nodes(begin("sim", platform="simulator", namespace="one", log_level="debug"))
    for node in found.values():
        assert node.namespace == "one"
        assert ("/tf", "tf") in node.remappings
        assert node.ros_arguments == ["--log-level", "debug"]


def test_autonomy_alone_and_hardware(begin):
    alone = nodes(begin("autonomy", use_sim_time="false"))
    assert list(alone) == ["rover_state", *AUTONOMY]
    assert parameters(alone["navigation"])["use_sim_time"] is False
    whole = nodes(begin("rover"))
    assert list(whole) == ["hardware", "rover_state", *AUTONOMY, "recording"]
    assert list(nodes(begin("record"))) == ["recording"]


@pytest.fixture
def gazebo(monkeypatch, tmp_path):
    """As on a machine where Gazebo and its bridge are installed."""
    pytest.importorskip("ament_index_python")
    import ament_index_python.packages as packages

    monkeypatch.setattr(launching, "require_gazebo", lambda: None)
    monkeypatch.setattr(packages, "get_package_share_directory", lambda name: str(tmp_path / name))


def test_gazebo_gets_world_rover_and_bridge(begin, gazebo):
    actions = begin("sim", world="mare_calm", headless="true", rviz="false")
    include = actions[0]
    words = include.launch_arguments["gz_args"].split()
    assert words[:-1] == ["-r", "-s", "--headless-rendering"]
    text = Path(words[-1]).read_text()
    assert '<model name="tenacious">' in text
    assert '<model name="tenacious_payload">' in text
    found = nodes(actions)
    assert list(found)[:2] == ["gazebo_bridge", "gazebo_adapter"]
    assert parameters(found["gazebo_adapter"])["world"] == "mare_calm"
    bridge = yaml.safe_load(Path(found["gazebo_bridge"].parameters[0]["config_file"]).read_text())
    assert bridge[0]["ros_topic_name"] == "/clock"


def test_second_rover_in_the_same_gazebo(begin, gazebo):
    actions = begin("spawn", world="mare_calm", namespace="second", x="4.0", y="2.0")
    creators = [a for a in actions if getattr(a, "executable", "") == "create"]
    assert len(creators) == 2
    arguments = creators[0].arguments
    assert arguments[arguments.index("-name") + 1] == "second"
    assert float(arguments[arguments.index("-x") + 1]) == 4.0
    bridge = nodes(actions)["gazebo_bridge"]
    text = Path(bridge.parameters[0]["config_file"]).read_text()
    assert "/second/imu" in text
    assert "/clock" not in text
    assert parameters(nodes(actions)["localization"])["start_x_m"] == 4.0


@pytest.mark.parametrize(
    ("distribution", "versions", "packages", "words"),
    [
        ("jazzy", None, {}, "Gazebo (`gz`) is not installed"),
        ("jazzy", HARMONIC, {"ros_gz_sim": True, "ros_gz_bridge": False}, "ros_gz_bridge not"),
        ("jazzy", "9.1.0\n", {}, "gz-sim 9 found, but ROS jazzy needs 8 (Harmonic)"),
        ("lyrical", HARMONIC, {}, "needs 10 (Jetty)"),
        ("", "7.2.0\n", {}, "too old"),
        ("jazzy", "gz: command sim unknown\n", {}, "names no version"),
        ("jazzy", HARMONIC, {"ros_gz_bridge": True}, ""),
        ("lyrical", "8.9.0\n10.1.0\n", {}, ""),
    ],
)
def test_what_keeps_gazebo_from_starting(distribution, versions, packages, words):
    found = launching.gazebo_wanting(distribution, versions, packages)
    assert words in found
    assert bool(found) == bool(words)
    assert "\n" not in found
    assert not found or "platform:=simulator" in found


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("sim", {"world": "nowhere", "platform": "simulator"}, "none of worlds"),
        ("sim", {"world": "crater_rim"}, "tenacious gazebo export crater_rim"),
        ("sim", {"platform": "mars"}, "simulator, gazebo, hardware"),
        ("sim", {"platform": "simulator", "rviz": "perhaps"}, "neither true nor false"),
        ("sim", {"platform": "simulator", "mission": "none_such"}, "none of missions"),
        ("sim", {"platform": "simulator", "description": "rovar"}, "none of description"),
        ("sim", {"platform": "simulator", "params_file": "/no/such.yaml"}, "/no/such.yaml"),
        ("replay", {"bag": "/no/bag"}, "not the folder of a bag"),
        ("spawn", {"world": "mare_calm", "namespace": ""}, "namespace:= is needed"),
    ],
)
def test_bad_arguments_are_one_line_and_leave_nothing(
    begin, monkeypatch, tmp_path, name, arguments, words
):
    monkeypatch.setenv("TENACIOUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(launching, "require_gazebo", lambda: None)
    with pytest.raises((ValueError, OSError, GazeboError, ConfigError)) as caught:
        begin(name, **arguments)
    assert words in str(caught.value)
    made = list((tmp_path / "runs").glob("*")) if (tmp_path / "runs").exists() else []
    assert not made


def test_missing_rviz_is_said_and_the_rest_goes_on(begin):
    actions = begin("sim", platform="simulator", rviz="true")
    said = [a.msg for a in actions if isinstance(a, stand_in.LogInfo)]
    assert len(said) == 1
    assert "rviz2" in said[0]


def offered():
    topics = (*contract.MEASUREMENTS, *contract.OFFERED, *contract.COMMANDS)
    return {topic.name.strip("/"): topic for topic in topics}


def test_rviz_shows_topics_of_the_contract_with_their_quality():
    content = yaml.safe_load((ROOT / "config" / "rviz" / "tenacious.rviz").read_text())
    displays = content["Visualization Manager"]["Displays"]
    tools = content["Visualization Manager"]["Tools"]
    said = [d[key] for d in displays for key in ("Topic", "Description Topic") if key in d]
    said += [tool["Topic"] for tool in tools if "Topic" in tool]
    assert len(said) >= 8
    for topic in said:
        due = offered()[topic["Value"]]
        kept = due.quality in (contract.Quality.LATCHED, contract.Quality.LOG)
        assert (topic["Durability Policy"] == "Transient Local") == kept, topic["Value"]
        loose = due.quality is contract.Quality.SENSOR
        assert (topic["Reliability Policy"] == "Best Effort") == loose, topic["Value"]


def test_foxglove_layout_shows_topics_of_the_contract():
    layout = json.loads((ROOT / "config" / "foxglove" / "tenacious.json").read_text())
    panels = layout["configById"]
    text = json.dumps(layout["layout"])
    assert all(f'"{panel}"' in text for panel in panels)
    named = set(panels["3D!rover"]["topics"]) | {panels["Image!left"]["imageMode"]["imageTopic"]}
    named |= {panel["topicPath"] for panel in panels.values() if "topicPath" in panel}
    named |= {path["value"].split(".")[0] for p in panels.values() for path in p.get("paths", [])}
    assert {name.strip("/") for name in named} <= set(offered())


def test_nav2_is_told_our_topics_frames_and_limits():
    rover = load_rover("tenacious")
    content = yaml.safe_load((ROOT / "config" / "nav2.yaml").read_text())

    def walk(values):
        for key, value in values.items():
            if isinstance(value, dict):
                yield from walk(value)
            else:
                yield key, value

    said = list(walk(content))
    for key, value in said:
        if key in ("odom_topic", "map_topic"):
            assert value in offered(), value
        if key in ("global_frame", "robot_base_frame"):
            assert value in ("map", "odom", rover.frames["base"])
        if key == "enable_stamped_cmd_vel":
            assert value is True
        if key == "footprint":
            corners = np.array(yaml.safe_load(value))
            assert np.ptp(corners, axis=0) == pytest.approx([0.54, 0.315])
    given = dict(said)
    assert given["desired_linear_vel"] <= rover.limits.speed_mps
    assert given["max_velocity"] == [rover.limits.speed_mps, 0.0, rover.limits.turn_rate_radps]
    tracks = [value for key, value in said if key == "map_subscribe_transient_local"]
    kept = contract.HAZARDS.quality in (contract.Quality.LATCHED, contract.Quality.LOG)
    assert tracks == [kept, kept]
