# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The physical rover: drivers and autonomy.

ros2 launch tenacious_rover rover.launch.py params_file:=my_rover.yaml record:=true
"""

from tenacious_rover import launching

NAMES = "mission description namespace params_file runs record rviz log_level"


def start(values):
    options = launching.options(values, "hardware")
    return [*launching.node_actions(options), *launching.rviz(values, use_sim_time=False)]


def generate_launch_description():
    return launching.description(NAMES.split(), start, rviz="false", record="true")
