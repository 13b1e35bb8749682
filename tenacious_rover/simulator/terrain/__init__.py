# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Lunar ground from published populations, or from a measured elevation model."""
