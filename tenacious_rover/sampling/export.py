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

from tenacious_rover.sampling.error import SamplingError

if TYPE_CHECKING:
    from pathlib import Path

    from tenacious_rover.sampling.log import Entry, SampleLog

_CHI2_95 = 5.991
"""95 % of two degrees of freedom."""
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
        *[(name.replace("_", " "), f"{value:.3g}") for name, value in soil.items()],
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
    pictures = ""
    for picture in _shown(entry):
        data = _bytes(run_folder, picture)
        source = base64.b64encode(data).decode()
        caption = f"{picture['purpose']}, SHA-256 {picture['sha256'][:16]}…"
        pictures += f'<figure><img alt="" src="data:image/png;base64,{source}">'
        pictures += f"<figcaption>{escape(caption)}</figcaption></figure>"
    return _PAGE.format(title=escape(entry.sample), rows=rows, pictures=pictures)


def pdf(entry: Entry, log: SampleLog, run_folder: Path, path: Path) -> None:
    """The certificate as one A4 page; PDF or PNG by the ending of `path`."""
    import cv2
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.27, 11.69))
    figure.text(0.08, 0.945, "Certificate of a soil sample", fontsize=20, weight="bold")
    figure.text(0.08, 0.922, f"{entry.sample} · {entry.facts['label']}", fontsize=13)
    y = 0.885
    for name, value in lines(entry, log.verify().head):
        figure.text(0.08, y, name, fontsize=8.5, color="0.4")
        size = 6.6 if len(value) > 70 else 8.5
        figure.text(0.27, y, value, fontsize=size)
        y -= 0.0195
    for index, picture in enumerate(_shown(entry)):
        data = np.frombuffer(_bytes(run_folder, picture), np.uint8)
        axes = figure.add_axes((0.08 + 0.43 * index, 0.28, 0.41, 0.3))
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if image is None:
            raise SamplingError(f"{picture['path']}: not a picture")
        axes.imshow(image[..., ::-1])
        axes.set_title(picture["purpose"], fontsize=9)
        axes.set_axis_off()
    figure.text(0.08, 0.06, "Check with: tenacious samples verify RUN --head HASH", fontsize=8)
    figure.savefig(path, dpi=150)


def _shown(entry: Entry) -> list[dict[str, str]]:
    """The left picture of each pair."""
    return [p for p in entry.facts["images"] if p["id"].endswith("left")][:2]


def _bytes(run_folder: Path, picture: dict[str, str]) -> bytes:
    path = run_folder / picture["path"]
    try:
        return path.read_bytes()
    except OSError as error:
        raise SamplingError(f"{path}: {error.strerror}") from error


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sample {title}</title>
<style>@page{{size:A4;margin:15mm}}body{{font:11pt/1.35 sans-serif;max-width:180mm;margin:auto}}
h1{{font-size:20pt}}th{{text-align:left;color:#666;font-weight:normal;padding-right:8mm;
white-space:nowrap;vertical-align:top}}td{{overflow-wrap:anywhere}}
figure{{display:inline-block;width:48%;margin:4mm 1% 0 0}}img{{width:100%}}
figcaption{{font-size:8pt;color:#666}}</style>
<h1>Certificate of a soil sample</h1><table>{rows}</table>{pictures}
<p>Check this record with <code>tenacious samples verify RUN --head HASH</code>.</p></html>
"""
