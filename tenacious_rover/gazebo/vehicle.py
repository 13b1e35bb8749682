# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The rover for Gazebo, from the same description: bodies, joints, sensors, Gazebo's own systems.

The differential of the rockers is a closed loop, which Gazebo's default physics cannot express
(its mimic constraint is of another engine). Equal springs on both rockers make their angles cancel
at rest as the differential does; they shift load between the wheels of a side by
`ROCKER_STIFFNESS * angle / half wheelbase`, 0.6 N at 0.1 rad.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.gazebo.bodies import Body, bodies
from tenacious_rover.gazebo.sdf import element, material, pose, system
from tenacious_rover.rover import contract, frames
from tenacious_rover.rover.kinematics import rockers_of
from tenacious_rover.rover.urdf import Urdf, origin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.rover.model import Camera, Rover

ROCKER_STIFFNESS = 1.0
ROCKER_DAMPING = 0.25
TRACK_FACTOR = 1.5
"""The wheels turn for a track wider than theirs by this, as those of the other platforms do."""
IMAGE_NOISE = 0.007
GYRO_NOISE, ACCEL_NOISE = 0.002, 0.02
"""rad/s and m/s^2 per sample at 100 Hz: a consumer IMU, assumed as in the embedded simulator."""


@dataclass(frozen=True)
class Wheels:
    """How wheels meet the ground: friction, and slip per traction (slip.py)."""

    friction: float = 0.7
    slip: float = 2.0


def models(rover: Rover, name: str, wheels: Wheels) -> list[ET.Element]:
    """`<model>` of the rover, and of its payload when it has one; base_link at the origin.

    Args:
        rover: with its description.
        name: of the model, and first part of its topics on Gazebo's side.
        wheels: of the ground it drives on.
    """
    model = Urdf(rover.urdf, rover.name)
    parts = bodies(rover, model)
    payload = parts.pop(rover.payload.link) if rover.payload else None
    colours = _colours(model)
    links = [_link(rover, model, body, colours, wheels) for body in parts.values()]
    root = links[0]
    root.append(_imu(rover, name))
    for eye in ("left", "right"):
        root.append(_camera(rover, rover.cameras[eye], name, eye))
    made = [
        element(
            "model",
            *links,
            *(_joint(rover, parts, model, body) for body in parts.values() if body.joint),
            *_systems(rover, name, wheels),
            name=name,
        )
    ]
    if payload is not None:
        made.append(_payload(rover, model, payload, colours, name))
    return made


def payload_name(name: str) -> str:
    """Of the payload's model."""
    return f"{name}_payload"


# -- bodies ---------------------------------------------------------------------------------------


def _link(
    rover: Rover,
    model: Urdf,
    body: Body,
    colours: dict[str, list[float]],
    wheels: Wheels,
    where: NDArray[np.float64] | None = None,
) -> ET.Element:
    link = element(
        "link", pose(body.base_T_body if where is None else where), _inertial(body), name=body.name
    )
    is_wheel = body.name in {wheel.name for wheel in rover.wheels}
    for kind in ("visual", "collision"):
        number = 0
        for member, body_T_link in body.members.items():
            for source in model.links[member].findall(kind):
                shape = ET.fromstring(ET.tostring(_shape(source)))  # noqa: S314 - our own text
                part = element(
                    kind,
                    pose(body_T_link @ origin(source, member)),
                    shape,
                    name=f"{body.name}_{kind}_{number}",
                )
                if kind == "visual":
                    named = source.find("material")
                    colour = colours.get("" if named is None else named.get("name", ""))
                    part.append(material(colour or [0.6, 0.6, 0.6], 0.2))
                elif is_wheel:
                    friction = element("mu", wheels.friction), element("mu2", wheels.friction)
                    ode = element("ode", *friction)
                    part.append(element("surface", element("friction", ode)))
                link.append(part)
                number += 1
    return link


def _inertial(body: Body) -> ET.Element:
    where = np.eye(4)
    where[:3, 3] = body.centre
    terms = [(f"i{a}{b}", i, j) for a, i in zip("xyz", range(3), strict=True)
             for b, j in zip("xyz", range(3), strict=True) if i <= j]  # fmt: skip
    inertia = element("inertia", *(element(n, body.inertia[i, j]) for n, i, j in terms))
    return element("inertial", pose(where), element("mass", body.mass_kg), inertia)


def _shape(source: ET.Element) -> ET.Element:
    """URDF's geometry as SDF's."""
    shape = source.find("geometry")
    assert shape is not None, "checked when the description was read"
    inner = shape[0]
    if inner.tag == "box":
        size = [float(v) for v in inner.attrib["size"].split()]
        return element("geometry", element("box", element("size", size)))
    keys = ("radius", "length") if inner.tag == "cylinder" else ("radius",)
    numbers = [element(key, float(inner.attrib[key])) for key in keys]
    return element("geometry", element(inner.tag, *numbers))


