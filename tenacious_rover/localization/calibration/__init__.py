# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Calibration that a team can do: cameras from a board, IMU and wheels from a recorded drive."""
