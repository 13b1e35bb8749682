# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Figures of a drive over time and distance; of several drives over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tenacious_rover.analysis import style
from tenacious_rover.analysis.metrics import drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tenacious_rover.analysis.drive import Drive

_PANEL_PX = 150


class Line(NamedTuple):
    """A line of a panel: times s from the drive's begin, values."""

    name: str
    time_s: NDArray[np.float64]
    values: NDArray[np.float64]
    colour: str
    dash: str = "solid"


def _series(drive: Drive, key: str, column: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = drive.series.get(key)
    if rows is None:
        return np.zeros(0), np.zeros(0)
    rows = style.thinned(rows)
    return rows[:, 0] - drive.span_s[0], rows[:, column]


def panels(drives: Sequence[Drive]) -> go.Figure | None:
    """Speed, tilt, slip, power, charge, temperature, one below the other, over time."""
    alone = len(drives) == 1
    chosen: list[tuple[str, list[Line]]] = []
    for title, make in (
        ("speed, m/s", _speed),
        ("tilt, °", _tilt),
        ("slip", _slip),
        ("torque, N·m", _torque),
        ("battery power, W", _power),
        ("charge, %", _charge),
        ("temperature, °C", _temperature),
    ):
        lines: list[Line] = []
        for i, drive in enumerate(drives):
            made = make(drive)
            if not alone:
                colour = style.DRIVES[i % len(style.DRIVES)]
                made = [m._replace(name=drive.name, colour=colour) for m in made[:1]]
            lines += made
        if any(len(line.time_s) for line in lines):
            chosen.append((title, lines))
    if not chosen:
        return None
    return _stacked(chosen)


def _stacked(chosen: list[tuple[str, list[Line]]]) -> go.Figure:
    out = make_subplots(rows=len(chosen), cols=1, shared_xaxes=True, vertical_spacing=0.025)
    base = style.figure(_PANEL_PX * len(chosen) + 60).layout
    out.update_layout(base)
    named: set[str] = set()
    for row, (title, lines) in enumerate(chosen, 1):
        for line in lines:
            out.add_trace(
                go.Scatter(
                    x=style.rounded(line.time_s / 60.0, 3),
                    y=style.rounded(line.values),
                    mode="lines",
                    name=line.name,
                    line={"color": line.colour, "width": 1.5, "dash": line.dash},
                    legendgroup=line.name,
                    showlegend=line.name not in named,
                ),
                row=row,
                col=1,
            )
            named.add(line.name)
        out.update_yaxes(
            title={"text": title, "font_size": 11}, range=_span(title, lines), row=row, col=1
        )
    style.axes(out)
    out.update_xaxes(title="time, min", row=len(chosen), col=1)
    out.update_layout(hovermode="x unified", legend={"y": 1.01, "traceorder": "normal"})
    return out


_FROM_ZERO = ("speed", "tilt", "battery")
_LEAST = {
    "speed": 0.05,
    "tilt": 5.0,
    "slip": 0.2,
    "torque": 0.2,
    "battery": 2.0,
    "charge": 5.0,
    "temperature": 5.0,
}


def _span(title: str, lines: list[Line]) -> list[float] | None:
    """Range of an axis: a constant looks constant, noise does not look like a storm."""
    every = np.concatenate([line.values for line in lines])
    every = every[np.isfinite(every)]
    if not len(every):
        return None
    word = title.split(",", maxsplit=1)[0].split(maxsplit=1)[0]
    low, high = float(every.min()), float(every.max())
    if word in _FROM_ZERO:
        low = min(low, 0.0)
    short = max(_LEAST[word] - (high - low), 0.0)
    if low != 0.0:
        low -= short / 2.0
        short /= 2.0
    high += short
    margin = 0.06 * (high - low)
    return [low - margin, high + margin]


def _speed(drive: Drive) -> list[Line]:
    lines = [Line("measured", *_series(drive, "speed", 1), style.ESTIMATE)]
    if "command" in drive.series:
        lines.append(Line("commanded", *_series(drive, "command", 1), style.FAINT, "dot"))
    return lines


def _tilt(drive: Drive) -> list[Line]:
    best = drive.estimate if len(drive.estimate) else drive.truth
    if len(best):
        rows = style.thinned(np.column_stack([best.time_s - drive.span_s[0], best.tilt_deg]))
        return [Line("tilt", rows[:, 0], rows[:, 1], style.INK)]
    return [Line("tilt", *_series(drive, "imu tilt", 1), style.INK)]


def _slip(drive: Drive) -> list[Line]:
    time, values = _series(drive, "slip", 1)
    return [Line("slip, mean of wheels", time, np.clip(values, -1.0, 1.5), style.BAD)]


def _torque(drive: Drive) -> list[Line]:
    lines = []
    wheels = [i for i, name in enumerate(drive.wheels) if "wheel" in name]
    for n, i in enumerate(wheels[:6]):
        time, values = _series(drive, "wheel effort", 1 + i)
        name = drive.wheels[i].removesuffix("_joint").replace("_", " ")
        lines.append(Line(name, time, values, style.DRIVES[n]))
    return lines


def _power(drive: Drive) -> list[Line]:
    time, volts = _series(drive, "battery", 2)
    _, amperes = _series(drive, "battery", 3)
    return [Line("power", time, -volts * amperes, "#8d5fb0")]


def _charge(drive: Drive) -> list[Line]:
    time, values = _series(drive, "battery", 1)
    return [Line("charge", time, 100.0 * values, style.TRUTH)]


def _temperature(drive: Drive) -> list[Line]:
    lines = []
    for n, key in enumerate(sorted(k for k in drive.series if k.startswith("temperature "))):
        name = key.removeprefix("temperature ")
        lines.append(Line(name, *_series(drive, key, 1), style.DRIVES[(n + 1) % 6]))
    return lines


def drift_figure(drives: Sequence[Drive]) -> go.Figure | None:
    """Error of the estimate over the distance driven; heading below."""
    out = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.05)
    out.update_layout(style.figure(360).layout)
    shown = False
    for i, drive in enumerate(drives):
        found = drift(drive.estimate, drive.truth) if drive.frame == "map" else None
        if found is None:
            continue
        shown = True
        colour = style.DRIVES[i % len(style.DRIVES)]
        rows = style.thinned(
            np.column_stack([found.driven_m, 100.0 * found.error_m, found.heading_deg])
        )
        alone = len(drives) == 1
        for row, column, words in ((1, 1, "position"), (2, 2, "heading")):
            out.add_trace(
                go.Scatter(
                    x=style.rounded(rows[:, 0]),
                    y=style.rounded(rows[:, column]),
                    mode="lines",
                    name=words if alone else drive.name,
                    line={"color": colour, "width": 1.8},
                    showlegend=not alone and row == 1,
                ),
                row=row,
                col=1,
            )
        if alone and len(drive.sigma_m) == len(drive.estimate):
            sigma = np.interp(found.time_s, drive.estimate.time_s, drive.sigma_m)
            band = style.thinned(np.column_stack([found.driven_m, 300.0 * sigma]))
            out.add_trace(
                go.Scatter(
                    x=style.rounded(band[:, 0]),
                    y=style.rounded(band[:, 1]),
                    mode="lines",
                    name="three sigma that the estimate claims",
                    line={"color": style.FAINT, "width": 1.2, "dash": "dash"},
                ),
                row=1,
                col=1,
            )
    if not shown:
        return None
    style.axes(out)
    out.update_yaxes(title="position, cm", rangemode="tozero", row=1, col=1)
    out.update_yaxes(title="heading, °", row=2, col=1)
    out.update_xaxes(title="distance driven, m", row=2, col=1)
    return out


