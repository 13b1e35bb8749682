# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import yaml

from tenacious_rover.mission.file import STEP_KINDS, MissionError, load_mission
from tenacious_rover.rover.resources import resource

LANDER = {"name": "lander", "polygon_m": [[-1, -1], [1, -1], [1, 1], [-1, 1]]}
SITE = {"name": "site", "polygon_m": [[-5, -5], [5, -5], [5, 5], [-5, 5]]}


@pytest.fixture
def refusal(tmp_path):
    def load(content):
        path = tmp_path / "mission.yaml"
        text = content if isinstance(content, str) else yaml.safe_dump(content)
        path.write_text(text, encoding="utf-8")
        with pytest.raises(MissionError) as caught:
            load_mission(path)
        message = str(caught.value)
        assert str(path) in message
        return message

    return load


def with_steps(*steps, **others):
    return {"mission": "test", "steps": list(steps), **others}


@pytest.mark.parametrize("path", sorted(resource("missions").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_missions_are_valid(path):
    mission = load_mission(path)
    assert len(mission.steps) > 0


def test_unknown_step_lists_the_known_ones(refusal):
    message = refusal(with_steps({"do": "fly"}))
    assert "steps.0.do: 'fly'" in message
    assert all(kind in message for kind in STEP_KINDS)


@pytest.mark.parametrize(
    ("step", "where"),
    [
        ({"do": "drive", "to_m": [float("nan"), 0]}, "steps.0.to_m.0"),
        ({"do": "drive", "to_m": ["5 m", 0]}, "steps.0.to_m.0"),
        ({"do": "drive", "to_m": [1e9, 0]}, "steps.0.to_m.0"),
        ({"do": "drive"}, "steps.0.to_m: is missing"),
        ({"to_m": [1, 2]}, "steps.0: the field 'do' is missing"),
        ({"do": "drive", "to_m": [1, 2], "heading_deg": 1000}, "steps.0.heading_deg"),
        ({"do": "wait", "seconds": -1}, "steps.0.seconds"),
        ({"do": "photograph", "kind": "target"}, "target_m is missing"),
    ],
)
def test_wrong_field_is_named(refusal, step, where):
    assert where in refusal(with_steps(step))


def test_wrong_unit_in_a_name_shows_the_right_one(refusal):
    message = refusal(with_steps({"do": "drive", "to_cm": [500, 0]}))
    assert "to_cm: no such field" in message
    assert "to_m" in message


def test_goal_inside_a_keep_out_zone(refusal):
    steps = with_steps({"do": "drive", "to_m": [0.5, 0]}, zones={"keep_out": [LANDER]})
    assert "steps.0.to_m: (0.5, 0) lies inside the keep-out zone 'lander'" in refusal(steps)


def test_goal_outside_the_keep_in_zone(refusal):
    steps = with_steps({"do": "collect_sample", "near_m": [7, 0]}, zones={"keep_in": [SITE]})
    assert "steps.0.near_m: (7, 0) lies outside the keep-in zone(s) site" in refusal(steps)


@pytest.mark.parametrize("text", ["", "steps: [", "- a\n- b", "\x00"])
def test_not_a_mission_at_all(refusal, text):
    refusal(text)


def test_missing_file(tmp_path):
    with pytest.raises(MissionError, match="No such file"):
        load_mission(tmp_path / "none.yaml")
