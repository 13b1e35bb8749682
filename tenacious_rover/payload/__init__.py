# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The Moonhouse: site choice, interlocked release, back-off, visual proof."""
