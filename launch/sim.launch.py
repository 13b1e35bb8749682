# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A rover in simulation: Gazebo (or the embedded simulator), bridge, autonomy, RViz.

ros2 launch tenacious_rover sim.launch.py world:=mare_calm mission:=first_traverse record:=true
ros2 launch tenacious_rover sim.launch.py headless:=true rviz:=false
"""

from tenacious_rover import launching

NAMES = (
    "world platform mission description namespace params_file runs record rviz headless "
    "use_sim_time log_level seed speed x y yaw parts"
)


def start(values):
    options = launching.options(values, values["platform"])
    headless = launching.truth("headless", values["headless"])
    sim_time = launching.truth("use_sim_time", values["use_sim_time"])
    gazebo = values["platform"] == "gazebo"
    return [
        *(launching.gazebo_actions(options, headless) if gazebo else []),
        *launching.node_actions(options, sim_time),
        *launching.rviz(values, sim_time),
    ]


def generate_launch_description():
    return launching.description(NAMES.split(), start)
