# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What is learned of slip, from a known slip curve with noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.slip import SlipConfig, SlipModel

SLOPES = np.radians([-10.0, -5.0, 0.0, 5.0, 10.0, 15.0])


def true_slip(slope):
    return 0.1 + 0.02 * np.degrees(slope)


def test_before_driving_it_is_the_prior():
    slip, sigma = SlipModel().predict(np.radians([0.0, 10.0, 20.0, -10.0]))
    config = SlipConfig()
    assert slip[0] == pytest.approx(config.level)
    assert slip[1] == pytest.approx(config.level * np.exp(10.0 * config.growth_per_deg), rel=1e-6)
    assert slip[0] < slip[1] < slip[2]
    # As the simulator's wheels on mare soil (docs/simulator.md): 0.10, 0.36, stuck at 20 deg.
    assert slip[0] == pytest.approx(0.10, abs=0.02)
    assert slip[1] == pytest.approx(0.36, abs=0.12)
    assert 0.7 < slip[2] < 1.0
    assert slip[3] < 0.0
    assert (np.diff(sigma[:3]) > 0.0).all()


def test_one_measurement_at_a_knot_is_the_closed_form():
    config = SlipConfig()
    model = SlipModel(config)
    model.learn(0.0, 0.25)
    p, r = config.prior_sigma**2, config.measured_sigma**2
    slip, sigma = model.predict(np.zeros(1))
    level = config.level
    assert slip[0] == pytest.approx(level + p / (p + r) * (0.25 - level))
    assert sigma[0] == pytest.approx(np.sqrt(p * r / (p + r)))


def test_converges_to_the_true_curve():
    rng = np.random.default_rng(5)
    model = SlipModel()
    for slope in rng.uniform(-0.2, 0.3, 400):
        model.learn(slope, true_slip(slope) + 0.1 * rng.standard_normal())
    slip, sigma = model.predict(SLOPES)
    np.testing.assert_allclose(slip, true_slip(SLOPES), atol=0.04)
    assert (np.abs(slip - true_slip(SLOPES)) < 3.0 * sigma).all()
    assert (sigma < 0.04).all()


def test_level_ground_says_little_about_steep_ground():
    model = SlipModel()
    before = model.predict(np.radians([3.0, 20.0]))
    for _ in range(100):
        model.learn(0.0, 0.4)
    after = model.predict(np.radians([3.0, 20.0]))
    assert after[0][0] > before[0][0] + 0.2
    assert abs(after[0][1] - before[0][1]) < 0.03
    assert after[1][1] > 0.9 * before[1][1]


def test_it_forgets_along_the_way():
    model = SlipModel()
    for _ in range(50):
        model.learn(0.0, 0.5)
    learned = model.predict(np.zeros(1))
    model.drove(SlipConfig().forget_m)
    half = model.predict(np.zeros(1))
    level = SlipConfig().level
    assert half[0][0] - level == pytest.approx((learned[0][0] - level) / 2.0)
    model.drove(1e4)
    old = model.predict(np.zeros(1))
    fresh = SlipModel().predict(np.zeros(1))
    assert old[0][0] == pytest.approx(fresh[0][0], abs=1e-6)
    assert old[1][0] == pytest.approx(fresh[1][0], rel=1e-6)


def test_an_outlier_moves_it_less_than_it_is_far_off():
    quiet, loud = (
        SlipModel(SlipConfig(measured_sigma=0.02)),
        SlipModel(SlipConfig(measured_sigma=0.02)),
    )
    for model in (quiet, loud):
        for _ in range(50):
            model.learn(0.0, 0.1)
    loud.learn(0.0, 0.95)
    assert loud.predict(np.zeros(1))[0][0] - quiet.predict(np.zeros(1))[0][0] < 0.03


@given(
    st.lists(st.tuples(st.floats(-0.6, 0.6), st.floats(-3.0, 3.0)), max_size=40),
    st.floats(-1.5, 1.5),
)
@settings(max_examples=50, deadline=None)
def test_predictions_stay_possible_and_surer(measurements, slope):
    model, fresh = SlipModel(), SlipModel()
    for at, slip in measurements:
        model.learn(at, slip)
    slip, sigma = model.predict(np.array([slope]))
    assert -0.95 <= slip[0] <= 0.99
    assert 0.0 <= sigma[0] <= fresh.predict(np.array([slope]))[1][0] + 1e-9


@pytest.mark.parametrize("bad", [(np.nan, 0.1), (0.1, np.inf)])
def test_numbers_that_are_not_finite_are_refused(bad):
    with pytest.raises(PerceptionError, match="slip"):
        SlipModel().learn(*bad)
