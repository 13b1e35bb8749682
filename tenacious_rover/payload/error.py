# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What payload raises."""


class PayloadError(RuntimeError):
    """The Moonhouse could not be set down or proven; the message says why.

    `code` is the error code of the room's action.
    """

    def __init__(self, message: str, code: int = 400) -> None:
        super().__init__(message)
        self.code = code
