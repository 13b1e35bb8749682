# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The room's exception."""


class GazeboError(RuntimeError):
    """A world or rover cannot be exported or started; the message says what to do."""
