# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Wires, parts and a simulated rover behind them, in real time, until told to stop."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from tenacious_rover.emulation.body import SimulatedBody
from tenacious_rover.emulation.eyes import EyesProcess
from tenacious_rover.hardware.config import HardwareConfig
from tenacious_rover.hardware.emulators import controllers, i2c_chips, wires
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.engine import Simulator
from tenacious_rover.simulator.world import load_world

if TYPE_CHECKING:
    from pathlib import Path

SLICE_S = 0.01
TRUTH_S = 0.1
BACKLOG_S = 2.0
"""A busy machine may not run this process for a while; mechanics are fast enough to catch up."""


class EmulatedRover:
    """One rover on a bench of wires.

    Args:
        folder: where wires, the configuration `rover.yaml` and `truth.jsonl` appear.
        world, description, seed: of the simulated rover.
        motors: `framed` or `roboclaw`.
        noise: of the serial line.
    """

    def __init__(
        self,
        folder: Path,
        world: str,
        description: str = "tenacious",
        seed: int = 0,
        motors: str = "framed",
        noise: wires.Noise | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        spec = load_world(world)
        rover = load_rover(description)
        self.config = HardwareConfig(
            motors=motors,
            motors_port=str(folder / "motors"),
            i2c=str(folder / "i2c"),
            sun="none",
            latch="expander",
            estop="expander",
            cameras="socket",
            camera_left=str(folder / "cameras"),
            temperatures=" ".join(f"{p}={folder / p}_celsius" for p in rover.temperatures),
        )
        self.simulator = Simulator(build_world(spec), rover, seed, cameras=False)
        # The first picture compiles the renderer; nobody should wait for that at the wire.
        self.eyes = EyesProcess(spec, description, seed)
        self.body = SimulatedBody(self.simulator, rover, self.config, self.eyes)
        per_rad = self.config.counts_per_turn / (2.0 * np.pi)
        self.device: wires.Device = (
            controllers.Microcontroller(self.body)
            if motors == "framed"
            else controllers.RoboClawBoards(self.body, self.config.roboclaw_addresses, per_rad)
        )
        rng = np.random.default_rng(seed)
        port = folder / "motors"
        self.wire = wires.SerialWire(self.device, port, noise or wires.Noise(), rng)
        self.bus = i2c_chips.populated(self.body, self.config)
        self.servers = [
            wires.bus_server(folder / "i2c", self.bus),
            wires.camera_server(folder / "cameras", self.body.grab, self.body.expose),
        ]
        self._warm()
        (folder / "rover.yaml").write_text(
            yaml.safe_dump(_parameters(self.config, spec)), encoding="utf-8"
        )
        self._truth = (folder / "truth.jsonl").open("w", encoding="utf-8")
        self._next_truth_s = 0.0

    def run(self, until: Any) -> None:
        """Keep up with real time until `until()`; what is later than `BACKLOG_S` is given up."""
        # Threads of the wires may not hold up the mechanics for the usual 5 ms at each step.
        sys.setswitchinterval(5e-4)
        due = time.monotonic()
        while not until():
            self.body.advance(SLICE_S)
            self._note()
            self._warm()
            due = max(due + SLICE_S, time.monotonic() - BACKLOG_S)
            time.sleep(max(due - time.monotonic(), 0.0))

    def close(self) -> None:
        """Take the wires away."""
        self.wire.close()
        for server in self.servers:
            server.close()
        self.eyes.close()
        self._truth.close()

    def _warm(self) -> None:
        """Thermometers as the kernel shows them: files of thousandths of a degree."""
        for part, celsius in self.body.celsius.items():
            fresh = self.folder / f"{part}_celsius.new"
            fresh.write_text(f"{round(1000.0 * celsius)}\n", encoding="ascii")
            fresh.replace(self.folder / f"{part}_celsius")
        self.body.celsius.clear()

    def _note(self) -> None:
        if self.simulator.time_s < self._next_truth_s:
            return
        self._next_truth_s = self.simulator.time_s + TRUTH_S
        truth = self.simulator.truth
        line = {
            "wall_s": time.time(),
            "time_s": truth.time_s,
            "place_m": truth.map_T_base[:3, 3].tolist(),
            "yaw": frames.yaw(truth.map_T_base),
            "attached": bool(truth.attached),
        }
        self._truth.write(json.dumps(line) + "\n")
        self._truth.flush()


def _parameters(config: HardwareConfig, spec: Any) -> dict[str, Any]:
    """A rover's configuration file for these wires."""
    default = HardwareConfig()
    changed = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if getattr(config, field.name) != getattr(default, field.name)
    }
    changed = {k: list(v) if isinstance(v, tuple) else v for k, v in changed.items()}
    x, y, yaw = spec.start
    start = {"start_x_m": x, "start_y_m": y, "start_yaw_deg": math.degrees(yaw)}
    return {
        "hardware": {"ros__parameters": changed},
        "localization": {"ros__parameters": {key: float(v) for key, v in start.items()}},
    }
