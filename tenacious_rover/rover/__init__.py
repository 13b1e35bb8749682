# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What the rover is: description, kinematics, limits, contract, frames, configuration."""
