# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Rover autonomy on ROS 2: the same nodes in simulation and on a small physical rover."""

from pathlib import Path as _Path

from tenacious_rover import kernels as _kernels

__version__ = "0.1.0"

_kernels.keep(_Path(__file__).parent)
