# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What the files in `launch/` share: arguments, and bring-up's list as actions of `ros2 launch`.

An error raised here is what `ros2 launch` prints, in one line, before it ends with code 1.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tenacious_rover.bringup import AUTONOMY, RunOptions, nodes, prepared
from tenacious_rover.gazebo.error import GazeboError
from tenacious_rover.gazebo.table import PAIRINGS
from tenacious_rover.rover.description import load_rover
from tenacious_rover.rover.resources import NAME, resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenacious_rover.bringup import NodeSpec
    from tenacious_rover.gazebo.session import Exported, Spawn

ARGUMENTS = {
    "world": ("first_traverse", "world file or name"),
    "platform": ("gazebo", "gazebo, or simulator for the embedded one"),
    "mission": ("", "mission file or name; none: wait for goals"),
    "description": ("tenacious", "rover: name or xacro file"),
    "namespace": ("", "of all nodes and topics of this rover"),
    "params_file": ("", "ROS parameter file laid over the defaults"),
    "runs": ("runs", "where run folders go"),
    "record": ("false", "record a bag"),
    "rviz": ("true", "start RViz"),
    "headless": ("false", "Gazebo without its window"),
    "use_sim_time": ("true", "time from /clock"),
    "log_level": ("info", "debug, info, warn, error"),
    "seed": ("0", "of everything random in the embedded simulator"),
    "speed": ("1.0", "of the embedded simulator, times real time; 0: as nodes can follow"),
    "x": ("nan", "start, m east of the lander; the world's start if not given"),
    "y": ("nan", "start, m north of the lander"),
    "yaw": ("nan", "start, rad from east"),
    "bag": ("", "folder of a bag"),
    "parts": ("", "only these nodes, with commas; all if none"),
}
"""Name to default and meaning."""

REMEDY = (
    "install it with `sudo apt install ros-$ROS_DISTRO-ros-gz`, "
    "or use platform:=simulator for the embedded one"
)


def description(names: Iterable[str], start: Callable[[Any], list[Any]], **defaults: str) -> Any:
    """A LaunchDescription with those arguments, whose actions `start(values)` makes.

    Args:
        names: keys of `ARGUMENTS`.
        start: takes name to value.
        defaults: other than those of `ARGUMENTS`.
    """
    from launch.actions import DeclareLaunchArgument, OpaqueFunction

    from launch import LaunchDescription

    names = tuple(names)

    def begin(context: Any) -> list[Any]:
        return start({name: context.launch_configurations[name] for name in names})

    declared = [
        DeclareLaunchArgument(
            name,
            default_value=defaults.get(name, ARGUMENTS[name][0]),
            description=ARGUMENTS[name][1],
        )
        for name in names
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=begin)])


def truth(name: str, value: str) -> bool:
    """A launch argument that is true or false.

    Raises:
        ValueError: neither.
    """
    if value.lower() in ("true", "1", "yes", "on"):
        return True
    if value.lower() in ("false", "0", "no", "off", ""):
        return False
    raise ValueError(f"{name}:={value}: neither true nor false")


def options(values: dict[str, str], platform: str, parts: tuple[str, ...] = ()) -> RunOptions:
    """Bring-up's options from launch arguments, checked, with a fresh run folder.

    Raises:
        ValueError, FileNotFoundError, OSError: says what is wrong.
        GazeboError: Gazebo, the bridge or the export is missing or does not fit.
    """
    from tenacious_rover.cli import run_folder

    for name in ("rviz", "headless", "use_sim_time"):
        truth(name, values.get(name, "false"))
    chosen = RunOptions(
        platform=platform,
        world=values.get("world", ""),
        seed=int(values.get("seed", "0")),
        mission=values.get("mission", ""),
        description=values.get("description", "tenacious"),
        config=Path(values["params_file"]) if values.get("params_file") else None,
        record=truth("record", values.get("record", "false")),
        speed=float(values.get("speed", "1.0")),
        namespace=values.get("namespace", "").strip("/"),
        log_level=values.get("log_level", "info"),
        parts=parts or tuple(p.strip() for p in values.get("parts", "").split(",") if p.strip()),
    )
    chosen, mission = prepared(chosen)
    place = [float(values.get(key, "nan")) for key in ("x", "y", "yaw")]
    given = [p if p == p else s for p, s in zip(place, chosen.start, strict=True)]  # noqa: PLR0124
    chosen = replace(chosen, start=(given[0], given[1], given[2]))
    nodes(chosen)
    load_rover(chosen.description)
    if platform == "gazebo":
        in_step(chosen.world)
        require_gazebo()
    # Nothing is written before all of it is known to be good.
    label = mission.mission if mission else Path(chosen.world or platform).stem
    folder = run_folder.make(Path(values.get("runs", "runs")), label, {"launch": values})
    return replace(chosen, run_folder=folder)


