# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The descriptions: published figures, reach and view, agreement with other readers, bad input."""

import io

import numpy as np
import pytest

from tenacious_rover.rover import frames
from tenacious_rover.rover.description import RoverError, load_rover, rover_of
from tenacious_rover.rover.urdf import Urdf, origin
from tenacious_rover.sampling import reach

ROVER = load_rover("tenacious")
URDF = Urdf(ROVER.urdf)
STOWED = dict(zip((ROVER.scoop.lift_joint, ROVER.scoop.tilt_joint), ROVER.scoop.stow, strict=True))
SCOOP_LINKS = ("scoop_arm_link", "scoop_blade_link")


def corners(link, positions=None):
    """(n, 3) of the corners of a link's boxes and of boxes around its cylinders, in base_link."""
    found = []
    for element in URDF.links[link].findall("visual"):
        shape = element.find("geometry")[0]
        if shape.tag == "box":
            size = np.array([float(word) for word in shape.get("size").split()])
        else:
            size = np.array([2.0 * float(shape.get("radius"))] * 2 + [float(shape.get("length"))])
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        base_T_shape = URDF.base_T_link(link, positions) @ origin(element, link)
        found.append(frames.points(base_T_shape, signs * size / 2.0))
    return np.concatenate(found)


def pixels(camera, points):
    """(n, 2) px of points in base_link; NaN behind the camera."""
    ahead = frames.points(frames.inverse(camera.base_T_optical), points)
    ahead[ahead[:, 2] < 1e-3] = np.nan
    return ahead[:, :2] / ahead[:, 2:] * camera.fx_px + [camera.cx_px, camera.cy_px]


def in_view(camera, points):
    u, v = pixels(camera, points).T
    return (u >= 0) & (u <= camera.width_px) & (v >= 0) & (v <= camera.height_px)


def test_published_mass_and_size():
    assert ROVER.mass_kg == pytest.approx(5.0, abs=1e-9)
    drawn = [link for link in URDF.links if URDF.links[link].find("visual") is not None]
    boxes = [URDF.bounds(link, "visual", STOWED) for link in drawn]
    low, high = np.min([b[0] for b in boxes], axis=0), np.max([b[1] for b in boxes], axis=0)
    assert high - low == pytest.approx([0.54, 0.315, 0.26], abs=0.005)
    assert low[2] == pytest.approx(-ROVER.wheel_radius_m, abs=0.002)


def test_base_link_is_in_the_middle_of_the_axles():
    axles = np.array([wheel.position for wheel in ROVER.wheels])
    assert np.allclose(axles.mean(axis=0), 0.0, atol=1e-12)
    assert sorted(wheel.side for wheel in ROVER.wheels) == [-1, -1, 1, 1]
    assert all(np.sign(w.position[1]) == w.side for w in ROVER.wheels)
    assert ROVER.baseline_m == pytest.approx(0.12)
    assert ROVER.cameras["left"].base_T_optical[1, 3] > 0.0


def test_weight_rests_on_all_wheels():
    moment, mass = np.zeros(3), 0.0
    for link in URDF.links:
        if (m := URDF.mass(link)) > 0.0:
            moment += m * URDF.centre(link, STOWED)
            mass += m
    centre = moment / mass
    assert abs(centre[0]) < 0.15 * ROVER.wheelbase_m
    assert abs(centre[1]) < 0.05 * ROVER.track_m


def test_eyes_look_forward_and_down():
    for camera in ROVER.cameras.values():
        forward, right = camera.base_T_optical[:3, 2], camera.base_T_optical[:3, 0]
        assert np.degrees(np.arcsin(-forward[2])) == pytest.approx(17.0)
        assert np.allclose(right, [0, -1, 0], atol=1e-12)
        assert np.degrees(camera.horizontal_fov) == pytest.approx(75.0)


def test_scoop_reaches_below_ground_in_both_eyes_and_keeps_clear_at_rest():
    scoop = ROVER.scoop
    for depth in (0.0, 0.02, 0.04):
        point = reach.dig_point(ROVER, depth)
        lift = reach.lift_for(scoop, reach.ground_height(ROVER) - depth)
        tilt = reach.tilt_for(scoop, lift, reach.DIG_ANGLE)
        assert lift + tilt == pytest.approx(reach.DIG_ANGLE)
        assert all(in_view(camera, point[None]).all() for camera in ROVER.cameras.values())
    assert reach.stand_back(ROVER, point) == 0.0
    stowed = np.concatenate([corners(link, STOWED) for link in SCOOP_LINKS])
    assert stowed[:, 2].min() > reach.ground_height(ROVER) + 0.04
    assert not any(in_view(camera, stowed).any() for camera in ROVER.cameras.values())


def test_edge_of_the_scoop_is_where_its_joints_put_it():
    rng = np.random.default_rng(1)
    for lift, tilt in zip(
        rng.uniform(*ROVER.scoop.lift_limits, 20),
        rng.uniform(*ROVER.scoop.tilt_limits, 20),
        strict=True,
    ):
        angles = {ROVER.scoop.lift_joint: lift, ROVER.scoop.tilt_joint: tilt}
        blade = URDF.base_T_link("scoop_blade_link", angles)
        edge = frames.points(blade, np.array([[ROVER.scoop.blade_length_m, 0.0, 0.0]]))[0]
        assert np.allclose(edge, reach.edge(ROVER.scoop, lift, tilt), atol=1e-12)


