# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The command lines for samples, images and payload, on a made-up run."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tenacious_rover.cli import images, payload, samples
from tenacious_rover.imaging.catalogue import Catalogue
from tenacious_rover.sampling.log import SampleLog

FACTS = {
    "label": "mare <soil>",
    "time_s": 812.4,
    "rover": "tenacious",
    "place_m": [7.5, -2.0, 0.01],
    "covariance_m2": [4e-4, 1e-4, 0, 1e-4, 9e-4, 0, 0, 0, 1e-4],
    "how_known": "rover pose and scoop joints at contact",
    "volume_ml": 31.0,
    "volume_sigma_ml": 2.5,
    "hole_depth_m": 0.02,
    "verified": True,
    "soil": {"edge_force_n": 3.1},
}


@pytest.fixture
def run_folder(tmp_path):
    catalogue = Catalogue(tmp_path)
    pictures = []
    for seed, purpose in enumerate(("sample S001 before", "sample S001 after")):
        rgb = np.random.default_rng(seed).integers(0, 255, (120, 160, 3), dtype=np.uint8)
        card = catalogue.store(
            rgb, kind="stereo", purpose=purpose, time_s=1.0, eye="left", position_m=(7.0, -2.0, 0.0)
        )
        pictures.append(
            {"id": card.id, "path": card.path, "sha256": card.sha256, "purpose": purpose}
        )
    log = SampleLog(tmp_path / "samples" / "samples.sqlite")
    log.append("sample", "S001", FACTS | {"images": pictures})
    log.append("custody", "S001", {"event": "collected"})
    log.close()
    return tmp_path


def tenacious(app, *words):
    return CliRunner().invoke(app, [str(w) for w in words])


def test_samples(run_folder):
    listed = tenacious(samples.app, "ls", "--run", run_folder, "--json")
    assert json.loads(listed.stdout)[0]["x_m"] == 7.5
    assert "31.0" in tenacious(samples.app, "show", "S001", "--run", run_folder).stdout
    assert tenacious(samples.app, "verify", "--run", run_folder).exit_code == 0
    assert tenacious(samples.app, "show", "S009", "--run", run_folder).exit_code == 2
    assert tenacious(samples.app, "ls", "--run", run_folder / "no").exit_code == 2


def test_verify_finds_a_changed_picture(run_folder):
    next((run_folder / "images").glob("*.png")).write_bytes(b"other")
    done = tenacious(samples.app, "verify", "--run", run_folder, "--json")
    assert done.exit_code == 1
    assert "was changed" in json.loads(done.stdout)["problems"][0]


def test_export_and_certificate(run_folder):
    out = run_folder / "s.geojson"
    assert tenacious(samples.app, "export", out, "--run", run_folder).exit_code == 0
    feature = json.loads(out.read_text())["features"][0]
    assert feature["geometry"]["coordinates"] == FACTS["place_m"]
    assert feature["properties"]["ellipse_95"]["major_m"] == pytest.approx(0.0747, abs=0.001)
    assert (
        tenacious(samples.app, "export", run_folder / "s.csv", "--run", run_folder).exit_code == 0
    )
    assert tenacious(samples.app, "export", "s.doc", "--run", run_folder).exit_code == 2
    done = tenacious(samples.app, "certificate", "S001", "--run", run_folder)
    assert done.exit_code == 0, done.output
    page = (run_folder / "samples" / "S001.html").read_text()
    assert "mare &lt;soil&gt;" in page
    assert page.count("data:image/png") == 2
    assert (run_folder / "samples" / "S001.pdf").read_bytes().startswith(b"%PDF")


def test_images(run_folder):
    listed = tenacious(
        images.app, "ls", "--run", run_folder, "--near", 7, -2, "--purpose", "after", "--json"
    )
    assert [c["purpose"] for c in json.loads(listed.stdout)] == ["sample S001 after"]
    assert tenacious(images.app, "ls", "--run", run_folder, "--kind", "x").exit_code == 2
    out = run_folder / "sheet.png"
    assert tenacious(images.app, "sheet", "--run", run_folder, "--out", out).exit_code == 0
    assert out.stat().st_size > 1000


def test_payload_status(run_folder):
    assert tenacious(payload.app, "status", "--run", run_folder).exit_code == 2
    (run_folder / "payload").mkdir()
    (run_folder / "payload" / "status.json").write_text('{"state": "standing"}')
    done = tenacious(payload.app, "status", "--run", run_folder, "--json")
    assert json.loads(done.stdout) == {"state": "standing"}
