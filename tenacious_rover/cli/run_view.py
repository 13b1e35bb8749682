# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person sees while a rover runs: a rich display, or plain lines without a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from types import TracebackType

EVENTS_SHOWN = 6
WARNING = 3
STYLES = {"succeeded": "green", "failed": "bold red", "cancelled": "yellow"}


@dataclass
class RunState:
    """What is known of a run; filled by the watcher, drawn by a view."""

    title: str = ""
    folder: str = ""
    status: str = "starting"
    activity: str = ""
    steps: list[str] = field(default_factory=list)
    step: int = 0
    outcomes: list[str] = field(default_factory=list)
    progress: float = 0.0
    elapsed_s: float = 0.0
    remaining_s: float = 0.0
    rover_time_s: float = 0.0
    speed: float = 0.0
    pose: tuple[float, float, float] | None = None
    driven_m: float = 0.0
    battery: float | None = None
    nodes: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Node to share of a core and memory in MB."""
    events: list[tuple[float, int, str]] = field(default_factory=list)


def clock(seconds: float) -> str:
    """m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class TerminalView:
    """A live display, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=4, transient=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, value, trace)

    def show(self, state: RunState) -> None:
        """Draw."""
        self._live.update(drawn(state))


class LineView:
    """One line per event and per tenth of progress, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._events = 0
        self._tenth = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ignored: object) -> None:
        return None

    def show(self, state: RunState) -> None:
        """Print what is new."""
        for time_s, _, words in state.events[self._events :]:
            self._console.print(f"{clock(time_s):>6}  {words}", highlight=False, markup=False)
        self._events = len(state.events)
        tenth = int(state.progress * 10)
        if tenth > self._tenth and state.status == "running":
            self._tenth = tenth
            self._console.print(
                f"{clock(state.rover_time_s):>6}  {state.progress:4.0%}  {state.activity}  "
                f"(about {clock(wall_remaining(state))} to go at {state.speed:.1f} x real time)",
                highlight=False,
                markup=False,
            )


def wall_remaining(state: RunState) -> float:
    """Seconds a person has to wait."""
    return state.remaining_s / state.speed if state.speed > 0.05 else state.remaining_s


def drawn(state: RunState) -> Panel:
    """The display of a state."""
    bar = Table.grid(expand=True, padding=(0, 1))
    bar.add_column(width=5)
    bar.add_column(ratio=1)
    bar.add_column(justify="right")
    bar.add_row(
        f"{state.progress:4.0%}",
        ProgressBar(total=1.0, completed=state.progress),
        f"{clock(wall_remaining(state))} to go",
    )
    facts = [
        f"mission clock {clock(state.rover_time_s)}",
        f"{state.speed:.1f} x real time",
        f"driven {state.driven_m:.1f} m",
    ]
    if state.pose is not None:
        facts.append(f"at ({state.pose[0]:.2f}, {state.pose[1]:.2f})")
    if state.battery is not None:
        facts.append(f"battery {state.battery:.0%}")
    nodes = "  ".join(f"{name} {share:.0%}" for name, (share, _) in sorted(state.nodes.items()))
    body = Group(
        bar,
        Text(state.activity or state.status, style="bold"),
        Text("  ·  ".join(facts), style="dim"),
        Text(""),
        _steps(state),
        Text(""),
        *_events(state),
        Text(f"processor: {nodes}", style="dim"),
    )
    style = STYLES.get(state.status, "blue")
    return Panel(body, title=f"{state.title} · {state.status}", border_style=style)


def _steps(state: RunState) -> Table:
    table = Table.grid(padding=(0, 1))
    for index, name in enumerate(state.steps):
        mark, words, style = "·", name, "dim"
        if index < len(state.outcomes):
            outcome = state.outcomes[index]
            failed = ": failed: " in outcome
            mark, words = ("✗", outcome) if failed else ("✓", name)
            style = "red" if failed else "green"
        elif index == state.step and state.status == "running":
            mark, style = "▶", "bold"
        table.add_row(Text(mark, style=style), Text(words, style=style))
    return table


def _events(state: RunState) -> list[Text]:
    return [
        Text(
            f"{clock(time_s):>6} {words}",
            style="yellow" if severity >= WARNING else "dim",
            no_wrap=True,
            overflow="ellipsis",
        )
        for time_s, severity, words in state.events[-EVENTS_SHOWN:]
    ]
