# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The embedded platform: lunar worlds, multibody dynamics, wheel-soil forces, cameras, sensors."""
