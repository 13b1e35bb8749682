# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The exported rover on the exported ground in DART, Gazebo's default: stands, drives, turns."""

import importlib.util

import pytest

from tenacious_rover.campaign.study import Study, met
from tenacious_rover.rover.resources import roots

pytest.importorskip("dartpy", reason="dartpy is not installed: pip install dartpy")
pytestmark = pytest.mark.mission


def test_it_does_in_dart_what_it_does_in_the_embedded_simulator():
    path = roots()[0] / "benchmarks" / "gazebo.py"
    spec = importlib.util.spec_from_file_location("benchmark_gazebo", path)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    found = benchmark.measure(Study(quick=True))
    figures = found["figures"]
    for name, target in found["targets"].items():
        assert met(figures[name], target), (name, target, found)
    # It got there on its wheels, by the commands: 0.4 m, and a turn to the left that skids.
    assert figures["dart_driven_m"] == pytest.approx(0.4, rel=0.1)
    assert 0.3 < figures["dart_turned_rad"] < 1.25
    assert figures["dart_height_m"] == pytest.approx(0.075, abs=0.01)
