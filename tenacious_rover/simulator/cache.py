# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Built worlds kept on disk: written whole or not at all, checked when read."""

from __future__ import annotations

import logging
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOG = logging.getLogger(__name__)


def cache_folder() -> Path:
    """`TENACIOUS_CACHE`, or the user's cache folder; its `worlds`."""
    named = os.environ.get("TENACIOUS_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (Path(named) if named else base / "tenacious_rover") / "worlds"


def write(path: Path, arrays: dict[str, NDArray], digest: str) -> None:
    """Keep arrays by name, with the digest of the world they make.

    A folder that cannot be written to is said in the log; the world is then not kept.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    except OSError as error:
        _LOG.warning("%s: %s; the world is not kept", path.parent, error)
        return
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, digest=np.array(digest), **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        _LOG.warning("%s: %s; the world is not kept", path, error)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path) -> tuple[dict[str, NDArray], str] | None:
    """Arrays by name and the digest they should have; None when there are none to be had."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        return arrays, str(arrays.pop("digest"))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _LOG.warning("%s: %s; the world is built again", path, error)
        return None
