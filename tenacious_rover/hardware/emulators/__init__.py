# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Parts that answer at the wire as real ones do: for tests, and for a bench without a rover."""
