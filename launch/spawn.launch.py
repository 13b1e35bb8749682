# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One more rover in a Gazebo that runs already: its model, bridge, adapter and autonomy.

ros2 launch tenacious_rover spawn.launch.py world:=mare_calm namespace:=second x:=4.0 y:=2.0
"""

from tenacious_rover import launching

NAMES = "world mission description namespace params_file runs record rviz log_level x y yaw"


def start(values):
    if not values["namespace"].strip("/"):
        raise ValueError("namespace:= is needed: two rovers must not share their topics")
    options = launching.options(values, "gazebo")
    return [
        *launching.spawn_actions(options),
        *launching.node_actions(options),
        *launching.rviz(values, use_sim_time=True),
    ]


def generate_launch_description():
    return launching.description(NAMES.split(), start, namespace="second", rviz="false")
