# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""As much of `launch` and `launch_ros` as the launch files use, where the real ones cannot be had.

Arguments are declared, overridden and handed to functions as there; actions are not carried out.
"""

import sys
from types import ModuleType, SimpleNamespace


class Action:
    def __init__(self, **keywords):
        self.__dict__.update(keywords)


class DeclareLaunchArgument(Action):
    def __init__(self, name, *, default_value=None, description=""):
        super().__init__(name=name, default_value=default_value, description=description)


class OpaqueFunction(Action):
    def __init__(self, *, function):
        super().__init__(function=function)


class Node(Action):
    def __init__(self, *, package, executable, **keywords):
        super().__init__(package=package, executable=executable, **keywords)


class LaunchDescription:
    def __init__(self, entities):
        self.entities = entities


class IncludeLaunchDescription(Action):
    def __init__(self, source, *, launch_arguments=()):
        super().__init__(source=source, launch_arguments=dict(launch_arguments))


class ExecuteProcess(Action):
    def __init__(self, *, cmd, output="log"):
        super().__init__(cmd=cmd, output=output)


class LogInfo(Action):
    def __init__(self, *, msg):
        super().__init__(msg=msg)


class PythonLaunchDescriptionSource(Action):
    def __init__(self, path):
        super().__init__(path=path)


def modules():
    """Name to module, for `sys.modules`."""
    launch, actions = ModuleType("launch"), ModuleType("launch.actions")
    sources, ros = ModuleType("launch.launch_description_sources"), ModuleType("launch_ros")
    ros_actions = ModuleType("launch_ros.actions")
    launch.LaunchDescription = LaunchDescription
    for kind in (
        DeclareLaunchArgument,
        OpaqueFunction,
        IncludeLaunchDescription,
        ExecuteProcess,
        LogInfo,
    ):
        setattr(actions, kind.__name__, kind)
    sources.PythonLaunchDescriptionSource = PythonLaunchDescriptionSource
    ros_actions.Node = Node
    return {m.__name__: m for m in (launch, actions, sources, ros, ros_actions)}


def started(path, **arguments):
    """The actions of a launch file with those arguments: what `ros2 launch` would carry out.

    Raises:
        KeyError: an argument that the file does not declare (`ros2 launch` only warns).
    """
    content = {"__name__": path.stem, "__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), content)
    description = content["generate_launch_description"]()
    declared = [e for e in description.entities if isinstance(e, DeclareLaunchArgument)]
    values = {argument.name: argument.default_value for argument in declared}
    unknown = set(arguments) - set(values)
    if unknown:
        raise KeyError(min(unknown))
    context = SimpleNamespace(launch_configurations=values | arguments)
    found = []
    for entity in description.entities:
        if isinstance(entity, OpaqueFunction):
            found += entity.function(context)
    return found


def installed_in(monkeypatch):
    for name, module in modules().items():
        monkeypatch.setitem(sys.modules, name, module)
