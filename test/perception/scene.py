# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Pairs of images of a known surface: a textured height function seen by two ideal cameras.

Rays are marched against the height function; the texture is a function of the place on the ground,
so both eyes see the same thing and the depth is exact. Octaves finer than a pixel fade out.
"""

import numpy as np
from scipy import ndimage


class Scene:
    """`height(x, y)` in m; `dark(x, y)` bool, black ground; `noise` standard deviation, levels."""

    def __init__(self, height, *, dark=None, noise=1.0, seed=0):
        self.height, self.dark, self.noise = height, dark, noise
        self.rng = np.random.default_rng(seed)
        self.tile = self.rng.standard_normal((256, 256))

    def pair(self, rover, map_T_base):
        """Left (h, w) uint8, right, depth (h, w) of the left eye with inf in the sky."""
        eyes = [rover.cameras[name] for name in ("left", "right")]
        (left, depth), (right, _) = (self.view(eye, map_T_base) for eye in eyes)
        return left, right, depth

    def view(self, camera, map_T_base):
        pose = map_T_base @ camera.base_T_optical
        v, u = np.mgrid[: camera.height_px, : camera.width_px].astype(float)
        rays = np.stack([(u - camera.cx_px) / camera.fx_px, (v - camera.cy_px) / camera.fy_px], -1)
        rays = np.concatenate([rays, np.ones_like(u)[..., None]], -1).reshape(-1, 3)
        ahead, eye = rays @ pose[:3, :3].T, pose[:3, 3]
        depth = self.cast(eye, ahead)
        seen = np.isfinite(depth)
        image = np.zeros(len(depth))
        hit = eye + ahead[seen] * depth[seen, None]
        light = 110.0 + 28.0 * self.texture(hit, depth[seen] / camera.fx_px)
        if self.dark is not None:
            light[self.dark(hit[:, 0], hit[:, 1])] = 3.0
        image[seen] = light
        image += self.rng.standard_normal(len(image)) * self.noise
        shape = (camera.height_px, camera.width_px)
        return np.clip(image, 0, 255).astype(np.uint8).reshape(shape), depth.reshape(shape)

    def cast(self, eye, ahead, far=25.0):
        depth = np.full(len(ahead), np.inf)
        alive = np.arange(len(ahead))
        before = np.full(len(ahead), 0.15)
        for t in np.geomspace(0.15, far, 420):
            p = eye + ahead[alive] * t
            under = p[:, 2] < self.height(p[:, 0], p[:, 1])
            hit = alive[under]
            low, high = before[hit], np.full(len(hit), t)
            for _ in range(18):
                middle = 0.5 * (low + high)
                q = eye + ahead[hit] * middle[:, None]
                below = q[:, 2] < self.height(q[:, 0], q[:, 1])
                low, high = np.where(below, low, middle), np.where(below, middle, high)
            depth[hit] = 0.5 * (low + high)
            alive = alive[~under]
            before[alive] = t
        return depth

    def texture(self, place, pixel):
        out = np.zeros(len(place))
        for wave in (0.008, 0.02, 0.05, 0.13, 0.35):
            fade = np.clip(wave / (2.5 * pixel) - 1.0, 0.0, 1.0)
            at = (place[:, :2] + 0.31 * place[:, 2:]) / wave * 2.0 + wave * 1e4
            out += fade * ndimage.map_coordinates(self.tile, at.T, order=1, mode="grid-wrap")
        return out
