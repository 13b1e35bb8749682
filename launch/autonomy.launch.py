# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Autonomy alone, for a platform that keeps the rover contract and runs already.

ros2 launch tenacious_rover autonomy.launch.py description:=my_rover.urdf.xacro use_sim_time:=false
"""

from tenacious_rover import launching

NAMES = "mission description namespace params_file runs record rviz use_sim_time log_level"


def start(values):
    sim_time = launching.truth("use_sim_time", values["use_sim_time"])
    parts = launching.AUTONOMY_PARTS
    if launching.truth("record", values["record"]):
        parts = (*parts, "recording")
    options = launching.options(values, "hardware", parts)
    return [
        *launching.node_actions(options, sim_time),
        *launching.rviz(values, use_sim_time=sim_time),
    ]


def generate_launch_description():
    return launching.description(NAMES.split(), start, rviz="false")