def _colours(model: Urdf) -> dict[str, list[float]]:
    found = {}
    for source in model.root.findall("material"):
        colour = source.find("color")
        if colour is not None:
            found[source.attrib["name"]] = [float(v) for v in colour.attrib["rgba"].split()[:3]]
    return found


def _joint(rover: Rover, parts: dict[str, Body], model: Urdf, body: Body) -> ET.Element:
    joint = body.joint
    assert joint is not None, "only called for bodies with one"
    parent = next(name for name, other in parts.items() if joint.parent in other.members)
    low, high = joint.limits if joint.kind != "continuous" else (-1e16, 1e16)
    rockers = rockers_of(rover)
    sprung = rockers is not None and joint.name in (rockers.left, rockers.right)
    source = next(e for e in model.root.findall("joint") if e.get("name") == joint.name)
    given = source.find("dynamics")
    damping = float(given.get("damping", 0.0)) if given is not None else 0.0
    friction = float(given.get("friction", 0.0)) if given is not None else 0.0
    dynamics = element(
        "dynamics",
        element("damping", ROCKER_DAMPING if sprung else damping),
        element("friction", friction),
        element("spring_reference", 0),
        element("spring_stiffness", ROCKER_STIFFNESS if sprung else 0),
    )
    limit = element(
        "limit",
        element("lower", low),
        element("upper", high),
        element("effort", joint.effort or -1),
        element("velocity", joint.velocity or -1),
    )
    axis = element("axis", element("xyz", joint.axis), limit, dynamics)
    kind = "prismatic" if joint.kind == "prismatic" else "revolute"
    return element(
        "joint",
        element("parent", parent),
        element("child", body.name),
        axis,
        name=joint.name,
        type=kind,
    )


def _payload(
    rover: Rover, model: Urdf, body: Body, colours: dict[str, list[float]], name: str
) -> ET.Element:
    """A model of its own, which the latch holds."""
    return element(
        "model",
        pose(body.base_T_body),
        _link(rover, model, body, colours, Wheels(), np.eye(4)),
        system(
            "PosePublisher",
            element("publish_model_pose", True),
            element("publish_link_pose", False),
            element("publish_nested_model_pose", False),
            element("publish_sensor_pose", False),
            element("publish_visual_pose", False),
            element("publish_collision_pose", False),
            element("use_pose_vector_msg", False),
            element("update_frequency", 1),
            element("topic", f"/{name}/payload/pose"),
        ),
        name=payload_name(name),
    )


# -- sensors --------------------------------------------------------------------------------------


def _imu(rover: Rover, name: str) -> ET.Element:
    def noise(deviation: float) -> ET.Element:
        return element("noise", element("mean", 0), element("stddev", deviation), type="gaussian")

    def axes(tag: str, deviation: float) -> ET.Element:
        return element(tag, *(element(axis, noise(deviation)) for axis in "xyz"))

    return element(
        "sensor",
        pose(rover.base_T_imu),
        element("topic", f"/{name}/imu"),
        element("gz_frame_id", rover.imu_frame),  # Gazebo's word: sdformat warns and keeps it
        element("update_rate", contract.IMU.rate_hz),
        element("always_on", True),
        element(
            "imu",
            axes("angular_velocity", GYRO_NOISE),
            axes("linear_acceleration", ACCEL_NOISE),
        ),
        name="imu",
        type="imu",
    )


def _camera(rover: Rover, camera: Camera, name: str, eye: str) -> ET.Element:
    """Gazebo's cameras look along x."""
    optical_T_body = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    baseline = rover.baseline_m if eye == "right" else 0.0
    focal = {"fx": camera.fx_px, "fy": camera.fy_px, "cx": camera.cx_px, "cy": camera.cy_px}
    lens = element(
        "lens",
        element("intrinsics", *(element(k, v) for k, v in focal.items()), element("s", 0)),
        element(
            "projection",
            *(element(f"p_{k}", v) for k, v in focal.items()),
            element("tx", -camera.fx_px * baseline),
            element("ty", 0),
        ),
    )
    image = element(
        "image",
        element("width", camera.width_px),
        element("height", camera.height_px),
        element("format", "R8G8B8"),
    )
    return element(
        "sensor",
        pose(camera.base_T_optical @ optical_T_body),
        element("topic", f"/{name}/camera/{eye}/image"),
        element("update_rate", contract.IMAGE_LEFT.rate_hz),
        element("always_on", True),
        element(
            "camera",
            element("horizontal_fov", camera.horizontal_fov),
            image,
            element("clip", element("near", 0.02), element("far", 200)),
            element(
                "noise",
                element("type", "gaussian"),
                element("mean", 0),
                element("stddev", IMAGE_NOISE),
            ),
            lens,
            element("optical_frame_id", camera.frame),
            name=f"camera_{eye}",
        ),
        name=f"camera_{eye}",
        type="camera",
    )


