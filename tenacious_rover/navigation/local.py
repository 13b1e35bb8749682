# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Which manoeuvre next: rank all cheaply, check few exactly, in order of promise.

As in ENav (arXiv 2011.06022): the rank is the cost of the way plus the cost-to-go from its end; the
check settles the rover's geometry on the map (ACE, arXiv 1808.00031) and costs a thousand times
more, so it is asked only until no path left can be better than the best one found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tenacious_rover.navigation import arcs
from tenacious_rover.rover import frames

if TYPE_CHECKING:
    from tenacious_rover.navigation.config import NavigationConfig
    from tenacious_rover.navigation.global_cost import GlobalCost

Array = NDArray[np.float64]
_BATCH = 8
_ESCAPE_M = 0.3
_AT_GOAL_M = 0.15
_EDGE_RAD = np.radians(8.0)


@dataclass(frozen=True)
class Checked:
    """Of poses (n,): `safe` as far as it is known, and `known` well enough to say so."""

    safe: NDArray[np.bool_]
    known: NDArray[np.bool_]


class PoseCheck(Protocol):
    """The rover's geometry on the map."""

    def __call__(self, poses: Array) -> Checked:
        """Check poses (n, 3) x, y, yaw in odom."""
        ...


@dataclass(frozen=True)
class Checks:
    """Of one map: with the planner's margins, with those where it is tight, with the guard's.

    `turn`: with those of a turn in place. Each lowers a skid steer by a centimetre or two, for its
    wheels dig: over a stone that it clears when it drives it may come to hang.
    """

    plan: PoseCheck
    tight: PoseCheck
    guard: PoseCheck
    turn: PoseCheck


@dataclass(frozen=True)
class Choice:
    """A path to follow: `turn` rad in place, then `poses` (n, 3) in odom.

    `clear_m` of it are seen to be safe; `cost` in m of easy ground; `checked`: paths looked at.
    """

    turn: float
    poses: Array
    clear_m: float
    cost: float
    checked: int
    direction: float


def choose(
    paths: arcs.Library,
    plan: GlobalCost,
    cost: Array,
    here: Array,
    checks: Checks,
    config: NavigationConfig,
    half_fov: float,
    previous: float | None = None,
    turn_penalty: float = 0.0,
    kept: Array | None = None,
) -> Choice | None:
    """The best safe path from `here` (3,) x, y, yaw in odom, or `None`.

    Args:
        paths: the library.
        plan: cost-to-go.
        cost: (rows, columns) cost per metre on the plan's grid.
        here: where the rover is.
        checks: the exact checks.
        config: weights.
        half_fov: of the camera, rad: a turn brings into view only what lies beyond it.
        previous: direction in odom that the rover was going to take, rad.
        turn_penalty: extra cost of any turn in place: one has just been made here.
        kept: rest of the path that is being followed (n, 3) in odom; others must be better by the
            cost of a change of mind. It was checked when it was chosen, so now the guard's margins
            do: a path is not left for a millimetre.
    """
    poses = arcs.placed(paths.poses, here[0], here[1], here[2])
    ranked = _ranked(paths, plan, cost, poses, here, config, previous)
    ranked = (ranked[0] + turn_penalty * (paths.turn != 0.0), *ranked[1:])
    own = _going_on(kept, plan, cost, here, checks, config, paths.step_m)
    # Between rocks margins shrink before the rover turns back; and one that stands closer to
    # something than planned may leave, on ground that even the guard calls unsafe at all.
    escape_m = 0.0 if checks.guard(here[None]).safe[0] else _ESCAPE_M
    for near, turn in (
        (checks.plan, checks.turn),
        (checks.tight, checks.turn),
        (checks.guard, checks.tight),
    ):
        last = near is checks.guard
        if not last and not near(here[None]).safe[0]:
            continue
        if last and near is not checks.plan and checks.tight(here[None]).safe[0]:
            continue
        search = _Search(
            paths, plan, poses, ranked, here, turn, near, checks.guard, config, half_fov
        )
        best = search.best(own, escape_m)
        if best is not None:
            return best
    return None


