# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The map: ground as the rover saw it, plans, paths, samples, pictures, the house, events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import plotly.graph_objects as go

from tenacious_rover.analysis import style
from tenacious_rover.analysis.canvas import hillshade
from tenacious_rover.analysis.pictures import embedded, png_rgba

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tenacious_rover.analysis.canvas import Canvas
    from tenacious_rover.analysis.drive import Drive, Track
    from tenacious_rover.analysis.run_files import RunFiles

_PLANS_SHOWN = 40
_FINE_M = 0.025
_TRUE = "#0fd07a"
_MAP_GRID = "rgba(110,120,130,0.22)"


def map_figure(drives: Sequence[Drive], files: Sequence[RunFiles]) -> go.Figure | None:
    """The map of one drive, or of several over each other; `None` when no place is known."""
    if not any(len(d.estimate) or len(d.truth) for d in drives):
        return None
    out = style.figure(640)
    for drive in drives:
        if drive.canvas is not None and not drive.canvas.empty:
            _ground(out, drive.canvas)
            break
    alone = len(drives) == 1
    for i, (drive, run) in enumerate(zip(drives, files, strict=True)):
        colour = style.ESTIMATE if alone else style.DRIVES[i % len(style.DRIVES)]
        prefix = "" if alone else f"{drive.name}: "
        if alone:
            _zones(out, run.facts)
            _plans(out, drive)
        words = "estimated path" if drive.frame == "map" else "path in odom"
        _path(out, drive.estimate, prefix + words, colour, "solid")
        _path(out, drive.truth, f"{prefix}true path", _TRUE if alone else colour, "dot")
        if alone:
            _stops(out, drive)
            _events(out, drive)
        _pictures(out, drive, run)
        _samples(out, drive, run)
        _house(out, drive, run)
    if any(d.frame == "map" for d in drives):
        marker = {"symbol": "square-cross", "size": 13, "color": style.INK}
        _points(out, [(0.0, 0.0)], ["lander, origin of map"], "lander", marker)
    out.update_layout(
        legend={"orientation": "v", "x": 1.01, "xanchor": "left", "y": 0.94, "yanchor": "top"},
        margin={"l": 52, "r": 10, "t": 12, "b": 44},
        hovermode="closest",
    )
    out.update_xaxes(gridcolor=_MAP_GRID)
    out.update_yaxes(gridcolor=_MAP_GRID)
    (x0, x1), (y0, y1) = _bounds(drives)
    out.update_xaxes(title="east, m", range=[x0, x1], constrain="domain", zeroline=False)
    out.update_yaxes(
        title="north, m", range=[y0, y1], scaleanchor="x", scaleratio=1, zeroline=False
    )
    return out


