# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`deploy/install.sh` in a sandbox: a folder for /, commands that only write down their call."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUBS = ("apt-get", "useradd", "usermod", "systemctl", "udevadm")
BUILD = """
import os, pathlib, sys
if os.environ.get("BUILD_FAILS"):
    sys.exit(3)
here = pathlib.Path(__file__).parents[1] / ".venv" / "bin"
here.mkdir(parents=True)
(here / "tenacious").write_text("")
"""
INSTALL = """#!/bin/bash
# The real one without owners: the sandbox has no such account.
kept=()
while [ $# -gt 0 ]; do
  case "$1" in -o | -g) shift 2 ;; *) kept+=("$1"); shift ;; esac
done
exec {install} "${{kept[@]}}"
"""


class Sandbox:
    """A checkout, a system and the commands."""

    def __init__(self, folder, release="ubuntu 24.04"):
        self.source, self.system = folder / "checkout", folder / "system"
        self.called = folder / "called"
        for part in ("deploy", "config"):
            shutil.copytree(ROOT / part, self.source / part)
        (self.source / "deploy" / "setup_environment.py").write_text(BUILD)
        for name in ("etc/udev/rules.d", "etc/systemd/system", "opt"):
            (self.system / name).mkdir(parents=True)
        name, number = release.split()
        words = f'ID={name}\nVERSION_ID="{number}"\nPRETTY_NAME="{name} {number}"\n'
        (self.system / "etc" / "os-release").write_text(words)
        self.bin = folder / "bin"
        self.bin.mkdir()
        for command in STUBS:
            self.command(command, f'#!/bin/sh\necho "{command} $*" >> {self.called}\n')
        self.command("apt-cache", "#!/bin/sh\n")
        self.command("getent", "#!/bin/sh\n")
        self.command("id", '#!/bin/sh\n[ "$2" = rover ] && exit 1\necho 0\n')
        self.command("install", INSTALL.format(install=shutil.which("install")))

    def command(self, name, text):
        path = self.bin / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(self, *words, version="1.0.0", **environment):
        (self.source / "setup.py").write_text(f'setup(\n    version="{version}",\n)\n')
        environment = {
            **os.environ,
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "ROVER_SYSTEM": str(self.system),
            **environment,
        }
        command = ["bash", str(self.source / "deploy" / "install.sh"), *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def at(self, link):
        path = self.system / "opt" / "tenacious_rover" / link
        return path.resolve().name.split("-")[0] if path.exists() else None

    def calls(self):
        return self.called.read_text().splitlines() if self.called.exists() else []


@pytest.fixture
def sandbox(tmp_path):
    return Sandbox(tmp_path)


def test_a_first_install(sandbox):
    done = sandbox.run()
    assert done.returncode == 0, done.stderr
    assert sandbox.at("current") == "1.0.0"
    assert sandbox.at("previous") is None
    etc = sandbox.system / "etc"
    assert (etc / "systemd/system/tenacious-rover.service").is_file()
    assert (etc / "udev/rules.d/99-tenacious-rover.rules").is_file()
    for name in ("rover.yaml", "environment"):
        mode = (etc / "tenacious_rover" / name).stat().st_mode
        assert not mode & stat.S_IRWXO, f"others can read {name}"
    calls = sandbox.calls()
    assert any(
        call.startswith("apt-get install") and "ros-jazzy-ros-base" in call for call in calls
    )
    assert calls.index("systemctl daemon-reload") < calls.index(
        "systemctl restart tenacious-rover.service"
    )


def test_update_keeps_what_the_user_wrote_and_rolls_back_and_forth(sandbox):
    sandbox.run()
    mine = sandbox.system / "etc/tenacious_rover/rover.yaml"
    mine.write_text("mine")
    assert sandbox.run(version="1.1.0").returncode == 0
    assert (sandbox.at("current"), sandbox.at("previous")) == ("1.1.0", "1.0.0")
    assert mine.read_text() == "mine"
    sandbox.called.unlink()
    assert sandbox.run("--rollback").returncode == 0
    assert (sandbox.at("current"), sandbox.at("previous")) == ("1.0.0", "1.1.0")
    assert sandbox.calls() == ["systemctl restart tenacious-rover.service"]
    assert sandbox.run("--rollback").returncode == 0
    assert sandbox.at("current") == "1.1.0"


def test_a_build_that_fails_leaves_what_ran(sandbox):
    sandbox.run()
    sandbox.called.unlink()
    assert sandbox.run(version="1.1.0", BUILD_FAILS="1").returncode != 0
    assert sandbox.at("current") == "1.0.0"
    assert not any("systemctl" in call for call in sandbox.calls())
    assert sandbox.run("--rollback").returncode == 3
    assert sandbox.at("current") == "1.0.0"
    assert sandbox.run(version="1.1.0").returncode == 0
    assert sandbox.at("current") == "1.1.0"


def test_only_two_versions_stay(sandbox):
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        assert sandbox.run(version=version).returncode == 0
    there = {path.name.split("-")[0] for path in (sandbox.system / "opt/tenacious_rover").iterdir()}
    assert there == {"1.1.0", "1.2.0", "current", "previous"}


def test_nothing_to_go_back_to(sandbox):
    sandbox.run()
    done = sandbox.run("--rollback")
    assert done.returncode == 3
    assert "no earlier version" in done.stderr


def test_a_dry_run_changes_nothing(sandbox):
    done = sandbox.run("--dry-run")
    assert done.returncode == 0, done.stderr
    assert "would run: systemctl restart" in done.stdout
    assert sandbox.at("current") is None
    assert not sandbox.calls()


def test_another_system_is_refused_by_name(tmp_path):
    done = Sandbox(tmp_path, "debian 12").run()
    assert done.returncode == 3
    assert "debian 12" in done.stderr


def test_a_wrong_word(sandbox):
    assert sandbox.run("--backwards").returncode == 2


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="no shellcheck here")
def test_shellcheck_finds_nothing():
    script = str(ROOT / "deploy" / "install.sh")
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    assert done.stdout == ""
