# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Stereo or depth images to a 2.5D elevation map with hazards."""
