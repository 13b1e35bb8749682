# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The emulated cameras have a process of their own: a picture must not hold up wheels and IMU."""

from __future__ import annotations

import multiprocessing
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.rover.description import load_rover
from tenacious_rover.simulator.build import build_world
from tenacious_rover.simulator.config import SimulatorConfig
from tenacious_rover.simulator.dynamics import Dynamics
from tenacious_rover.simulator.eyes import Eyes
from tenacious_rover.simulator.faults import FrozenCamera, LensDust

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

    from tenacious_rover.rover.measurements import Stereo
    from tenacious_rover.simulator.engine import Simulator
    from tenacious_rover.simulator.world import WorldSpec

START_S = 120.0
"""The first picture may have to compile the renderer."""
PICTURE_S = 10.0


@dataclass(frozen=True)
class Moment:
    """All that a picture depends on, at one step of the simulator.

    `positions` and `velocities` are MuJoCo's generalised ones; `changes` are windows of ground that
    were dug since the moment before; `carried_ml` is the soil in the scoop.
    """

    steps: int
    positions: NDArray[np.float64]
    velocities: NDArray[np.float64]
    carried_ml: float = 0.0
    frozen: bool = False
    dust: tuple[LensDust, ...] = ()
    changes: list[tuple[int, int, NDArray[np.float32]]] = field(default_factory=list)


def moment(simulator: Simulator) -> Moment:
    """Of a simulator without cameras, now; takes the changes of the ground away from it."""
    dynamics = simulator.dynamics
    active = simulator.faults.active(simulator.time_s)
    changes = list(dynamics.changes)
    dynamics.changes.clear()
    return Moment(
        dynamics.steps,
        np.array(dynamics.data.qpos),
        np.array(dynamics.data.qvel),
        dynamics.scoop.carried_ml if dynamics.scoop is not None else 0.0,
        any(isinstance(one, FrozenCamera) for one in active),
        tuple(one for one in active if isinstance(one, LensDust)),
        changes,
    )


class EyesProcess:
    """Renders pairs of a rover's moments.

    Args:
        spec, description, seed: the same as of the simulator whose moments come.
    """

    def __init__(self, spec: WorldSpec, description: str, seed: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._lock = threading.Lock()
        self._process = context.Process(
            target=_serve, args=(theirs, spec, description, seed), daemon=True, name="eyes"
        )
        self._process.start()
        theirs.close()
        self._ask(None, START_S)

    def pair(self, now: Moment) -> Stereo:
        """What both eyes see.

        Raises:
            OSError: the process is gone or silent.
        """
        found: Stereo = self._ask(now, PICTURE_S)
        return found

    def expose(self, auto: bool, exposure_us: float, gain: float) -> None:
        """For the pictures to come; 0 keeps a value."""
        self._ask((auto, exposure_us, gain), PICTURE_S)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.join(2.0)

    def _ask(self, what: Any, patience_s: float) -> Any:
        with self._lock:
            try:
                self._pipe.send(what)
                if self._pipe.poll(patience_s):
                    return self._pipe.recv()
            except EOFError as error:
                raise OSError("emulated cameras: their process has ended") from error
        raise OSError(f"emulated cameras: no picture within {patience_s:g} s")


def _serve(pipe: Connection, spec: WorldSpec, description: str, seed: int) -> None:
    """The process: answers moments with pairs, exposures with nothing."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    dynamics = Dynamics(build_world(spec), load_rover(description), SimulatorConfig())
    streams = [np.random.default_rng([seed, 7, number]) for number in (4, 5)]
    eyes = Eyes(dynamics, streams)
    eyes.pair((), frozen=False)
    while True:
        try:
            asked = pipe.recv()
        except EOFError:
            return
        if asked is None:
            pipe.send(None)
        elif isinstance(asked, Moment):
            pipe.send(_seen(eyes, dynamics, asked))
        else:
            eyes.control(*asked)
            pipe.send(None)


def _seen(eyes: Eyes, dynamics: Dynamics, now: Moment) -> Stereo:
    dynamics.steps = now.steps
    dynamics.data.qpos[:], dynamics.data.qvel[:] = now.positions, now.velocities
    dynamics.changes.extend(now.changes)
    if dynamics.scoop is not None:
        dynamics.scoop.carried_ml = now.carried_ml
    return eyes.pair(now.dust, now.frozen)
