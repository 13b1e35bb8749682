# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A bench rover, its emulated wires, and a platform on them."""

import time

import numpy as np

from tenacious_rover.hardware.config import HardwareConfig
from tenacious_rover.hardware.emulators import controllers, i2c_chips, wires
from tenacious_rover.hardware.emulators.body import Bench
from tenacious_rover.hardware.platform import HardwarePlatform
from tenacious_rover.rover.description import load_rover

ROVER = load_rover("tenacious")
PATIENCE_S = 20.0
PER_RAD = HardwareConfig().counts_per_turn / (2.0 * np.pi)


class Stand:
    """A bench rover, its wires and a platform on them."""

    def __init__(self, folder, motors):
        self.body = Bench()
        self.port, self.bus_path = folder / "motors", folder / "i2c"
        self.config = HardwareConfig(
            motors=motors,
            motors_port=str(self.port),
            i2c=str(self.bus_path),
            latch="expander",
            estop="expander",
            cameras="none",
            temperatures=f"electronics={folder}/celsius",
            retry_s=0.1,
        )
        (folder / "celsius").write_text("41500\n")
        self.device = (
            controllers.Microcontroller(self.body)
            if motors == "framed"
            else controllers.RoboClawBoards(self.body, (128, 129), PER_RAD)
        )
        self.noise = wires.Noise()
        self.wire = wires.SerialWire(self.device, self.port, self.noise, np.random.default_rng(1))
        self.bus = i2c_chips.populated(self.body, self.config)
        self.server = wires.bus_server(self.bus_path, self.bus)
        self.said = []
        self.platform = HardwarePlatform(
            ROVER, self.config, lambda name, words: self.said.append((name, words))
        )

    def close(self):
        self.platform.close()
        self.wire.close()
        self.server.close()

    def spins(self):
        """All wheels are told to turn."""
        return bool((np.abs(self.body.speeds) > 0.5).all())

    def rests(self):
        """No wheel is."""
        return not self.body.speeds.any()

    def driven(self, done, command=None):
        """The drive loop until `done()`, however busy this machine is; all joint samples."""
        found = self.turns(PATIENCE_S, command, until=lambda _: done())
        assert done()
        return found

    def turns(self, seconds, command=None, until=lambda found: False):
        """The drive loop at 50 Hz of real time; all joint samples."""
        found = []
        began = time.monotonic()
        last = began
        while (now := time.monotonic()) - began < seconds and not until(found):
            if command is not None:
                self.platform.drive(now, *command)
            self.body.tick(now - last)
            last = now
            found += self.platform.wheels(now)
            time.sleep(max(0.02 - (time.monotonic() - now), 0.0))
        return found
