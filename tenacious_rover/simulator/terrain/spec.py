# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What a world file may say about its ground, with the published numbers as defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Metres = Annotated[float, Field(ge=-1000.0, le=1000.0)]
Degrees = Annotated[float, Field(ge=-360.0, le=360.0)]


class Strict(BaseModel):
    """No unknown field, no NaN, no change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True
    )


class Relief(Strict):
    """Fractal relief below and between the craters.

    The Hurst exponent of maria is 0.76 at metres and more (Rosenburg et al. 2011); at centimetres
    0.5 to 0.7 (Helfenstein and Shepard 1999), which `detail` below the grid uses.
    """

    hurst: Annotated[float, Field(ge=0.3, le=1.0)] = 0.76
    deviation_m: Annotated[float, Field(ge=0.0, le=0.5)] = Field(
        default=0.02, description="RMS difference of height between places 1 m apart"
    )


class Craters(Strict):
    """Small craters in equilibrium: n(>=D) = density / D^2 per m^2 (Minton et al. 2019).

    A tenth is fresh, the rest worn down by diffusion; the mean depth/diameter of the default mix is
    0.06, as measured at Chang'e-4 (Wu et al. 2021).
    """

    density: Annotated[float, Field(ge=0.0, le=0.2)] = 0.0336
    smallest_m: Annotated[float, Field(ge=0.05, le=50.0)] = 0.05
    largest_m: Annotated[float, Field(ge=0.05, le=50.0)] = 20.0
    fresh_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    moderate_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.4

    @model_validator(mode="after")
    def _ordered(self) -> Craters:
        if self.smallest_m >= self.largest_m:
            raise ValueError(
                f"smallest_m {self.smallest_m:g} should be less than largest_m {self.largest_m:g}"
            )
        if self.fresh_share + self.moderate_share > 1.0:
            raise ValueError(
                f"fresh_share {self.fresh_share:g} and moderate_share {self.moderate_share:g} "
                "should together be 1 or less"
            )
        return self

    def below(self, diameter_m: float) -> Craters | None:
        """The part of the population smaller than this; None when there is none."""
        if diameter_m >= self.largest_m:
            return self
        if diameter_m <= self.smallest_m:
            return None
        return self.model_copy(update={"largest_m": diameter_m})


class Slope(Strict):
    """A plane under everything."""

    angle_deg: Annotated[float, Field(ge=0.0, le=30.0)] = 0.0
    uphill_deg: Degrees = Field(default=0.0, description="where it rises to, from +x towards +y")


class CraterFeature(Strict):
    """One crater of a given place and size."""

    kind: Literal["crater"]
    x_m: Metres
    y_m: Metres
    diameter_m: Annotated[float, Field(ge=0.3, le=1000.0)]
    depth_ratio: Annotated[float, Field(ge=0.02, le=0.17)] = 0.1


class RidgeFeature(Strict):
    """A wrinkle ridge: a broad arch with a steep side and a narrow crest that wanders."""

    kind: Literal["ridge"]
    x_m: Metres
    y_m: Metres
    along_deg: Degrees = Field(default=0.0, description="where it runs to, from +x towards +y")
    width_m: Annotated[float, Field(ge=2.0, le=1000.0)] = 30.0
    height_m: Annotated[float, Field(ge=0.05, le=100.0)] = 2.0
    steep_share: Annotated[float, Field(ge=0.1, le=0.5)] = Field(
        default=0.25, description="part of the width that the steep side takes, left of its run"
    )


Feature = Annotated[CraterFeature | RidgeFeature, Field(discriminator="kind")]


class Terrain(Strict):
    """Everything that shapes the ground, added up."""

    relief: Relief = Relief()
    craters: Craters = Craters()
    slope: Slope = Slope()
    features: tuple[Feature, ...] = ()


class RockSource(Strict):
    """The crater that threw the rocks out: they thin with distance from its rim.

    Their density goes as background + (1 - background) * (r / radius_m)^-falloff outside the rim,
    scaled so that the whole world still holds what k and q ask for. Falloff assumed.
    """

    x_m: Metres
    y_m: Metres
    radius_m: Annotated[float, Field(ge=0.5, le=500.0)]
    falloff: Annotated[float, Field(ge=0.0, le=6.0)] = 2.0
    background: Annotated[float, Field(ge=0.01, le=1.0)] = 0.3


class Rocks(Strict):
    """Rocks whose area fraction follows F(D) = k exp(-q D)."""

    k: Annotated[float, Field(ge=0.0, le=0.3)] = 0.0125
    q: Annotated[float, Field(ge=0.3, le=20.0)] | None = Field(
        default=None, description="1/m; the law for this k when it is not given"
    )
    smallest_m: Annotated[float, Field(ge=0.02, le=5.0)] = 0.05
    largest_m: Annotated[float, Field(ge=0.02, le=10.0)] = 3.0
    source: RockSource | None = Field(default=None, description="even everywhere when null")

    @model_validator(mode="after")
    def _ordered(self) -> Rocks:
        if self.smallest_m >= self.largest_m:
            raise ValueError(
                f"smallest_m {self.smallest_m:g} should be less than largest_m {self.largest_m:g}"
            )
        return self


class Dem(Strict):
    """A measured elevation model (GeoTIFF, projected, metres) instead of slope and features.

    Relief and craters are added only below what the model resolves.
    """

    file: str
    center_m: tuple[float, float] | None = Field(
        default=None,
        description="easting and northing that become the map's origin; the middle when null",
    )
    finer: bool = Field(
        default=True, description="add relief and craters that the model cannot show"
    )
