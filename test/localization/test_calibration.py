# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Calibration gives back what recordings were made with; the command writes a config file."""

import json

import cv2
import made_sensors as synthetic
import numpy as np
import pytest
import yaml
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores, get_typestore
from typer.testing import CliRunner

from tenacious_rover.cli.calibrate import app
from tenacious_rover.localization.calibration import camera, imu, wheels
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.error import LocalizationError
from tenacious_rover.rover import frames
from tenacious_rover.rover.config import configured, load_parameters

MACHINE = synthetic.rover()
NOISE = synthetic.Noise()


def resting(attitudes, seconds=5.0, seed=0):
    rng = np.random.default_rng(seed)
    count = round(seconds * 100)
    gyro, accel = [], []
    for rpy in attitudes:
        up = frames.from_rpy((0, 0, 0), rpy)[:3, :3].T @ [0, 0, synthetic.GRAVITY]
        gyro.append(NOISE.gyro_bias + NOISE.gyro * 10 * rng.standard_normal((count, 3)))
        accel.append(up + NOISE.accel_bias + NOISE.accel * 10 * rng.standard_normal((count, 3)))
    gyro, accel = np.concatenate(gyro), np.concatenate(accel)
    return np.arange(len(gyro)) * 0.01, gyro, accel


def test_gyro_bias_and_noise_from_rest():
    found = imu.calibrate(*resting([(0, 0, 0)], 60.0), synthetic.GRAVITY)
    assert np.abs(found.gyro_bias - NOISE.gyro_bias).max() < 1e-4
    assert found.gyro_noise == pytest.approx(NOISE.gyro, rel=0.15)
    assert found.accel_noise == pytest.approx(NOISE.accel, rel=0.15)
    assert found.accel_bias is None
    assert found.gravity_excess == pytest.approx(NOISE.accel_bias[2], abs=5e-4)


def test_accelerometer_bias_from_six_attitudes():
    quarter = np.pi / 2
    six = [
        (0, 0, 0),
        (quarter, 0, 0),
        (-quarter, 0, 0),
        (0, quarter, 0),
        (0, -quarter, 0),
        (np.pi, 0, 0),
    ]
    found = imu.calibrate(*resting(six), synthetic.GRAVITY)
    assert found.poses == 6
    assert np.abs(found.accel_bias - NOISE.accel_bias).max() < 3e-3


def test_a_drive_without_rest_is_refused():
    rng = np.random.default_rng(0)
    times = np.arange(900) * 0.01
    with pytest.raises(LocalizationError, match="rests for"):
        imu.calibrate(times, rng.normal(0, 0.1, (900, 3)), rng.normal(0, 1, (900, 3)), 1.62)
    with pytest.raises(LocalizationError, match="samples"):
        imu.calibrate(times[:5], np.zeros((5, 3)), np.zeros((5, 3)), 1.62)


def driven(command, seconds=40.0):
    rng = np.random.default_rng(0)
    noise = synthetic.Noise(slip=0.0, track_scale=1.7)
    drive = synthetic.Drive(command, seconds, dt=0.02, rest_s=12.0)
    joints = synthetic.wheels(drive, MACHINE, noise, rng)
    times = np.array([j.time_s for j in joints])
    angles = np.array([j.position for j in joints])
    clock = np.arange(drive.count) * drive.dt
    return drive, (times, angles), (clock, drive.speed[:, 1])


def test_track_from_turns():
    _, joints, gyro = driven(lambda t: (0.0, 0.3))
    found = wheels.calibrate(MACHINE, joints, gyro)
    assert found.track_scale == pytest.approx(1.7, rel=0.02)
    assert np.isnan(found.radius_scale)


def test_radius_from_a_measured_distance():
    drive, joints, gyro = driven(lambda t: (0.08, 0.0))
    found = wheels.calibrate(MACHINE, joints, gyro, 1.05 * drive.distance())
    assert found.radius_scale == pytest.approx(1.05, rel=0.01)
    assert np.isnan(found.track_scale)
    with pytest.raises(LocalizationError, match="rolled"):
        wheels.calibrate(MACHINE, joints, gyro, 50.0)


def board_picture(board, square, pose, matrix, size, scale=40):
    """A chessboard at optical_T_board through a pinhole."""
    columns, rows = board[0] + 1, board[1] + 1
    art = np.full(((rows + 2) * scale, (columns + 2) * scale), 235, np.uint8)
    for r in range(rows):
        for c in range(columns):
            if (r + c) % 2 == 0:
                art[(r + 1) * scale : (r + 2) * scale, (c + 1) * scale : (c + 2) * scale] = 20
    # Pixel p of the drawing is at (p / scale - 2) squares from the first inner corner.
    edge = np.array([[0, 0], [art.shape[1], 0], [art.shape[1], art.shape[0]], [0, art.shape[0]]])
    flat = np.column_stack([(edge / scale - 2) * square, np.zeros(4)])
    optical = frames.points(pose, flat)
    uv = (optical / optical[:, 2:]) @ matrix.T
    warp = cv2.getPerspectiveTransform(
        (edge - 0.5).astype(np.float32), uv[:, :2].astype(np.float32)
    )
    return cv2.warpPerspective(art, warp, size, borderValue=120, flags=cv2.INTER_AREA)


