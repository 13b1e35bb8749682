# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious world`: what it prints, draws and refuses."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from tenacious_rover.cli.world import app
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.survey import shaded
from tenacious_rover.simulator.world import checked

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TENACIOUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def small(tmp_path, more=""):
    path = tmp_path / "small.yaml"
    path.write_text(
        f"world: small\nsize_m: 14\nseed: 2\nrocks: {{largest_m: 2}}\n{more}", encoding="utf-8"
    )
    return str(path)


def test_list_names_every_world():
    shown = RUNNER.invoke(app, ["list"])
    assert shown.exit_code == 0
    for name in ("first_traverse", "mare_calm", "polar_low_sun"):
        assert name in shown.stdout
    listed = json.loads(RUNNER.invoke(app, ["list", "--json"]).stdout)
    assert "crater_rim" in [spec["world"] for spec in listed]


def test_build_says_what_is_in_it_and_keeps_it(tmp_path):
    path = small(tmp_path)
    first = json.loads(RUNNER.invoke(app, ["build", path, "--json"]).stdout)
    again = json.loads(RUNNER.invoke(app, ["build", path, "--json", "--fresh"]).stdout)
    assert first["digest"] == again["digest"]
    assert first["nodes"] == 281 * 281
    other = json.loads(RUNNER.invoke(app, ["build", path, "--json", "--seed", "3"]).stdout)
    assert other["digest"] != first["digest"]
    assert "slope_median_deg" in RUNNER.invoke(app, ["build", path]).stdout


def test_show_draws_a_picture(tmp_path):
    out = tmp_path / "w.png"
    path = small(tmp_path, "lander: {}\nstart: {x_m: 2.2}\n")
    shown = RUNNER.invoke(
        app, ["show", path, "--out", str(out), "--no-camera", "--mission", "first_traverse"]
    )
    assert shown.exit_code == 0, shown.output
    picture = cv2.imread(str(out))
    assert picture.shape[1] == 2000
    assert picture.std() > 40.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "nowhere"], "nowhere: no such file"),
        (["build", "nowhere", "--json"], "none of worlds: "),
        (["show", "SMALL", "--out", "missing/x.png"], "missing is not a folder"),
        (["show", "SMALL", "--at", "50", "0", "0"], "--at: (50, 0) should be within 7 m"),
        (["show", "SMALL", "--mission", "none", "--no-camera"], "none: no such file"),
        (["show", "SMALL", "--out", "x.nonsense", "--no-camera"], "--out: x.nonsense"),
    ],
)
def test_wrong_input_is_answered(tmp_path, arguments, words):
    path = small(tmp_path)
    answer = RUNNER.invoke(app, [path if a == "SMALL" else a for a in arguments])
    assert answer.exit_code == 2
    assert words in answer.output


def test_a_post_casts_its_shadow_away_from_the_sun_and_as_long_as_it_should():
    spec = checked(
        {
            "world": "w",
            "size_m": 20,
            "rocks": {"k": 0},
            "lander": {"height_m": 2.0},
            "terrain": {"relief": {"deviation_m": 0}, "craters": {"density": 0}},
            "sun": {"azimuth_deg": 270, "elevation_deg": 30},
            "start": {"x_m": -5},
        },
        "w",
    )
    world = build_world(spec, cache=False)
    light = shaded(world, spec.sun_direction(0.0))
    row = light[200] == 0.0  # through the lander's middle; the sun is in the west
    x = -10.0 + 0.05 * np.arange(401)
    dark = x[row & (x > 1.0)]
    top, side = 2.0, 0.8 * 0.47 * 3.2 / 2.0
    assert dark.max() == pytest.approx(side + top / np.tan(np.radians(30.0)), abs=0.15)
    assert not (light[200] == 0.0)[x < -1.7].any()
