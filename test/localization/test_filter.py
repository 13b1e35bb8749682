# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The filter against closed forms, finite differences and a batch solution."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from tenacious_rover.localization import attitude, measurement
from tenacious_rover.localization import filter as eskf
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.propagation import BA_, BG_, CLONE_, ERRORS, P_, R_, S_, V_
from tenacious_rover.rover import frames

GRAVITY = 1.62
CONFIG = LocalizationConfig()
NOISE = eskf.noise_of(CONFIG)


def state(rotation=None, velocity=(0.0, 0.0, 0.0), seed=0):
    pose = np.eye(4)
    pose[:3, :3] = np.eye(3) if rotation is None else rotation
    out = eskf.start(pose, CONFIG, 0.01, 0.0)
    out.x[3:6] = velocity
    out.x[51:57] = 0.0
    return out


def moved(s, error):
    """`s` with an error vector put in."""
    out = s.copy()
    eskf._inject(out, error)
    return out


def difference(a, b):
    """Error vector that takes `b` to `a`."""
    out = np.zeros(ERRORS)
    out[P_ : P_ + 3], out[V_ : V_ + 3] = a.x[0:3] - b.x[0:3], a.x[3:6] - b.x[3:6]
    out[R_ : R_ + 3] = attitude.log(a.rotation @ b.rotation.T)
    out[BG_ : BG_ + 3], out[BA_ : BA_ + 3] = a.x[15:18] - b.x[15:18], a.x[18:21] - b.x[18:21]
    out[S_ : S_ + 2] = a.x[21:23] - b.x[21:23]
    for k in (0, 1):
        (pa, ra), (pb, rb) = a.clone(k), b.clone(k)
        out[CLONE_ + 6 * k : CLONE_ + 6 * k + 3] = pa - pb
        out[CLONE_ + 6 * k + 3 : CLONE_ + 6 * k + 6] = attitude.log(ra @ rb.T)
    return out


def test_free_fall_and_rest():
    s = state()
    eskf.advance(s, 2.0, GRAVITY, NOISE)
    assert s.position[2] == pytest.approx(-0.5 * GRAVITY * 4.0)
    s = state()
    s.x[56] = GRAVITY
    eskf.advance(s, 2.0, GRAVITY, NOISE)
    assert np.abs(s.x[0:6]).max() < 1e-12


def test_steady_circle_closes():
    speed, rate = 0.1, 0.2
    s = state(velocity=(speed, 0.0, 0.0))
    s.x[53], s.x[55], s.x[56] = rate, speed * rate, GRAVITY
    eskf.advance(s, 2 * np.pi / rate, GRAVITY, NOISE)
    assert np.abs(s.position).max() < 2e-4
    assert attitude.yaw_of(s.rotation) == pytest.approx(0.0, abs=1e-9)


def test_heading_variance_grows_as_the_gyro_says():
    s = state()
    s.x[56] = GRAVITY
    before = s.covariance[8, 8]
    bias, walk, seconds = CONFIG.gyro_bias_sigma, CONFIG.gyro_bias_walk, 10.0
    for k in range(1000):
        eskf.advance(s, 0.01 * (k + 1), GRAVITY, NOISE)
    white = CONFIG.gyro_noise**2 * seconds
    closed = before + white + bias**2 * seconds**2 + walk**2 * seconds**3 / 3.0
    assert s.covariance[8, 8] == pytest.approx(closed, rel=0.01)


def test_covariance_steps_as_the_mean_does():
    """F P F' + Q of the compiled step against finite differences of the mean."""
    rng = np.random.default_rng(3)
    rotation = attitude.exp(rng.normal(0, 0.5, 3))
    s = state(rotation, (0.1, 0.05, -0.02))
    s.x[51:57] = rng.normal(0, 0.3, 6) + [0, 0, 0, 0, 0, GRAVITY]
    root = 0.01 * rng.standard_normal((ERRORS, ERRORS))
    s.covariance[:] = root @ root.T
    dt, tiny = 0.01, 1e-6
    after = s.copy()
    quiet = NOISE.copy()
    quiet[:6] = 0.0
    eskf.advance(after, dt, GRAVITY, quiet)
    jacobian = np.empty((ERRORS, ERRORS))
    for k in range(ERRORS):
        error = np.zeros(ERRORS)
        error[k] = tiny
        other = moved(s, error)
        eskf.advance(other, dt, GRAVITY, quiet)
        jacobian[:, k] = difference(other, after) / tiny
    expected = jacobian @ s.covariance @ jacobian.T
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert (np.abs(after.covariance - expected) / scale).max() < 2e-3


