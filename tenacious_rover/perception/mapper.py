# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""From frames and poses to the map of the ground: all of perception in one object."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover.perception import darkness
from tenacious_rover.perception.body import Body, body_of, in_view
from tenacious_rover.perception.error import PerceptionError
from tenacious_rover.perception.fusion import RollingMap
from tenacious_rover.perception.hazards import with_hazards
from tenacious_rover.perception.stereo import Sight, StereoMatcher
from tenacious_rover.perception.terrain_map import TerrainMap
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.perception.config import PerceptionConfig
    from tenacious_rover.rover.measurements import Stereo
    from tenacious_rover.rover.model import Rover

    Float = NDArray[np.float64]

_MASK_MARGIN_M = 0.005
"""Around the own body in the image; the map's own margin takes care of what is close to it."""
_WAKE_M = 0.12
"""Around the rover where it wakes: taken as the plane it stands on until it is seen."""
_WAKE_SIGMA_M = 0.02
_STAND_SIGMA_M = 0.012
_LIT_SHARE = 0.02
_MAX_ATTITUDE_SIGMA = math.radians(3.0)


@dataclass(frozen=True)
class Seen:
    """What one frame gave.

    Attributes:
        coverage: share of the image with a known range.
        cells: of the map that it touched.
    """

    coverage: float
    cells: int


