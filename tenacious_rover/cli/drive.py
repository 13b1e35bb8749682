# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious drive X Y`: send the running rover to a place and watch it get there."""

from __future__ import annotations

import json
import math
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from tenacious_rover.cli import DONE, FAILED, MACHINE, refuse

app = typer.Typer(add_completion=False)


@app.command(
    # Else -2.5 would be taken for an option.
    context_settings={"ignore_unknown_options": True},
    epilog="Example: tenacious drive 6.0 -2.5 --heading 90",
)
def drive(
    x: Annotated[float, typer.Argument(help="east of the lander, m")],
    y: Annotated[float, typer.Argument(help="north of the lander, m")],
    heading: Annotated[
        float | None, typer.Option(help="heading to end with, deg from east to north")
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0.0, help="m; 0: the navigator's own")] = 0.0,
    speed: Annotated[float, typer.Option(min=0.0, help="m/s; 0: the navigator's own")] = 0.0,
    time_limit: Annotated[float, typer.Option(min=0.0, help="s; 0: from the distance")] = 0.0,
    namespace: Annotated[str, typer.Option(help="of the rover")] = "",
    wait: Annotated[float, typer.Option(help="s to wait for the rover's navigation")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="only the result, for scripts")] = False,
) -> None:
    """Send the running rover to a place in map, around hazards. Ctrl-C stops the rover."""
    for name, value in (("X", x), ("Y", y), ("--heading", heading or 0.0)):
        if not math.isfinite(value):
            raise refuse(f"{name}: {value} is not a finite number")
    try:
        import rclpy
    except ImportError as error:
        raise refuse(f"ROS 2 is not there: {error}; run `make setup`", MACHINE) from error
    from tenacious_interfaces.action import DriveTo
    from tenacious_rover import ros
    from tenacious_rover.rover import frames

    pose = frames.planar(x, y, math.radians(heading or 0.0))
    goal = DriveTo.Goal(
        goal=ros.pose_stamped(0.0, frames.MAP, pose),
        use_heading=heading is not None,
        position_tolerance_m=tolerance,
        max_speed_mps=speed,
        time_limit_s=time_limit,
    )
    rclpy.init(signal_handler_options=rclpy.SignalHandlerOptions.NO)
    node = rclpy.create_node("tenacious_drive", namespace=namespace or None)
    try:
        result = _driven(node, goal, wait, quiet=as_json)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    _shown(result, as_json=as_json)
    raise typer.Exit(FAILED if result.error_code else DONE)


def _driven(node: Any, goal: Any, wait: float, *, quiet: bool) -> Any:
    """Send the goal, show how it goes, pass Ctrl-C on as a cancellation."""
    import rclpy
    from rclpy.action import ActionClient

    from tenacious_interfaces.action import DriveTo
    from tenacious_rover.rover import contract

    client = ActionClient(node, DriveTo, contract.DRIVE_TO)
    if not client.wait_for_server(wait):
        words = f"no rover answers on '{contract.DRIVE_TO}' within {wait:g} s"
        raise refuse(f"{words}; is `tenacious run` going?", MACHINE)
    console = Console(stderr=True)
    with Live(Text("sending"), console=console, refresh_per_second=4, transient=quiet) as live:

        def told(message: Any) -> None:
            if not quiet:
                live.update(Text(_line(message.feedback)))

        sent = client.send_goal_async(goal, told)
        rclpy.spin_until_future_complete(node, sent, timeout_sec=wait)
        handle = sent.result()
        if handle is None or not handle.accepted:
            raise refuse("the rover does not take the goal", FAILED)
        result = handle.get_result_async()
        asked = 0.0
        while not result.done():
            try:
                rclpy.spin_once(node, timeout_sec=0.2)
            except KeyboardInterrupt:
                if asked:
                    raise
                live.update(Text("stopping the rover"))
                handle.cancel_goal_async()
                asked = time.monotonic()
            if asked and time.monotonic() - asked > wait:
                raise refuse("the rover does not answer the cancellation", MACHINE)
    return result.result().result


def _line(feedback: Any) -> str:
    parts = [feedback.state.replace("_", " "), feedback.reason]
    if math.isfinite(feedback.distance_remaining_m):
        parts.append(f"{feedback.distance_remaining_m:.2f} m to go")
    parts.append(f"{feedback.navigation_time_s:.0f} s")
    if math.isfinite(feedback.estimated_time_remaining_s):
        parts.append(f"about {feedback.estimated_time_remaining_s:.0f} s left")
    if feedback.number_of_recoveries:
        parts.append(f"{feedback.number_of_recoveries} recoveries")
    return ", ".join(part for part in parts if part)


def _shown(result: Any, *, as_json: bool) -> None:
    place = result.final_pose.pose.position
    facts = {
        "error_code": int(result.error_code),
        "error_msg": result.error_msg,
        "x_m": place.x,
        "y_m": place.y,
        "distance_driven_m": float(result.distance_driven_m),
        "duration_s": float(result.duration_s),
        "recoveries": int(result.number_of_recoveries),
    }
    if as_json:
        typer.echo(json.dumps(facts))
        return
    way = f"{facts['distance_driven_m']:.2f} m in {facts['duration_s']:.0f} s"
    if result.error_code:
        typer.secho(f"not reached: {result.error_msg} ({result.error_code}); {way}", fg="red")
    else:
        typer.secho(f"reached {place.x:.2f}, {place.y:.2f}; {way}", fg="green")
