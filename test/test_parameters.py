# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameter files are refused before anything starts."""

import pytest
from typer.testing import CliRunner

from tenacious_rover.cli.run import app_run
from tenacious_rover.parameters import CONFIGS, checked_file, config_type
from tenacious_rover.rover.config import ConfigError
from tenacious_rover.rover.resources import resource


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("navigation: {ros__parameters: {speed_mps: 9.0}}", "speed_mps: 9.0 is not a number from"),
        ("navigation: {ros__parameters: {speed: 1.0}}", "speed: no such field"),
        ("navigator: {ros__parameters: {speed_mps: 0.1}}", "navigator: no such node; known:"),
        ("hardware: {ros__parameters: {motors: steam}}", "'steam' is not one of framed, roboclaw"),
        ("/**: {ros__parameters: {colour: red}}", "colour: no node has such a field"),
        ("navigation: {speed_mps: 0.1}", "has no mapping 'ros__parameters'"),
        ("navigation: [", "while parsing"),
    ],
)
def test_a_wrong_file_is_named_with_field_and_allowed_values(tmp_path, text, words):
    path = tmp_path / "rover.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        checked_file(path)
    assert words in str(caught.value)
    assert "rover.yaml" in str(caught.value)


def test_nothing_is_started_or_left_behind(tmp_path):
    path = tmp_path / "rover.yaml"
    path.write_text("navigation: {ros__parameters: {speed_mps: 9.0}}")
    runs = tmp_path / "runs"
    result = CliRunner().invoke(app_run, ["--config", str(path), "--runs", str(runs)])
    assert result.exit_code == 2
    assert not runs.exists()


@pytest.mark.parametrize("name", ["tenacious.yaml", "hardware.yaml", "pi.yaml"])
def test_shipped_files_are_good(name):
    checked_file(resource("config", name))


@pytest.mark.parametrize("node", CONFIGS)
def test_every_node_has_its_dataclass(node):
    assert config_type(node)()
