# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Each part of a rover, found and exercised one after the other, wheels off the ground."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.hardware.error import HardwareError
from tenacious_rover.hardware.fitting import slots

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacious_rover.hardware.config import HardwareConfig
    from tenacious_rover.rover.model import Rover

SPIN_RADPS = 0.8
SPIN_S = 1.2
IMU_SAMPLES = 100


@dataclass
class Step:
    """One check. `verdict`: ok, failed, missing, not fitted, skipped."""

    part: str
    what: str
    verdict: str = "skipped"
    found: str = ""
    remedy: str = ""
    figures: dict[str, float] = field(default_factory=dict)


class Checker:
    """Runs the checks.

    Args:
        rover, config: what to expect.
        wheels_free: a person says that the wheels are off the ground; else they are not turned.
        latch_free: a person says that the payload may come off; else the latch is not opened.
        gravity_mps2: where the rover is checked.
    """

    def __init__(
        self,
        rover: Rover,
        config: HardwareConfig,
        wheels_free: bool,
        latch_free: bool = False,
        gravity_mps2: float = 9.81,
    ) -> None:
        self.rover, self.config = rover, config
        self.wheels_free, self.latch_free = wheels_free, latch_free
        self.gravity_mps2 = gravity_mps2
        self.slots = slots(rover, config)

    def run(self, told: Callable[[Step], None]) -> list[Step]:
        """All checks; `told` hears of each as it ends."""
        made: list[Step] = []
        checks = (
            ("estop", "emergency stop is not pressed, its wire whole", self._estop),
            ("power", "battery voltage and current", self._power),
            ("imu", "gravity, noise and bias at rest", self._imu),
            *(
                ("motors", f"{wheel.name} turns forward and back", self._wheel(number))
                for number, wheel in enumerate(self.rover.wheels)
            ),
            ("servos", "scoop lifts and tilts a little", self._servos),
            ("sun", "sun sensor", self._sun),
            ("cameras", "a pair of pictures, exposed, not frozen", self._cameras),
            ("latch", "payload's contact, arm line", self._latch),
            ("thermometers", "temperatures of parts", self._thermometers),
        )
        try:
            for part, what, check in checks:
                step = Step(part, what)
                self._one(step, check)
                made.append(step)
                told(step)
        finally:
            for slot in self.slots.values():
                slot.close()
        return made

    def _one(self, step: Step, check: Callable[[Any, Step], None]) -> None:
        slot = self.slots[step.part]
        if not slot.fitted:
            step.verdict, step.found = "not fitted", "none, says the configuration"
            return
        part = slot.use(time.monotonic(), lambda found: found)
        if part is None:
            step.verdict, step.found = "missing", slot.error
            step.remedy = "check power, wiring and the path or address in the configuration"
            return
        try:
            check(part, step)
        except HardwareError as error:
            step.verdict, step.found = "failed", str(error)

    def _judge(self, step: Step, good: bool, found: str, remedy: str) -> None:
        step.verdict = "ok" if good else "failed"
        step.found, step.remedy = found, "" if good else remedy

    def _estop(self, part: Any, step: Step) -> None:
        pressed = part.pressed()
        self._judge(step, not pressed, "pressed" if pressed else "closed", "let it out, or mend it")

    def _power(self, part: Any, step: Step) -> None:
        volts, amperes = part.read()
        step.figures |= {"volts": volts, "amperes": amperes}
        good = self.config.battery_empty_v <= volts <= self.config.battery_full_v + 0.5
        self._judge(
            step,
            good,
            f"{volts:.2f} V, {amperes:.2f} A",
            f"charge it, or mend battery_empty_v {self.config.battery_empty_v:g} and "
            f"battery_full_v {self.config.battery_full_v:g}",
        )

    def _imu(self, part: Any, step: Step) -> None:
        samples = []
        for _ in range(IMU_SAMPLES):
            samples.append(np.concatenate(part.read()))
            time.sleep(0.01)
        gyro, accel = np.split(np.array(samples), 2, axis=1)
        force = float(np.linalg.norm(accel.mean(axis=0)))
        up = self.rover.base_T_imu[:3, :3] @ accel.mean(axis=0) / max(force, 1e-9)
        tilt = math.degrees(math.acos(np.clip(up[2], -1.0, 1.0)))
        step.figures |= {
            "force_mps2": force,
            "tilt_deg": tilt,
            "gyro_bias_radps": float(np.linalg.norm(gyro.mean(axis=0))),
            "gyro_noise_radps": float(gyro.std(axis=0).max()),
        }
        good = abs(force - self.gravity_mps2) < 0.05 * self.gravity_mps2 and tilt < 20.0
        self._judge(
            step,
            good,
            f"{force:.2f} m/s^2, {tilt:.1f} deg from up",
            "is the rover level, the IMU mounted as the description says?",
        )

    def _wheel(self, number: int) -> Callable[[Any, Step], None]:
        def check(part: Any, step: Step) -> None:
            if not self.wheels_free:
                step.found = "wheels may be on the ground: not turned"
                return
            speeds = [self._spun(part, number, sign * SPIN_RADPS) for sign in (1.0, -1.0)]
            step.figures |= {"forward_radps": speeds[0], "back_radps": speeds[1]}
            good = abs(speeds[0] - SPIN_RADPS) < 0.3 and abs(speeds[1] + SPIN_RADPS) < 0.3
            backwards = speeds[0] < -0.1 and speeds[1] > 0.1
            self._judge(
                step,
                good,
                f"{speeds[0]:+.2f} and {speeds[1]:+.2f} rad/s for {SPIN_RADPS:+.2f} and back",
                f"motor_directions: turn the sign of wheel {number}"
                if backwards
                else "check its cable, encoder and counts_per_turn",
            )

        return check

    def _spun(self, part: Any, number: int, speed: float) -> float:
        """Measured speed of one wheel, by its encoder over the second half of the turn."""
        wish = np.zeros(len(self.rover.wheels))
        wish[number] = speed
        marks: list[tuple[float, float]] = []
        began = time.monotonic()
        try:
            while (now := time.monotonic()) - began < SPIN_S:
                part.drive(wish)
                if now - began > SPIN_S / 2:
                    marks.append((now, part.read().position[number]))
                time.sleep(0.02)
        finally:
            part.stop()
        time.sleep(0.1)
        (first, a), (last, b) = marks[0], marks[-1]
        return float((b - a) / max(last - first, 1e-3))

    def _servos(self, part: Any, step: Step) -> None:
        scoop = self.rover.scoop
        assert scoop is not None
        stowed = np.array(scoop.stow)
        middle = np.mean([scoop.lift_limits, scoop.tilt_limits], axis=1)
        inwards = np.sign(middle - stowed)
        for share in np.concatenate([np.linspace(0, 1, 20), np.linspace(1, 0, 20)]):
            part.move(stowed + share * 0.3 * inwards)
            time.sleep(0.03)
        self._judge(step, True, "moved by 0.3 rad and back: look whether it did", "")

    def _sun(self, part: Any, step: Step) -> None:
        direction = part.read()
        words = "in shadow" if direction is None else f"direction {np.round(direction, 2)}"
        self._judge(step, True, f"{words}; readings {np.round(part.volts(), 2)} V", "")

    def _cameras(self, part: Any, step: Step) -> None:
        pair = part.read(time.monotonic())
        if pair is None:
            self._judge(step, False, "no pair", "check cables")
            return
        level = float(np.mean(pair.left))
        step.figures["level"] = level
        size = f"{pair.left.shape[1]} x {pair.left.shape[0]}"
        self._judge(
            step, 5.0 < level < 250.0, f"{size}, mean level {level:.0f}", "lens cap? light?"
        )

    def _thermometers(self, part: Any, step: Step) -> None:
        celsius = part.read()
        step.figures |= {f"{name}_celsius": value for name, value in celsius.items()}
        words = ", ".join(f"{name} {value:.0f} C" for name, value in celsius.items())
        cool = max(celsius.values()) < self.config.trip_celsius
        self._judge(step, cool, words, "let it cool; fan, shade?")

    def _latch(self, part: Any, step: Step) -> None:
        attached = part.attached()
        part.arm(True)
        part.arm(False)
        if attached and self.latch_free:
            part.arm(True)
            part.release()
            time.sleep(0.5)
            left = not part.attached()
            part.arm(False)
            self._judge(step, left, "opened" if left else "did not open", "coil, supply, wiring")
            return
        self._judge(step, True, "payload on it" if attached else "empty", "")
