# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Configuration: one frozen dataclass per capability, every number with its bounds.

    @dataclass(frozen=True)
    class NavigationConfig:
        max_tilt_deg: float = bounded(20.0, 1.0, 40.0, "steepest pose the rover may take")

`tenacious_rover.ros` declares the parameters of a node from it; YAML in `config/` overrides it.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")


class ConfigError(ValueError):
    """A value is refused; the message names the field, the value and what is allowed."""


def bounded(default: float, low: float, high: float, meaning: str) -> Any:
    """A number between `low` and `high`, both allowed; an integer when the default is one."""
    return dataclasses.field(
        default=default, metadata={"low": low, "high": high, "meaning": meaning}
    )


def one_of(default: str, allowed: tuple[str, ...], meaning: str) -> Any:
    """A word from a fixed list."""
    return dataclasses.field(default=default, metadata={"allowed": allowed, "meaning": meaning})


def described(default: Any, meaning: str) -> Any:
    """A value without bounds: a text, a switch, or a tuple of numbers."""
    return dataclasses.field(default=default, metadata={"meaning": meaning})


def checked(field: dataclasses.Field[Any], value: Any, where: str = "") -> Any:
    """`value` as the field's type, or `ConfigError`."""
    name = f"{where}{field.name}"
    default = field.default
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ConfigError(f"{name}: {value!r} is not true or false")
        return value
    if isinstance(default, (int, float)):
        return _checked_number(name, field, value)
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)) or (default and len(value) != len(default)):
            raise ConfigError(f"{name}: {value!r} is not a list of {len(default)} values")
        kind = type(default[0]) if default else float
        try:
            return tuple(kind(item) for item in value)
        except (TypeError, ValueError):
            raise ConfigError(f"{name}: {value!r} is not a list of {kind.__name__}") from None
    allowed = field.metadata.get("allowed")
    if allowed and value not in allowed:
        raise ConfigError(f"{name}: {value!r} is not one of {', '.join(allowed)}")
    if not isinstance(value, str):
        raise ConfigError(f"{name}: {value!r} is not a text")
    return value


def _checked_number(name: str, field: dataclasses.Field[Any], value: Any) -> float | int:
    kind = int if isinstance(field.default, int) else float
    low, high = field.metadata.get("low", -math.inf), field.metadata.get("high", math.inf)
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
    if not good or (kind is int and value != int(value)):
        what = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{name}: {value!r} is not {what} from {low} to {high}")
    return kind(value)


def configured(kind: type[T], values: dict[str, Any], where: str = "") -> T:
    """An instance of the config dataclass `kind` with `values` over its defaults.

    Args:
        kind: a frozen dataclass whose fields were made with the functions above.
        values: field name to value.
        where: put before field names in messages, such as `navigation.yaml: `.

    Raises:
        ConfigError: unknown field, wrong type or out of bounds.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ConfigError(f"{where}{unknown[0]}: no such field; known: {', '.join(sorted(fields))}")
    return kind(**{name: checked(fields[name], value, where) for name, value in values.items()})


def load_parameters(path: Path) -> dict[str, dict[str, Any]]:
    """Node name to parameter values from a ROS parameter file.

    The key `/**` holds values for every node that knows them.

    Raises:
        ConfigError: the file is missing or not of that form.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: not a mapping of node names")
    nodes: dict[str, dict[str, Any]] = {}
    for node, body in content.items():
        if not isinstance(body, dict) or not isinstance(body.get("ros__parameters"), dict):
            raise ConfigError(f"{path}: {node}: has no mapping 'ros__parameters'")
        nodes[str(node)] = body["ros__parameters"]
    return nodes
