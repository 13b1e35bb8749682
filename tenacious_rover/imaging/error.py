# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What imaging raises."""


class ImagingError(RuntimeError):
    """A picture could not be taken, made or stored; the message says why.

    `code` is the error code of the room's action.
    """

    def __init__(self, message: str, code: int = 200) -> None:
        super().__init__(message)
        self.code = code