# -- systems --------------------------------------------------------------------------------------


def _systems(rover: Rover, name: str, wheels: Wheels) -> list[ET.Element]:
    left = [element("left_joint", w.joint) for w in rover.wheels if w.side > 0]
    right = [element("right_joint", w.joint) for w in rover.wheels if w.side < 0]
    speed, turn = rover.limits.speed_mps, rover.limits.turn_rate_radps
    load = rover.mass_kg * rover.gravity_mps2 / len(rover.wheels)
    radius = rover.wheel_radius_m
    made = [
        system(
            "DiffDrive",
            *left,
            *right,
            element("wheel_separation", TRACK_FACTOR * rover.track_m),
            element("wheel_radius", radius),
            element("max_linear_velocity", speed),
            element("min_linear_velocity", -speed),
            element("max_angular_velocity", turn),
            element("min_angular_velocity", -turn),
            element("topic", f"/{name}/cmd_vel"),
            element("odom_topic", f"/{name}/wheel_odometry"),
            element("tf_topic", f"/{name}/wheel_tf"),
            element("odom_publish_frequency", 1),
        ),
        system(
            "JointStatePublisher",
            element("topic", f"/{name}/joint_states"),
            element("update_rate", contract.JOINT_STATES.rate_hz),
        ),
        system(
            "OdometryPublisher",
            element("odom_frame", frames.MAP),
            element("robot_base_frame", rover.frames["base"]),
            element("odom_topic", f"/{name}/odometry"),
            element("tf_topic", f"/{name}/odometry_tf"),
            element("odom_publish_frequency", contract.TRUTH_ODOMETRY.rate_hz),
            element("dimensions", 3),
        ),
        system("WheelSlip", *(_slip(w.name, wheels.slip, load, radius) for w in rover.wheels)),
        _battery(rover),
    ]
    if rover.scoop is not None:
        made.append(_scoop(rover, name))
    if rover.payload is not None:
        made.append(
            system(
                "DetachableJoint",
                element("parent_link", rover.frames["base"]),
                element("child_model", payload_name(name)),
                element("child_link", rover.payload.link),
                element("topic", f"/{name}/latch/open"),
                element("output_topic", f"/{name}/latch/state"),
                element("suppress_child_warning", True),
            )
        )
    return made


def _slip(link: str, slip: float, load_n: float, radius_m: float) -> ET.Element:
    return element(
        "wheel",
        element("slip_compliance_lateral", slip),
        element("slip_compliance_longitudinal", slip),
        element("wheel_normal_force", load_n),
        element("wheel_radius", radius_m),
        link_name=link,
    )


def _battery(rover: Rover) -> ET.Element:
    """Four lithium cells in a row; 4 W of electronics: assumed."""
    volts = 14.8
    return system(
        "LinearBatteryPlugin",
        element("battery_name", "main"),
        element("voltage", volts),
        element("open_circuit_voltage_constant_coef", 16.4),
        element("open_circuit_voltage_linear_coef", -3.2),
        element("initial_charge", rover.battery_wh / volts),
        element("capacity", rover.battery_wh / volts),
        element("resistance", 0.08),
        element("smooth_current_tau", 2.0),
        element("power_load", 4.0),
        element("start_draining", True),
        element("fix_issue_225", True),  # charge in Ah, percentage 0..100
        element("invert_current_sign", True),  # negative when discharging
    )


def _scoop(rover: Rover, name: str) -> ET.Element:
    scoop = rover.scoop
    assert scoop is not None, "only called with one"
    model = Urdf(rover.urdf, rover.name)
    content = [element("topic", f"/{name}/scoop/command")]
    for joint, rest in zip((scoop.lift_joint, scoop.tilt_joint), scoop.stow, strict=True):
        effort = model.joint(joint).effort
        content += [
            element("joint_name", joint),
            element("initial_position", rest),
            element("position_p_gain", 4.0),
            element("position_i_gain", 2.0),
            element("position_d_gain", 0.2),
            element("position_i_min", -0.5),
            element("position_i_max", 0.5),
            element("position_cmd_min", -effort),
            element("position_cmd_max", effort),
        ]
    return system("JointTrajectoryController", *content)
