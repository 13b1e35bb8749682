# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the package's data files are: source tree, ament prefix or virtual environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

NAME = "tenacious_rover"


def roots() -> list[Path]:
    """Folders that may hold `worlds/`, `config/`, `description/`, `missions/`, in order."""
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    shares = [prefix / "share" / NAME for prefix in (*prefixes, Path(sys.prefix))]
    return [Path(__file__).resolve().parents[2], *shares]


def resource(*parts: str) -> Path:
    """The file or folder `parts` of the package.

    Raises:
        FileNotFoundError: names the places looked at.
    """
    looked = [root.joinpath(*parts) for root in roots()]
    for path in looked:
        if path.exists():
            return path
    raise FileNotFoundError(f"{'/'.join(parts)}: not in {', '.join(map(str, looked))}")


def named(folder: str, name: str, suffix: str = ".yaml") -> Path:
    """A file given by path, or by bare name from the package's `folder`.

    Raises:
        FileNotFoundError: neither; lists the names there are.
    """
    path = Path(name)
    if path.suffix and path.is_file():
        return path
    for root in roots():
        candidate = root / folder / f"{name.removesuffix(suffix)}{suffix}"
        if candidate.is_file():
            return candidate
    files = [p for root in roots() for p in (root / folder).glob(f"*{suffix}")]
    known = sorted({path.name.removesuffix(suffix) for path in files})
    raise FileNotFoundError(f"{name}: no such file, and none of {folder}: {', '.join(known)}")
