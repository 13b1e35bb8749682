# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rover's SDF, read back: the same masses, axles, eyes and limits as the description."""

import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import made_up
import numpy as np
import pytest
import yaml

from tenacious_rover.gazebo import bridge, slip, vehicle
from tenacious_rover.gazebo.bodies import bodies
from tenacious_rover.gazebo.error import GazeboError
from tenacious_rover.gazebo.sdf import document, element
from tenacious_rover.gazebo.session import Spawn, assembled, bridge_yaml, exported
from tenacious_rover.gazebo.table import MESSAGES, PAIRINGS, SYSTEMS
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.resources import roots
from tenacious_rover.rover.urdf import Urdf
from tenacious_rover.simulator.ground import SOILS

ROVERS = {name: load_rover(name) for name in ("tenacious", "yard")}
both = pytest.mark.parametrize("name", list(ROVERS))


def models_of(name):
    return vehicle.models(ROVERS[name], name, vehicle.Wheels())


def valid(path):
    """Whether the real parser says so."""
    command = ["ign", "sdf", "-k", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "Valid." in done.stdout or pytest.fail(done.stdout[:500] + done.stderr[:500])


def numbers(text):
    return np.array([float(word) for word in text.split()])


def pose_of(part):
    values = numbers(part.findtext("pose"))
    return frames.from_rpy(values[:3], values[3:])


@both
def test_mass_centre_and_inertia_add_up(name):
    rover = ROVERS[name]
    urdf = Urdf(rover.urdf)
    mass, moment = 0.0, np.zeros(3)
    inertia = np.zeros((3, 3))
    for model in models_of(name):
        place = pose_of(model) if model.find("pose") is not None else np.eye(4)
        for link in model.findall("link"):
            m = float(link.findtext("inertial/mass"))
            base_T_mass = place @ pose_of(link) @ pose_of(link.find("inertial"))
            terms = {k: float(link.findtext(f"inertial/inertia/{k}")) for k in
                     ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")}  # fmt: skip
            own = np.array([[terms["ixx"], terms["ixy"], terms["ixz"]],
                            [terms["ixy"], terms["iyy"], terms["iyz"]],
                            [terms["ixz"], terms["iyz"], terms["izz"]]])  # fmt: skip
            r = base_T_mass[:3, 3]
            turned = base_T_mass[:3, :3] @ own @ base_T_mass[:3, :3].T
            inertia += turned + m * (r @ r * np.eye(3) - np.outer(r, r))
            mass, moment = mass + m, moment + m * r
    assert mass == pytest.approx(rover.mass_kg, abs=1e-6)
    due, about = np.zeros(3), np.zeros((3, 3))
    for link in urdf.links:
        if (m := urdf.mass(link)) > 0.0:
            r = urdf.centre(link)
            turn = urdf.base_T_link(link)[:3, :3]
            due += m * r
            about += turn @ urdf.inertia(link) @ turn.T + m * (r @ r * np.eye(3) - np.outer(r, r))
    assert moment == pytest.approx(due, abs=1e-6)
    assert inertia == pytest.approx(about, abs=1e-6)


@both
def test_only_joints_that_move_are_joints(name):
    rover = ROVERS[name]
    model = models_of(name)[0]
    urdf = Urdf(rover.urdf)
    moving = {j.name for j in urdf.joints.values() if j.kind != "fixed"}
    assert {joint.get("name") for joint in model.findall("joint")} == moving
    links = {link.get("name") for link in model.findall("link")}
    for joint in model.findall("joint"):
        assert {joint.findtext("parent"), joint.findtext("child")} <= links
        assert numbers(joint.findtext("axis/xyz")) == pytest.approx([0, 1, 0])


def test_rockers_have_equal_springs_and_nothing_else_has():
    stiff = {
        joint.get("name"): float(joint.findtext("axis/dynamics/spring_stiffness"))
        for joint in models_of("tenacious")[0].findall("joint")
    }
    assert stiff["rocker_left_joint"] == stiff["rocker_right_joint"] > 0.0
    assert sum(value > 0.0 for value in stiff.values()) == 2


@both
def test_eyes_have_the_description_s_optics(name):
    rover = ROVERS[name]
    base = models_of(name)[0].find("link")
    for eye, camera in rover.cameras.items():
        sensor = base.find(f"sensor[@name='camera_{eye}']")
        look = pose_of(sensor)
        assert np.allclose(look[:3, 0], camera.base_T_optical[:3, 2], atol=1e-6)
        assert np.allclose(look[:3, 3], camera.base_T_optical[:3, 3], atol=1e-6)
        assert np.allclose(-look[:3, 1], camera.base_T_optical[:3, 0], atol=1e-6)
        inside = sensor.find("camera")
        fov = float(inside.findtext("horizontal_fov"))
        assert camera.width_px / 2 / np.tan(fov / 2) == pytest.approx(camera.fx_px, rel=1e-6)
        assert float(inside.findtext("lens/intrinsics/fx")) == pytest.approx(camera.fx_px)
        due = -camera.fx_px * rover.baseline_m if eye == "right" else 0.0
        assert float(inside.findtext("lens/projection/tx")) == pytest.approx(due)
        assert inside.findtext("optical_frame_id") == camera.frame


@both
def test_drive_turns_the_right_wheels(name):
    rover = ROVERS[name]
    drive = models_of(name)[0].find("plugin[@name='gz::sim::systems::DiffDrive']")
    for side, tag in ((1, "left_joint"), (-1, "right_joint")):
        due = {wheel.joint for wheel in rover.wheels if wheel.side == side}
        assert {e.text for e in drive.findall(tag)} == due
    track = vehicle.TRACK_FACTOR * rover.track_m
    assert float(drive.findtext("wheel_separation")) == pytest.approx(track)
    assert float(drive.findtext("wheel_radius")) == pytest.approx(rover.wheel_radius_m)
    assert float(drive.findtext("max_linear_velocity")) == rover.limits.speed_mps


@both
def test_every_system_and_parameter_is_in_the_table(name):
    for model in models_of(name):
        for plugin in model.findall("plugin"):
            system = SYSTEMS[plugin.get("name").removeprefix("gz::sim::systems::")]
            assert plugin.get("filename") == system.library
            assert {child.tag for child in plugin} <= system.parameters
            assert system.since <= min(version for _, version in PAIRINGS.values())


@both
def test_bridge_and_model_agree_on_topics_and_types(name):
    rover = ROVERS[name]
    lines = bridge.lines(name, scoop=rover.scoop is not None, payload=rover.payload is not None)
    assert all((line.ros_type, line.gz_type) in MESSAGES for line in lines)
    assert len({line.ros_topic for line in lines}) == len(lines)
    said = {"/clock", f"/model/{name}/battery/main/state"}
    for model in models_of(name):
        for tag in ("topic", "odom_topic", "output_topic"):
            said |= {element.text for element in model.iter(tag)}
    # Gazebo derives the topic of the info from that of the image.
    said |= {topic.replace("/image", "/camera_info") for topic in said if "/camera/" in topic}
    assert {line.gz_topic for line in lines} <= said


def test_shipped_bridge_file_is_in_step():
    text = (roots()[0] / "config" / "gazebo_bridge.yaml").read_text()
    assert text == bridge.as_yaml(bridge.lines("tenacious"))
    entries = yaml.safe_load(text)
    keys = {"ros_topic_name", "gz_topic_name", "ros_type_name", "gz_type_name", "direction"}
    assert all(set(entry) == keys for entry in entries)


def test_payload_is_a_body_of_its_own_at_its_latch():
    rover = ROVERS["tenacious"]
    parts = bodies(rover, Urdf(rover.urdf))
    assert rover.payload.link in parts
    house = models_of("tenacious")[1]
    assert np.allclose(pose_of(house), rover.payload.base_T_payload)
    latch = models_of("tenacious")[0].find("plugin[@name='gz::sim::systems::DetachableJoint']")
    assert latch.findtext("child_model") == house.get("name")
    assert house.find("link").get("name") == latch.findtext("child_link")


def test_two_rovers_in_one_world(tmp_path):
    made_up.exported_to(tmp_path / "made_up")
    world = exported(str(tmp_path / "made_up"))
    spawns = [
        Spawn(ROVERS["tenacious"], "one"),
        Spawn(ROVERS["yard"], "two", (-1.0, 2.0, 0.0)),
    ]
    root = ET.fromstring(assembled(world, spawns, vehicle.Wheels()))
    named = [e.text for e in root.iter("uri")]
    named += [root.findtext(f".//texture/{tag}") for tag in ("diffuse", "normal")]
    assert all(Path(name).is_absolute() and Path(name).is_file() for name in named)
    colours = [e.text for e in root.iter("diffuse") if "/" not in e.text]
    assert len(colours) > 20  # of lights and materials
    placed = {m.get("name"): pose_of(m) for m in root.findall("world/model") if m.get("name") in
              ("one", "two", "one_payload")}  # fmt: skip
    for name, rover in (("one", ROVERS["tenacious"]), ("two", ROVERS["yard"])):
        x, y, z = placed[name][:3, 3]
        assert z - rover.wheel_radius_m == pytest.approx(made_up.height(x, y) + 0.01, abs=2e-3)
    one_T_payload = frames.inverse(placed["one"]) @ placed["one_payload"]
    assert np.allclose(one_T_payload, ROVERS["tenacious"].payload.base_T_payload, atol=1e-6)
    if shutil.which("ign"):
        path = tmp_path / "run.sdf"
        path.write_text(assembled(world, spawns, vehicle.Wheels()))
        assert valid(path)
    texts = bridge_yaml(spawns)
    assert ("/clock" in texts["one"], "/clock" in texts["two"]) == (True, False)
    with pytest.raises(GazeboError, match="two rovers of one name"):
        assembled(world, [spawns[0], spawns[0]], vehicle.Wheels())


@both
@pytest.mark.skipif(
    not shutil.which("ign"), reason="needs Debian's ignition-tools, libsdformat-dev"
)
def test_sdformat_finds_it_valid(name, tmp_path):
    path = tmp_path / "rover.sdf"
    path.write_text(document(element("world", *models_of(name), name="alone")))
    assert valid(path)


@both
@pytest.mark.skipif(not shutil.which("check_urdf"), reason="needs Debian's liburdfdom-tools")
def test_urdfdom_finds_the_description_valid(name, tmp_path):
    path = tmp_path / "rover.urdf"
    path.write_text(ROVERS[name].urdf)
    done = subprocess.run(["check_urdf", str(path)], capture_output=True, text=True, check=False)
    assert "Successfully Parsed XML" in done.stdout, done.stdout[:300] + done.stderr[:500]


def test_slip_follows_the_soil():
    load, radius, width = 2.0, 0.075, 0.06
    found = {name: slip.compliance(soil, load, radius, width) for name, soil in SOILS.items()}
    assert found["dense"] < found["mare"] < found["powder"]
    # The line meets the curve where it is meant to.
    at = found["mare"] * slip.TRACTION
    assert slip.traction(SOILS["mare"], at, load, radius, width) == pytest.approx(slip.TRACTION)
    # Bekker's sinkage carries the load: b * (kc/b + kphi) * sqrt(D) * (3 - n)/3 * z^(n + 1/2).
    z = slip.sinkage(SOILS["mare"], load, radius, width)
    carried = width * (1400 / width + 820e3) * np.sqrt(2 * radius) * 2 / 3 * z**1.5
    assert carried == pytest.approx(load)
