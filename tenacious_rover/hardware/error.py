# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with parts."""


class HardwareError(OSError):
    """A part is missing, silent, or answers wrongly; the message names the part and the remedy."""


class CorruptFrameError(HardwareError):
    """Bytes came in whose checksum or form is wrong; they were thrown away."""
