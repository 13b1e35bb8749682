# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Definitions of every contract type are complete and hash to what ROS says."""

import pytest

pytest.importorskip("rclpy")

from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from tenacious_rover.recording import schema as schemas
from tenacious_rover.recording.schema import schema
from tenacious_rover.rover import contract

TYPES = sorted(
    {
        t.type
        for t in (
            *contract.COMMANDS,
            *contract.MEASUREMENTS,
            *contract.OFFERED,
            *contract.TRUTH,
            contract.CLOCK,
        )
    }
    | {contract.TEMPERATURE_TYPE}
)


@pytest.mark.parametrize("name", TYPES)
def test_definition_is_complete(name):
    found = schema(name)
    assert found.encoding == "ros2msg"
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(found.text, name))
    assert store.hash_rihs01(name) == found.digest


def test_idl_stands_in_for_a_package_without_msg_files(monkeypatch):
    real = schemas.find
    monkeypatch.setattr(
        schemas, "find", lambda name, suffix: None if suffix == ".msg" else real(name, suffix)
    )
    found = schema("tenacious_interfaces/msg/Event")
    assert found.encoding == "ros2idl"
    separator = "=" * 80 + "\n"
    heads = [part.split("\n", 1)[0] for part in found.text.split(separator)[1:]]
    assert heads == [
        "IDL: tenacious_interfaces/msg/Event",
        "IDL: builtin_interfaces/msg/Time",
    ]


def test_an_unknown_type_has_an_empty_definition():
    assert schema("nobody/msg/Knows").encoding == ""
