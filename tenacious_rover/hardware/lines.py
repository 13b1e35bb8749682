# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Latch and emergency stop on GPIO lines, by gpiozero (lgpio on a Pi 5, Jetson's own elsewhere)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tenacious_rover.hardware.error import HardwareError

if TYPE_CHECKING:
    from collections.abc import Callable


def _device(kind: str, pin: int, **options: Any) -> Any:
    import gpiozero

    try:
        return getattr(gpiozero, kind)(pin, **options)
    except Exception as error:
        raise HardwareError(f"GPIO {pin}: {error}") from error


class GpioLatch:
    """Arm line and release line in series: the coil gets current only with both on."""

    def __init__(
        self,
        arm_pin: int,
        release_pin: int,
        contact_pin: int,
        pulse_s: float = 0.5,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.pulse_s, self.wait = pulse_s, wait
        self._arm = _device("DigitalOutputDevice", arm_pin, initial_value=False)
        self._release = _device("DigitalOutputDevice", release_pin, initial_value=False)
        self._contact = _device("DigitalInputDevice", contact_pin, pull_up=True)

    def arm(self, on: bool) -> None:
        """Power to the coil's upper end."""
        self._arm.value = bool(on)

    def release(self) -> None:
        """One pulse on the lower end."""
        if not self._arm.value:
            raise HardwareError("latch: release asked for while not armed")
        self._release.on()
        try:
            self.wait(self.pulse_s)
        finally:
            self._release.off()

    def attached(self) -> bool:
        """The payload presses the contact to ground."""
        return bool(self._contact.is_active)

    def close(self) -> None:
        """Both lines off."""
        self._release.off()
        self._arm.off()
        for line in (self._release, self._arm, self._contact):
            line.close()


class GpioEmergencyStop:
    """A normally closed switch to ground: a broken wire reads as pressed."""

    def __init__(self, pin: int) -> None:
        self._line = _device("DigitalInputDevice", pin, pull_up=True)

    def pressed(self) -> bool:
        """Open switch or broken wire."""
        return not self._line.is_active

    def close(self) -> None:
        """Let go."""
        self._line.close()
