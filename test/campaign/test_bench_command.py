# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious bench`: what it says to a case or a study that there is not."""

import pytest
from typer.testing import CliRunner

from tenacious_rover.cli import WRONG_INPUT
from tenacious_rover.cli.bench import app


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nav", "--case", "k0.1-s0-1019"], "k0.0125-s5-1003-tenacious"),
        (["nav", "--case", "k0.1-s0-1019-carefully"], "gestalt"),
        (["loc", "--case", "mud-0-100m-400x300-2hz-all"], "loose"),
        (["science", "--case", "mission"], "mission-7"),
        (["science", "--case", "light-sea-7"], "mare_calm"),
        (["sim", "--case", "anything"], "no cases"),
        (["navy"], "nav"),
    ],
)
def test_a_case_or_study_that_there_is_not_is_refused_with_what_there_is(words, told, tmp_path):
    result = CliRunner().invoke(app, [*words, "--results", str(tmp_path)])
    assert result.exit_code == WRONG_INPUT
    assert told in result.output
    assert not list(tmp_path.glob("*.json"))
