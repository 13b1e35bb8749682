# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Fast marching (Sethian 1996): |grad T| = cost from one point over a grid, compiled.

Unlike a search over eight neighbours it has no preferred directions. First order, with exact
distances around the source, where the scheme is worst.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
_SOURCE_CELLS = 3


@njit(cache=True)
def _push(keys: Array, cells: NDArray[np.int64], size: int, key: float, cell: int) -> int:
    """Put (key, cell) on the binary heap of `size`; returns its new size."""
    here = size
    while here > 0:
        parent = (here - 1) // 2
        if keys[parent] <= key:
            break
        keys[here], cells[here] = keys[parent], cells[parent]
        here = parent
    keys[here], cells[here] = key, cell
    return size + 1


@njit(cache=True)
def _pop(keys: Array, cells: NDArray[np.int64], size: int) -> int:
    """Take the least off the heap (it is read at 0 before); returns the new size."""
    size -= 1
    key, cell = keys[size], cells[size]
    here = 0
    while True:
        child = 2 * here + 1
        if child >= size:
            break
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[here], cells[here] = keys[child], cells[child]
        here = child
    keys[here], cells[here] = key, cell
    return size


@njit(cache=True)
def _arrival(time: Array, here: int, rows: int, columns: int, step: float) -> float:
    """Upwind solution at cell `here` from the times of its four neighbours."""
    r, c = here // columns, here % columns
    a = b = np.inf
    if c > 0:
        a = time[here - 1]
    if c < columns - 1:
        a = min(a, time[here + 1])
    if r > 0:
        b = time[here - columns]
    if r < rows - 1:
        b = min(b, time[here + columns])
    if abs(a - b) >= step:
        return min(a, b) + step
    return 0.5 * (a + b + np.sqrt(2.0 * step * step - (a - b) ** 2))


@njit(cache=True)
def _seed(
    cost: Array, row: float, column: float, time: Array, keys: Array, cells: NDArray[np.int64]
) -> int:
    """Exact times around the source; returns the size of the heap."""
    rows, columns = cost.shape
    size = 0
    r0 = min(max(round(row), 0), rows - 1)
    c0 = min(max(round(column), 0), columns - 1)
    middle = cost[r0, c0]
    if not np.isfinite(middle):
        return 0
    for r in range(int(row) - _SOURCE_CELLS, int(row) + _SOURCE_CELLS + 2):
        for c in range(int(column) - _SOURCE_CELLS, int(column) + _SOURCE_CELLS + 2):
            far = np.hypot(r - row, c - column)
            inside = 0 <= r < rows and 0 <= c < columns
            if inside and far <= _SOURCE_CELLS and np.isfinite(cost[r, c]):
                time[r * columns + c] = far * 0.5 * (cost[r, c] + middle)
                size = _push(keys, cells, size, time[r * columns + c], r * columns + c)
    return size


@njit(cache=True)
def march(cost: Array, row: float, column: float, enough: int, beyond: float) -> Array:
    """Travel time from (row, column), fractional, over `cost` (rows, columns) per cell.

    Cells of infinite cost are walls. Once the cell of flat index `enough` is reached, the march
    goes on for a time of `beyond` only; -1: to the end. What is not reached is infinite.
    """
    rows, columns = cost.shape
    flat = cost.ravel()
    time = np.full(rows * columns, np.inf)
    done = np.zeros(rows * columns, np.bool_)
    keys = np.empty(rows * columns * 4 + 64)
    cells = np.empty(rows * columns * 4 + 64, np.int64)
    size = _seed(cost, row, column, time, keys, cells)
    limit = np.inf
    while size > 0 and keys[0] <= limit:
        now, here = keys[0], cells[0]
        size = _pop(keys, cells, size)
        if done[here]:
            continue
        done[here] = True
        if here == enough:
            limit = now + beyond
        c = here % columns
        for there, inside in (
            (here - 1, c > 0),
            (here + 1, c < columns - 1),
            (here - columns, here >= columns),
            (here + columns, here < (rows - 1) * columns),
        ):
            if not inside or done[there] or not np.isfinite(flat[there]):
                continue
            new = _arrival(time, there, rows, columns, flat[there])
            if new < time[there]:
                time[there] = new
                size = _push(keys, cells, size, new, there)
    return np.where(done, time, np.inf).reshape(rows, columns)
