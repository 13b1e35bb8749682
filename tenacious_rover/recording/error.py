# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What recording raises."""


class RecordingError(RuntimeError):
    """A bag cannot be written or mended; the message says which file and why."""