def board_pairs(count=10):
    rng = np.random.default_rng(4)
    matrix, size = MACHINE.cameras["left"].matrix, (640, 480)
    for _ in range(count):
        turn = rng.uniform(-0.45, 0.45, 3)
        place = (rng.uniform(-0.22, 0.05), rng.uniform(-0.14, 0.03), rng.uniform(0.45, 0.8))
        pose = frames.from_rpy(place, turn)
        shifted = pose.copy()
        shifted[0, 3] -= 0.12
        yield tuple(board_picture((7, 5), 0.03, p, matrix, size) for p in (pose, shifted))


def test_cameras_from_a_board():
    found = camera.calibrate(board_pairs(), (7, 5), 0.03)
    assert found.error_px < 0.3
    assert found.baseline_m == pytest.approx(0.12, rel=0.01)
    assert found.left.matrix[0, 0] == pytest.approx(417.0, rel=0.02)
    assert found.left.matrix[0, 2] == pytest.approx(320.0, abs=8.0)
    info = camera.camera_info(found.right, "camera_right", found.size)
    fx, tx = info["projection_matrix"]["data"][0], info["projection_matrix"]["data"][3]
    assert -tx / fx == pytest.approx(0.12, rel=0.01)


def test_too_few_boards_are_refused():
    with pytest.raises(LocalizationError, match="different views"):
        camera.calibrate([(np.zeros((480, 640), np.uint8),) * 2] * 3, (7, 5), 0.03)
    with pytest.raises(LocalizationError, match="board"):
        camera.calibrate([], (7, 2), 0.03)


@pytest.fixture
def bag(tmp_path):
    """Twelve seconds of rest, then turning on the spot."""
    store = get_typestore(Stores.ROS2_JAZZY)
    kinds = store.types
    drive, (times, angles), _ = driven(lambda t: (0.0, 0.3), 30.0)
    rng = np.random.default_rng(0)
    path = tmp_path / "bag"

    def head(t):
        sec = int(t)
        stamp = kinds["builtin_interfaces/msg/Time"](sec, int((t - sec) * 1e9))
        return kinds["std_msgs/msg/Header"](stamp, "x")

    def vector(v):
        return kinds["geometry_msgs/msg/Vector3"](*map(float, v))

    with Writer(path, version=9) as writer:
        kind = "sensor_msgs/msg/Imu"
        out = writer.add_connection("/imu/data_raw", kind, typestore=store)
        for s in synthetic.inertial(drive, MACHINE, NOISE, rng):
            message = kinds[kind](
                head(s.time_s),
                kinds["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0),
                np.zeros(9),
                vector(s.gyro),
                np.zeros(9),
                vector(s.accel),
                np.zeros(9),
            )
            writer.write(out, int(s.time_s * 1e9), store.serialize_cdr(message, kind))
        kind = "sensor_msgs/msg/JointState"
        out = writer.add_connection("/joint_states", kind, typestore=store)
        for t, a in zip(times, angles, strict=True):
            names = [w.joint for w in MACHINE.wheels]
            message = kinds[kind](head(t), names, a, np.zeros(4), np.zeros(4))
            writer.write(out, int(t * 1e9), store.serialize_cdr(message, kind))
    return path


def test_command_writes_what_the_node_reads(bag, tmp_path, monkeypatch):
    monkeypatch.setattr("tenacious_rover.rover.description.load_rover", lambda name: MACHINE)
    out = tmp_path / "rover.yaml"
    out.write_text("navigation:\n  ros__parameters: {max_tilt_deg: 12.0}\n")
    for command in ("imu", "wheels"):
        done = CliRunner().invoke(app, [command, str(bag), "--out", str(out), "--json"])
        assert done.exit_code == 0, done.output
        told = json.loads(done.output)
        assert told["written"] == str(out)
    parameters = load_parameters(out)
    assert parameters["navigation"] == {"max_tilt_deg": 12.0}
    config = configured(LocalizationConfig, parameters["localization"])
    assert config.track_scale == pytest.approx(1.7, rel=0.03)
    assert np.abs(np.array(config.gyro_bias) - NOISE.gyro_bias).max() < 2e-4
    assert yaml.safe_load(out.read_text())


def test_command_refuses_bad_input(bag, tmp_path):
    for arguments in (
        ["imu", str(tmp_path / "none")],
        ["camera", str(bag), "--board", "nine"],
        ["camera", str(bag)],
        ["imu", str(bag), "--rover", "nobody"],
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 2, (arguments, done.output)
