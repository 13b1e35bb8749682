# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A rover of emulated parts: real drivers at one end of the wires, the simulator at the other."""