def ground_image(canvas: Canvas) -> tuple[NDArray[np.uint8], tuple[float, float, float, float]]:
    """RGBA (h, w, 4), north up, and its x0, y0, width, height in m."""
    origin, layers = canvas.cropped()
    resolution = canvas.resolution_m
    first = next(iter(layers.values()))
    rows, columns = first.shape
    scale = max(1, min(4, round(resolution / _FINE_M), 2400 // max(rows, columns, 1)))
    shade = np.full(first.shape, 0.72, np.float32)
    known = np.zeros(first.shape, bool)
    for grid in layers.values():
        known |= np.isfinite(grid)
    elevation = layers.get("elevation")
    if elevation is not None and np.isfinite(elevation).any():
        filled = np.where(np.isfinite(elevation), elevation, np.nanmedian(elevation))
        smooth = cv2.GaussianBlur(filled.astype(np.float32), (0, 0), 0.8)
        shade = hillshade(np.asarray(smooth, np.float32), resolution)
        low, high = np.percentile(shade[np.isfinite(elevation)], (1.0, 99.0))
        # Flat ground stays flat: contrast is stretched at most threefold.
        shade = 0.62 + (shade - 0.5 * (low + high)) / max(high - low, 0.33) * 0.8
    big = cv2.resize(shade, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    rgb = np.repeat((90.0 + 150.0 * np.clip(big, 0.0, 1.0))[..., None], 3, axis=2)
    rgb *= np.array([1.0, 0.985, 0.955])
    hazard = layers.get("hazard")
    if hazard is not None:
        raw = np.nan_to_num(np.clip(hazard, 0.0, 1.0)).astype(np.float32)
        danger = cv2.resize(raw, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        share = (0.5 * np.clip((danger - 0.3) / 0.6, 0.0, 1.0))[..., None]
        rgb = (1.0 - share) * rgb + share * np.array([200.0, 62.0, 42.0])
    alpha = cv2.resize(
        known.astype(np.uint8) * 255, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST
    )
    rgba = np.dstack([np.clip(rgb, 0, 255).astype(np.uint8), alpha])[::-1]
    x0, y0 = float(origin[0]), float(origin[1])
    return np.ascontiguousarray(rgba), (x0, y0, columns * resolution, rows * resolution)


def _ground(out: go.Figure, canvas: Canvas) -> None:
    rgba, (x0, y0, width, height) = ground_image(canvas)
    out.add_layout_image(
        source=embedded(png_rgba(rgba), "png"),
        xref="x",
        yref="y",
        x=x0,
        y=y0 + height,
        sizex=width,
        sizey=height,
        sizing="stretch",
        layer="below",
    )
    marker = {"symbol": "square", "size": 11, "color": "rgba(200,62,42,0.6)"}
    _points(out, [(None, None)], [""], "hazard as perceived", marker)


def _path(out: go.Figure, track: Track, name: str, colour: str, dash: str) -> None:
    if not len(track):
        return
    rows = style.thinned(np.column_stack([track.time_s - track.time_s[0], track.xyz[:, :2]]))
    out.add_trace(
        go.Scatter(
            x=style.rounded(rows[:, 1]),
            y=style.rounded(rows[:, 2]),
            customdata=style.rounded(rows[:, 0] / 60.0, 2),
            mode="lines",
            name=name,
            line={"color": colour, "width": 3 if dash == "solid" else 2.5, "dash": dash},
            hovertemplate=name + "<br>%{x:.2f}, %{y:.2f} m<br>%{customdata} min<extra></extra>",
        )
    )


def _plans(out: go.Figure, drive: Drive) -> None:
    """Plans as one trace, thinned to those that differ."""
    kept: list[NDArray[np.float64]] = []
    stride = max(len(drive.plans) // _PLANS_SHOWN, 1)
    for _, points in drive.plans[::stride]:
        kept.append(style.thinned(points, 60))
    if not kept:
        return
    xs: list[float | None] = []
    ys: list[float | None] = []
    for points in kept:
        xs += [*style.rounded(points[:, 0]), None]
        ys += [*style.rounded(points[:, 1]), None]
    line = {"color": style.PLAN, "width": 1.4}
    out.add_trace(go.Scatter(x=xs, y=ys, mode="lines", name="planned", line=line, hoverinfo="skip"))


def _zones(out: go.Figure, facts: dict[str, Any]) -> None:
    options = facts.get("options", {})
    for key, name, colour in (
        ("keep_out", "keep-out zone", style.BAD),
        ("keep_in", "keep-in zone", style.FAINT),
    ):
        for n, flat in enumerate(options.get(key) or ()):
            corners = np.asarray(flat, float).reshape(-1, 2)
            corners = np.vstack([corners, corners[:1]])
            out.add_trace(
                go.Scatter(
                    x=style.rounded(corners[:, 0]),
                    y=style.rounded(corners[:, 1]),
                    mode="lines",
                    name=name,
                    legendgroup=name,
                    showlegend=n == 0,
                    line={"color": colour, "width": 1.5, "dash": "dash"},
                    hoverinfo="name",
                )
            )


def _points(
    out: go.Figure,
    places: Sequence[tuple[float | None, float | None]],
    words: Sequence[str],
    name: str,
    marker: dict[str, Any],
    text: Sequence[str] | None = None,
) -> None:
    if not places:
        return
    out.add_trace(
        go.Scatter(
            x=[None if x is None else round(x, 3) for x, _ in places],
            y=[None if y is None else round(y, 3) for _, y in places],
            mode="markers+text" if text else "markers",
            name=name,
            marker={"line": {"color": "white", "width": 1.2}, **marker},
            text=list(text) if text else None,
            textposition="top right",
            textfont={"size": 11, "color": style.INK},
            hovertext=list(words),
            hoverinfo="text",
        )
    )


def _placed(drive: Drive, time_s: float) -> tuple[float, float] | None:
    best = drive.estimate if len(drive.estimate) else drive.truth
    found = best.at(time_s)
    return None if found is None else (float(found[0]), float(found[1]))


def _stops(out: go.Figure, drive: Drive) -> None:
    """Where the navigator changed its mind."""
    places, words = [], []
    quiet = {"idle", "driving", "turning"}
    for decision in drive.decisions:
        place = _placed(drive, decision.time_s)
        if decision.state in quiet or place is None:
            continue
        places.append(place)
        minutes = (decision.time_s - drive.span_s[0]) / 60.0
        words.append(f"{decision.state}: {decision.reason}<br>{minutes:.1f} min")
    marker = {"symbol": "circle", "size": 8, "color": style.ESTIMATE}
    _points(out, places, words, "decision of the planner", marker)


def _events(out: go.Figure, drive: Drive) -> None:
    places, words = [], []
    for event in drive.events:
        place = _placed(drive, event.time_s)
        if event.severity >= 3 and place is not None:
            places.append(place)
            words.append(f"{event.source}: {event.message}")
    marker = {"symbol": "triangle-up", "size": 11, "color": style.WARN}
    _points(out, places, words, "warning", marker)


def _pictures(out: go.Figure, drive: Drive, run: RunFiles) -> None:
    known = [(p.xy, p.kind, p.purpose) for p in run.pictures if p.xy and p.eye != "right"]
    if not known:
        known = [
            ((p["xy"][0], p["xy"][1]), p["kind"], p["purpose"]) for p in drive.pictures if p["xy"]
        ]
    grouped: dict[tuple[float, float], list[str]] = {}
    for xy, kind, purpose in known:
        key = (round(xy[0], 1), round(xy[1], 1))
        grouped.setdefault(key, []).append(f"{kind}: {purpose}")
    words = ["<br>".join(dict.fromkeys(lines)) for lines in grouped.values()]
    marker = {"symbol": "diamond", "size": 10, "color": "#7d5ba6"}
    _points(out, list(grouped), words, "pictures", marker)


def _samples(out: go.Figure, drive: Drive, run: RunFiles) -> None:
    samples = run.samples or drive.samples
    places = [(s["place_m"][0], s["place_m"][1]) for s in samples]
    words = [
        f"{s['sample']} {s['label']}<br>{s['volume_ml']:.1f} ± {s['volume_sigma_ml']:.1f} ml"
        for s in samples
    ]
    marker = {"symbol": "star", "size": 16, "color": "#f2c230"}
    _points(out, places, words, "sample", marker, [s["sample"] for s in samples])
    if drive.true_digs:
        marker = {"symbol": "star-open", "size": 16, "color": style.TRUTH}
        digs = [(float(p[0]), float(p[1])) for p in drive.true_digs]
        _points(out, digs, ["where the scoop really dug"] * len(digs), "true dig", marker)


def _house(out: go.Figure, drive: Drive, run: RunFiles) -> None:
    place = run.house.get("place_m")
    if place:
        state = run.house.get("state", "")
        marker = {"symbol": "pentagon", "size": 16, "color": style.BAD}
        _points(
            out, [(place[0], place[1])], [f"Moonhouse, {state}"], "Moonhouse", marker, ["Moonhouse"]
        )
    if drive.released_s is not None and drive.true_house is not None:
        marker = {"symbol": "pentagon-open", "size": 17, "color": style.TRUTH}
        true = (float(drive.true_house[0]), float(drive.true_house[1]))
        _points(out, [true], ["where the Moonhouse really stands"], "true Moonhouse", marker)


def _bounds(drives: Sequence[Drive]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Around what the rover did, not around all it saw."""
    points = [t.xyz[:, :2] for d in drives for t in (d.estimate, d.truth) if len(t)]
    if any(d.frame == "map" for d in drives):
        points.append(np.zeros((1, 2)))
    every = np.vstack(points)
    low, high = every.min(axis=0) - 1.5, every.max(axis=0) + 1.5
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))
