# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Play a bag and look at it in RViz.

ros2 launch tenacious_rover replay.launch.py bag:=runs/20250605T191700Z_first_traverse/bag
"""

from pathlib import Path

from launch.actions import ExecuteProcess

from tenacious_rover import launching

NAMES = "bag namespace rviz speed"


def start(values):
    bag = Path(values["bag"])
    if not (bag / "metadata.yaml").is_file():
        raise ValueError(f"bag:={values['bag'] or '(none)'}: not the folder of a bag")
    command = ["ros2", "bag", "play", str(bag), "--clock", "--rate", values["speed"]]
    return [
        ExecuteProcess(cmd=command, output="screen"),
        *launching.rviz(values, use_sim_time=True),
    ]


def generate_launch_description():
    return launching.description(NAMES.split(), start)