def jacobians():
    rng = np.random.default_rng(5)
    seen = frames.from_rpy((0.1, 0.02, 0.01), (0.01, 0.02, 0.1))
    sun = np.array([0.4, -0.7, 0.3])
    sun /= np.linalg.norm(sun)
    return {
        "wheels": lambda s: measurement.wheels(s, 0.08, 0.1, 0.17, CONFIG),
        "still": lambda s: measurement.still(s, 0.01),
        "still_gyro": lambda s: measurement.still_gyro(s, rng.normal(0, 0.01, 3) * 0, 0.01),
        "relative": lambda s: measurement.relative(s, eskf.KEYFRAME, seen, np.eye(6)),
        "anchor": lambda s: measurement.relative(s, eskf.ANCHOR, seen, np.eye(6)),
        "pose": lambda s: measurement.pose(s, seen, np.eye(6), [0, 1, 5]),
        "sun": lambda s: measurement.sun(s, sun, sun, 0.01, 0.0),
    }


@pytest.mark.parametrize("name", sorted(jacobians()))
def test_jacobian_is_the_derivative_of_the_residual(name):
    rng = np.random.default_rng(1)
    s = state(attitude.exp(np.array([0.1, -0.05, 0.4])), (0.08, 0.03, 0.01))
    error = 0.05 * rng.standard_normal(ERRORS)
    s = moved(s, error)
    s.x[51:57] = 0.01
    # The sun's residual lies in a plane that turns with the estimate: judge it where it is small.
    make = jacobians()[name]
    jacobian, residual, _ = make(s)
    tiny = 1e-6
    for k in range(ERRORS):
        change = np.zeros(ERRORS)
        change[k] = tiny
        if name == "sun" and R_ <= k < R_ + 3:
            continue
        slope = (make(moved(s, change))[1] - residual) / tiny
        # pose and relative: the left Jacobian of log is one only at a small angle.
        assert np.allclose(
            slope, -jacobian[:, k], atol=0.12 if name in ("pose", "relative", "anchor") else 1e-4
        )


def test_sun_jacobian_where_the_estimate_is_right():
    rotation = attitude.exp(np.array([0.1, -0.05, 0.4]))
    s = state(rotation)
    in_map = np.array([0.4, -0.7, 0.3]) / np.linalg.norm([0.4, -0.7, 0.3])
    for k in range(3):
        error = np.zeros(3)
        error[k] = 1e-5
        true = attitude.exp(error) @ rotation
        jacobian, residual, _ = measurement.sun(s, true.T @ in_map, in_map, 0.01, 0.0)
        assert np.allclose(residual / 1e-5, jacobian[:, R_ + k], atol=1e-4)


