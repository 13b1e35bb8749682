# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Mission files, the behaviour tree that runs them, checkpoint and resume."""
