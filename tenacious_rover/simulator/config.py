# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Configuration of the embedded simulator."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover.config import bounded, described


@dataclass(frozen=True)
class SimulatorConfig:
    """How the rover is simulated. What belongs to a place stands in its world file instead."""

    step_s: float = bounded(0.002, 0.0005, 0.004, "step of the physics")
    rock_pool: int = bounded(96, 1, 400, "rocks near the rover that can be touched at a time")
    rock_range_m: float = bounded(1.2, 0.6, 10.0, "rocks nearer than this can be touched")

    wheel_stiffness: float = bounded(20.0, 0.1, 500.0, "of the wheels' servo, N m/rad")
    wheel_damping: float = bounded(1.0, 0.01, 50.0, "of the wheels' servo, N m s/rad")
    wheel_armature_kgm2: float = bounded(0.004, 0.0, 0.1, "motor's inertia behind its gear")
    acceleration_mps2: float = bounded(0.15, 0.01, 5.0, "ramp of the wheels' rim speed")
    track_factor: float = bounded(
        1.5, 1.0, 4.0, "track that the wheels' control turns by, over the geometric one: skid steer"
    )
    grouser_height_m: float = bounded(0.006, 0.0, 0.03, "bars across the wheels; 0: smooth wheels")
    grouser_number: int = bounded(14, 0, 60, "bars per wheel")

    scoop_stiffness: float = bounded(30.0, 1.0, 500.0, "of the scoop's joints, N m/rad")
    scoop_damping: float = bounded(2.0, 0.01, 50.0, "of the scoop's joints, N m s/rad")
    scoop_armature_kgm2: float = bounded(0.01, 0.0, 0.1, "of the scoop's gears")

    camera_hz: float = bounded(2.0, 0.0, 30.0, "rate of the stereo pair; 0: on demand only")
    imu_hz: float = bounded(100.0, 1.0, 500.0, "rate of the IMU")
    joints_hz: float = bounded(50.0, 1.0, 500.0, "rate of the joints")
    gyro_noise: float = bounded(1.4e-4, 0.0, 0.1, "rad/s/sqrt(Hz); consumer MEMS, assumed")
    gyro_bias_radps: float = bounded(5e-4, 0.0, 0.1, "standard deviation of the first bias")
    gyro_walk: float = bounded(1e-5, 0.0, 0.01, "random walk of the bias, rad/s/sqrt(s)")
    accel_noise: float = bounded(1e-3, 0.0, 0.1, "m/s^2/sqrt(Hz)")
    accel_bias_mps2: float = bounded(5e-3, 0.0, 0.5, "standard deviation of the first bias")
    accel_walk: float = bounded(5e-5, 0.0, 0.01, "random walk of the bias, m/s^2/sqrt(s)")
    encoder_counts: int = bounded(4096, 8, 1_000_000, "per turn of a wheel or scoop joint")
    torque_noise_nm: float = bounded(0.01, 0.0, 1.0, "of torque from motor current, deviation")
    sun_noise_deg: float = bounded(0.5, 0.0, 10.0, "of the sun sensor, deviation per axis")

    panel_area_m2: float = bounded(0.084, 0.0, 2.0, "solar cells, level on the top; assumed")
    panel_efficiency: float = bounded(0.28, 0.0, 0.5, "of the cells; triple junction")
    idle_w: float = bounded(4.0, 0.0, 100.0, "electronics at rest; assumed")
    camera_j: float = bounded(1.0, 0.0, 100.0, "energy of one pair of pictures; assumed")
    motor_efficiency: float = bounded(0.4, 0.05, 1.0, "of motor and gear; assumed")
    motor_idle_w: float = bounded(0.3, 0.0, 10.0, "of a motor that holds or turns; assumed")
    battery_start: float = bounded(0.9, 0.0, 1.0, "charge at the start")
    battery_cutoff: float = bounded(0.02, 0.0, 0.5, "charge below which the motors get no power")

    arm_timeout_s: float = bounded(30.0, 0.1, 60.0, "latch power drops out by itself")
    command_timeout_s: float = bounded(0.5, 0.05, 2.0, "newest cmd_vel older than this: stop")

    pace_bound_s: float = bounded(0.5, 0.05, 10.0, "how far a node may lag behind the clock")
    slice_s: float = bounded(0.04, 0.002, 0.2, "sim time that passes at once")


@dataclass(frozen=True)
class PlatformConfig(SimulatorConfig):
    """The simulator as a platform over ROS."""

    world: str = described("first_traverse", "a world of worlds/, or a world file")
    seed: int = bounded(0, 0, 2**31 - 1, "of everything random beside the world")
    speed: float = bounded(0.0, 0.0, 1000.0, "times real time; 0: as fast as the nodes follow")
    expected: str = described("", "nodes that time waits for from the start, with spaces")
    appear_s: float = bounded(120.0, 0.0, 600.0, "how long to wait for those, wall time")
    patience_s: float = bounded(120.0, 1.0, 600.0, "how long time waits for a silent node")
