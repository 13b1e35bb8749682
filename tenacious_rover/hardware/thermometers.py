# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Temperatures that Linux offers as files: processor, 1-Wire (DS18B20, `w1_therm`), hwmon chips.

All of them hold one number, thousandths of a degree Celsius: `/sys/class/thermal/*/temp`,
`/sys/bus/w1/devices/28-*/temperature`, `/sys/class/hwmon/*/temp*_input`.
"""

from __future__ import annotations

import glob
from pathlib import Path

from tenacious_rover.hardware.error import HardwareError

POSSIBLE_C = (-100.0, 150.0)
POWER_ON_C = 85.0
"""A DS18B20 says exactly this until its first conversion."""


class Thermometers:
    """One file per part of the rover.

    Args:
        files: name of the part to a path; a `*` in it stands for what one sensor differs in.
    """

    def __init__(self, files: dict[str, str]) -> None:
        self.paths: dict[str, Path] = {}
        for part, pattern in files.items():
            found = sorted(glob.glob(pattern))  # noqa: PTH207  (a pattern from the root)
            if not found:
                raise HardwareError(f"temperature of {part}: no file {pattern}")
            self.paths[part] = Path(found[0])

    def read(self) -> dict[str, float]:
        """Part to degrees Celsius.

        Raises:
            HardwareError: a file is gone, or what it says cannot be.
        """
        return {part: self._one(part, path) for part, path in self.paths.items()}

    def close(self) -> None:
        """Nothing is held."""

    @staticmethod
    def _one(part: str, path: Path) -> float:
        try:
            celsius = int(path.read_text(encoding="ascii")) / 1000.0
        except (OSError, ValueError) as error:
            raise HardwareError(f"temperature of {part}: {path}: {error}") from error
        one_wire = "/w1/" in str(path)
        if not POSSIBLE_C[0] < celsius < POSSIBLE_C[1] or (one_wire and celsius == POWER_ON_C):
            raise HardwareError(f"temperature of {part}: {path}: {celsius:g} cannot be")
        return celsius
