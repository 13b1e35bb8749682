# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""How figures of the report look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

if TYPE_CHECKING:
    from numpy.typing import NDArray

INK = "#1d2733"
FAINT = "#8a94a0"
GRID = "#e6e9ed"
ESTIMATE = "#1f6fb2"
TRUTH = "#2a9d5c"
PLAN = "#e8a33d"
WARN = "#d9822b"
BAD = "#c0392b"
DRIVES = ("#1f6fb2", "#d1495b", "#2a9d5c", "#8d5fb0", "#e8a33d", "#3aa6a6")
"""One colour per drive when several are compared."""
MANY = (*DRIVES, "#7f8c99", "#b5651d", "#6b8e23", "#c97bb5", "#4b5f8a", "#d4c04a")
"""For more lines than drives."""
SEVERITIES = {
    0: ("detail", "#c5ccd3"),
    1: ("minor activity", "#9fb3c8"),
    2: ("activity", "#4f81bd"),
    3: ("warning", "#e8a33d"),
    4: ("serious warning", "#c9611f"),
    5: ("fatal", "#c0392b"),
}
MOST_POINTS = 1500


def figure(height: int = 300) -> go.Figure:
    """An empty figure in the report's style."""
    out = go.Figure()
    out.update_layout(
        height=height,
        margin={"l": 56, "r": 16, "t": 24, "b": 40},
        paper_bgcolor="white",
        plot_bgcolor="white",
        font={"family": "Inter, Helvetica, Arial, sans-serif", "size": 12, "color": INK},
        hoverlabel={"font_size": 12},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0.0, "font_size": 11},
        colorway=list(DRIVES),
    )
    axes(out)
    return out


def axes(out: go.Figure) -> None:
    """Thin grid on all axes."""
    common = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": FAINT, "ticks": "outside"}
    out.update_xaxes(**common, tickcolor=FAINT)
    out.update_yaxes(**common, tickcolor=FAINT)


def thinned(rows: NDArray[np.float64], most: int = MOST_POINTS) -> NDArray[np.float64]:
    """At most that many rows, the last one among them."""
    if len(rows) <= most:
        return rows
    chosen = np.unique(np.linspace(0, len(rows) - 1, most).astype(int))
    return np.asarray(rows[chosen])


def rounded(values: NDArray[np.float64], decimals: int = 3) -> list[float | None]:
    """For JSON: short numbers, gaps as `None`."""
    return [None if not np.isfinite(v) else round(float(v), decimals) for v in values]
