# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Many cases in some processes, kept as they end, so that a study goes on where it was stopped."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import traceback
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class Store:
    """One JSON object per line, each with `case` and `key`; half a line at the end is dropped.

    `key` names how the cases were run: lines of another key stay in the file and are not read.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key = path, key
        path.parent.mkdir(parents=True, exist_ok=True)

    def read(self) -> dict[str, dict[str, Any]]:
        """Case to its record; a later line replaces an earlier one."""
        found: dict[str, dict[str, Any]] = {}
        if not self.path.exists():
            return found
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if record.get("key") == self.key:
                found[record["case"]] = record
        return found

    def add(self, record: dict[str, Any]) -> None:
        """Append one record and put it on the disk."""
        line = json.dumps({**record, "key": self.key}, default=float) + "\n"
        whole = not self.path.exists() or self.path.read_bytes()[-1:] in (b"", b"\n")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line if whole else "\n" + line)
            file.flush()
            os.fsync(file.fileno())


def run_all(
    cases: Sequence[str],
    work: Callable[[str], dict[str, Any]],
    store: Store,
    jobs: int,
    title: str,
) -> dict[str, dict[str, Any]]:
    """Run those of `cases` that the store does not have yet.

    A case that raises becomes a record with `error`, and is tried again the next time. Ctrl-C ends
    the study after what is done is kept.

    Args:
        cases: ids, in the order of their importance.
        work: id to record; a function of a module, it runs in other processes.
        store: where records are.
        jobs: processes at a time.
        title: of the progress bar.

    Returns:
        Case to record, of all that are known.
    """
    known = {case: one for case, one in store.read().items() if "error" not in one}
    due = [case for case in cases if case not in known]
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with bar, contextlib.suppress(KeyboardInterrupt):
        task = bar.add_task(title, total=len(cases), completed=len(cases) - len(due), last="")
        for case, record in _worked(due, work, jobs):
            store.add(record)
            known[case] = record
            bar.update(task, advance=1, last=_said(record))
    return {case: known[case] for case in cases if case in known}


def _worked(due: Sequence[str], work: Callable[[str], dict[str, Any]], jobs: int) -> Any:
    """(case, record) as they end."""
    if jobs <= 1:
        for case in due:
            yield case, _guarded(work, case)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_one_thread) as pool:
        try:
            futures: dict[Future[dict[str, Any]], str] = {
                pool.submit(_guarded, work, case): case for case in due
            }
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _one_thread() -> None:
    """Threads of a process would wait for each other on a full machine; before numba is loaded."""
    os.environ["NUMBA_NUM_THREADS"] = "1"


def _guarded(work: Callable[[str], dict[str, Any]], case: str) -> dict[str, Any]:
    """A crash is a result, too."""
    try:
        return work(case)
    except Exception as error:  # noqa: BLE001 - whatever it was belongs into the table
        return {"case": case, "error": f"{type(error).__name__}: {error}", "where": _where(error)}


def _where(error: Exception) -> str:
    return "".join(traceback.format_exception(error)[-3:])


def _said(record: dict[str, Any]) -> str:
    if "error" in record:
        return f"{record['case']}: {record['error']}"[:60]
    good = record.get("verdict", {}).get("success")
    return f"{record['case']}: {'reached' if good else record.get('ended', '')}"
