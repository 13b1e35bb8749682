# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Rover autonomy on ROS 2: the same nodes in simulation and on a small physical rover."""

__version__ = "0.1.0"
