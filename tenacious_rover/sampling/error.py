# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What sampling raises."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """The same numbers as `tenacious_interfaces/action/CollectSample`; a test compares them."""

    NONE = 0
    UNKNOWN = 300
    INVALID_REQUEST = 301
    NO_SAFE_PATCH = 302
    APPROACH_FAILED = 303
    SCOOP_STALLED = 304
    NOTHING_TAKEN = 305
    LOG_FAILED = 306
    NO_FRAME = 307
    CANCELED = 309


class SamplingError(RuntimeError):
    """A sample could not be taken or logged; the message says why."""

    def __init__(self, message: str, code: Code = Code.UNKNOWN) -> None:
        super().__init__(message)
        self.code = code
