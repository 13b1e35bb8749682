# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What work in the field needs of the rover around it: drive there, stand, look, tell.

The work itself (`collecting`, and `deploying` of the payload) is written once, against this. A node
fulfils it with ROS; a study fulfils it with a simulator in the same process, where nothing ever
waits (`run`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

    import numpy as np
    from numpy.typing import NDArray

    from tenacious_rover.imaging.sidecar import Sidecar
    from tenacious_rover.navigation.state import Goal, ShortMove
    from tenacious_rover.rover.located import Located
    from tenacious_rover.sampling.patch import Ground

T = TypeVar("T")


class FieldError(RuntimeError):
    """What was asked of the rest of the rover was not done; `cancelled`: somebody stopped it."""

    def __init__(self, message: str, *, cancelled: bool = False) -> None:
        super().__init__(message)
        self.cancelled = cancelled


class Field(Protocol):
    """The rover around a piece of work, for as long as that is worked on."""

    @property
    def now(self) -> float:
        """Time, s."""
        ...

    @property
    def where(self) -> Located | None:
        """The newest pose."""
        ...

    @property
    def terrain(self) -> Ground | None:
        """The newest map, in odom."""
        ...

    @property
    def sun_map(self) -> NDArray[np.float64] | None:
        """(3,) direction to the sun in map, when known."""
        ...

    def soft_m(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """From points (n, 2) in odom to where the wheels were felt to sink (n,); inf: nowhere."""
        ...

    def tell(self, name: str, words: str, *, warning: bool = False, **facts: Any) -> None:
        """Say what happened."""
        ...

    def state(self, state: str, progress: float, *, cancel: bool = True) -> None:
        """Say what is being done.

        Raises:
            FieldError: somebody asked to stop, and `cancel` allows it here.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def drive(self, goal: Goal | ShortMove, *, cancel: bool = True) -> None:
        """Drive there; a goal is in map.

        Raises:
            FieldError: not reached.
        """
        ...

    async def stereo(self, purpose: str) -> tuple[Sidecar, Sidecar]:
        """Take, meter and keep a pair: left and right.

        Raises:
            FieldError: no picture.
        """
        ...


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do work whose field never waits.

    Raises:
        RuntimeError: it waited.
    """
    try:
        work.send(None)
    except StopIteration as ended:
        return ended.value
    work.close()
    raise RuntimeError("work in one process waited for something that nobody does")
