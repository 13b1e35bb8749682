# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What analysis raises."""


class AnalysisError(RuntimeError):
    """A bag or a run cannot be read; the message says which file and why."""
