# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A ROS domain of its own for each run on this machine: two simulated rovers must not mix."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path
from typing import IO

DOMAINS = range(100)
"""Below the range whose ports meet Linux's ephemeral ones."""


class DomainError(RuntimeError):
    """The domain that was asked for is taken by another run."""


def claim() -> tuple[int, IO[str]]:
    """The domain of this run and the lock that holds it while the process lives.

    A domain in `ROS_DOMAIN_ID` is taken as it is; else the first one that no other run holds, which
    is put there for the nodes.

    Raises:
        DomainError: `ROS_DOMAIN_ID` names one that another run holds, or all are taken.
    """
    given = os.environ.get("ROS_DOMAIN_ID", "")
    wanted = [int(given)] if given.isdigit() else list(DOMAINS)
    for number in wanted:
        held = _locked(number)
        if held is not None:
            os.environ["ROS_DOMAIN_ID"] = str(number)
            return number, held
    if given:
        raise DomainError(
            f"ROS_DOMAIN_ID={given}: another run on this machine is in that domain; stop it, or "
            "leave the variable out and a free one is taken"
        )
    raise DomainError("all ROS domains of this machine hold a run")


def _locked(number: int) -> IO[str] | None:
    path = Path(tempfile.gettempdir()) / f"tenacious_domain_{number}_{os.getuid()}.lock"
    file = path.open("w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
