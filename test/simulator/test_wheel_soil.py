# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Wheel and soil against closed form, and against what any soil must do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenacious_rover.simulator import wheel_soil as ws
from tenacious_rover.simulator.ground import SOILS

R, B = 0.075, 0.06
MARE = ws.soil_table([SOILS["mare"]])[0]


def rolling(depth, slip, soil=MARE, seconds=6.0, omega=1.0, grouser=1e-9, side=0.0):
    """Forces of a wheel held at a depth that rolls with a constant slip: (out, shear)."""
    shear, state, out = np.zeros((ws.ANGLES, 2)), np.zeros(ws.STATES), np.zeros(5)
    state[0], state[1] = np.sign(omega), slip
    velocity = np.array([omega * R * (1.0 - slip), 0.0, side])
    for _ in range(round(seconds / 0.002)):
        ws.arc_forces(
            R,
            B,
            depth,
            1.0,
            omega,
            velocity,
            np.zeros(2),
            soil,
            grouser,
            1.0,
            0.002,
            shear,
            state,
            out,
        )
    return out.copy(), shear


def wong(depth, slip, soil=MARE, n=20001):
    """Wong and Reece with Janosi's closed form of the shear displacement; thrust, load, torque."""
    theta1, theta2 = np.arccos(1 - depth / R), np.arccos(1 - 0.1 * depth / R)
    most = (0.4 + 0.15 * slip) * theta1
    theta = np.linspace(-theta2, theta1, n)
    front = np.where(
        theta >= most, theta, theta1 - (theta + theta2) / (most + theta2) * (theta1 - most)
    )
    sigma = (soil[1] / B + soil[2]) * (R * np.maximum(np.cos(front) - np.cos(theta1), 0)) ** soil[0]
    j = R * ((theta1 - theta) - (1 - slip) * (np.sin(theta1) - np.sin(theta)))
    tau = np.sign(j) * (soil[3] + sigma * soil[4]) * (1 - np.exp(-np.abs(j) / soil[5]))

    def integral(values):
        return R * B * np.sum((values[1:] + values[:-1]) / 2.0) * (theta[1] - theta[0])

    c, s = np.cos(theta), np.sin(theta)
    return integral(tau * c - sigma * s), integral(sigma * c + tau * s), -R * integral(tau)


def test_sinkage_of_a_plate_on_a_line_is_bekkers():
    # At the bottom of the stress, n = 1: p = (k_c / b + k_phi) z.
    depth = 0.004
    theta1 = np.arccos(1 - depth / R)
    most = 0.4 * theta1
    p = ws.normal_stress(most, theta1, 0.0, most, R, MARE[1] / B + MARE[2], 1.0)
    z = R * (np.cos(most) - np.cos(theta1))
    assert p == pytest.approx((1400.0 / B + 820e3) * z, rel=1e-12)


@pytest.mark.parametrize("slip", [0.0, 0.1, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("depth", [0.003, 0.01])
def test_steady_rolling_gives_wongs_integrals(depth, slip):
    out, _ = rolling(depth, slip)
    pull, load, torque = wong(depth, slip)
    assert out[1] == pytest.approx(load, rel=0.03)
    assert out[3] == pytest.approx(torque, rel=0.04, abs=2e-3)
    assert out[0] == pytest.approx(pull, abs=0.05 * load)


def test_shear_field_is_janosis():
    slip, depth = 0.4, 0.006
    _, shear = rolling(depth, slip)
    theta1 = np.arccos(1 - depth / R)
    theta = -theta1 + 2 * theta1 / (ws.ANGLES - 1) * np.arange(ws.ANGLES)
    j = R * ((theta1 - theta) - (1 - slip) * (np.sin(theta1) - np.sin(theta)))
    assert shear[:, 0] == pytest.approx(j, abs=0.03 * j.max())


def test_backwards_is_the_mirror_image():
    forward, _ = rolling(0.005, 0.2)
    shear, state, out = np.zeros((ws.ANGLES, 2)), np.zeros(ws.STATES), np.zeros(5)
    state[0], state[1] = -1.0, 0.2
    velocity = np.array([-R * 0.8, 0.0, 0.0])
    for _ in range(3000):
        ws.arc_forces(
            R, B, 0.005, 1.0, -1.0, velocity, np.zeros(2), MARE, 1e-9, 1.0, 0.002, shear, state, out
        )
    assert out == pytest.approx(forward * [-1, 1, 1, -1, -1], rel=1e-6, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.001, 0.02), st.floats(0.0, 0.9), st.sampled_from(sorted(SOILS)))
def test_more_load_more_slip_more_force(depth, slip, name):
    soil = ws.soil_table([SOILS[name]])[0]
    here, _ = rolling(depth, slip, soil, 2.0)
    deeper, _ = rolling(depth * 1.2, slip, soil, 2.0)
    faster, _ = rolling(depth, min(slip + 0.08, 1.0), soil, 2.0)
    assert deeper[1] > here[1]  # carries more
    assert -faster[3] > -here[3]  # and more torque is needed to slip more


def test_stiffer_soil_carries_more():
    loads = [
        rolling(0.004, 0.1, ws.soil_table([SOILS[n]])[0])[0][1] for n in ("powder", "loose", "mare")
    ]
    assert loads == sorted(loads)


def test_side_force_opposes_and_stays_within_coulomb():
    out, _ = rolling(0.004, 0.1, side=0.02)
    assert out[2] < 0.0
    contact = B * 2 * R * np.arccos(1 - 0.004 / R)
    assert np.hypot(out[0], out[2]) <= MARE[4] * out[1] * 1.3 + MARE[3] * contact


def test_at_rest_soil_is_a_spring_that_does_not_creep():
    shear, state, out = np.zeros((ws.ANGLES, 2)), np.zeros(ws.STATES), np.zeros(5)
    for k in range(4000):
        v = np.array([-0.001 if k < 500 else 0.0, 0.0, 0.0])
        ws.arc_forces(
            R, B, 0.003, 1.0, 0.0, v, np.zeros(2), MARE, 1e-9, 1.0, 0.002, shear, state, out
        )
        if k == 500:
            held = out[0]
    assert held > 0.0
    assert out[0] == pytest.approx(held, rel=1e-9)


def test_passive_pressure_is_rankines():
    phi = np.radians(35.0)
    ratio = np.tan(np.pi / 4 + phi / 2) ** 2
    found = ws.passive(0.03, 170.0, np.tan(phi), 1500.0, 1.62)
    due = 0.5 * 1500 * 1.62 * 0.03**2 * ratio + 2 * 170 * 0.03 * np.sqrt(ratio)
    assert found == pytest.approx(due, rel=1e-12)


def test_grousers_add_thrust_and_do_nothing_sideways():
    smooth, _ = rolling(0.004, 0.3, grouser=0.0)
    barred, _ = rolling(0.004, 0.3, grouser=150.0)
    assert barred[0] > smooth[0]
    slid = [rolling(0.004, 0.0, grouser=g, side=0.05)[0][2] for g in (0.0, 1e-9)]
    assert slid[0] == pytest.approx(slid[1], rel=1e-9)
