# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What sampling raises."""


class SamplingError(RuntimeError):
    """A sample could not be taken or logged; the message says why.

    `code` is the error code of the room's action.
    """

    def __init__(self, message: str, code: int = 300) -> None:
        super().__init__(message)
        self.code = code
