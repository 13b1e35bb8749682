# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages as rows of plain values, for tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from tenacious_rover.analysis.bag import Bag

_MOST = 64
_BATCH = 5000


def flat(message: Any, prefix: str = "") -> dict[str, Any]:
    """Column to value: `pose.position.x`; short arrays spread out, long ones only counted."""
    row: dict[str, Any] = {}
    for name in message.__dataclass_fields__:
        if name.startswith("__") or name.isupper():
            continue
        _spread(row, f"{prefix}{name}", getattr(message, name))
    return row


def _spread(row: dict[str, Any], name: str, value: Any) -> None:
    if hasattr(value, "__dataclass_fields__"):
        if set(value.__dataclass_fields__) >= {"sec", "nanosec"}:
            row[f"{name}_s"] = value.sec + value.nanosec * 1e-9
            return
        row.update(flat(value, f"{name}."))
        return
    if isinstance(value, (np.ndarray, list, tuple)):
        if len(value) > _MOST:
            row[f"{name}.length"] = len(value)
            return
        for i, item in enumerate(value):
            _spread(row, f"{name}[{i}]", item)
        return
    row[name] = value.item() if isinstance(value, np.generic) else value


def table_name(topic: str) -> str:
    """A file name for a topic."""
    return re.sub(r"[^A-Za-z0-9]+", "_", topic).strip("_") or "root"


class Table:
    """Rows of one topic, written in batches to CSV or Parquet.

    Columns are those of the first batch; what comes later and does not fit counts in `ignored`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        self.columns: list[str] | None = None
        self.count = 0
        self.ignored = 0
        self._sink: Any = None

    def add(self, row: dict[str, Any]) -> None:
        """One more row."""
        self.rows.append(row)
        if len(self.rows) >= _BATCH:
            self._write()

    def close(self) -> None:
        """Write what is left."""
        self._write()
        if self._sink is not None:
            self._sink.close()

    def _write(self) -> None:
        import pandas as pd

        if not self.rows:
            return
        frame = pd.DataFrame(self.rows)
        self.rows = []
        if self.columns is None:
            self.columns = list(frame.columns)
        extra = [c for c in frame.columns if c not in self.columns]
        self.ignored += len(extra)
        frame = frame.reindex(columns=self.columns)
        if self.path.suffix == ".csv":
            frame.to_csv(self.path, mode="a", header=self.count == 0, index=False)
        else:
            self._parquet(frame)
        self.count += len(frame)

    def _parquet(self, frame: Any) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._sink is None:
            table = pa.Table.from_pandas(frame, preserve_index=False)
            self._sink = pq.ParquetWriter(self.path, table.schema, compression="zstd")
        else:
            table = pa.Table.from_pandas(frame, self._sink.schema, preserve_index=False, safe=False)
        self._sink.write_table(table)


def tables(bag: Bag, folder: Path, ending: str, topics: set[str]) -> dict[str, int]:
    """One table per topic; file name to number of rows."""
    open_tables: dict[str, Table] = {}
    for said in bag.messages(dict.fromkeys(topics, 0.0)):
        message = bag.decode(said)
        if message is None:
            continue
        if said.topic not in open_tables:
            path = folder / f"{table_name(said.topic)}{ending}"
            path.unlink(missing_ok=True)
            open_tables[said.topic] = Table(path)
        open_tables[said.topic].add({"received_s": said.time_s, **flat(message)})
    for table in open_tables.values():
        table.close()
    return {table.path.name: table.count for table in open_tables.values()}
