# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What sampling raises."""


class SamplingError(RuntimeError):
    """A sample could not be taken or logged; the message says why."""
