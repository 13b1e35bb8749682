# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""ament_python package; `colcon build` and `pip install .` both read this."""

from pathlib import Path

from setuptools import find_packages, setup

NAME = "tenacious_rover"
NODES = (
    "rover",
    "simulator",
    "gazebo",
    "hardware",
    "localization",
    "perception",
    "navigation",
    "imaging",
    "sampling",
    "payload",
    "mission",
    "recording",
)


def shared_files() -> list[tuple[str, list[str]]]:
    """Everything below the data folders, laid out the same way in `share/`."""
    folders: dict[str, list[str]] = {}
    for top in ("launch", "config", "worlds", "description", "missions"):
        for path in sorted(Path(top).rglob("*")):
            if path.is_file():
                folders.setdefault(f"share/{NAME}/{path.parent}", []).append(str(path))
    return list(folders.items())


setup(
    name=NAME,
    version="0.1.0",
    description="Autonomy framework for small rovers, on ROS 2",
    license="Apache-2.0",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed", "**/*.html.j2", "**/*.css", "**/*.js"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *shared_files(),
    ],
    install_requires=["setuptools"],
    python_requires=">=3.11",
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "tenacious = tenacious_rover.cli:main",
            *(f"{node}_node = {NAME}.{node}.node:main" for node in NODES),
        ],
    },
)
