# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where numba keeps machine code: a folder per state of the sources.

Numba renews a cached function when its own file changes, not when a file that it calls changes.
After an update such code would go on computing what the old kernels computed. So all kernels share
a folder that is named by the content of every file that has one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"
_KEPT = 2
"""Folders that stay: of this state, and of the one before for processes that still run on it."""


def digest(package: Path) -> str:
    """Of every source below `package` that has a compiled function."""
    found = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        content = path.read_bytes()
        if b"njit" in content:
            found.update(path.relative_to(package).as_posix().encode() + b"\0" + content)
    return found.hexdigest()[:16]


def keep(package: Path) -> Path | None:
    """Tell numba, before its first import, where to keep code; None if the user has chosen.

    That is beside the sources, or in the user's cache where those cannot be written.
    """
    if os.environ.get(VARIABLE):
        return None
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    state = digest(package)
    for home in (package / "__pycache__" / "kernels", cache / "tenacious_rover" / "kernels"):
        folder = home / state
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.utime(folder)
        except OSError:
            continue
        os.environ[VARIABLE] = str(folder)
        if "numba" in sys.modules:
            sys.modules["numba"].config.CACHE_DIR = str(folder)
        older = sorted(home.iterdir(), key=lambda path: path.stat().st_mtime)[:-_KEPT]
        for path in older:
            shutil.rmtree(path, ignore_errors=True)
        return folder
    return None
