# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Every number of localization, with its bounds."""

from __future__ import annotations

from dataclasses import dataclass

from tenacious_rover.rover.config import bounded, described, one_of


@dataclass(frozen=True)
class LocalizationConfig:
    """Where the rover starts, what its sensors are worth, when an answer is trusted."""

    # Start and site. The map's origin is the lander, x east, y north.
    start_x_m: float = bounded(0.0, -1e5, 1e5, "base_link in map when the run begins")
    start_y_m: float = bounded(0.0, -1e5, 1e5, "base_link in map when the run begins")
    start_z_m: float = bounded(0.0, -1e4, 1e4, "base_link in map when the run begins")
    start_yaw_deg: float = bounded(0.0, -360.0, 360.0, "heading of x in map, from east to north")
    start_position_sigma_m: float = bounded(0.02, 1e-4, 100.0, "of the start in map")
    start_yaw_sigma_deg: float = bounded(2.0, 0.01, 180.0, "of the start in map")
    body: str = one_of("moon", ("moon", "earth"), "what the site is on; for the sun")
    latitude_deg: float = bounded(60.5, -90.0, 90.0, "of the site; default Mare Frigoris")
    longitude_deg: float = bounded(-4.6, -180.0, 360.0, "of the site, east positive")
    epoch: str = described(
        "2025-06-05T19:17:00Z", "UTC when the clock read zero, ISO 8601; ignored on a UTC clock"
    )
    fixed_sun: str = described(
        "", "azimuth (north to east) and elevation in degrees of a sun that stands still; or empty"
    )
    resume: bool = described(False, "go on from the checkpoint in the run folder")
    landmarks: str = described("", "YAML file of what is known of the site; empty for none")

    # IMU, as continuous-time densities.
    gyro_noise: float = bounded(5e-4, 1e-7, 1.0, "rad/s/sqrt(Hz), vibration included")
    accel_noise: float = bounded(0.02, 1e-6, 10.0, "m/s^2/sqrt(Hz), vibration included")
    gyro_bias_walk: float = bounded(1e-5, 0.0, 1.0, "rad/s/sqrt(s)")
    accel_bias_walk: float = bounded(1e-4, 0.0, 1.0, "m/s^2/sqrt(s)")
    gyro_bias_sigma: float = bounded(5e-3, 1e-6, 1.0, "rad/s, when the rover wakes up")
    accel_bias_sigma: float = bounded(0.02, 1e-5, 5.0, "m/s^2, when the rover wakes up")
    gyro_bias: tuple[float, float, float] = described(
        (0.0, 0.0, 0.0), "rad/s in the IMU's frame, from `tenacious calibrate imu`"
    )
    accel_bias: tuple[float, float, float] = described(
        (0.0, 0.0, 0.0), "m/s^2 in the IMU's frame, from `tenacious calibrate imu`"
    )
    gyro_limit: float = bounded(4.0, 0.1, 50.0, "rad/s, beyond it a sample is a spike")
    accel_limit_g: float = bounded(6.0, 1.5, 100.0, "in units of the gravity of the description")

    # Wheels.
    wheel_radius_scale: float = bounded(1.0, 0.5, 2.0, "effective / described, calibrated")
    track_scale: float = bounded(1.5, 0.5, 5.0, "effective / described track of the skid steer")
    wheel_rate_hz: float = bounded(10.0, 1.0, 50.0, "at which wheel motion enters the filter")
    wheel_sigma_mps: float = bounded(0.004, 1e-4, 1.0, "of forward speed at rest")
    wheel_sigma_share: float = bounded(0.08, 0.0, 1.0, "of forward speed, per m/s")
    lateral_sigma_mps: float = bounded(0.01, 1e-4, 1.0, "of sideways and vertical speed")
    slip_sigma: float = bounded(0.15, 0.001, 2.0, "spread of lasting longitudinal slip")
    crab_sigma: float = bounded(0.06, 0.001, 2.0, "spread of lasting sideways slip, m/s per m/s")
    slip_time_s: float = bounded(20.0, 0.5, 1000.0, "how long slip lasts")

    # Standing still.
    still_wheel_radps: float = bounded(0.02, 1e-4, 1.0, "wheels slower than this stand")
    still_gyro_radps: float = bounded(0.02, 1e-4, 1.0, "turning slower than this is noise")
    still_time_s: float = bounded(0.6, 0.1, 10.0, "both for this long is standing still")

    # Visual odometry.
    features: int = bounded(400, 50, 2000, "aimed at per keyframe")
    feature_cells: int = bounded(10, 3, 40, "columns of the grid that features are spread over")
    min_features: int = bounded(25, 8, 500, "inliers below which the motion is not known")
    min_inlier_share: float = bounded(0.35, 0.05, 1.0, "of tracks that agree with one motion")
    pixel_sigma: float = bounded(0.25, 0.01, 5.0, "px, of a tracked feature")
    disparity_sigma: float = bounded(0.25, 0.01, 5.0, "px, of a stereo match")
    outlier_px: float = bounded(1.5, 0.2, 20.0, "reprojection error beyond which a track is wrong")
    max_depth_m: float = bounded(25.0, 1.0, 200.0, "features beyond are not used")
    keyframe_distance_m: float = bounded(0.30, 0.02, 5.0, "a new keyframe after this much motion")
    keyframe_angle_deg: float = bounded(12.0, 1.0, 45.0, "a new keyframe after this much turning")
    visual_floor_m: float = bounded(2e-4, 0.0, 0.1, "of one relative pose, whatever is computed")
    visual_floor_share: float = bounded(0.014, 0.0, 0.2, "of the distance between two keyframes")
    visual_turn_share: float = bounded(0.002, 0.0, 0.2, "of the angle between two keyframes")
    visual_floor_deg: float = bounded(0.01, 0.0, 5.0, "of one relative pose")
    dark_level: float = bounded(12.0, 0.0, 255.0, "mean of the brightest tenth below this is dark")
    blur_level: float = bounded(1.5, 0.0, 1000.0, "median gradient at features below this is blur")

    # Sun.
    sun_sigma_deg: float = bounded(0.5, 0.01, 20.0, "of one sample, each axis")
    sun_bias_deg: float = bounded(0.1, 0.0, 20.0, "what averaging does not remove")

    # Absolute fixes.
    fix_period_s: float = bounded(2.0, 0.1, 600.0, "between looks for something known")

    # Late and lost measurements.
    history_s: float = bounded(4.0, 0.5, 60.0, "how late a measurement may come")
    lost_imu_s: float = bounded(0.25, 0.02, 10.0, "silence after which a sensor is lost")
    lost_wheels_s: float = bounded(0.5, 0.05, 10.0, "silence after which a sensor is lost")
    lost_visual_s: float = bounded(3.0, 0.2, 60.0, "silence after which a sensor is lost")
    lost_sun_s: float = bounded(10.0, 1.0, 600.0, "silence after which a sensor is lost")
    ahead_s: float = bounded(0.5, 0.01, 10.0, "stamps further ahead of the IMU are refused")

    # Immobility.
    stuck_share: float = bounded(0.25, 0.01, 0.9, "moving less than this share of wheel or command")
    stuck_time_s: float = bounded(0.45, 0.1, 5.0, "for this long is being stuck")
    stuck_min_mps: float = bounded(0.012, 0.001, 1.0, "slower commands are not judged")
    soil_stiffness: float = bounded(8.5e5, 1e3, 1e8, "N/m^3, k_c/b + k_phi, for sinkage hints")

    # Output.
    odometry_rate_hz: float = bounded(20.0, 10.0, 100.0, "of `odometry` and the transforms")
    checkpoint_period_s: float = bounded(10.0, 1.0, 600.0, "between checkpoints")
