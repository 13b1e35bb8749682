# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Why a drive ends, with the codes of DriveTo.action."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """The same numbers as `tenacious_interfaces/action/DriveTo`; a test compares them."""

    NONE = 0
    UNKNOWN = 100
    INVALID_GOAL = 101
    GOAL_IN_KEEP_OUT = 102
    NO_PATH = 103
    STUCK = 104
    TILT_LIMIT = 105
    TIMEOUT = 106
    NO_LOCALIZATION = 107
    NO_TERRAIN = 108
    CANCELED = 109
    PREEMPTED = 110
    GUARD_STOP = 111


class NavigationError(Exception):
    """A goal is refused or a drive has ended without reaching it; says why."""

    def __init__(self, message: str, code: Code = Code.UNKNOWN) -> None:
        super().__init__(message)
        self.code = code
