# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What happened on a drive, gathered in one pass over a bag."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tenacious_rover.analysis.canvas import Canvas


@dataclass(frozen=True)
class Track:
    """Poses over time: `time_s` (n,), `xyz` (n, 3) m, `wxyz` (n, 4)."""

    time_s: NDArray[np.float64]
    xyz: NDArray[np.float64]
    wxyz: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def tilt_deg(self) -> NDArray[np.float64]:
        """(n,) angle of the rover's z axis to the vertical."""
        _, x, y, _ = self.wxyz.T
        return np.degrees(np.arccos(np.clip(1.0 - 2.0 * (x * x + y * y), -1.0, 1.0)))

    @property
    def yaw(self) -> NDArray[np.float64]:
        """(n,) rad."""
        w, x, y, z = self.wxyz.T
        return np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))

    @property
    def driven_m(self) -> NDArray[np.float64]:
        """(n,) length of the path so far, in the plane.

        Trembling below 1 cm does not count: a standing rover drives nothing.
        """
        out = np.zeros(len(self))
        anchor, total = self.xyz[0, :2] if len(self) else np.zeros(2), 0.0
        for i, place in enumerate(self.xyz[:, :2]):
            step = float(np.hypot(*(place - anchor)))
            if step > 0.01:
                total += step
                anchor = place
            out[i] = total
        return out

    def at(self, time_s: float) -> NDArray[np.float64] | None:
        """(3,) place nearest in time, or `None`."""
        if not len(self):
            return None
        return np.asarray(self.xyz[int(np.argmin(np.abs(self.time_s - time_s)))])


def track(rows: list[tuple[float, NDArray[np.float64]]]) -> Track:
    """A track of (time, (4, 4)) rows."""
    if not rows:
        return Track(np.zeros(0), np.zeros((0, 3)), np.zeros((0, 4)))
    poses = np.array([pose for _, pose in rows])
    return Track(
        np.array([time for time, _ in rows]),
        poses[:, :3, 3],
        np.array([frames.quaternion(pose) for pose in poses]),
    )


@dataclass
class Event:
    """A line of the log."""

    time_s: float
    severity: int
    source: str
    name: str
    message: str


@dataclass
class Step:
    """A step of the mission as it ran."""

    name: str
    begin_s: float
    end_s: float
    outcome: str = "running"


@dataclass
class Decision:
    """A change of what the navigator does."""

    time_s: float
    state: str
    reason: str
    remaining_m: float
    driven_m: float
    recoveries: int


@dataclass
class NodeUse:
    """A process, from its heartbeats: columns time s, CPU s, memory MB, lag s."""

    name: str
    rows: list[tuple[float, float, float, float]] = field(default_factory=list)


@dataclass
class Drive:
    """All that a report needs. Times are s of the rover's clock; places in map when known."""

    name: str
    namespace: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    topics: list[tuple[str, str, int]] = field(default_factory=list)
    span_s: tuple[float, float] = (0.0, 0.0)
    frame: str = frames.MAP
    estimate: Track = field(default_factory=lambda: track([]))
    odometry: Track = field(default_factory=lambda: track([]))
    sigma_m: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    truth: Track = field(default_factory=lambda: track([]))
    series: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    """Name to (n, 1 + columns): time, then values."""
    wheels: tuple[str, ...] = ()
    plans: list[tuple[float, NDArray[np.float64]]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    status: str = ""
    mission: str = ""
    outcomes: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    nodes: dict[str, NodeUse] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[dict[str, Any]] = field(default_factory=list)
    goals: list[tuple[float, float, float]] = field(default_factory=list)
    canvas: Canvas | None = None
    stills: list[tuple[float, bytes]] = field(default_factory=list)
    """Frames of the camera, (time, JPEG)."""
    released_s: float | None = None
    true_house: NDArray[np.float64] | None = None
    true_digs: list[NDArray[np.float64]] = field(default_factory=list)
    dropped: int | None = None
    wall_s: float | None = None

    @property
    def driven_m(self) -> float:
        """Length of the estimated path, or of the true one when there is no estimate."""
        best = self.estimate if len(self.estimate) else self.truth
        return float(best.driven_m[-1]) if len(best) else 0.0

    @property
    def duration_s(self) -> float:
        """Of the rover's clock."""
        return self.span_s[1] - self.span_s[0]