def node_actions(chosen: RunOptions, use_sim_time: bool | None = None) -> list[Any]:
    """One `Node` per process of bring-up's list."""
    return [_node(spec, chosen, use_sim_time) for spec in nodes(chosen)]


def _node(spec: NodeSpec, chosen: RunOptions, use_sim_time: bool | None) -> Any:
    from launch_ros.actions import Node

    parameters = dict(spec.parameters)
    if use_sim_time is not None:
        parameters["use_sim_time"] = use_sim_time
    # A file, because launch would read a text such as "5" as a number.
    folder = (chosen.run_folder or Path(tempfile.mkdtemp())) / "parameters"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{spec.name}.yaml"
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in parameters.items()}
    path.write_text(yaml.safe_dump({"/**": {"ros__parameters": plain}}), encoding="utf-8")
    return Node(
        package=NAME,
        executable=spec.executable,
        name=spec.name,
        namespace=chosen.namespace,
        parameters=[str(path)],
        remappings=transforms(chosen.namespace),
        ros_arguments=["--log-level", chosen.log_level],
        output="screen",
        emulate_tty=True,
    )


def transforms(namespace: str) -> list[tuple[str, str]]:
    """A namespaced rover has a tree of frames of its own, as Nav2 does it."""
    return [("/tf", "tf"), ("/tf_static", "tf_static")] if namespace else []


def rviz(values: dict[str, str], use_sim_time: bool) -> list[Any]:
    """RViz, when it is asked for and installed."""
    from launch.actions import LogInfo
    from launch_ros.actions import Node

    if not truth("rviz", values.get("rviz", "false")):
        return []
    if not installed("rviz2"):
        words = "RViz is not installed (`sudo apt install ros-$ROS_DISTRO-rviz2`): going on without"
        return [LogInfo(msg=words)]
    namespace = values.get("namespace", "").strip("/")
    return [
        Node(
            package="rviz2",
            executable="rviz2",
            namespace=namespace,
            arguments=["-d", str(resource("config", "rviz", "tenacious.rviz"))],
            parameters=[{"use_sim_time": use_sim_time}],
            remappings=transforms(namespace),
            output="log",
        )
    ]


# -- Gazebo ---------------------------------------------------------------------------------------


def installed(package: str) -> bool:
    """Whether a ROS package is there."""
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix

    try:
        get_package_prefix(package)
    except PackageNotFoundError:
        return False
    return True


def gazebo_wanting(distribution: str, versions: str | None, packages: dict[str, bool]) -> str:
    """What keeps Gazebo from starting, with its remedy, in one line; empty when nothing does.

    Args:
        distribution: such as `jazzy`; empty when ROS was not sourced.
        versions: what `gz sim --versions` prints; `None` when there is no `gz`.
        packages: ROS package to whether it is installed.
    """
    missing = [name for name, there in packages.items() if not there]
    if versions is None:
        return f"Gazebo (`gz`) is not installed: {REMEDY}"
    if missing:
        return f"{' and '.join(missing)} not installed: {REMEDY}"
    majors = [int(found) for found in re.findall(r"(?m)^\s*(\d+)\.\d+", versions)]
    if not majors:
        return f"`gz sim --versions` names no version of gz-sim: {REMEDY}"
    if distribution in PAIRINGS and PAIRINGS[distribution][1] not in majors:
        name, due = PAIRINGS[distribution]
        found = ", ".join(map(str, majors))
        return f"gz-sim {found} found, but ROS {distribution} needs {due} ({name}): {REMEDY}"
    if max(majors) < min(due for _, due in PAIRINGS.values()):
        return f"gz-sim {max(majors)} is too old: {REMEDY}"
    return ""


def require_gazebo() -> None:
    """Refuse to start without Gazebo and its bridge.

    Raises:
        GazeboError: says what is missing and how to get it.
    """
    versions = None
    if shutil.which("gz"):
        asked = subprocess.run(
            ["gz", "sim", "--versions"], capture_output=True, text=True, timeout=20, check=False
        )
        versions = asked.stdout
    packages = {name: installed(name) for name in ("ros_gz_sim", "ros_gz_bridge")}
    wanting = gazebo_wanting(os.environ.get("ROS_DISTRO", ""), versions, packages)
    if wanting:
        raise GazeboError(wanting)


