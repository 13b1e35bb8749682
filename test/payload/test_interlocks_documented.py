# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of interlocks that people read is the one that is tested; codes are the actions'."""

import re
from pathlib import Path

import pytest

from tenacious_interfaces.action import CollectSample, DeployPayload
from tenacious_rover.payload.error import Code as PayloadCode
from tenacious_rover.payload.interlocks import NAMES
from tenacious_rover.sampling.error import Code as SamplingCode

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "science.md"


def rows():
    """Interlock to the tests that its row names."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", text, re.MULTILINE)
    return {name: re.findall(r"`(\w+)`", tests) for name, tests in found}


def test_every_interlock_has_a_row_with_tests_that_exist():
    table = rows()
    assert set(table) == set(NAMES)
    sources = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    for name, tests in table.items():
        assert tests, name
        for test in tests:
            assert f"def {test}(" in sources, test


@pytest.mark.parametrize(
    ("codes", "action"), [(SamplingCode, CollectSample), (PayloadCode, DeployPayload)]
)
def test_codes_are_those_of_the_action(codes, action):
    for code in codes:
        assert getattr(action.Result, code.name) == code.value
