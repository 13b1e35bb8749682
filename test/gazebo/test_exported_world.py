# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Exported worlds: what Gazebo makes of the files is the ground they came from."""

import json
import shutil
import subprocess
import xml.etree.ElementTree as ET

import cv2
import made_up
import numpy as np
import pytest

from tenacious_rover.gazebo import terrain
from tenacious_rover.gazebo.error import GazeboError
from tenacious_rover.gazebo.light import read_ground
from tenacious_rover.gazebo.session import Exported, exported
from tenacious_rover.gazebo.table import SYSTEMS
from tenacious_rover.gazebo_worlds import export_world, world_key
from tenacious_rover.rover import frames
from tenacious_rover.rover.resources import roots
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.world import load_world


@pytest.fixture
def folder(tmp_path):
    made_up.exported_to(tmp_path / "made_up")
    return tmp_path / "made_up"


def test_heights_survive_the_picture(folder):
    facts = json.loads((folder / "world.json").read_text())
    ground = read_ground(folder, facts)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-4.9, 4.9, (2, 500))
    assert np.abs(ground.height(x, y) - made_up.height(x, y)).max() < 5e-4


def test_picture_is_what_gazebo_needs(folder):
    pixels = cv2.imread(str(folder / "heightmap.png"), cv2.IMREAD_UNCHANGED)
    assert pixels.dtype == np.uint16
    assert (pixels.min(), pixels.max()) == (0, 65535)
    n = pixels.shape[0]
    assert pixels.shape == (n, n)
    assert (n - 1) & (n - 2) == 0  # 2^k + 1
    # The ground rises with x and falls with y; row 0 is the largest y.
    assert pixels[n // 2, -1] > pixels[n // 2, 0]
    assert pixels[0, n // 2] < pixels[-1, n // 2]


def test_physics_and_renderer_put_the_ground_at_one_place(folder):
    """By their own rules: size / n and `<pose>`; size / (n - 1) and `<pos>`."""
    root = ET.parse(folder / "world.sdf").getroot()
    link = root.find("world/model[@name='ground']/link")
    n = cv2.imread(str(folder / "heightmap.png"), cv2.IMREAD_UNCHANGED).shape[0]
    felt = [float(v) for v in link.findtext("collision/geometry/heightmap/size").split()]
    seen = [float(v) for v in link.findtext("visual/geometry/heightmap/size").split()]
    assert felt[0] / n == pytest.approx(seen[0] / (n - 1))
    assert seen[0] == pytest.approx(made_up.SIZE_M)
    assert felt[2] == seen[2]
    raised = [float(v) for v in link.findtext("collision/pose").split()]
    shown = [float(v) for v in link.findtext("visual/geometry/heightmap/pos").split()]
    assert raised[:3] == pytest.approx(shown)
    for kind in ("visual", "collision"):
        assert link.findtext(f"{kind}/geometry/heightmap/sampling") == "1"


def test_rocks_are_where_they_lie(folder):
    source = made_up.ground().rocks
    root = ET.parse(folder / "world.sdf").getroot()
    link = root.find("world/model[@name='rocks']/link")
    order = np.argsort(-source.diameter_m)
    points, _ = terrain.ball(1)
    for number, index in enumerate(order):
        part = link.find(f"collision[@name='rock_{number}_collision']")
        pose = [float(v) for v in part.findtext("pose").split()]
        scale = np.array([float(v) for v in part.findtext("geometry/mesh/scale").split()])
        found = frames.points(frames.from_rpy(pose[:3], pose[3:]), points * scale)
        due = (points * source.semi_axes[index]) @ source.rotation[index].T + source.center[index]
        if np.linalg.det(source.rotation[index]) > 0.0:
            assert np.allclose(found, due, atol=1e-4)
        assert (folder / link.find(f"visual[@name='rock_{number}']").findtext(".//uri")).is_file()


def test_largest_rocks_are_kept(tmp_path):
    facts = made_up.exported_to(tmp_path / "w", rocks=9, max_rocks=4)
    assert (facts["rocks"], facts["rocks_left_out"]) == (4, 5)
    assert facts["smallest_rock_m"] == made_up.ground(9).rocks.diameter_m[5]


def test_world_is_self_contained_and_only_uses_known_systems(folder):
    root = ET.parse(folder / "world.sdf").getroot()
    link = root.find("world/model[@name='ground']/link")
    texture = link.find("visual/geometry/heightmap/texture")
    named = {element.text for element in root.iter("uri")}
    named |= {texture.findtext("diffuse"), texture.findtext("normal")}
    assert all((folder / name).is_file() for name in named)
    libraries = {f"gz::sim::systems::{name}": s.library for name, s in SYSTEMS.items()}
    plugins = root.findall("world/plugin")
    assert len(plugins) >= 5
    assert all(libraries[p.get("name")] == p.get("filename") for p in plugins)
    assert root.findtext("world/gravity") == "0 0 -1.62"
    direction = [float(v) for v in root.findtext("world/light/direction").split()]
    assert direction == pytest.approx(-made_up.SUN)


def test_shadow_of_ground_and_lander(folder):
    ground = read_ground(folder, json.loads((folder / "world.json").read_text()))
    behind = np.array([-2.9, 0.0, made_up.height(-2.9, 0.0) + 0.2])
    before = np.array([-0.9, 0.0, made_up.height(-0.9, 0.0) + 0.2])
    assert ground.shadowed(behind, made_up.SUN)
    assert not ground.shadowed(before, made_up.SUN)
    low = np.array([np.cos(0.03), 0.0, np.sin(0.03)])  # below the slope of 0.1 that rises to +x
    assert ground.shadowed(np.array([2.0, 3.0, made_up.height(2.0, 3.0) + 0.05]), low)
    assert ground.shadowed(before, np.array([0.8, 0.0, -0.6]))


def test_flat_and_oblong_ground_is_refused():
    with pytest.raises(GazeboError, match="flat"):
        terrain.heightmap(np.zeros((20, 20), np.float32), 0.1)
    with pytest.raises(GazeboError, match="square"):
        terrain.heightmap(np.zeros((20, 30), np.float32), 0.1)


def test_texture_repeats_without_seams():
    colour, normal = terrain.regolith(np.random.default_rng(0))
    for picture in (colour.astype(float), normal.astype(float)):
        inside = np.abs(np.diff(picture, axis=0)).mean()
        assert np.abs(picture[0] - picture[-1]).mean() < 1.3 * inside
    assert normal[..., 2].min() > 127


def test_rock_shape_is_a_closed_ball_like_thing():
    points, faces = terrain.rock_shape(np.random.default_rng(2))
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    radius = np.linalg.norm(points, axis=1)
    assert radius.min() > 0.8
    assert radius.max() <= 1.0 + 1e-9
    volume = np.einsum(
        "ij,ij->i", points[faces[:, 0]], np.cross(points[faces[:, 1]], points[faces[:, 2]])
    )
    assert volume.sum() / 6.0 == pytest.approx(4.0 / 3.0 * np.pi, rel=0.12)


def test_export_replaces_whole_and_names_what_is_missing(folder, tmp_path):
    (folder / "left_over").touch()
    made_up.exported_to(folder)
    assert not (folder / "left_over").exists()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]
    with pytest.raises(GazeboError, match="tenacious gazebo export nowhere"):
        exported("nowhere")
    (folder / "heightmap.png").write_bytes(b"")
    with pytest.raises(GazeboError, match="export the world again"):
        Exported(folder, json.loads((folder / "world.json").read_text())).ground.height(0, 0)


SHIPPED = sorted(p.parent.name for p in (roots()[0] / "worlds" / "gazebo").glob("*/world.sdf"))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_export_is_in_step_with_its_world(name):
    spec, export = load_world(name), exported(str(roots()[0] / "worlds" / "gazebo" / name))
    assert not export.stale(world_key(spec)), (
        f"run: tenacious gazebo export {name} --out worlds/gazebo"
    )
    world = build_world(spec)
    assert export.facts["digest"] == world.digest
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-0.45, 0.45, (2, 2000)) * spec.size_m
    off = np.abs(export.ground.height(x, y) - world.height(x, y))
    assert off.max() < 0.02
    assert np.sqrt(np.mean(off**2)) < 0.002
    assert export.stale(world_key(spec.varied(seed=spec.seed + 1)))


def test_mare_calm_is_shipped_for_the_first_launch():
    assert "mare_calm" in SHIPPED


@pytest.mark.skipif(
    not shutil.which("ign"), reason="needs Debian's ignition-tools, libsdformat-dev"
)
@pytest.mark.parametrize("name", ["made_up", *SHIPPED])
def test_sdformat_finds_it_valid(name, folder):
    path = folder if name == "made_up" else roots()[0] / "worlds" / "gazebo" / name
    command = ["ign", "sdf", "-k", str(path / "world.sdf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Valid." in done.stdout, done.stdout[:500] + done.stderr[:500]
    assert "Warning" not in done.stderr


def test_exporting_a_world_by_name(tmp_path):
    facts = export_world("first_traverse", tmp_path / "out", max_rocks=10)
    assert facts["name"] == "first_traverse"
    assert (tmp_path / "out" / "world.sdf").is_file()
