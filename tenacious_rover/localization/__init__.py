# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Wheels, inertial, visual and sun measurements to one estimate with covariance."""
