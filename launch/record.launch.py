# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Record a rover that runs already.

ros2 launch tenacious_rover record.launch.py runs:=/data/runs
"""

from tenacious_rover import launching

NAMES = "description namespace params_file runs record use_sim_time log_level"


def start(values):
    sim_time = launching.truth("use_sim_time", values["use_sim_time"])
    options = launching.options({**values, "record": "true"}, "hardware", ("recording",))
    return launching.node_actions(options, sim_time)


def generate_launch_description():
    return launching.description(NAMES.split(), start, record="true")