def in_step(world: str) -> Exported:
    """An exported world that is not older than its world file.

    Raises:
        GazeboError: not exported, or stale.
    """
    from tenacious_rover.gazebo.session import exported
    from tenacious_rover.gazebo_worlds import world_key
    from tenacious_rover.simulator.world import load_world

    export = exported(world)
    if export.stale(world_key(load_world(world), export.facts["gravity_mps2"])):
        stem = Path(world).stem
        raise GazeboError(
            f"world {stem!r} has changed since its export in {export.folder}: "
            f"run `tenacious gazebo export {stem}`"
        )
    return export


def model_name(chosen: RunOptions) -> str:
    """Of the rover in Gazebo: its namespace, or its description's name."""
    named = chosen.namespace or Path(chosen.description.split()[0]).name.split(".")[0]
    return re.sub(r"\W", "_", named)


def spawn_of(chosen: RunOptions) -> Spawn:
    """The rover of a run, at its start."""
    from tenacious_rover.gazebo.session import Spawn

    return Spawn(load_rover(chosen.description), model_name(chosen), chosen.start)


def gazebo_actions(chosen: RunOptions, headless: bool) -> list[Any]:
    """Gazebo with the world and the rover in it, and the bridge."""
    from launch.actions import IncludeLaunchDescription
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    from tenacious_rover.gazebo.session import assembled
    from tenacious_rover.gazebo_worlds import wheels_on
    from tenacious_rover.simulator.world import load_world

    world = in_step(chosen.world)
    spawn = spawn_of(chosen)
    wheels = wheels_on(spawn.rover, load_world(chosen.world))
    path = (chosen.run_folder or Path(tempfile.mkdtemp())) / "world.sdf"
    path.write_text(assembled(world, [spawn], wheels), encoding="utf-8")
    from ament_index_python.packages import get_package_share_directory

    source = Path(get_package_share_directory("ros_gz_sim")) / "launch" / "gz_sim.launch.py"
    extra = "-s --headless-rendering " if headless else ""
    gazebo = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(source)),
        launch_arguments={"gz_args": f"-r {extra}{path}", "on_exit_shutdown": "true"}.items(),
    )
    return [gazebo, bridge_action(chosen, spawn, clock=True)]


def bridge_action(chosen: RunOptions, spawn: Spawn, clock: bool) -> Any:
    """ros_gz_bridge of one rover; only one of several carries the clock."""
    from launch_ros.actions import Node

    from tenacious_rover.gazebo.bridge import as_yaml, lines

    scoop, payload = spawn.rover.scoop is not None, spawn.rover.payload is not None
    found = lines(spawn.name, scoop=scoop, payload=payload)
    path = (chosen.run_folder or Path(tempfile.mkdtemp())) / "gazebo_bridge.yaml"
    path.write_text(as_yaml(found if clock else found[1:]), encoding="utf-8")
    return Node(
        package="ros_gz_bridge",
        executable="parameter_bridge",
        name="gazebo_bridge",
        namespace=chosen.namespace,
        parameters=[{"config_file": str(path), "use_sim_time": True}],
        output="screen",
    )


def spawn_actions(chosen: RunOptions) -> list[Any]:
    """A rover more in a Gazebo that runs: its models and its bridge."""
    import xml.etree.ElementTree as ET

    from launch_ros.actions import Node

    from tenacious_rover.gazebo.sdf import VERSION
    from tenacious_rover.gazebo.session import placed_models
    from tenacious_rover.gazebo_worlds import wheels_on
    from tenacious_rover.simulator.world import load_world

    world = in_step(chosen.world)
    spawn = spawn_of(chosen)
    wheels = wheels_on(spawn.rover, load_world(chosen.world))
    actions = []
    for model in placed_models(world, spawn, wheels):
        root = ET.Element("sdf", version=VERSION)
        root.append(model)
        path = (chosen.run_folder or Path(tempfile.mkdtemp())) / f"{model.get('name')}.sdf"
        path.write_text(ET.tostring(root, encoding="unicode"), encoding="utf-8")
        arguments = ["-world", world.facts["name"], "-file", str(path)]
        arguments += ["-name", model.get("name", ""), *_place(model)]
        actions.append(Node(package="ros_gz_sim", executable="create", arguments=arguments))
    return [*actions, bridge_action(chosen, spawn, clock=False)]


def _place(model: Any) -> list[str]:
    """`create` puts a model where its arguments say, whatever the file says."""
    pose = model.findtext("pose").split()
    keys = ("-x", "-y", "-z", "-R", "-P", "-Y")
    return [part for key, value in zip(keys, pose, strict=True) for part in (key, value)]


AUTONOMY_PARTS = ("rover_state", *AUTONOMY)
