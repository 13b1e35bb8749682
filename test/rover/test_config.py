# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import dataclass

import pytest

from tenacious_rover.rover.config import (
    ConfigError,
    bounded,
    configured,
    described,
    load_parameters,
    one_of,
)


@dataclass(frozen=True)
class Example:
    speed_mps: float = bounded(0.1, 0.0, 1.0, "speed")
    tries: int = bounded(3, 1, 5, "tries")
    method: str = one_of("fast", ("fast", "exact"), "method")
    on: bool = described(True, "switch")
    corner_m: tuple = described((1.0, 2.0), "corner")


def test_defaults_and_overrides():
    assert configured(Example, {}) == Example()
    made = configured(Example, {"speed_mps": 1, "corner_m": [3, 4], "method": "exact"})
    assert made.speed_mps == 1.0
    assert isinstance(made.speed_mps, float)
    assert made.corner_m == (3.0, 4.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"speed_mps": 2.0}, r"nav: speed_mps: 2.0 is not a number from 0.0 to 1.0"),
        ({"speed_mps": float("nan")}, "speed_mps: nan is not"),
        ({"speed_mps": True}, "speed_mps: True is not a number"),
        ({"speed_mps": "0.1 m/s"}, "speed_mps: '0.1 m/s' is not a number"),
        ({"tries": 2.5}, "tries: 2.5 is not a whole number from 1 to 5"),
        ({"tries": 0}, "tries: 0 is not"),
        ({"method": "slow"}, "method: 'slow' is not one of fast, exact"),
        ({"on": 1}, "on: 1 is not true or false"),
        ({"corner_m": [1.0]}, "corner_m: .* list of 2"),
        ({"corner_m": ["a", "b"]}, "corner_m: .* list of float"),
        ({"sped": 1.0}, "sped: no such field; known: corner_m"),
    ],
)
def test_wrong_values_are_refused_by_name(values, message):
    with pytest.raises(ConfigError, match=message):
        configured(Example, values, "nav: ")


def test_parameter_file(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("navigation:\n  ros__parameters: {speed_mps: 0.2}\n", encoding="utf-8")
    assert load_parameters(path) == {"navigation": {"speed_mps": 0.2}}


@pytest.mark.parametrize("text", ["[]", "navigation: 3", "navigation: {speed: 1}", "a: ["])
def test_broken_parameter_file(tmp_path, text):
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"p\.yaml"):
        load_parameters(path)