@dataclass(frozen=True)
class _Search:
    """One pass through the ranked paths: `turn` and `near` are asked for the turn and first arc."""

    paths: arcs.Library
    plan: GlobalCost
    poses: Array
    ranked: tuple[Array, NDArray[np.int64], Array, Array]
    here: Array
    turn: PoseCheck
    near: PoseCheck
    far: PoseCheck
    config: NavigationConfig
    half_fov: float

    def best(self, best: Choice | None, escape_m: float) -> Choice | None:
        """In order of promise, until none that is left can be better than what there is."""
        paths, poses, here, config = self.paths, self.poses, self.here, self.config
        rank, ends, spent, to_go = self.ranked
        order = np.argsort(rank)
        order = order[np.isfinite(rank[order])]
        refused: set[int] = set()
        looked = 0
        position = 0
        while position < len(order) and looked < config.checks:
            batch: list[int] = []
            while position < len(order) and len(batch) < _BATCH:
                index = int(order[position])
                position += 1
                if paths.group[index] not in refused:
                    batch.append(index)
            if not batch or (best is not None and rank[batch[0]] >= best.cost):
                break
            looked += len(batch)
            for index, (clear, fits) in zip(batch, self._clear(batch, escape_m), strict=True):
                goal_m = ends[index] * paths.step_m
                if not fits or clear < min(config.safe_ahead_m, goal_m):
                    if not fits or clear < paths.first_steps * paths.step_m:
                        refused.add(int(paths.group[index]))
                    continue
                last = min(round(clear / paths.step_m), int(ends[index]))
                worth = rank[index]
                if last < ends[index]:
                    worth = rank[index] + spent[index, last - 1] - spent[index, ends[index] - 1]
                    worth += to_go[index, last - 1] - to_go[index, ends[index] - 1] + 0.3
                if best is None or worth < best.cost:
                    way = poses[index, : max(last, 1)]
                    turn = float(paths.turn[index])
                    best = Choice(turn, way, clear, float(worth), looked, _direction(way, here))
        return best

    def _clear(self, batch: list[int], escape_m: float) -> list[tuple[float, bool]]:
        """For each path: how far it is safe and seen, and whether its turn in place is safe.

        The turn and the first arc keep the margins of this pass; farther ground is not known as
        well yet and will be looked at again, so there the guard's margins do.
        """
        paths, poses, here, config = self.paths, self.poses, self.here, self.config
        ends, near = self.ranked[1], self.paths.first_steps
        sweeps = [arcs.placed(arcs.sweep(paths.turn[i]), *map(float, here)) for i in batch]
        first = [poses[i, : min(ends[i], near)] for i in batch]
        second = [poses[i, near : max(ends[i], near)] for i in batch]
        swept = _split(self.turn(np.concatenate(sweeps)), sweeps)
        ahead = _split(self.near(np.concatenate(first)), first)
        beyond = _split(self.far(np.concatenate(second)), second)
        out = []
        for k, index in enumerate(batch):
            (turned, _), (safe, known), (far, clear) = swept[k], ahead[k], beyond[k]
            fits = bool(turned.all()) or escape_m > 0.0
            way = poses[index, : ends[index]]
            along = paths.distance[: len(way)]
            safe, known = np.concatenate([safe, far]), np.concatenate([known, clear])
            safe |= along <= escape_m
            # Ground beside and before the wheels is never in view; after a turn new ground is.
            known |= along <= config.blind_m
            if paths.turn[index]:
                side = np.arctan2(way[:, 1] - here[1], way[:, 0] - here[0]) - here[2]
                aside = np.abs((side + np.pi) % (2.0 * np.pi) - np.pi) > self.half_fov - _EDGE_RAD
                known |= aside & ~self.plan.hidden(way[:, :2])
            good = safe & known
            steps = len(way) if good.all() else int(good.argmin())
            out.append((steps * paths.step_m, fits))
        return out


def _going_on(
    kept: Array | None,
    plan: GlobalCost,
    cost: Array,
    here: Array,
    checks: Checks,
    config: NavigationConfig,
    step_m: float,
) -> Choice | None:
    """The rest of the path that was chosen before, when it is still long and safe enough."""
    if kept is None or len(kept) < 2:
        return None
    checked = checks.guard(kept)
    good = checked.safe & (checked.known | (step_m * np.arange(1, len(kept) + 1) <= config.blind_m))
    steps = len(kept) if good.all() else int(good.argmin())
    way = kept[: max(steps, 1)]
    to_go = plan.sampled(plan.to_go, way[-1, :2])
    reached = to_go <= _AT_GOAL_M
    if steps * step_m < config.safe_ahead_m and not (reached and good.all()):
        return None
    worth = float(plan.sampled(cost, way[:, :2]).sum() * step_m + to_go) - config.stay_gain
    if not np.isfinite(worth):
        return None
    return Choice(0.0, way, steps * step_m, worth, 0, _direction(way, here))


def _ranked(
    paths: arcs.Library,
    plan: GlobalCost,
    cost: Array,
    poses: Array,
    here: Array,
    config: NavigationConfig,
    previous: float | None,
) -> tuple[Array, NDArray[np.int64], Array, Array]:
    """Rank (n,), number of steps (n,) to the goal or the end, cost spent and to go (n, steps)."""
    per_metre = plan.sampled(cost, poses[..., :2])
    spent = np.cumsum(per_metre, axis=1) * paths.step_m
    to_go = plan.sampled(plan.to_go, poses[..., :2])
    at_goal = to_go <= _AT_GOAL_M
    steps = poses.shape[1]
    ends = np.where(at_goal.any(1), at_goal.argmax(1) + 1, steps)
    each = np.arange(len(ends))
    turning = np.abs(paths.turn)
    manner = config.turn_cost * turning + config.turn_setup_cost * (turning > 0.0)
    manner += 0.02 * np.abs(paths.curvature).sum(1) + 0.02 * np.abs(np.diff(paths.curvature)[:, 0])
    if previous is not None:
        middle = poses[:, paths.first_steps - 1, :2] - here[:2]
        away = np.arctan2(middle[:, 1], middle[:, 0]) - previous
        manner += config.change_cost * np.abs((away + np.pi) % (2.0 * np.pi) - np.pi)
    with np.errstate(invalid="ignore"):
        rank = spent[each, ends - 1] + to_go[each, ends - 1] + manner
    return np.where(np.isnan(rank), np.inf, rank), ends, spent, to_go


def _split(checked: Checked, parts: list[Array]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """(safe, known) of each of the parts that were checked in one go."""
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return list(zip(np.split(checked.safe, ends), np.split(checked.known, ends), strict=True))


def _direction(way: Array, here: Array) -> float:
    ahead = way[min(len(way), 8) - 1, :2] - here[:2]
    return frames.wrapped(float(np.arctan2(ahead[1], ahead[0])))
