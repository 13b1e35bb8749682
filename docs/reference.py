# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/reference/ROOM.md for `make docs`: one page a room, one section a file."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tenacious_rover"
SHELL = {"__init__", "node", "error"}


def main() -> None:
    """All rooms."""
    target = ROOT / "docs" / "reference"
    target.mkdir(exist_ok=True)
    for old in target.glob("*.md"):
        old.unlink()
    for room in sorted(path for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()):
        if room.name == "cli":
            continue
        files = sorted(path.stem for path in room.glob("*.py") if path.stem not in SHELL)
        sections = [f"::: tenacious_rover.{room.name}.{name}\n" for name in files]
        (target / f"{room.name}.md").write_text("\n".join([f"# {room.name}/\n", *sections]))


if __name__ == "__main__":
    main()