def test_scoop_digs_beside_the_house():
    digging = {ROVER.scoop.lift_joint: 0.3, ROVER.scoop.tilt_joint: 0.8}
    house_low, house_high = URDF.bounds(ROVER.payload.link)
    for positions in (STOWED, digging):
        for link in SCOOP_LINKS:
            low, high = URDF.bounds(link, "collision", positions)
            apart = np.maximum(low - house_high, house_low - high)
            assert apart.max() > 0.02
    assert np.allclose(house_high - house_low, ROVER.payload.size)
    assert not in_view(ROVER.cameras["left"], corners(ROVER.payload.link)).any()
    assert house_low[2] - reach.ground_height(ROVER) == pytest.approx(0.05)


def test_camera_profile_is_one_argument():
    light = load_rover("tenacious camera_width:=400 camera_height:=300")
    camera, full = light.cameras["left"], ROVER.cameras["left"]
    assert (camera.width_px, camera.height_px) == (400, 300)
    assert camera.horizontal_fov == pytest.approx(full.horizontal_fov)
    assert load_rover("tenacious") is ROVER


def test_another_rover_shares_nothing_that_software_could_lean_on():
    other = load_rover("yard")
    assert other.mass_kg == pytest.approx(12.0)
    assert other.gravity_mps2 == pytest.approx(9.81)
    assert other.scoop is None
    assert other.payload is None
    assert other.wheel_radius_m != ROVER.wheel_radius_m
    assert other.track_m != ROVER.track_m
    assert {w.joint for w in other.wheels}.isdisjoint(w.joint for w in ROVER.wheels)
    assert other.frames["camera_left"] != ROVER.frames["camera_left"]
    assert not np.allclose(other.base_T_imu[:3, :3], np.eye(3))


@pytest.mark.parametrize("name", ["tenacious", "yard"])
def test_another_reader_puts_the_links_at_the_same_places(name):
    yourdfpy = pytest.importorskip("yourdfpy")
    rover = load_rover(name)
    ours = Urdf(rover.urdf)
    theirs = yourdfpy.URDF.load(io.StringIO(rover.urdf), build_scene_graph=True, load_meshes=False)
    rng = np.random.default_rng(7)
    positions = {joint: rng.uniform(-0.2, 0.2) for joint in theirs.actuated_joint_names}
    theirs.update_cfg(positions)
    for link in ours.links:
        expected = theirs.get_transform(link, ours.base)
        assert np.allclose(ours.base_T_link(link, positions), expected, atol=1e-9), link


@pytest.mark.parametrize("name", ["tenacious", "yard"])
def test_a_physics_engine_reads_it(name):
    mujoco = pytest.importorskip("mujoco")
    rover = load_rover(name)
    model = mujoco.MjModel.from_xml_string(rover.urdf)
    static = 0.0  # MuJoCo welds what is fixed to the root to the world
    ours = Urdf(rover.urdf)
    for link in ours.links:
        if mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, link) < 0:
            static += ours.mass(link)
    assert model.body_mass.sum() + static == pytest.approx(rover.mass_kg, abs=1e-6)


BROKEN = {
    "unclosed": ("</robot>", "", "not XML"),
    "no element": ('<gravity mps2="1.62"/>', "", "<gravity>"),
    "version": ('version="1"', 'version="2"', "version"),
    "gravity": ('mps2="1.62"', 'mps2="moon"', "mps2='moon'"),
    "wheel joint": (
        'joint="wheel_rear_left_joint"',
        'joint="wheel_5_joint"',
        "no joint 'wheel_5_joint'",
    ),
    "side": ('side="left"', 'side="port"', "left or right"),
    "frame": ('frame="camera_left_optical_frame"', 'frame="camera_left_link"', "_optical_frame"),
    "field of view": ('hfov_deg="75"', 'hfov_deg="nan"', "hfov_deg"),
    "imu": ('imu="imu_link"', 'imu="imu"', "no link 'imu'"),
    "base": ('base="base_link"', 'base="body_link"', "root link"),
    "two roots": ('<child link="imu_link"/>', '<child link="mast_link"/>', "share"),
    "unknown link": ('<parent link="base_link"/>', '<parent link="basis"/>', "no link 'basis'"),
    "mass": ('<mass value="0.55"/>', '<mass value="-1"/>', "battery_link"),
    "type": ('type="continuous"', 'type="floating"', "'floating'"),
    "mimic": ('<mimic joint="rocker_left_joint"', '<mimic joint="rocker"', "mimics 'rocker'"),
    "limit": ('upper="0.75"', 'upper="-3"', "above upper"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_description_is_named(case):
    old, new, words = BROKEN[case]
    assert old in ROVER.urdf
    with pytest.raises(RoverError, match=r"my\.urdf") as caught:
        rover_of(ROVER.urdf.replace(old, new), "my.urdf")
    assert words in str(caught.value)


def test_unknown_name_argument_and_broken_xacro(tmp_path):
    with pytest.raises(RoverError, match=r"rovar.*tenacious"):
        load_rover("rovar")
    with pytest.raises(RoverError, match="no xacro argument 'camera_widht'"):
        load_rover("tenacious camera_widht:=400")
    broken = tmp_path / "mine.urdf.xacro"
    broken.write_text(
        '<robot name="a" xmlns:xacro="http://www.ros.org/wiki/xacro">${length}</robot>'
    )
    with pytest.raises(RoverError, match=r"mine.urdf.xacro.*length"):
        load_rover(str(broken))
