# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The physical platform at the wire: loop jitter, stops after `kill -9`, fuzzed protocols."""

from __future__ import annotations

import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from binascii import crc_hqx
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.progress import Progress

from tenacious_rover.hardware import framed, roboclaw
from tenacious_rover.hardware.config import HardwareConfig
from tenacious_rover.hardware.emulators import controllers, wires
from tenacious_rover.hardware.emulators.body import Bench
from tenacious_rover.hardware.error import HardwareError
from tenacious_rover.hardware.loop import Loop
from tenacious_rover.hardware.platform import HardwarePlatform
from tenacious_rover.rover.description import load_rover

if TYPE_CHECKING:
    from tenacious_rover.campaign.study import Study

BARE = dict.fromkeys(("imu", "power", "servos", "sun", "latch", "estop", "cameras"), "none") | {
    "i2c": "/none"
}
DRIVER = """
import sys, time
from tenacious_rover.hardware.config import HardwareConfig
from tenacious_rover.hardware.platform import HardwarePlatform
from tenacious_rover.rover.description import load_rover
bare = {name: "none" for name in "imu power servos sun latch estop cameras".split()}
config = HardwareConfig(motors=sys.argv[1], motors_port=sys.argv[2], i2c="/none", **bare)
platform = HardwarePlatform(load_rover("tenacious"), config)
while True:
    now = time.monotonic()
    platform.drive(now, 0.1, 0.0)
    platform.wheels(now)
    time.sleep(0.02)
"""


def measure(study: Study) -> dict[str, Any]:
    kills = 5 if study.quick else 50
    count = 20_000 if study.quick else 500_000
    figures: dict[str, float] = {}
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder, Progress() as progress:
        for motors in ("framed", "roboclaw"):
            task = progress.add_task(f"{motors}: jitter", total=None)
            figures[f"{motors}_jitter_p99_ms"] = jitter(
                motors, Path(folder), 5.0 if study.quick else 30.0
            )
            progress.remove_task(task)
            latency = [
                stop_latency(motors, Path(folder))
                for _ in progress.track(range(kills), description=f"{motors}: kill -9")
            ]
            figures[f"{motors}_stop_worst_s"] = max(latency)
            late = sum(value > 0.5 for value in latency)
            figures[f"{motors}_stops_late"] = late
            failures += [f"{motors}: stopped after {v:.3f} s" for v in latency if v > 0.5]
        figures["kills"] = 2 * kills
        task = progress.add_task("fuzzing both protocols", total=2 * count)
        for name, fuzz in (("framed", fuzz_framed), ("roboclaw", fuzz_roboclaw)):
            accepted = fuzz(count, study.seed)
            figures[f"{name}_fuzz_accepted"] = accepted
            progress.advance(task, count)
        figures["fuzz_frames"] = 2 * count
    targets = {f"{m}_jitter_p99_ms": "<= 5" for m in ("framed", "roboclaw")}
    targets |= {f"{m}_stop_worst_s": "<= 0.5" for m in ("framed", "roboclaw")}
    targets |= {f"{m}_fuzz_accepted": "<= 0" for m in ("framed", "roboclaw")}
    return {"figures": figures, "targets": targets, "failures": failures}


def wired(motors: str, folder: Path) -> tuple[Bench, wires.SerialWire, HardwareConfig]:
    body, port = Bench(), folder / f"{motors}_motors"
    config = HardwareConfig(motors=motors, motors_port=str(port), **BARE)
    per_rad = config.counts_per_turn / (2.0 * np.pi)
    device = (
        controllers.Microcontroller(body)
        if motors == "framed"
        else controllers.RoboClawBoards(body, (128, 129), per_rad)
    )
    wire = wires.SerialWire(device, port, wires.Noise(), np.random.default_rng(0))
    return body, wire, config


def jitter(motors: str, folder: Path, seconds: float) -> float:
    """How late turns of the 50 Hz loop begin, 99th percentile, ms."""
    _, wire, config = wired(motors, folder)
    platform = HardwarePlatform(load_rover("tenacious"), config)

    def turn(now: float) -> None:
        platform.drive(now, 0.05, 0.0)
        platform.wheels(now)

    loop = Loop("wheels", config.loop_hz, turn)
    loop.start()
    time.sleep(seconds)
    loop.stop()
    platform.close()
    wire.close()
    return loop.jitter_ms()


def stop_latency(motors: str, folder: Path) -> float:
    """From `kill -9` of the driving process to still wheels, at the wire, s."""
    body, wire, _ = wired(motors, folder)
    process = subprocess.Popen([sys.executable, "-c", DRIVER, motors, str(wire.link)])
    try:
        while not body.speeds.all():
            time.sleep(0.005)
        time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        while body.speeds.any() and time.monotonic() < killed + 3.0:
            time.sleep(0.001)
        return time.monotonic() - killed
    finally:
        process.kill()
        process.wait()
        wire.close()


def fuzz_framed(count: int, seed: int) -> int:
    """Corrupt frames that a receiver took for whole ones."""
    rng = random.Random(seed)
    receiver, accepted = framed.Receiver(), 0
    for _ in range(count):
        payload = rng.randbytes(rng.randrange(0, 60))
        wire = framed.encode(framed.Frame(rng.randrange(256), rng.randrange(256), payload))
        spoilt = _spoilt(wire[:-1], rng)
        if spoilt != wire[:-1]:
            accepted += len(receiver.feed(spoilt + b"\0"))
    return accepted


class _Answers:
    """A port whose answers are given in advance."""

    def __init__(self) -> None:
        self.out = b""

    in_waiting = 0

    def reset_input_buffer(self) -> None:
        pass

    def write(self, data: bytes) -> int:
        return len(data)

    def read(self, size: int = 1) -> bytes:
        data, self.out = self.out[:size], self.out[size:]
        return data

    def close(self) -> None:
        pass


def fuzz_roboclaw(count: int, seed: int) -> int:
    """Corrupt readings that reached the caller as numbers that a wheel could have."""
    rng = random.Random(seed)
    accepted = 0
    port = _Answers()
    board = roboclaw.RoboClaw(port, 0x80)
    head = bytes((0x80, roboclaw.READ_ENCODERS))
    for _ in range(count):
        counts = (rng.randrange(2**20), rng.randrange(2**20))
        data = struct.pack(">II", *counts)
        whole = data + struct.pack(">H", crc_hqx(head + data, 0))
        spoilt = _spoilt(whole, rng)
        if spoilt == whole:
            continue
        port.out = spoilt
        try:
            found = board.read(roboclaw.READ_ENCODERS, ">II")
        except HardwareError:
            continue
        step = max(abs(a - b) for a, b in zip(found, counts, strict=True)) / (48000 / 6.2832)
        accepted += step <= roboclaw.LARGEST_STEP_RAD and found != counts
    return accepted


def _spoilt(wire: bytes, rng: random.Random) -> bytes:
    """Bits changed, bytes lost, or noise altogether."""
    kind = rng.randrange(4)
    changed = bytearray(wire)
    if kind == 0:
        for _ in range(rng.randrange(1, 4)):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del changed[rng.randrange(len(changed)) :]
    elif kind == 2:
        start = rng.randrange(len(changed))
        for index in range(start, min(start + rng.randrange(1, 6), len(changed))):
            changed[index] = rng.randrange(256)
    else:
        changed = bytearray(rng.randbytes(len(wire)))
    return bytes(changed)
