# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Simulator and autonomy in one process, for tests and Monte-Carlo studies."""
