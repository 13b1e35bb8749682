# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Elevation models: read back exactly, and refused for every reason there is."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine, from_origin

from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.terrain import dem, spec
from tenacious_rover.simulator.world import WorldError, load_world

MOON = "+proj=stere +lat_0=90 +lon_0=0 +k=1 +x_0=0 +y_0=0 +R=1737400 +units=m +no_defs"
BARE = {"finer": False}


def hill(easting, northing):
    return 2.0 * np.exp(-((easting - 1010) ** 2 + (northing - 2005) ** 2) / 200.0) + 0.05 * easting


def written(path, values, crs=MOON, transform=None, pixel=1.0, **more):
    rows, columns = values.shape
    transform = transform or from_origin(
        1000 - columns * pixel / 2, 2000 + rows * pixel / 2, pixel, pixel
    )
    units = more.pop("units", None)
    scale = more.pop("scale", None)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=rows,
        width=columns,
        count=1,
        dtype=values.dtype,
        crs=crs,
        transform=transform,
        **more,
    ) as raster:
        raster.write(values, 1)
        if units:
            raster.units = (units,)
        if scale:
            raster.scales = (scale,)
    return path


def model(pixel=1.0, n=100):
    at = (np.arange(n) - (n - 1) / 2.0) * pixel
    return hill(1000 + at[None, :], 2000 - at[:, None]).astype(np.float32)


def world_of(tmp_path, size=60.0, finer=False, center="null", resolution=0.25):
    path = tmp_path / "w.yaml"
    path.write_text(
        f"world: measured\nsize_m: {size}\nresolution_m: {resolution}\nrocks: {{k: 0.0}}\n"
        f"dem: {{file: site.tif, finer: {str(finer).lower()}, center_m: {center}}}\n",
        encoding="utf-8",
    )
    return load_world(path)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TENACIOUS_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("center", ["null", "[1007.3, 1995.9]"])
def test_heights_come_back_where_they_were_measured(tmp_path, center):
    written(tmp_path / "site.tif", model())
    world = build_world(world_of(tmp_path, center=center))
    ex, ny = (1000.0, 2000.0) if center == "null" else (1007.3, 1995.9)
    x, y = np.random.default_rng(0).uniform(-29, 29, (2, 500))
    truth = hill(ex + x, ny + y) - hill(ex, ny)
    assert np.abs(world.height(x, y) - truth).max() < 0.01
    assert float(world.height(0.0, 0.0)) == pytest.approx(0.0, abs=1e-5)


def test_a_pixel_is_a_node_when_they_coincide(tmp_path):
    rng = np.random.default_rng(1)
    values = rng.normal(0.0, 0.3, (41, 41)).astype(np.float32)
    written(tmp_path / "site.tif", values)
    world = build_world(world_of(tmp_path, size=30.0, resolution=1.0))
    part = values[5:36, 5:36][::-1]
    assert np.allclose(world.heights, part - values[20, 20], atol=1e-4)


def test_finer_relief_leaves_what_was_measured(tmp_path):
    written(tmp_path / "site.tif", model())
    plain = build_world(world_of(tmp_path, resolution=0.1))
    fine = build_world(world_of(tmp_path, finer=True, resolution=0.1))
    change = fine.heights.astype(float) - plain.heights
    assert 0.003 < change.std() < 0.05
    blocks = change[:600, :600].reshape(15, 40, 15, 40).mean(axis=(1, 3))
    assert blocks.std() < 0.5 * change.std()
    assert fine.craters.diameter_m.max() <= 2.0


def test_scaled_integers_are_read(tmp_path):
    values = np.round(model() / 0.01).astype(np.int16)
    written(tmp_path / "site.tif", values, scale=0.01)
    world = build_world(world_of(tmp_path))
    assert np.abs(float(world.height(10.0, 5.0)) - (hill(1010, 2005) - hill(1000, 2000))) < 0.03


def test_pixels_finer_than_the_grid_are_averaged(tmp_path):
    values = model(pixel=0.1, n=600)
    noise = np.random.default_rng(0).normal(0.0, 0.1, values.shape).astype(np.float32)
    written(tmp_path / "site.tif", values + noise, pixel=0.1)
    world = build_world(world_of(tmp_path, size=50.0, resolution=0.5))
    x, y = np.random.default_rng(0).uniform(-20, 20, (2, 300))
    at_origin = float(world.height(0.0, 0.0) - 0.0)
    error = world.height(x, y) - (hill(1000 + x, 2000 + y) - hill(1000, 2000)) - at_origin
    assert error.std() < 0.05


def test_a_changed_file_is_another_world(tmp_path):
    written(tmp_path / "site.tif", model())
    first = build_world(world_of(tmp_path))
    written(tmp_path / "site.tif", model() * np.float32(1.1))
    assert build_world(world_of(tmp_path)).digest != first.digest


def holed():
    values = model()
    values[40, 52] = -9999.0
    return values


def nan():
    values = model()
    values[50, 50] = np.nan
    return values


WRONG = {
    "no georeference": (
        lambda p: written(p, model(), crs=None, transform=Affine.identity()),
        "has no georeference",
    ),
    "no crs": (lambda p: written(p, model(), crs=None), "has no georeference"),
    "degrees": (
        lambda p: written(p, model(), crs="+proj=longlat +R=1737400 +no_defs"),
        "is in degrees",
    ),
    "feet on the ground": (
        lambda p: written(p, model(), crs=MOON.replace("+units=m", "+units=us-ft")),
        "should be in metres",
    ),
    "heights in feet": (lambda p: written(p, model(), units="ft"), "heights are in 'ft'"),
    "heights in km": (lambda p: written(p, model(), units="km"), "heights are in 'km'"),
    "heights in millimetres": (
        lambda p: written(p, model() * np.float32(1000.0)),
        "millimetres or feet",
    ),
    "hole": (
        lambda p: written(p, holed(), nodata=-9999.0),
        "1 of 4624 pixels needed have no height, the first in row 40, column 52",
    ),
    "nan": (lambda p: written(p, nan()), "first in row 50, column 50"),
    "too small": (lambda p: written(p, model(n=40)), "covers 40 x 40 m"),
    "upside down": (
        lambda p: written(p, model(), transform=Affine(1, 0, 950, 0, 1, 1950)),
        "upside down",
    ),
    "no raster": (lambda p: p.write_bytes(b"not a tiff"), "not a readable GeoTIFF"),
    "missing": (lambda p: None, "no such file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_before_any_work(tmp_path, name, monkeypatch):
    make, message = WRONG[name]
    make(tmp_path / "site.tif")
    monkeypatch.setattr("tenacious_rover.simulator.build._made", lambda *_: pytest.fail("worked"))
    with pytest.raises(WorldError) as raised:
        build_world(world_of(tmp_path))
    assert message in str(raised.value)
    assert "site.tif" in str(raised.value)


def test_a_hole_outside_the_world_does_not_matter(tmp_path):
    values = model()
    values[2, 2] = np.nan
    written(tmp_path / "site.tif", values)
    assert dem.check(spec.Dem(file=str(tmp_path / "site.tif")), 60.0).pixel_m == (1.0, 1.0)
