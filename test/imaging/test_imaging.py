# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Metering, panoramas and the catalogue, on pictures with a known truth."""

import cv2
import numpy as np
import pytest

from tenacious_rover.imaging import exposure, panorama, view
from tenacious_rover.imaging.catalogue import Catalogue, Query
from tenacious_rover.imaging.config import ImagingConfig
from tenacious_rover.imaging.error import ImagingError
from tenacious_rover.imaging.sheet import contact_sheet
from tenacious_rover.rover import frames

CONFIG = ImagingConfig()
K = np.array([[208.0, 0, 160.0], [0, 208.0, 120.0], [0, 0, 1.0]])
BASE_R_OPTICAL = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])


def scene(azimuth, elevation):
    """Light from a direction: textured ground below, black sky above; broadcast arrays."""
    texture = _TEXTURE
    u = (azimuth / (2 * np.pi) % 1.0) * (texture.shape[1] - 1)
    v = np.clip((0.5 - elevation / 2.0) * (texture.shape[0] - 1), 0, texture.shape[0] - 1)
    grey = cv2.remap(texture, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)
    return np.where(elevation < 0.0, grey, 0.0)


def made_texture():
    rng = np.random.default_rng(3)
    noise = rng.random((400, 1600)).astype(np.float32)
    soft = sum(cv2.GaussianBlur(noise, (0, 0), s) * s for s in (1.5, 4.0, 10.0))
    soft = (soft - soft.min()) / np.ptp(soft)
    return (0.02 + 0.1 * soft).astype(np.float32)


_TEXTURE = made_texture()


def rotation(yaw, pitch=0.15):
    return frames.from_rpy((0, 0, 0), (0, pitch, yaw))[:3, :3] @ BASE_R_OPTICAL


def rendered(map_R_optical):
    v, u = np.mgrid[:240, :320].astype(float)
    rays = np.stack([(u - 160) / 208, (v - 120) / 208, np.ones_like(u)], -1) @ map_R_optical.T
    elevation = np.arctan2(rays[..., 2], np.hypot(rays[..., 0], rays[..., 1]))
    grey = scene(np.arctan2(rays[..., 1], rays[..., 0]), elevation)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.float32)


@pytest.mark.parametrize("brightness", [0.02, 0.05, 1.0, 20.0])
def test_metering_exposes_to_the_right_without_clipping(brightness):
    light = rendered(rotation(0.0))[..., 0] * brightness
    ground = light > 0.0
    used = exposure.split(CONFIG.first_exposure_us, CONFIG)
    for _ in range(CONFIG.metering_rounds):
        raw = np.clip(light * used.light * 0.5, 0, 255).astype(np.uint8)
        seen = exposure.meter(raw, ground, used, CONFIG)
        if seen.good:
            break
        used = seen.next
    assert seen.good
    assert seen.clipped <= CONFIG.clipped_share
    assert raw[ground].max() > 150


def test_metering_ignores_sky_and_shadow():
    raw = np.zeros((100, 100), np.uint8)
    raw[90:] = 210
    mask = np.zeros((100, 100), bool)
    mask[50:] = True
    seen = exposure.meter(raw, mask, exposure.Exposure(1000.0), CONFIG)
    assert seen.good


def test_bracket_merges_to_the_true_light():
    light = rendered(rotation(1.0)) * np.linspace(0.05, 3.0, 320)[None, :, None]
    settings = exposure.bracket(exposure.Exposure(2000.0), 2.0, CONFIG)
    pictures = [np.clip(light * e.light, 0, 255).round().astype(np.uint8) for e in settings]
    merged = exposure.merged(pictures, list(settings), CONFIG)
    seen = (light > 0.002) & (light * settings[0].light < 250)
    assert np.median(np.abs(merged[seen] / light[seen] - 1.0)) < 0.01
    assert np.percentile(np.abs(merged[seen] / light[seen] - 1.0), 99) < 0.08


@pytest.mark.parametrize(("span", "frames_wanted"), [(0.0, 7), (np.pi, 3), (0.5, 1)])
def test_turns_cover_the_span(span, frames_wanted):
    fov = np.radians(75.0)
    turns = panorama.turns(fov, 0.3, span)
    assert len(turns) + 1 == frames_wanted
    assert all(t <= fov * 0.7 + 1e-9 for t in turns)
    assert sum(turns) + fov >= (span or 2 * np.pi) - 1e-9


