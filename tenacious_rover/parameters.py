# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A parameter file is checked before anything starts: each value against its node's dataclass."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tenacious_rover.rover.config import ConfigError, configured, load_parameters

if TYPE_CHECKING:
    from pathlib import Path

CONFIGS = {
    "gazebo_adapter": "gazebo.config:GazeboConfig",
    "hardware": "hardware.config:HardwareConfig",
    "imaging": "imaging.config:ImagingConfig",
    "localization": "localization.config:LocalizationConfig",
    "mission": "mission.config:MissionConfig",
    "navigation": "navigation.config:NavigationConfig",
    "payload": "payload.config:PayloadConfig",
    "perception": "perception.config:PerceptionConfig",
    "recording": "recording.config:RecordingConfig",
    "sampling": "sampling.config:SamplingConfig",
    "simulator": "simulator.config:PlatformConfig",
}
"""Node to the dataclass of its parameters, below `tenacious_rover`."""
EVERY_NODE = ("use_sim_time", "autostart", "description", "run_folder")
SHELL_ONLY = ("rover_state",)
"""Nodes whose parameters are ROS's own."""


def config_type(node: str) -> Any:
    """The dataclass of a node's parameters."""
    module, name = CONFIGS[node].split(":")
    return getattr(import_module(f"tenacious_rover.{module}"), name)


def checked_file(path: Path) -> dict[str, dict[str, Any]]:
    """Node name to values of a parameter file, all of them good.

    Raises:
        ConfigError: names file, node, field, value and what is allowed.
    """
    content = load_parameters(path)
    for node, values in content.items():
        if node == "/**":
            known = {f.name for name in CONFIGS for f in dataclasses.fields(config_type(name))}
            unknown = sorted(set(values) - known - set(EVERY_NODE))
            if unknown:
                raise ConfigError(f"{path}: /**: {unknown[0]}: no node has such a field")
            continue
        if node in SHELL_ONLY:
            continue
        if node not in CONFIGS:
            listed = ", ".join(sorted([*CONFIGS, *SHELL_ONLY]))
            raise ConfigError(f"{path}: {node}: no such node; known: {listed}")
        own = {name: value for name, value in values.items() if name not in EVERY_NODE}
        configured(config_type(node), own, f"{path}: {node}: ")
    return content
