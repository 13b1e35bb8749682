# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""IMU BNO085 through Adafruit's driver, which speaks its SHTP protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.hardware.error import HardwareError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Bno085:
    """Calibrated gyroscope and raw specific force; its own fusion is not used: it expects 9.81."""

    def __init__(self, address: int = 0x4A) -> None:
        try:
            import adafruit_bno08x
            import board
            from adafruit_bno08x.i2c import BNO08X_I2C
        except (ImportError, NotImplementedError) as error:
            raise HardwareError(
                "BNO085: pip install adafruit-circuitpython-bno08x (on the rover's computer)"
            ) from error
        try:
            self.chip = BNO08X_I2C(board.I2C(), address=address)
            for feature in ("BNO_REPORT_ACCELEROMETER", "BNO_REPORT_GYROSCOPE"):
                self.chip.enable_feature(getattr(adafruit_bno08x, feature), 10_000)
        except (OSError, RuntimeError, ValueError) as error:
            raise HardwareError(f"BNO085 at 0x{address:02x}: {error}") from error

    def read(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gyro (3,) rad/s and specific force (3,) m/s^2."""
        try:
            gyro = np.array(self.chip.gyro, float)
            accel = np.array(self.chip.acceleration, float)
        except (OSError, RuntimeError, TypeError) as error:
            raise HardwareError(f"BNO085: {error}") from error
        return gyro, accel

    def close(self) -> None:
        """Nothing to leave safe."""