@pytest.mark.parametrize("error_deg", [0.0, 1.0])
def test_stitching_restores_the_scene(error_deg):
    rng = np.random.default_rng(5)
    yaws = np.cumsum([0.0, *panorama.turns(2 * np.arctan(160 / 208), 0.3)])
    views = []
    for k, yaw in enumerate(yaws):
        wrong = np.radians(error_deg) * rng.standard_normal() if k else 0.0
        views.append(panorama.View(rendered(rotation(yaw)), rotation(yaw + wrong), K))
    made = panorama.stitched(views)
    height, width = made.seen.shape
    azimuth = made.first_azimuth - (np.arange(width) + 0.5) / made.px_per_rad
    tangent = (made.horizon_row - np.arange(height) - 0.5) / made.px_per_rad
    truth = scene(*np.broadcast_arrays(azimuth[None], np.arctan(tangent)[:, None]))
    band = made.seen & (np.arctan(tangent)[:, None] < -0.03)
    assert made.seen[int(made.horizon_row) + 5].mean() > 0.99
    assert np.median(made.seams) > 0.7
    off = np.abs(made.light[..., 0] - truth)[band]
    assert np.median(off) < (0.003 if error_deg == 0.0 else 0.012)


def test_target_stands_with_the_sun_behind_a_shoulder():
    stand = view.standing_place((0.0, 0.0), (0.5, 0.0), 1.5, sun_azimuth=1.0)
    assert stand is not None
    assert np.hypot(stand.x, stand.y) == pytest.approx(1.5)
    assert abs(frames.wrapped(np.arctan2(stand.y, stand.x) - 1.0)) < np.pi / 2
    assert view.standing_place((0, 0), (1, 0), 1.0, free=lambda x, y: False) is None


def picture(seed):
    return np.random.default_rng(seed).integers(0, 255, (40, 60, 3), dtype=np.uint8)


def stored(catalogue, seed=0, **facts):
    values = {"kind": "single", "purpose": "test", "time_s": 1.0, "eye": "left", **facts}
    return catalogue.store(picture(seed), **values)


def test_catalogue_keeps_finds_and_checks(tmp_path):
    catalogue = Catalogue(tmp_path)
    a = stored(catalogue, 1, purpose="sample S001 before", position_m=(1.0, 2.0, 0.0))
    b = stored(catalogue, 2, kind="stereo")
    assert (catalogue.pixels(a) == picture(1)).all()
    assert [s.id for s in catalogue.find(Query(purpose="sample"))] == [a.id]
    assert [s.id for s in catalogue.find(Query(near=(1.2, 2.0), radius_m=0.5))] == [a.id]
    assert [s.id for s in catalogue.find(Query(kind="stereo"))] == [b.id]
    (tmp_path / a.path).write_bytes((tmp_path / b.path).read_bytes())
    with pytest.raises(ImagingError, match="changed"):
        catalogue.pixels(a)


def test_catalogue_is_made_again_from_sidecars(tmp_path):
    catalogue = Catalogue(tmp_path)
    a = stored(catalogue, 1, position_m=(1.0, 2.0, 0.0))
    catalogue.close()
    for path in (tmp_path / "images").glob("catalogue*"):
        path.unlink()
    (tmp_path / "images" / "x.png.part").write_bytes(b"half")
    again = Catalogue(tmp_path)
    assert again.get(a.id) == a
    assert not list((tmp_path / "images").glob("*.part"))


def test_catalogue_refuses_when_the_disk_is_full(tmp_path):
    with pytest.raises(ImagingError, match="MB free"):
        stored(Catalogue(tmp_path, reserve_mb=1e9))


def test_contact_sheet_holds_every_picture():
    sheet = contact_sheet([picture(k) for k in range(5)], [("a", "b")] * 5, columns=3, title="t")
    assert sheet.shape[1] > 900
    assert sheet.shape[0] > 500


@pytest.mark.parametrize("share", [0.002, 0.02])
def test_a_white_lander_does_not_leave_the_ground_in_the_dark(share):
    config = ImagingConfig()
    rng = np.random.default_rng(3)
    light = rng.uniform(0.4, 1.0, 40_000)
    light[: int(share * len(light))] = 40.0
    used = exposure.Exposure(1000.0)
    mask = np.ones(len(light), bool)
    for _ in range(config.metering_rounds):
        pixels = np.clip(light * used.light / 20.0, 0, 255).astype(np.uint8)[:, None]
        found = exposure.meter(pixels, mask[:, None], used, config)
        if found.good:
            break
        used = found.next
    assert found.good
    assert 150.0 < np.percentile(pixels[int(share * len(light)) :], 99.0) < 250.0


def test_bright_faces_of_rocks_are_ground_and_do_not_clip():
    """A few rocks up to three times as bright as the brightest soil."""
    config = ImagingConfig()
    rng = np.random.default_rng(4)
    light = rng.uniform(0.2, 0.6, 40_000)
    light[:300] = rng.uniform(0.6, 2.0, 300)
    used = exposure.Exposure(1000.0)
    mask = np.ones((len(light), 1), bool)
    for _ in range(config.metering_rounds):
        pixels = np.clip(light * used.light / 8.0, 0, 255).astype(np.uint8)[:, None]
        found = exposure.meter(pixels, mask, used, config)
        if found.good:
            break
        used = found.next
    assert found.good
    assert np.mean(pixels >= config.clipped_from) <= 0.005
