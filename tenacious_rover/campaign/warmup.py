# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Compiles what is compiled at first use, so that no rover waits for it: `make setup` runs this.

    python -m tenacious_rover.campaign.warmup

A few seconds of a real drive go through every kernel of simulator, localization, perception and
navigation.
"""

from __future__ import annotations

import sys
import time

from tenacious_rover.campaign.cases import Case
from tenacious_rover.campaign.drive import Drive, DriveConfig
from tenacious_rover.navigation.state import Goal

SECONDS = 4.0


def main() -> int:
    """One short drive; 0 when it went well."""
    began = time.monotonic()
    drive = Drive(Case(0.0125, 0.0, 0, "tenacious", 6.0), DriveConfig(description="tenacious"))
    drive.driver.go(Goal(*drive.goal, time_limit_s=60.0), drive.zones)
    while drive.simulator.time_s < SECONDS and not drive.command.done:
        drive.step()
    drive.simulator.move_scoop(-1.0, 0.0, 0.2)
    drive.simulator.advance(0.3)
    print(f"kernels are compiled ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