def test_filter_agrees_with_a_batch_solution():
    """Maximum a posteriori over all states at once, by least squares, with the same models."""
    rng = np.random.default_rng(7)
    steps, dt = 6, 0.2
    prior = state(attitude.exp(np.array([0.02, -0.03, 0.3])), (0.08, 0.02, 0.0))
    inputs = rng.normal(0, 0.01, (steps, 6)) + [0, 0, 0.1, 0.0, 0.008, GRAVITY]
    rates = 0.08 + rng.normal(0, 0.004, (steps, 2)) * [1, 10]
    # As far as the inputs say, within the noise: the filter is linear there, and so exact.
    seen = frames.from_rpy((0.097, 0.006, 0.0005), (0.0005, 0.001, 0.121))
    spread = np.diag([1e-3] * 3 + [1e-3] * 3) ** 2
    used = np.arange(CLONE_)

    running = prior.copy()
    process = []
    for k in range(steps):
        running.x[51:57] = inputs[k]
        zero = running.copy()
        zero.covariance[:] = 0.0
        eskf.advance(zero, dt * (k + 1), GRAVITY, NOISE)
        process.append(zero.covariance[np.ix_(used, used)] + 1e-14 * np.eye(CLONE_))
        eskf.advance(running, dt * (k + 1), GRAVITY, NOISE)
        eskf.correct(running, *measurement.wheels(running, rates[k, 0], 0.1, 0.17, CONFIG))
    eskf.correct(running, *measurement.relative(running, eskf.KEYFRAME, seen, spread))

    white_prior = np.linalg.inv(np.linalg.cholesky(prior.covariance[np.ix_(used, used)]))
    white_process = [np.linalg.inv(np.linalg.cholesky(q)) for q in process]
    nominal = [prior.copy()]
    for k in range(steps):
        s = nominal[-1].copy()
        s.x[51:57] = inputs[k]
        eskf.advance(s, dt * (k + 1), GRAVITY, NOISE)
        nominal.append(s)

    def residuals(flat):
        errors = flat.reshape(steps + 1, CLONE_)
        states = []
        for s, e in zip(nominal, errors, strict=True):
            full = np.zeros(ERRORS)
            full[:CLONE_] = e
            # The clone is the first pose.
            full[CLONE_ : CLONE_ + 3], full[CLONE_ + 3 : CLONE_ + 6] = errors[0, :3], errors[0, 6:9]
            states.append(moved(s, full))
        out = [white_prior @ difference(states[0], prior)[:CLONE_]]
        for k in range(steps):
            s = states[k].copy()
            s.x[51:57] = inputs[k]
            s.time_s = dt * k
            eskf.advance(s, dt * (k + 1), GRAVITY, NOISE)
            out.append(white_process[k] @ difference(states[k + 1], s)[:CLONE_])
            _, r, n = measurement.wheels(states[k + 1], rates[k, 0], 0.1, 0.17, CONFIG)
            out.append(r / np.sqrt(np.diag(n)))
        _, r, n = measurement.relative(states[-1], eskf.KEYFRAME, seen, spread)
        out.append(r / np.sqrt(np.diag(n)))
        return np.concatenate(out)

    found = least_squares(residuals, np.zeros((steps + 1) * CLONE_), method="trf", max_nfev=4)
    last = np.zeros(ERRORS)
    last[:CLONE_] = found.x.reshape(steps + 1, CLONE_)[-1]
    batch = moved(nominal[-1], last)
    gap = difference(running, batch)[:CLONE_] / np.sqrt(np.diag(running.covariance)[:CLONE_])
    assert np.abs(gap).max() < 0.1
    jacobian = found.jac
    batch_covariance = np.linalg.inv(jacobian.T @ jacobian)[-CLONE_:, -CLONE_:]
    ratio = np.diag(running.covariance)[:CLONE_] / np.diag(batch_covariance)
    assert np.abs(ratio - 1.0).max() < 0.1


def test_absolute_correction_moves_map_and_keeps_odom():
    s = state(attitude.about_z(0.3))
    s.x[0:3] = 3.0, 1.0, 0.2
    before = frames.inverse(s.map_T_odom) @ s.map_T_base
    there = frames.planar(3.05, 0.9, 0.35, 0.2)
    linear = measurement.pose(s, there, np.eye(6) * 1e-8, [0, 1, 5])
    eskf.correct(s, *linear, absolute=True)
    assert np.allclose(s.map_T_base[:2, 3], there[:2, 3], atol=1e-3)
    after = frames.inverse(s.map_T_odom) @ s.map_T_base
    assert np.allclose(after[:2, 3], before[:2, 3], atol=1e-9)
    assert frames.yaw(after) == pytest.approx(frames.yaw(before), abs=1e-9)
    assert s.map_T_odom[2, 2] == 1.0


def test_covariance_stays_symmetric_and_positive():
    rng = np.random.default_rng(0)
    s = state()
    s.x[56] = GRAVITY
    for k in range(300):
        eskf.advance(s, 0.02 * (k + 1), GRAVITY, NOISE)
        eskf.correct(
            s, *measurement.wheels(s, 0.08 + 0.01 * rng.standard_normal(), 0.0, 0.17, CONFIG)
        )
        if k % 30 == 0:
            eskf.clone(s, k // 30 % 2)
    assert np.allclose(s.covariance, s.covariance.T)
    assert np.linalg.eigvalsh(s.covariance).min() > -1e-12
