# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""How the camera's kernels are compiled, and how a picture is shared out among threads."""

from numba import njit

FAST = {"contract", "nsz", "arcp", "reassoc"}
"""Liberties with rounding, for `fastmath`; none with infinities, which mean sky and "never"."""

LANES = 16
RUN = 128
"""Pixels per run."""


@njit(cache=True)
def turns(pixels: int) -> int:
    """How many turns k a loop over runs takes, some of them empty."""
    runs = (pixels + RUN - 1) // RUN
    return (runs + LANES - 1) // LANES * LANES


@njit(cache=True)
def turn(k: int, pixels: int) -> tuple[int, int]:
    """First and last + 1 pixel of turn k; empty where there is none.

    Threads get neighbouring k. Neighbouring runs of a picture cost alike (sky above, ground below),
    so turns go through every LANES-th run: each thread then gets of everything.
    """
    per = turns(pixels) // LANES
    first = ((k % per) * LANES + k // per) * RUN
    return min(first, pixels), min(first + RUN, pixels)
