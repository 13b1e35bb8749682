# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One self-contained HTML page from runs or bags: to send to a sponsor, and to print."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jinja2
import plotly.offline

import tenacious_rover
from tenacious_rover.analysis import figures, run_files, story
from tenacious_rover.analysis.bag import Bag
from tenacious_rover.analysis.drive import Drive
from tenacious_rover.analysis.error import AnalysisError
from tenacious_rover.analysis.gather import gather
from tenacious_rover.analysis.map_figure import map_figure
from tenacious_rover.analysis.metrics import LABELS, shown, summary
from tenacious_rover.analysis.pictures import embedded
from tenacious_rover.analysis.roles import rovers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import plotly.graph_objects as go

    from tenacious_rover.analysis.run_files import RunFiles

REPORT = "report.html"


@dataclass
class Subject:
    """One drive with the files of its run."""

    drive: Drive
    files: RunFiles


def write_report(folder: Path) -> Path:
    """Write `report.html` into a run folder; a run without a readable bag gets one too.

    Raises:
        AnalysisError: there is neither a bag nor a run in the folder.
    """
    target = folder / REPORT
    write_page([folder], target)
    return target


def write_page(
    paths: Sequence[Path], target: Path, said: Callable[[str], None] = lambda words: None
) -> list[Subject]:
    """Write one page about one or several runs or bags; what was shown.

    Args:
        paths: run folders, bag folders or bag files.
        target: the HTML file.
        said: is told what is being read, for a progress display.

    Raises:
        AnalysisError: nothing of it can be read, or the page cannot be written.
    """
    subjects = [subject for path in paths for subject in subjects_of(path, said)]
    said("drawing")
    text = page(subjects)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(target)
    except OSError as error:
        raise AnalysisError(f"{target}: {error.strerror}") from error
    return subjects


def subjects_of(path: Path, said: Callable[[str], None] = lambda words: None) -> list[Subject]:
    """The drives of a run or bag: one per rover in it."""
    said(f"reading {path}")
    folder = path if (path / "run.json").is_file() else path.parent
    in_run = (folder / "run.json").is_file()
    files = run_files.read(folder) if in_run else run_files.RunFiles()
    try:
        with Bag(path) as bag:
            spaces = rovers(bag.topics)
            drives = [gather(bag, space, len(spaces) == 1) for space in spaces]
            for drive, space in zip(drives, spaces, strict=True):
                drive.name = _name(path, folder if in_run else None) + (space or "")
    except AnalysisError as error:
        if not in_run:
            raise
        drive = Drive(_name(path, folder))
        drive.notes.append(str(error))
        drives = [drive]
    return [
        Subject(drive, files if i == 0 else run_files.RunFiles()) for i, drive in enumerate(drives)
    ]


def _name(path: Path, run: Path | None) -> str:
    return (run or path).resolve().name


def page(subjects: Sequence[Subject]) -> str:
    """The HTML text."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tenacious_rover.analysis", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["embedded"] = embedded
    environment.filters["minutes"] = story.minutes
    drives = [s.drive for s in subjects]
    files = [s.files for s in subjects]
    plots = Plots()
    table = comparison(drives)
    context: dict[str, Any] = {
        "title": story.title(subjects),
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": tenacious_rover.__version__,
        "subjects": [story.told(s) for s in subjects],
        "alone": len(subjects) == 1,
        "table": table,
        "map": plots.add(map_figure(drives, files)),
        "drift": plots.add(figures.drift_figure(drives)),
        "panels": plots.add(figures.panels(drives)),
        "timelines": [plots.add(figures.timeline(d)) for d in drives],
        "nodes": [plots.add(figures.nodes_figure(d)) for d in drives],
    }
    context["plots"] = plots.json()
    context["plotly"] = plotly.offline.get_plotlyjs() if plots.count else ""
    return environment.get_template("report.html.j2").render(context)


class Plots:
    """Figures of a page, by the id of the place they go to."""

    def __init__(self) -> None:
        self._figures: dict[str, Any] = {}

    @property
    def count(self) -> int:
        """How many."""
        return len(self._figures)

    def add(self, figure: go.Figure | None) -> dict[str, Any] | None:
        """Id and height of a figure's place; `None` for no figure."""
        if figure is None:
            return None
        name = f"plot{len(self._figures)}"
        content = json.loads(figure.to_json())
        content["layout"].pop("template", None)
        self._figures[name] = content
        return {"id": name, "height": figure.layout.height}

    def json(self) -> str:
        """All, to stand inside a script element."""
        return json.dumps(self._figures, separators=(",", ":")).replace("</", "<\\/")


def comparison(drives: Sequence[Drive]) -> list[dict[str, Any]]:
    """Rows of figures: words, one value per drive, and the change from the first to the last."""
    found = [summary(drive) for drive in drives]
    rows = []
    for key, (words, unit, decimals) in LABELS.items():
        values = [figures_of.get(key) for figures_of in found]
        if all(value is None for value in values):
            continue
        first, last = values[0], values[-1]
        change = ""
        if len(values) > 1 and first is not None and last is not None:
            change = f"{last - first:+.{decimals}f}"
        rows.append(
            {
                "key": key,
                "words": words,
                "values": ["" if v is None else shown(key, v) for v in values],
                "change": f"{change} {unit}".strip(),
            }
        )
    return rows
