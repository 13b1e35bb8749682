# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""docs/hardware.md names every field of the configuration with its default and its limits."""

import dataclasses
from pathlib import Path

import pytest
import yaml

from tenacious_rover.hardware.config import HardwareConfig
from tenacious_rover.rover.config import configured

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "hardware.md").read_text()


def written(field):
    """A line of the table."""
    note, default, address = field.metadata, field.default, field.name.endswith("address")

    def word(value):
        if address:
            return f"0x{value:02x}"
        return f"{value:g}" if isinstance(value, float) else str(value)

    values = default if isinstance(default, tuple) else (default,)
    limits = ", ".join(note.get("allowed", ()))
    if "low" in note:
        limits = f"{word(note['low'])} to {word(note['high'])}"
    shown = ", ".join(map(word, values))
    return f"| `{field.name}` | {shown} | {limits} | {note.get('meaning', '')} |"


@pytest.mark.parametrize("field", dataclasses.fields(HardwareConfig), ids=lambda field: field.name)
def test_a_field_is_in_the_table_as_it_is(field):
    assert written(field) in DOCUMENT


@pytest.mark.parametrize("name", ["hardware.yaml", "pi.yaml"])
def test_shipped_profiles_are_good_configurations(name):
    content = yaml.safe_load((ROOT / "config" / name).read_text())
    configured(HardwareConfig, content.get("hardware", {}).get("ros__parameters", {}), name)