class TerrainMapper:
    """Keeps the map of one rover.

    Attributes:
        sight: the newest frame's disparity.
        used, refused: how many frames were and were not taken in.
    """

    def __init__(self, rover: Rover, config: PerceptionConfig) -> None:
        self.rover, self.config = rover, config
        self.matcher = StereoMatcher(rover, config)
        self.map = RollingMap(config)
        self.sight: Sight | None = None
        self.used = self.refused = 0
        self.time_s = -math.inf
        self._place: Float | None = None
        self._terrain: TerrainMap | None = None
        self._payload = True
        self._angles: tuple[float, float] | None = None
        self._shape()

    # -- what the rover carries ---------------------------------------------------------------

    @property
    def body(self) -> Body:
        """The rover as it is now, for `clearance.check_poses`."""
        return self._body

    def attached(self, attached: bool) -> None:
        """Whether the payload is on its latch; once it is off, it is part of the terrain."""
        if attached != self._payload:
            self._payload = attached
            self._shape()

    def scoop(self, lift: float, tilt: float) -> None:
        """Angles of the scoop, rad."""
        angles = (round(lift, 2), round(tilt, 2))
        if angles != self._angles:
            self._angles = angles
            self._shape()

    def _shape(self) -> None:
        self._body = body_of(self.rover, payload=self._payload)
        self._solids = body_of(self.rover, payload=self._payload, scoop=self._angles).solids
        self._mask = in_view(self._solids, self.rover.cameras["left"], _MASK_MARGIN_M)

    def recalibrate(self, rover: Rover) -> None:
        """The same rover with cameras of another geometry; the map is kept."""
        self.rover = rover
        self.matcher = StereoMatcher(rover, self.config)
        self._shape()

    def configure(self, config: PerceptionConfig) -> None:
        """Other numbers; the map is kept while its grid stays the same."""
        grid = (config.resolution_m, config.size_m)
        if grid == (self.config.resolution_m, self.config.size_m):
            self.map.config = config
        else:
            self.map, self._place = RollingMap(config), None
        self.config = config
        self.matcher = StereoMatcher(self.rover, config)
        self._terrain = None

    # -- measurements -------------------------------------------------------------------------

    def stereo(
        self, frame: Stereo, odom_T_base: Float, covariance: Float | None = None
    ) -> Seen | None:
        """Take in one frame.

        Args:
            frame: a pair, or a depth image.
            odom_T_base: (4, 4) of the rover when it was taken.
            covariance: (6, 6) of that pose, x y z rx ry rz.

        Returns:
            What it gave; `None` when it is not used: the rover is tipped over, or its attitude is
            not known well enough to say where the ground is.

        Raises:
            PerceptionError: the frame does not fit the rover's camera, or the pose is not finite.
        """
        if not np.isfinite(odom_T_base).all() or odom_T_base.shape != (4, 4):
            raise PerceptionError("pose: not a finite (4, 4)")
        if self._unfit(odom_T_base, covariance):
            self.refused += 1
            return None
        self.sight = self._looked(frame)
        self._moved(odom_T_base)
        camera = self.rover.cameras["left"]
        cells = self.map.add(
            self.sight,
            camera,
            self.matcher.focal_baseline,
            odom_T_base,
            self._solids,
            self._mask,
        )
        # A picture that shows next to nothing says nothing about the ground either.
        if self.sight.dark is not None and self.sight.coverage > _LIT_SHARE:
            darkness.look(self.map, self.sight.dark, camera, odom_T_base, self._mask)
        self.used += 1
        self.time_s = max(self.time_s, frame.time_s)
        self._terrain = None
        return Seen(self.sight.coverage, cells)

    def _looked(self, frame: Stereo) -> Sight:
        if frame.depth is not None:
            return self.matcher.from_depth(frame.depth)
        if frame.right is None:
            raise PerceptionError("frame: neither a right image nor depth")
        return self.matcher.match(frame.left, frame.right)

    def _unfit(self, odom_T_base: Float, covariance: Float | None) -> bool:
        if frames.tilt(odom_T_base) > math.radians(self.config.max_tilt_deg):
            return True
        if covariance is None:
            return False
        spread = np.diag(covariance)[3:5]
        return not bool(np.all(spread <= _MAX_ATTITUDE_SIGMA**2))

    def _moved(self, odom_T_base: Float) -> None:
        place = odom_T_base[:3, 3].copy()
        first = self._place is None
        if self._place is not None:
            self.map.age(float(np.linalg.norm(place - self._place)))
        self._place = place
        self.map.center_on(place[:2])
        if self.config.stand:
            self.map.stand(self._ground_below(odom_T_base, 0.0), _STAND_SIGMA_M)
            if first:
                self.map.stand(self._ground_below(odom_T_base, _WAKE_M), _WAKE_SIGMA_M)

    def _ground_below(self, odom_T_base: Float, around_m: float) -> Float:
        """Points (n, 3) in odom of the plane that the wheels stand on, under the rover."""
        low_x, low_y, high_x, high_y = self._body.outline
        step = self.config.resolution_m / 2.0
        x, y = np.meshgrid(
            np.arange(low_x - around_m, high_x + around_m + step, step),
            np.arange(low_y - around_m, high_y + around_m + step, step),
        )
        flat = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, self._body.ground_z)])
        return frames.points(odom_T_base, flat)

    # -- the map ------------------------------------------------------------------------------

    @property
    def terrain(self) -> TerrainMap:
        """The map with all layers; a copy that stays as it is.

        Raises:
            PerceptionError: no frame has been taken in yet.
        """
        if self._terrain is None:
            if self.map.corner is None:
                raise PerceptionError("there is no map before the first frame")
            layers = {
                "elevation": self.map.mean.copy(),
                "variance": self.map.variance.copy(),
                "top": self.map.top.copy(),
                "dark": (self.map.dark >= darkness.TWICE).astype(np.float32),
            }
            bare = TerrainMap(self.config.resolution_m, self.map.origin, layers, self.time_s)
            self._terrain = with_hazards(bare, self._body, self.config)
        return self._terrain

    def points(self) -> NDArray[np.float32]:
        """(n, 3) points of the newest frame in the left eye's frame, m; every few pixels."""
        if self.sight is None:
            return np.zeros((0, 3), np.float32)
        step, eye = self.config.points_step_px, self.rover.cameras["left"]
        d = self.sight.disparity[::step, ::step]
        v, u = np.nonzero(np.isfinite(d) & ~self._mask[::step, ::step])
        z = self.matcher.focal_baseline / d[v, u]
        x, y = (u * step - eye.cx_px) / eye.fx_px * z, (v * step - eye.cy_px) / eye.fy_px * z
        near = z <= self.config.far_m
        return np.column_stack([x, y, z])[near].astype(np.float32)
