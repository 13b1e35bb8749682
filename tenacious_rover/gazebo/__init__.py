# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Export of worlds and rover to Gazebo, and the adapter for what its bridge cannot say."""
