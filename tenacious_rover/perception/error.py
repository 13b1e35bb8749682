# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What perception raises."""


class PerceptionError(ValueError):
    """An image, a map or a pose cannot be used; the message says which and why."""
