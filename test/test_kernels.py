# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Compiled functions follow their sources, also those of other files that they call."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tenacious_rover import kernels

INIT = """
from pathlib import Path
from tenacious_rover import kernels
kernels.keep(Path(__file__).parent)
"""
INNER = "from numba import njit\n\n@njit(cache=True)\ndef inner():\n    return {value}\n"
OUTER = (
    "from numba import njit\nfrom pack.inner import inner\n\n"
    "@njit(cache=True)\ndef outer():\n    return inner()\n"
)


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "__init__.py").write_text(INIT)
    (folder / "outer.py").write_text(OUTER)
    return folder


def ask(package, **environment):
    """What `outer` gives in a process of its own, and where its code is kept."""
    clean = {key: value for key, value in os.environ.items() if key != kernels.VARIABLE}
    # `tenacious_rover` itself must not choose first.
    code = (
        "import os, sys; import tenacious_rover; os.environ.pop('NUMBA_CACHE_DIR', None)\n"
        "from pack.outer import outer; print(outer()); print(os.environ['NUMBA_CACHE_DIR'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=package.parent,
        env=clean | {"PYTHONPATH": f"{package.parent}:{Path(__file__).parents[1]}"} | environment,
    )
    value, folder = done.stdout.split()
    return int(value), Path(folder)


def test_a_change_in_a_called_file_is_seen(package):
    (package / "inner.py").write_text(INNER.format(value=1))
    before = ask(package)
    again = ask(package)
    (package / "inner.py").write_text(INNER.format(value=2))
    after = ask(package)
    assert before[0] == again[0] == 1
    assert before[1] == again[1]
    assert after[0] == 2
    assert any(after[1].rglob("*.nbi"))


def test_only_the_state_before_is_kept(package):
    for value in range(4):
        (package / "inner.py").write_text(INNER.format(value=value))
        newest = ask(package)[1]
    assert newest.exists()
    assert len(list(newest.parent.iterdir())) == 2


def test_where_sources_cannot_be_written_the_users_cache_serves(package, tmp_path, monkeypatch):
    monkeypatch.delenv(kernels.VARIABLE, raising=False)
    (package / "__pycache__").write_text("a file where the folder would be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = kernels.keep(package)
    assert folder is not None
    assert folder.is_relative_to(tmp_path / "cache")


def test_what_the_user_chose_stays(package, monkeypatch):
    monkeypatch.setenv(kernels.VARIABLE, "/elsewhere")
    assert kernels.keep(package) is None
    assert os.environ[kernels.VARIABLE] == "/elsewhere"