def timeline(drive: Drive) -> go.Figure | None:
    """Steps of the mission as bars, events as points by source."""
    if not drive.events and not drive.steps:
        return None
    sources = sorted({event.source for event in drive.events})
    out = style.figure(120 + 26 * (len(sources) + (1 if drive.steps else 0)))
    begin = drive.span_s[0]
    for step in drive.steps:
        good = "failed" not in step.outcome
        out.add_trace(
            go.Bar(
                x=[max(step.end_s - step.begin_s, 1.0) / 60.0],
                base=[(step.begin_s - begin) / 60.0],
                y=["mission"],
                orientation="h",
                marker={
                    "color": "#b9d7c5" if good else "#eab5ae",
                    "line": {"color": "white", "width": 1},
                },
                text=step.name,
                textposition="inside",
                insidetextanchor="middle",
                textfont={"size": 10, "color": style.INK},
                hovertext=f"{step.name}: {step.outcome}",
                hoverinfo="text",
                showlegend=False,
            )
        )
    for severity, (words, colour) in style.SEVERITIES.items():
        chosen = [e for e in drive.events if e.severity == severity]
        if not chosen:
            continue
        out.add_trace(
            go.Scatter(
                x=[round((e.time_s - begin) / 60.0, 3) for e in chosen],
                y=[e.source for e in chosen],
                mode="markers",
                name=words,
                marker={
                    "color": colour,
                    "size": 10 if severity >= 3 else 8,
                    "symbol": "triangle-up" if severity >= 3 else "circle",
                },
                hovertext=[f"{e.name}: {e.message}" for e in chosen],
                hoverinfo="text",
            )
        )
    out.update_layout(uniformtext={"minsize": 9, "mode": "hide"})
    out.update_layout(barmode="overlay", margin={"l": 96, "r": 16, "t": 24, "b": 40}, bargap=0.15)
    order = [*reversed(sources), *(["mission"] if drive.steps else [])]
    out.update_yaxes(categoryorder="array", categoryarray=order)
    out.update_xaxes(title="time, min", rangemode="tozero")
    return out


def nodes_figure(drive: Drive) -> go.Figure | None:
    """Processor time per second of rover time, by node."""
    uses = [use for use in drive.nodes.values() if len(use.rows) > 5]
    if not uses:
        return None
    out = style.figure(280)
    begin, end = drive.span_s
    # One grid for all: layers that lie on each other need the same places.
    edges = np.linspace(begin, end, 61)
    middles = (edges[1:] + edges[:-1]) / 2.0
    for i, use in enumerate(sorted(uses, key=lambda u: -u.rows[-1][1])):
        rows = np.array(use.rows)
        spent = np.interp(edges, rows[:, 0], rows[:, 1])
        share = np.diff(spent) / max(edges[1] - edges[0], 1e-6)
        out.add_trace(
            go.Scatter(
                x=style.rounded((middles - begin) / 60.0, 3),
                y=style.rounded(share),
                mode="lines",
                stackgroup="cpu",
                name=use.name,
                line={"width": 0.5, "color": style.MANY[i % len(style.MANY)]},
            )
        )
    out.update_yaxes(title="CPU s per s of rover time", rangemode="tozero")
    out.update_xaxes(title="time, min")
    out.update_layout(hovermode="x unified")
    return out
