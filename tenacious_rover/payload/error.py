# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What the payload raises."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """The same numbers as `tenacious_interfaces/action/DeployPayload`; a test compares them."""

    NONE = 0
    UNKNOWN = 400
    NOT_CONFIRMED = 401
    NO_SITE = 402
    APPROACH_FAILED = 403
    INTERLOCK = 404
    NOT_RELEASED = 405
    BACK_OFF_FAILED = 406
    NOT_UPRIGHT = 407
    NO_PROOF = 408
    CANCELED = 409
    NOT_ATTACHED = 410


class PayloadError(RuntimeError):
    """The house could not be set down or proven to stand; the message says why."""

    def __init__(self, message: str, code: Code = Code.UNKNOWN) -> None:
        super().__init__(message)
        self.code = code
