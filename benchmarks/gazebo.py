# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The exported rover on the exported ground in DART, beside the embedded simulator.

DART with ODE's collisions is what Gazebo runs by default; where there is no Gazebo, `pip install
dartpy` brings it. The bodies, joints, springs and shapes are read from the SDF that Gazebo would
read, the ground from the exported heightmap (as a mesh: the Python binding has no heightmaps). The
rover settles, drives and turns at the world's start; the embedded simulator does the same. DART's
wheels rub with the soil's friction and neither sink nor slip with the soil (the binding lacks what
Gazebo's WheelSlip sets), so that they drive and turn a little further.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

    from tenacious_rover.campaign.study import Study

WORLD = "mare_calm"
SPEED_MPS, TURN_RADPS = 0.05, 0.25
STEP_S = 0.002
PATCH_M = 4.0
MANOEUVRES = ((0.0, 0.0, 3.0), (SPEED_MPS, 0.0, 8.0), (0.0, TURN_RADPS, 5.0))
"""Linear m/s, angular rad/s, s: settle, drive, turn."""
TARGETS = {
    "settled_height_apart_m": "<= 0.015",
    "settled_tilt_apart_deg": "<= 2.0",
    "drive_ratio_off": "<= 0.2",
    "turn_ratio_off": "<= 0.3",
    "rocker_sum_deg": "<= 2.0",
}


def measure(study: Study) -> dict[str, Any]:
    del study
    try:
        import dartpy  # noqa: F401
    except ImportError:
        return {"figures": {}, "missing": ["dartpy is not installed: `pip install dartpy`"]}
    ours, theirs = embedded(), dart()
    figures = {f"dart_{key}": value for key, value in theirs.items()}
    figures["settled_height_apart_m"] = abs(theirs["height_m"] - ours["height_m"])
    figures["settled_tilt_apart_deg"] = abs(theirs["tilt_deg"] - ours["tilt_deg"])
    figures["drive_ratio_off"] = abs(theirs["driven_m"] / ours["driven_m"] - 1.0)
    figures["turn_ratio_off"] = abs(theirs["turned_rad"] / ours["turned_rad"] - 1.0)
    figures["rocker_sum_deg"] = theirs["rocker_sum_deg"]
    return {"figures": figures, "targets": TARGETS, "peers": {"embedded simulator": ours}}


def scored(poses: list[np.ndarray], ground_m: float) -> dict[str, float]:
    """Figures of map_T_base (4, 4) after settling, after driving and after turning."""
    settled, driven, turned = poses
    yaw = [float(np.arctan2(pose[1, 0], pose[0, 0])) for pose in (driven, turned)]
    return {
        "height_m": float(settled[2, 3]) - ground_m,
        "tilt_deg": float(np.degrees(np.arccos(np.clip(settled[2, 2], -1.0, 1.0)))),
        "driven_m": float(np.hypot(*(driven[:2, 3] - settled[:2, 3]))),
        "turned_rad": float((yaw[1] - yaw[0] + np.pi) % (2.0 * np.pi) - np.pi),
    }


def embedded() -> dict[str, float]:
    """The embedded simulator's."""
    from tenacious_rover.rover.description import load_rover
    from tenacious_rover.simulator.build import build_world
    from tenacious_rover.simulator.engine import Simulator
    from tenacious_rover.simulator.world import load_world

    world = build_world(load_world(WORLD))
    simulator = Simulator(world, load_rover("tenacious"), cameras=False)
    poses = []
    for linear, angular, seconds in MANOEUVRES:
        for _ in range(round(seconds / 0.1)):
            simulator.drive(linear, angular)
            simulator.advance(0.1)
        poses.append(simulator.truth.map_T_base)
    x, y, _ = world.spec.start
    return scored(poses, float(world.height(x, y)))


def dart() -> dict[str, float]:
    """DART's, from the shipped export."""
    import dartpy

    from tenacious_rover.gazebo.session import Spawn, exported, placed_models
    from tenacious_rover.gazebo.vehicle import TRACK_FACTOR
    from tenacious_rover.gazebo_worlds import wheels_on
    from tenacious_rover.rover.description import load_rover
    from tenacious_rover.rover.kinematics import rockers_of, wheel_speeds
    from tenacious_rover.simulator.world import load_world

    rover, export = load_rover("tenacious"), exported(WORLD)
    x, y, _ = export.facts["start"]
    models = placed_models(export, Spawn(rover, "rover"), wheels_on(rover, load_world(WORLD)))
    world = dartpy.simulation.World("moon")
    world.setTimeStep(STEP_S)
    world.setGravity([0.0, 0.0, -rover.gravity_mps2])
    world.getConstraintSolver().setCollisionDetector(dartpy.collision.OdeCollisionDetector())
    with tempfile.TemporaryDirectory() as folder:
        world.addSkeleton(_ground(dartpy, Path(folder), export.ground, x, y))
    vehicle, house = (_skeleton(dartpy, model) for model in models)
    world.addSkeleton(vehicle)
    world.addSkeleton(house)
    base, payload = vehicle.getBodyNode(rover.frames["base"]), house.getBodyNode(0)
    # The latch: what Gazebo's DetachableJoint makes.
    world.getConstraintSolver().addConstraint(dartpy.constraint.WeldJointConstraint(base, payload))
    servo = dartpy.dynamics.ActuatorType.SERVO
    stow = dict(
        zip((rover.scoop.lift_joint, rover.scoop.tilt_joint), rover.scoop.stow, strict=True)
    )
    for name, angle in stow.items():
        joint = vehicle.getJoint(name)
        joint.setPosition(0, angle)
        joint.setActuatorType(servo)
        joint.setCommand(0, 0.0)
    wheels = [vehicle.getJoint(wheel.joint) for wheel in rover.wheels]
    poses, steps, began = [], 0, time.process_time()
    for linear, angular, seconds in MANOEUVRES:
        speeds = wheel_speeds(rover, linear, angular, TRACK_FACTOR)
        for _ in range(round(seconds / STEP_S)):
            # A step clears the commands of servo joints.
            for joint, speed in zip(wheels, speeds, strict=True):
                joint.setActuatorType(servo)
                joint.setCommand(0, float(speed))
            world.step()
            steps += 1
        poses.append(np.array(base.getWorldTransform().matrix()))
    rockers = rockers_of(rover)
    both = [vehicle.getJoint(name).getPosition(0) for name in (rockers.left, rockers.right)]
    spent = max(time.process_time() - began, 1e-9)
    return scored(poses, float(export.ground.height(x, y))) | {
        "rocker_sum_deg": abs(float(np.degrees(sum(both)))),
        "times_real": steps * STEP_S / spent,
    }


def _ground(dartpy: Any, folder: Path, ground: Any, x: float, y: float) -> Any:
    """The ground about a place as a body that does not move: a mesh with 5 cm cells."""
    axis = np.arange(-PATCH_M / 2, PATCH_M / 2 + 0.025, 0.05)
    xs, ys = (grid.ravel() for grid in np.meshgrid(x + axis, y + axis))
    n = len(axis)
    lines = [
        f"v {a:.4f} {b:.4f} {c:.5f}" for a, b, c in zip(xs, ys, ground.height(xs, ys), strict=True)
    ]
    for corner in (row * n + column + 1 for row in range(n - 1) for column in range(n - 1)):
        lines.append(f"f {corner} {corner + 1} {corner + n + 1}")
        lines.append(f"f {corner} {corner + n + 1} {corner + n}")
    mesh = folder / "ground.obj"
    mesh.write_text("\n".join(lines) + "\n")
    text = f"""<robot name="ground"><link name="ground"><collision><geometry>
      <mesh filename="file://{mesh}"/></geometry></collision></link></robot>"""
    made = dartpy.utils.DartLoader().parseSkeletonString(
        text, dartpy.common.Uri(f"file://{folder}/")
    )
    made.setMobile(False)
    return made


def _matrix(dartpy: Any, part: ET.Element | None) -> Any:
    from tenacious_rover.rover import frames

    found = None if part is None else part.findtext("pose")
    if not found:
        return dartpy.math.Isometry3()
    values = np.array([float(word) for word in found.split()])
    return dartpy.math.Isometry3(frames.from_rpy(values[:3], values[3:]))


def _skeleton(dartpy: Any, model: ET.Element) -> Any:
    """A `<model>` of the export as a skeleton, as Gazebo's own dartsim builds it."""
    dynamics = dartpy.dynamics
    made = dynamics.Skeleton(model.get("name"))
    links = {link.get("name"): link for link in model.findall("link")}
    joints = {joint.findtext("child"): joint for joint in model.findall("joint")}
    bodies: dict[str, Any] = {}

    def add(name: str) -> Any:
        if name in bodies:
            return bodies[name]
        link, joint = links[name], joints.get(name)
        if joint is None:
            mover, body = made.createFreeJointAndBodyNodePair()
            mover.setRelativeTransform(_matrix(dartpy, model).multiply(_matrix(dartpy, link)))
        else:
            parent = add(joint.findtext("parent"))
            mover, body = made.createRevoluteJointAndBodyNodePair(parent)
            here = _matrix(dartpy, links[joint.findtext("parent")]).inverse()
            mover.setTransformFromParentBodyNode(here.multiply(_matrix(dartpy, link)))
            _moved(mover, joint)
        body.setName(name)
        _filled(dartpy, body, link)
        bodies[name] = body
        return body

    for name in links:
        add(name)
    return made


def _moved(mover: Any, joint: ET.Element) -> None:
    axis = joint.find("axis")
    assert axis is not None
    mover.setName(joint.get("name"))
    mover.setAxis([float(word) for word in axis.findtext("xyz").split()])
    mover.setPositionLowerLimit(0, float(axis.findtext("limit/lower")))
    mover.setPositionUpperLimit(0, float(axis.findtext("limit/upper")))
    mover.setLimitEnforcement(True)
    effort = float(axis.findtext("limit/effort"))
    mover.setForceLowerLimit(0, -effort)
    mover.setForceUpperLimit(0, effort)
    mover.setDampingCoefficient(0, float(axis.findtext("dynamics/damping")))
    mover.setSpringStiffness(0, float(axis.findtext("dynamics/spring_stiffness")))
    mover.setRestPosition(0, float(axis.findtext("dynamics/spring_reference")))


def _filled(dartpy: Any, body: Any, link: ET.Element) -> None:
    """Mass, inertia and collision shapes."""
    dynamics = dartpy.dynamics
    inertial = link.find("inertial")
    ixx, ixy, ixz, iyy, iyz, izz = (
        float(inertial.findtext(f"inertia/{name}"))
        for name in ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
    )
    centre = [float(word) for word in inertial.findtext("pose").split()[:3]]
    moment = np.array([[ixx, ixy, ixz], [ixy, iyy, iyz], [ixz, iyz, izz]])
    mass = float(inertial.findtext("mass"))
    body.setInertia(dynamics.Inertia(mass, centre, moment))
    for part in link.findall("collision"):
        shape = part.find("geometry")[0]
        if shape.tag == "box":
            made = dynamics.BoxShape([float(word) for word in shape.findtext("size").split()])
        else:
            radius, length = float(shape.findtext("radius")), float(shape.findtext("length"))
            made = dynamics.CylinderShape(radius, length)
        node = body.createShapeNode(made)
        node.setRelativeTransform(_matrix(dartpy, part))
        node.createCollisionAspect()
        friction = part.findtext("surface/friction/ode/mu")
        node.createDynamicsAspect().setFrictionCoeff(float(friction or 0.5))
