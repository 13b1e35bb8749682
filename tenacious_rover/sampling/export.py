# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The sample log for others: CSV, GeoJSON, and a certificate of one page per sample."""

from __future__ import annotations

import base64
import csv
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.sampling import pictures

if TYPE_CHECKING:
    from pathlib import Path

    from tenacious_rover.sampling.log import Entry, SampleLog

_CHI2_95 = 5.991
"""95 % of two degrees of freedom."""
_SAID = {
    "brightness": "Brightness, of 255",
    "red_over_green": "Red over green",
    "blue_over_green": "Blue over green",
    "contrast": "Contrast",
    "grain_scale_mm": "Scale of grain, mm",
    "edge_force_n": "Force at the edge, N",
    "resistance_kpa": "Resistance, kPa",
    "penetration_m": "Penetration, m",
}
COLUMNS = (
    "sample",
    "label",
    "time_s",
    "x_m",
    "y_m",
    "z_m",
    "sigma_x_m",
    "sigma_y_m",
    "sigma_z_m",
    "volume_ml",
    "volume_sigma_ml",
    "verified",
    "hash",
)


def row(entry: Entry) -> dict[str, Any]:
    """A sample as one flat row."""
    facts = entry.facts
    place, spread = facts["place_m"], np.array(facts["covariance_m2"]).reshape(3, 3)
    sigma = np.sqrt(np.diag(spread))
    values = [entry.sample, facts["label"], facts["time_s"], *place, *map(float, sigma)]
    values += [facts["volume_ml"], facts["volume_sigma_ml"], facts["verified"], entry.hash]
    return dict(zip(COLUMNS, values, strict=True))


def as_csv(log: SampleLog) -> str:
    """Every sample, one row each; lengths in m, volumes in ml, place in map."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for entry in log.entries(kind="sample"):
        writer.writerow(row(entry))
    return out.getvalue()


def as_geojson(log: SampleLog) -> str:
    """Points in map (metres east and north of the lander; the member `crs_note` says so)."""
    features = []
    for entry in log.entries(kind="sample"):
        point = {"type": "Point", "coordinates": entry.facts["place_m"]}
        properties = row(entry) | {"ellipse_95": ellipse(entry.facts["covariance_m2"])}
        features.append({"type": "Feature", "geometry": point, "properties": properties})
    note = "local metres: x east, y north, z up from the lander, not longitude and latitude"
    return json.dumps(
        {"type": "FeatureCollection", "crs_note": note, "features": features}, indent=1
    )


def ellipse(covariance: list[float]) -> dict[str, float]:
    """The 95 % ellipse in the plane of a (9,) covariance: half axes in m, direction in degrees."""
    values, vectors = np.linalg.eigh(np.array(covariance).reshape(3, 3)[:2, :2])
    minor, major = np.sqrt(np.maximum(values, 0.0) * _CHI2_95)
    angle = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
    return {"major_m": float(major), "minor_m": float(minor), "direction_deg": angle}


def lines(entry: Entry, head: str) -> list[tuple[str, str]]:
    """What the certificate says, name and value."""
    f = entry.facts
    x, y, z = f["place_m"]
    e = ellipse(f["covariance_m2"])
    soil = f.get("soil", {})
    return [
        ("Sample", f"{entry.sample}  {f['label']}"),
        ("Collected at", f"{f['time_s']:.1f} s mission time, by rover {f['rover']}"),
        ("Place", f"x {x:.3f} m east, y {y:.3f} m north, z {z:.3f} m (map: lander at origin)"),
        ("95 % ellipse", f"{e['major_m']:.3f} x {e['minor_m']:.3f} m at {e['direction_deg']:.0f}°"),
        ("How known", f["how_known"]),
        ("Volume", f"{f['volume_ml']:.1f} ± {f['volume_sigma_ml']:.1f} ml, from stereo pairs"),
        ("Hole", f"{1000.0 * f['hole_depth_m']:.0f} mm deep"),
        *[(_SAID.get(name, name), f"{value:.3g}") for name, value in soil.items()],
        ("Record", f"entry {entry.sequence}, SHA-256 {entry.hash}"),
        ("Log head", head),
    ]


def html(entry: Entry, log: SampleLog, run_folder: Path) -> str:
    """The certificate as one self-contained page, to print on A4."""
    from html import escape

    head = log.verify().head
    rows = "".join(
        f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in lines(entry, head)
    )
    shown = ""
    for caption, rgb in pictures.shown(entry, run_folder):
        source = base64.b64encode(pictures.png(rgb)).decode()
        shown += f'<figure><img alt="" src="data:image/png;base64,{source}">'
        shown += f"<figcaption>{escape(caption)}</figcaption></figure>"
    return _PAGE.format(title=escape(entry.sample), rows=rows, pictures=shown)


def pdf(entry: Entry, log: SampleLog, run_folder: Path, path: Path) -> None:
    """The certificate as one A4 page; PDF or PNG by the ending of `path`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.27, 11.69))
    figure.text(0.08, 0.945, "Certificate of a soil sample", fontsize=20, weight="bold")
    figure.text(0.08, 0.922, f"{entry.sample} · {entry.facts['label']}", fontsize=13)
    y = 0.89
    for name, value in lines(entry, log.verify().head):
        figure.text(0.08, y, name, fontsize=8, color="0.4")
        figure.text(0.27, y, value, fontsize=6.4 if len(value) >= 64 else 8)
        y -= 0.0163
    for number, (caption, rgb) in enumerate(pictures.shown(entry, run_folder)):
        row, column = divmod(number, 2)
        axes = figure.add_axes((0.08 + 0.43 * column, 0.335 - 0.265 * row, 0.41, 0.24))
        axes.imshow(rgb)
        axes.set_title(caption, fontsize=7)
        axes.set_axis_off()
    figure.text(0.08, 0.04, "Check with: tenacious samples verify RUN --head HASH", fontsize=8)
    figure.savefig(path, dpi=150)


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sample {title}</title>
<style>@page{{size:A4;margin:15mm}}body{{font:11pt/1.35 sans-serif;max-width:180mm;margin:auto}}
h1{{font-size:20pt}}th{{text-align:left;color:#666;font-weight:normal;padding-right:8mm;
white-space:nowrap;vertical-align:top}}td{{overflow-wrap:anywhere}}
figure{{display:inline-block;width:48%;margin:3mm 1% 0 0;vertical-align:top}}img{{width:100%}}
figcaption{{font-size:8pt;color:#666}}</style>
<h1>Certificate of a soil sample</h1><table>{rows}</table>{pictures}
<p>Check this record with <code>tenacious samples verify RUN --head HASH</code>.</p></html>
"""
